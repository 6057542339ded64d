"""`sglc opt` and `sglc repro`: passes on graphs as text, away from any program."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from sglc.ir.errors import IRError, in_words
from sglc.ir.files import write_whole
from sglc.ir.graph import Graph
from sglc.ir.parser import parse_written
from sglc.ir.printer import print_graph
from sglc.ir.verify import verify
from sglc.passes.lower import lower
from sglc.passes.pipeline import GRAPH_PASSES, Pass, applied, how_to_report
from sglc.passes.reproducer import Reproducer

PASSES: dict[str, Pass] = {graph_pass.__name__: graph_pass for graph_pass in GRAPH_PASSES}


def optimise_file(source: str, names: str | None, output: Path | None) -> None:
    """Prints, or writes, the graph of a text after passes. source: a file, or "-". names: parted by commas; None is all.

    Raises `IRError` for what is wrong with the text, and where a pass fails.
    """
    passes = list(PASSES.values()) if names is None else [_pass(name) for name in _listed(names)]
    text, where = _read(source), "<stdin>" if source == "-" else source
    graph = _graph(text, where)
    for graph_pass in passes:
        graph = _after(graph_pass, graph, where)
    text = print_graph(graph)
    if output is None:
        print(text, end="")
        return
    try:
        write_whole(output, text.encode())
    except OSError as error:
        what = f"the graph cannot be written: {error.strerror or error}"
        raise IRError(what, where=str(output), hint="name a file in a folder that you may write to") from None


def repeat_failure(file: str) -> bool:
    """Runs the step of a reproducer again, and says whether it still fails."""
    text = _read(file)
    failed = Reproducer.parsed(text, file)
    steps: dict[str, Callable[[Graph], object]] = {"lower": lower}
    steps.update((name, lambda graph, each=each: applied(each, graph)) for name, each in PASSES.items())
    if failed.step not in steps:
        raise IRError(f"this sglc has no pass {failed.step!r}", where=f"{file}:2", hint=f"it has {', '.join(steps)}")
    graph = _graph(text, file)
    try:
        steps[failed.step](graph)
    except Exception as error:  # noqa: BLE001 - any failure is what was asked for
        traceback.print_exception(error)
        sys.stderr.flush()
        same = in_words(error).splitlines()[0] == failed.error.splitlines()[0]
        then = "" if same else f"\nbut it was: {failed.error}"
        print(f"{failed.step} still fails: {in_words(error)}{then}")
        return True
    print(f"{failed.step} does not fail any more; it was: {failed.error}")
    return False


def _after(graph_pass: Pass, graph: Graph, where: str) -> Graph:
    try:
        return applied(graph_pass, graph)
    except Exception as error:
        name = graph_pass.__name__
        hint = how_to_report(name, graph, error)
        raise IRError(f"the pass {name} failed: {in_words(error)}", where=where, hint=hint) from error


def _listed(names: str) -> list[str]:
    """The names between the commas; a comma may stand behind the last."""
    listed = [name.strip() for name in names.split(",")]
    if not listed[-1]:
        listed.pop()
    if not all(listed):
        raise IRError(f"a name is missing between the commas of {names!r}", hint=f"the passes are: {', '.join(PASSES)}")
    return listed


def _pass(name: str) -> Pass:
    if name not in PASSES:
        raise IRError(f"there is no pass {name!r} on graphs", hint=f"the passes are: {', '.join(PASSES)}")
    return PASSES[name]


def _read(source: str) -> str:
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return data.decode()
    except UnicodeDecodeError as error:
        what = f"the file is no text in UTF-8: byte {error.start} is {error.object[error.start]:#04x}"
        hint = "`sglc ir` prints the graph of an artifact or of a program as text"
        raise IRError(what, where=source, hint=hint) from None
    except (OSError, ValueError) as error:
        what = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        raise IRError(
            what, where=source, hint="name a file with the text of a graph, or - for standard input"
        ) from None


def _graph(text: str, source: str) -> Graph:
    graph, written = parse_written(text, source)
    verify(graph, written)
    return graph

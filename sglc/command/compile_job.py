"""`sglc compile` and `sglc ir`: what becomes of a program, saved or shown."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sglc.command.program_file import load_program, load_rows
from sglc.command.stages import GRAPH_STAGES, MODEL_STAGES, STAGES
from sglc.compiler import Compiled, compile_graph, load
from sglc.function import SglFunction
from sglc.ir.changes import changes, learnt
from sglc.ir.errors import ProgramError
from sglc.ir.export import Comments, to_dot, to_json, to_text
from sglc.ir.export_html import to_html
from sglc.ir.grammar import Grammar
from sglc.ir.graph import Graph
from sglc.ir.notes import notes, summary
from sglc.ir.ops import Role
from sglc.ir.printer import print_graph, print_schedule
from sglc.ir.prompt_tree import tokens_of
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Piece, Text
from sglc.ir.views import Measure

if TYPE_CHECKING:
    from sglc.runtime.tokenizer import ModelTokenizer

Tokenizer: TypeAlias = "Callable[[], ModelTokenizer]"
"""Loads it: what is wrong with the program is said first."""

FORMATS: dict[str, Callable[[Graph, Schedule | None, Comments, Measure | None], str]] = {
    "text": lambda graph, schedule, comments, _: to_text(graph, schedule, comments),
    "json": lambda graph, schedule, comments, _: to_json(graph, schedule, comments),
    "dot": lambda graph, schedule, comments, _: to_dot(graph, schedule, comments),
    "html": to_html,
}

ONLY_THE_LAST = "an artifact holds the graph after all passes only"


def compile_file(
    program: str, output: Path | None, args: str | None, print_after: frozenset[str], tokenizer: Tokenizer
) -> None:
    """Compiles a program into an artifact and says what is in it. print_after: stages, or all."""
    _check_stages(print_after - {"all"})
    function = load_program(program)
    told = _Told(print_after)
    compiled = _compiled(function, args, told.graph)
    told.schedule(compiled)
    model = tokenizer()
    told.model(compiled, model)
    part = compiled.for_model(model)
    path = output or Path(f"{function.__name__}.sglc" if ":" in program else Path(program).with_suffix(".sglc").name)
    compiled.save(path)
    tokens = tokens_of(part.prefix_ids)
    grammars = sum(isinstance(compiled, Grammar) for compiled in part.automata.values())
    print(
        f"{path}: {_counted(len(compiled.graph.ops), 'op', 'ops')}, {_counted(len(compiled.schedule.steps), 'step', 'steps')}, "
        f"{_counted(len(part.prefix_ids), 'constant prompt', 'constant prompts')} ({tokens} tokens), {_automata(len(part.automata) - grammars, grammars)}; "
        f"{summary(compiled.graph)}"
    )


def shown(program: str, args: str | None, after: str | None, output_format: str, tokenizer: Tokenizer | None) -> str:
    """The graph of a program or an artifact after a stage (or all), in one of `FORMATS`. tokenizer: adds what depends on
    a model."""
    if after is not None:
        _check_stages((after,))
    show = FORMATS[output_format]
    graphs: dict[str, Graph] = {}
    if program.endswith(".sglc"):
        compiled = load(program)
        if after in GRAPH_STAGES:
            raise ProgramError(ONLY_THE_LAST, where=program, hint="leave --after out")
    else:
        compiled = _compiled(load_program(program), args, graphs.__setitem__)
    model = tokenizer and tokenizer()
    measure = _tokens(model) if model else None
    if after in GRAPH_STAGES:
        return show(graphs[after], None, notes(graphs[after]), measure)
    return show(compiled.graph, compiled.schedule, compiled.comments(model), measure)


def write(text: str, path: Path) -> None:
    """Writes a file, whole or not at all; a terminal or a pipe as it is. Raises `ProgramError`."""
    data = f"{text.rstrip()}\n".encode("utf-8", errors="backslashreplace")
    target = Path(os.path.realpath(path))
    aside = target.with_name(f".{target.name[:200]}.{os.getpid()}")
    try:
        if path.is_char_device() or path.is_fifo():
            path.write_bytes(data)
            return
        try:
            aside.write_bytes(data)
            os.replace(aside, target)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        what = f"the file cannot be written: {error.strerror or error}"
        raise ProgramError(what, where=str(path), hint="name a file in a folder that you may write to") from error


def _tokens(tokenizer: ModelTokenizer) -> Measure:
    """How many tokens a literal, or what the chat template writes at a role's edge, has on its own."""

    def ids(*pieces: Piece) -> int:
        return len(tokenizer.encode(pieces))

    def measure(part: str | Role) -> int:
        if isinstance(part, str):
            return ids(Text(part, trusted=True)) - ids()
        asked = (Role("user", "begin"), Role("user", "end")) if part.name == "assistant" else ()
        if part.edge == "begin":
            return ids(*asked, part) - ids(*asked)
        return ids(*asked, Role(part.name, "begin"), part) - ids(*asked, Role(part.name, "begin"))

    return measure


def tell(program: str, args: str | None, print_after: frozenset[str], tokenizer: Tokenizer | None) -> None:
    """Prints what each of these stages, or all, did to a program. tokenizer: for those that need a model; None leaves
    them out."""
    _check_stages(print_after - {"all"})
    if program.endswith(".sglc"):
        raise ProgramError(ONLY_THE_LAST, where=program, hint="leave --print-after out, or name the .py file")
    told = _Told(print_after)
    compiled = _compiled(load_program(program), args, told.graph)
    told.schedule(compiled)
    if tokenizer is not None:
        told.model(compiled, tokenizer())


class _Told:
    """Prints what each stage did, of those that are asked for: the traced graph whole, then what changes."""

    def __init__(self, print_after: frozenset[str]) -> None:
        self._print_after = print_after
        self._before: Graph | None = None

    def graph(self, stage: str, graph: Graph) -> None:
        before, self._before = self._before, graph
        if self._print_after & {stage, "all"}:
            print(f"# after {stage}\n{print_graph(graph)}" if before is None else changes(stage, before, graph))

    def schedule(self, compiled: Compiled) -> None:
        if self._print_after & {"lower", "all"}:
            print(f"# after lower\n{print_schedule(compiled.graph, compiled.schedule)}")

    def model(self, compiled: Compiled, tokenizer: ModelTokenizer) -> None:
        part, plain = compiled.for_model(tokenizer), notes(compiled.graph)
        known = {
            "compile_constraints": notes(compiled.graph, automata=part.automata),
            "prefill_constants": notes(compiled.graph, compiled.schedule, part.prefix_ids),
        }
        for stage in MODEL_STAGES:
            if self._print_after & {stage, "all"}:
                print(learnt(stage, compiled.graph, plain, known[stage]))


def _automata(automata: int, grammars: int) -> str:
    """How many constraints are followed in which way."""
    said = _counted(automata, "automaton", "automata")
    return f"{said}, {_counted(grammars, 'grammar', 'grammars')} (llguidance)" if grammars else said


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _compiled(function: SglFunction, args: str | None, observe: Callable[[str, Graph], None]) -> Compiled:
    """The model-free compile of a program, shown after each stage; the first row of `args` gives the shape."""
    if args is None:
        graph = function.trace()
    else:
        rows = load_rows(args)
        graph = function.trace(**(rows[0][1] if rows else {}))
    observe("trace", graph)
    return compile_graph(graph, observe)


def _check_stages(stages: Iterable[str]) -> None:
    for stage in sorted(stages):
        if stage not in STAGES:
            raise ProgramError(f"there is no pass {stage!r}", hint=f"the passes are: {', '.join(STAGES)}")

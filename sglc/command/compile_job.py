"""`sglc compile` and `sglc ir`: what becomes of a program, saved or shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sglc.command.program_file import load_program, load_rows
from sglc.command.stages import GRAPH_STAGES, MODEL_STAGES, STAGES
from sglc.compiler import Compiled, compile_graph, load
from sglc.function import SglFunction
from sglc.ir.errors import ProgramError
from sglc.ir.export import Comments, to_dot, to_json, to_text
from sglc.ir.grammar import Grammar
from sglc.ir.graph import Graph
from sglc.ir.notes import notes, summary
from sglc.ir.printer import print_graph, print_schedule
from sglc.ir.schedule import Schedule

if TYPE_CHECKING:
    from sglc.runtime.tokenizer import ModelTokenizer

Tokenizer: TypeAlias = "Callable[[], ModelTokenizer]"
"""Loads it: what is wrong with the program is said first."""

FORMATS: dict[str, Callable[[Graph, Schedule | None, Comments], str]] = {
    "text": to_text,
    "json": to_json,
    "dot": to_dot,
}


def compile_file(
    program: str, output: Path | None, args: str | None, print_after: frozenset[str], tokenizer: Tokenizer
) -> None:
    """Compiles a program into an artifact and says what is in it. print_after: stages, or all."""
    for stage in sorted(print_after - {"all"}):
        _check_stage(stage)

    def observe(name: str, graph: Graph) -> None:
        if print_after & {name, "all"}:
            print(f"# after {name}\n{print_graph(graph)}")

    function = load_program(program)
    compiled = _compiled(function, args, observe)
    if print_after & {"lower", "all"}:
        print(f"# after lower\n{print_schedule(compiled.graph, compiled.schedule)}")
    model = tokenizer()
    part = compiled.for_model(model)
    for stage in MODEL_STAGES:
        if print_after & {stage, "all"}:
            print(f"# after {stage}\n{print_graph(compiled.graph, compiled.comments(model))}")
    path = output or Path(f"{function.__name__}.sglc" if ":" in program else Path(program).with_suffix(".sglc").name)
    compiled.save(path)
    tokens = sum(map(len, part.prefix_ids))
    grammars = sum(isinstance(compiled, Grammar) for compiled in part.automata.values())
    print(
        f"{path}: {_counted(len(compiled.graph.ops), 'op', 'ops')}, {_counted(len(compiled.schedule.steps), 'step', 'steps')}, "
        f"{_counted(len(compiled.schedule.prefixes), 'constant prompt', 'constant prompts')} ({tokens} tokens), {_automata(len(part.automata) - grammars, grammars)}; "
        f"{summary(compiled.graph)}"
    )


def shown(program: str, args: str | None, after: str | None, output_format: str, tokenizer: Tokenizer | None) -> str:
    """The graph of a program or an artifact after a stage (or all), in one of `FORMATS`. tokenizer: adds what depends on
    a model."""
    if after is not None:
        _check_stage(after)
    show = FORMATS[output_format]
    graphs: dict[str, Graph] = {}
    if program.endswith(".sglc"):
        compiled = load(program)
        if after in GRAPH_STAGES:
            raise ProgramError(
                "an artifact holds the graph after all passes only", where=program, hint="leave --after out"
            )
    else:
        compiled = _compiled(load_program(program), args, graphs.__setitem__)
    if after in GRAPH_STAGES:
        return show(graphs[after], None, notes(graphs[after]))
    return show(compiled.graph, compiled.schedule, compiled.comments(tokenizer and tokenizer()))


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


def _check_stage(stage: str) -> None:
    if stage not in STAGES:
        raise ProgramError(f"there is no pass {stage!r}", hint=f"the passes are: {', '.join(STAGES)}")

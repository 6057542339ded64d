"""All passes in order: what a program goes through from the tracer to the runtime."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Protocol

from sglc.ir.artifact import ModelPart
from sglc.ir.errors import IRError, in_words
from sglc.ir.graph import Graph
from sglc.ir.printer import print_graph
from sglc.ir.schedule import Schedule
from sglc.ir.terms import Fact, Table, check_same, meaning
from sglc.ir.tokens import Tokenizer
from sglc.ir.verify import verify
from sglc.passes.compile_constraints import compile_constraints
from sglc.passes.detect_forks import detect_forks
from sglc.passes.drop_dead import drop_dead
from sglc.passes.fold_text import fold_text
from sglc.passes.hoist_prefix import hoist_prefix
from sglc.passes.lower import lower
from sglc.passes.prefill_constants import prefill_constants
from sglc.passes.reorder_parts import reorder_parts
from sglc.passes.reproducer import Reproducer
from sglc.passes.share_prefix import share_prefix


class Pass(Protocol):
    """A rewrite that gives a valid graph for a valid graph and never changes what it means."""

    __name__: str

    def __call__(self, graph: Graph, /) -> Graph: ...


GRAPH_PASSES: tuple[Pass, ...] = (
    drop_dead,  # first, so that no later pass works on, or is held up by, what nobody reads
    reorder_parts,  # before all that joins and shares text: what was reordered is text like any other
    fold_text,
    share_prefix,
    hoist_prefix,  # after sharing: what is hoisted is hoisted once
    detect_forks,  # last: the others move the states that forks name
)


def optimise(
    graph: Graph, observe: Callable[[str, Graph], None] | None = None, passes: Sequence[Pass] = GRAPH_PASSES
) -> Graph:
    """The graph after all passes; `observe(name, graph)` sees it after each.

    `graph` is valid. After each pass the new one is verified, and its meaning compared with that of the one before. A
    pass that fails is left out, with a warning that names a reproducer: speed is lost, never an answer.
    """
    table: Table = {}
    first, said = graph, meaning(graph, table)  # by the graph as it came, whatever a pass does to it
    for graph_pass in passes:
        try:
            graph, said = _checked(graph_pass, graph, table, first, said)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a pass, the program runs without it
            warnings.warn(
                f"the pass {graph_pass.__name__} is left out, because it failed on this program: {in_words(error)}\n"
                f"  hint: the program runs as it is; {how_to_report(graph_pass.__name__, graph, error)}",
                RuntimeWarning,
                stacklevel=2,
            )
        if observe is not None:
            observe(graph_pass.__name__, graph)
    return graph


def applied(graph_pass: Pass, before: Graph) -> Graph:
    """The graph after a pass. Raises what the pass raises, and `IRError` where its graph is not valid or means something
    else."""
    table: Table = {}
    return _checked(graph_pass, before, table, before, meaning(before, table))[0]


def _checked(graph_pass: Pass, before: Graph, table: Table, first: Graph, said: list[Fact]) -> tuple[Graph, list[Fact]]:
    """The graph after a pass, and what it says. said: by `first`, in the orders of `before`, in terms of the table."""
    after = graph_pass(before)
    if after is before:
        return before, said
    verify(after)
    if after.orders != before.orders:
        said = meaning(first, table, after.orders)
    check_same(said, meaning(after, table))
    return after, said


def lowered(graph: Graph) -> Schedule:
    """The schedule. Raises `IRError`, with a reproducer, where lowering fails: there is nothing to run instead."""
    try:
        return lower(graph)
    except Exception as error:
        what = f"lowering failed on this program: {in_words(error)}"
        raise IRError(what, where=graph.name, hint=how_to_report("lower", graph, error)) from error


def how_to_report(step: str, before: Graph, error: Exception) -> str:
    """Writes a reproducer, and says what to do with it; with the graph itself where no file could be written."""
    text = print_graph(before)
    file = Reproducer(step, in_words(error), text).save()
    if file is None:
        return f"please report this with the graph before the pass:\n{text}"
    return f"please report this with the file {file} (`sglc repro` runs it again)"


def compile_model_part(graph: Graph, schedule: Schedule, tokenizer: Tokenizer) -> ModelPart:
    """What depends on the model's tokenizer: the ids of the constant prompts, and the automata.

    Raises `ConstraintError` and `ModelError` as `compile_constraints` and `prefill_constants` do.
    """
    vocabulary = tokenizer.vocabulary
    return ModelPart(
        fingerprint=vocabulary.fingerprint,
        prefix_ids=prefill_constants(graph, schedule, tokenizer),
        automata=compile_constraints(graph, vocabulary),
    )

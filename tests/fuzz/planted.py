"""Faults of the kinds that such compilers have had, each planted for a while: what the search is tested with.

A fault is in the compiled mode alone, or in both modes where only a relation between programs can find it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from sglc import live
from sglc.ir import functions
from sglc.ir.ops import Call, Gen, operands
from sglc.language import state, symbolic
from sglc.language.orders import NO_ORDERS
from sglc.passes import share_prefix
from sglc.passes.rebuild import rebuilt
from sglc.runtime import executor, program, shared
from sglc.runtime.jobs import DecodeJob, ScoreJob
from sglc.trace import explore, leaves


@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable[[], AbstractContextManager[Any]]


def _wrapped(owner: Any, name: str, make: Callable[[Any], Any]) -> Callable[[], AbstractContextManager[Any]]:
    """Replaces `owner.name` by what `make` makes of it."""
    return lambda: patch.object(owner, name, make(getattr(owner, name)))


def _table(table: dict[str, Any], name: str, wrong: Callable[..., Any]) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: patch.dict(table, {name: wrong})


def _other_case(key: Any) -> Any:
    """A switch takes the case of the other answer."""
    return lambda values: key(tuple(not value if type(value) is bool else value for value in values))


def _wrong_key(key: Any) -> Any:
    """What follows an exit is kept for another answer."""
    return lambda values: key(tuple("yes" if type(value) is str else value for value in values))


def _without_calls(drop: Any) -> Any:
    """Host calls that nothing reads are dropped like gens."""

    def wrong(graph: Any) -> Any:
        graph = drop(graph)
        read = {x for op in graph.ops for x in operands(op)} | set(graph.outputs())
        return rebuilt(
            graph,
            graph.prefixes,
            lambda region: (op for op in region.body if not isinstance(op, Call) or op in read),
        )

    return wrong


def _one_sample(key: Any) -> Any:
    """Two samples of one prompt are made one."""
    return lambda self, op: key(self, op)[:-1] if isinstance(op, Gen) else key(self, op)


def _children_reversed(join: Any) -> Any:
    def wrong(self: Any, mode: Any = "gather_variable") -> None:
        if mode == "gather_variable" and type(self._parent._machine).__name__ == "_Recording":
            self._states.reverse()
        join(self, mode)

    return wrong


def _any_literal(key: Any) -> Any:
    """Questions that compare a text with different literals are taken for one."""
    return lambda self, argument: "a literal" if isinstance(argument, str) else key(self, argument)


def _other_number(job: Any) -> Any:
    """A gen draws with the number of another."""

    def wrong(self: Any, run: Any, plan: Any) -> Any:
        made = job(self, run, plan)
        if isinstance(plan.op, Gen) and plan.op.number > 1 and len(made.draw) == 3:
            made.draw = (*made.draw[:2], plan.op.number - 1)
        return made

    return wrong


def _draws_too(has_one_answer: Any) -> Any:
    """Rows that ask alike share draws."""
    return lambda job: isinstance(job, DecodeJob | ScoreJob)


def _by_prompt(asked: Any) -> Any:
    """Questions of other settings, or other choices, are taken for one."""
    return lambda job: (type(job), job.prompt)


def _no_meta(meta: Any) -> Any:
    """The meta info of an answer inside a list is lost."""
    return lambda tree: None if isinstance(tree, list) else meta(tree)


def _no_beginning(rendered: Any) -> Any:
    """The text of a scope is all of the prompt."""
    return lambda self, prompt, since: rendered(self, prompt, ())


def _answer_dropped(drop: Any) -> Any:
    """A gen is dropped though the program may still ask for it after an exit."""

    def wrong(graph: Any) -> Any:
        kept = drop(graph)
        live = set(kept.outputs())
        for op in reversed(kept.ops):
            if op in live or isinstance(op, Call):
                live.update(operands(op))
        return rebuilt(
            kept, kept.prefixes, lambda region: (op for op in region.body if not isinstance(op, Gen) or op in live)
        )

    return wrong


def _as_written(record: Any) -> Any:
    """What follows an exit has free parts in the order in which they were written."""
    return lambda *given: record(*given[:-2], NO_ORDERS, given[-1])


@contextmanager
def _text_of_copies() -> Generator[None]:
    """A copy's text is joined to its parent, in both modes."""

    def leave(self: Any, kind: Any, error: Any, trace: Any) -> None:
        if kind is None:
            self._group.join("concate_and_append")

    with patch.object(state._Copy, "__exit__", leave):
        yield


@contextmanager
def _last_child_only() -> Generator[None]:
    """A fork of one loses what it appended, in both modes."""
    join = state.ProgramStateGroup.join

    def wrong(self: Any, mode: Any = "gather_variable") -> None:
        if mode == "concate_and_append" and len(self) == 1:
            return
        join(self, mode)

    with patch.object(state.ProgramStateGroup, "join", wrong):
        yield


FAULTS = (
    Fault("contains answers no", _table(functions.TESTS, "contains", lambda text, part: False)),
    Fault("< is >", _table(functions.TESTS, "lt", lambda one, two: one > two)),
    Fault("strip is lstrip", _table(functions.METHODS, "strip", str.lstrip)),
    Fault(
        "a slice forgets its start",
        _table(functions.METHODS, "slice", lambda text, start, stop, step: text[:stop:step]),
    ),
    Fault("a format forgets its width", _table(functions.METHODS, "format", lambda text, spec: text)),
    Fault("a switch takes the wrong case", _wrapped(executor, "key_of", _other_case)),
    Fault("a case is kept under the wrong key", _wrapped(live, "key_of", _wrong_key)),
    Fault("a gen that is read is dropped", _wrapped(explore, "drop_dead", _answer_dropped)),
    Fault("a host call is dropped", _wrapped(explore, "drop_dead", _without_calls)),
    Fault("two samples are one", _wrapped(share_prefix._Section, "key", _one_sample)),
    Fault("children of a fork in the wrong order", _wrapped(state.ProgramStateGroup, "join", _children_reversed)),
    Fault("the literals of questions are ignored", _wrapped(leaves.Leaves, "_key", _any_literal)),
    Fault("a gen draws with another's number", _wrapped(executor.Executor, "_job", _other_number)),
    Fault("rows share draws", _wrapped(shared, "_has_one_answer", _draws_too)),
    Fault("rows share answers of other choices", _wrapped(shared, "_asked", _by_prompt)),
    Fault("the meta info of a joined answer is lost", _wrapped(program, "meta_of", _no_meta)),
    Fault("a scope's text begins too early", _wrapped(executor.Run, "rendered", _no_beginning)),
    Fault("an exit forgets the order of parts", _wrapped(live, "record", _as_written)),
    Fault("!= is ==", _wrapped(symbolic.SymbolicText, "__ne__", lambda ne: symbolic.SymbolicText.__eq__)),
    Fault("a copy's text is joined, in both modes", _text_of_copies),
    Fault("a fork of one loses its text, in both modes", _last_child_only),
)

"""Python on generated text: compiled, interpreted and plain runs of each idiom of `idioms/` agree, case by case, in
any order, alone and in a batch; or the body is refused with its line and a cure. Never silently something else."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.ir.errors import Location
from sglc.language.expressions import ExpressionList, GenExpression, RoleEdge, SelectExpression
from sglc.language.symbolic import shown_path
from sglc.runtime.scripted import Question
from tests.language.idioms import IDIOMS, Idiom, said

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),  # what runs step by step says so
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),  # of generators that are left open
]
TAKEN = {name: idiom for name, idiom in IDIOMS.items() if not idiom.refused}
REFUSED = {name: idiom for name, idiom in IDIOMS.items() if idiom.refused}


ASKED: list[tuple[Any, ...]] = []
"""What the model was asked since the list was cleared."""


def answer(question: Question) -> str:
    ASKED.append((question.prompt, question.choices, question.sampling, question.seed))
    return said(question.prompt, question.choices)


@pytest.fixture(scope="module")
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(answer) as backend:
        yield backend


def outcome(run: Callable[[], sgl.Result]) -> dict[str, Any]:
    """All that can be seen of a run, in a form that tells 1 from True and a text from what only looks like one."""
    try:
        result = run()
    except sglc.ProgramError as error:
        return {"refused": str(error)}
    error = result.error()
    seen: dict[str, Any] = {"variables": repr(result.variables), "meta": result.meta}
    if error is None:
        seen |= {"text": result.text(), "returns": repr(result.ret_value), "messages": repr(result.messages())}
    else:
        seen |= {"error": f"{type(error).__name__}: {error}", "causes": causes(error)}
    return seen


def causes(error: BaseException | None) -> list[str]:
    """The exceptions behind an error, the nearest first."""
    found: list[str] = []
    while error is not None and (error := error.__cause__) is not None:
        found.append(repr(error))
    return found


def asked_in(run: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], list[tuple[Any, ...]]]:
    """An outcome, and what the model was asked for it."""
    ASKED.clear()
    return run(), ASKED.copy()


@functools.cache
def interpreted(name: str, backend: sgl.Scripted) -> list[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """All cases of an idiom, by plain Python with each primitive at once: the outcome and what was asked."""
    program = sgl.function(IDIOMS[name].body)
    run = partial(program.run, backend=backend, mode="interpret", seed=5)
    return [asked_in(lambda row=row: outcome(partial(run, **row))) for row in IDIOMS[name].rows()]


def outcomes(name: str, backend: sgl.Scripted) -> list[dict[str, Any]]:
    return [outcome for outcome, _ in interpreted(name, backend)]


@pytest.mark.parametrize("name", TAKEN)
def test_alone_and_again(name: str, backend: sgl.Scripted) -> None:
    """Right at the first run and later; and the model is asked nothing that plain Python does not ask, nor otherwise
    (what no result depends on may be left out)."""
    program = sgl.function(TAKEN[name].body)
    for case in [*range(len(TAKEN[name].says))] * 2:
        run = partial(program.run, **TAKEN[name].rows()[case], backend=backend, seed=5)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            seen, asked = asked_in(lambda run=run: outcome(run))
        expected, expected_asked = interpreted(name, backend)[case]
        assert seen == expected, case
        if any("the row is run again" in str(warning.message) for warning in caught):
            assert TAKEN[name].late
        elif "error" not in seen:
            assert not Counter(asked) - Counter(expected_asked), case


@pytest.mark.parametrize("bounds", [{}, {"max_paths": 2, "max_depth": 1}], ids=["forwards", "backwards and bounded"])
@pytest.mark.parametrize("name", TAKEN)
def test_in_a_batch(name: str, bounds: dict[str, int], backend: sgl.Scripted) -> None:
    order = slice(None, None, -1 if bounds else 1)
    rows = [*TAKEN[name].rows(), *TAKEN[name].rows()][order]
    results = sgl.function(**bounds)(TAKEN[name].body).run_batch(rows, backend=backend)
    assert [outcome(lambda result=result: result) for result in results] == (outcomes(name, backend) * 2)[order]


@pytest.mark.parametrize("name", [name for name, idiom in TAKEN.items() if idiom.plain])
def test_interpreted_is_plain_python(name: str, backend: sgl.Scripted) -> None:
    for row, expected in zip(TAKEN[name].rows(), outcomes(name, backend), strict=True):
        state, value, raised = PlainState(), None, None
        try:
            value = TAKEN[name].body(state, **row)
        except Exception as error:  # noqa: BLE001 - compared with the run's
            raised = repr(error)
        if raised is not None:
            assert expected["causes"][0] == raised
        else:
            assert (expected["text"], expected["returns"]) == (state.text(), repr(value))
            assert expected["variables"] == repr(state.variables)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_line_and_cure(name: str, backend: sgl.Scripted) -> None:
    """Each case is refused or right, alone and in a batch."""
    idiom, program = REFUSED[name], sgl.function(REFUSED[name].body)
    alone = [partial(program.run, **row, backend=backend) for row in idiom.rows()]
    batch = [lambda result=result: result for result in program.run_batch(idiom.rows(), backend=backend)]
    refusals = [refusal_of(run) for run in alone]
    assert any(refusals)
    assert [refusal is None for refusal in refusals] == [refusal_of(run) is None for run in batch]
    lines, first = inspect.getsourcelines(idiom.body)
    for run, refusal, expected in zip(alone, refusals, outcomes(name, backend), strict=True):
        if refusal is None:
            assert outcome(run) == expected
            continue
        assert idiom.refused in refusal.what
        assert isinstance(refusal.where, Location)
        assert refusal.where.file == shown_path(inspect.getfile(idiom.body))
        assert first <= refusal.where.line < first + len(lines)
        assert refusal.hint


def refusal_of(run: Callable[[], sgl.Result]) -> sglc.ProgramError | None:
    """The refusal of a run: what it raises where all calls are refused, or the error of its result."""
    try:
        error = run().error()
    except sglc.ProgramError as refusal:
        return refusal
    return error if isinstance(error, sglc.ProgramError) else None


def test_there_are_enough() -> None:
    assert len(IDIOMS) >= 120
    few: list[Idiom] = [idiom for idiom in IDIOMS.values() if len(idiom.says) < 4]
    assert few == []


class PlainState:
    """The state of a body with nothing of sglc behind it: a text that grows, and a dict. It has the words that the idioms
    use, for one run."""

    def __init__(self, parent: PlainState | None = None) -> None:
        self._text = parent._text if parent else ""
        self._messages: list[dict[str, str]] = parent.messages() if parent else []
        self._open = parent is not None and parent._open
        self.variables: dict[str, Any] = dict(parent.variables) if parent else {}
        self.assigned: list[str] = []
        self._answered: set[str] = set()

    def __iadd__(self, other: Any) -> PlainState:
        for item in other.items() if isinstance(other, ExpressionList) else [other]:
            if isinstance(item, RoleEdge):
                self._role(item.role.name, item.role.edge == "begin")
            elif isinstance(item, SelectExpression):
                self._answer(item.name, said(self._text, [str(choice) for choice in item.choices]))
            elif isinstance(item, GenExpression):
                self._answer(item.name, said(self._text), item.n)
            else:
                self._append(item)
        return self

    def _append(self, text: str) -> None:
        self._text += text
        if self._open:
            self._messages[-1]["content"] += text

    def _role(self, name: str, begins: bool) -> None:
        self._text += f"<{name}>" if begins else f"</{name}>"
        self._open = begins
        if begins:
            self._messages.append({"role": name, "content": ""})

    def _answer(self, name: str | None, text: str, n: int | None = None) -> None:
        self._append(text)
        if name is not None:
            self[name] = text if n is None else [text] * n
            self._answered.add(name)

    def __getitem__(self, name: str) -> Any:
        return self.variables[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.variables[name] = value
        self.assigned.append(name)

    def __contains__(self, name: str) -> bool:
        return name in self.variables

    get_var = __getitem__
    set_var = __setitem__

    def text(self) -> str:
        return self._text

    def messages(self) -> list[dict[str, str]]:
        return [dict(message) for message in self._messages]

    def get_meta_info(self, name: str) -> Any:
        return {"finish_reason": {"type": "stop"}} if name in self._answered else None

    @contextmanager
    def assistant(self) -> Iterator[PlainState]:
        self += sgl.assistant_begin()
        yield self
        self += sgl.assistant_end()

    @contextmanager
    def var_scope(self, name: str) -> Iterator[PlainState]:
        before = len(self._text)
        yield self
        self[name] = self._text[before:]

    def fork(self, size: int) -> PlainForks:
        if size < 1:
            raise sglc.ProgramError("fork needs a whole number of at least 1")
        return PlainForks(self, [PlainState(self) for _ in range(size)])

    @contextmanager
    def copy(self) -> Iterator[PlainState]:
        forks = self.fork(1)
        yield forks[0]
        forks.join()


class PlainForks(list[PlainState]):
    """The states of a fork."""

    def __init__(self, parent: PlainState, states: list[PlainState]) -> None:
        super().__init__(states)
        self._parent = parent

    def __iadd__(self, other: Callable[[int], str]) -> PlainForks:
        for number, state in enumerate(self):
            state += other(number)  # noqa: PLW2901 - appends in place
        return self

    def join(self) -> None:
        for name in dict.fromkeys(name for state in self for name in state.assigned):
            self._parent[name] = [state.variables.get(name) for state in self]

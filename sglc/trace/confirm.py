"""Checks a trace before it is trusted: the body runs again on plain, invented strings, without a model, and must do
exactly what the graph says it does.

What a tracer cannot see (an `except` that swallows the error of a C function, a type check, a marker that is compared)
shows as a difference here. A body that differs from itself is not repeatable, which is an error at the user's line. One
that differs from its graph is traced again with real strings only: right, but with an exit at each answer it reads.
"""

from __future__ import annotations

import dis
import functools
import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from types import CodeType
from typing import Any, cast

from sglc.guards import Guard
from sglc.guards.code import reads_of
from sglc.ir.errors import Location, ProgramError
from sglc.ir.graph import Graph, Region, Static, Switch
from sglc.ir.ops import Op, Param, Read, Test
from sglc.language.arguments import Arguments
from sglc.language.settings import Bounds
from sglc.language.symbolic import shown_path
from sglc.trace.blame import culprit
from sglc.trace.effects import end_at_effect, profiled
from sglc.trace.explore import Traced, explore, warn_of_slow_body
from sglc.trace.repeatable import not_repeatable, start_of
from sglc.trace.replay import HOSTILE, Events, NoAnswer, choices_of, replay, same
from sglc.trace.untraceable import refuse_own_tools
from sglc.trace.walk import Walk
from sglc.trace.watchdog import TooLong, Watchdog

EFFECTS = (
    "a body may run several times and must have no effect: give results back, and put what has an effect into a host "
    "function (@sglc.host); or run it once, with mode='interpret'"
)

MAX_LATE = 3
"""Of invented texts on which the body does not come to an end; then the runs themselves have to show (`live.py`)."""

SECONDS = 1.0
"""Of the thread's own time, that trying invented texts may take while a row waits; then, too, the runs themselves have to show."""

MAX_CONSTANTS = 24
"""Of the program's own strings that are tried as answers."""


_SHORT = 40

_NOWHERE = Location("?", 0)


def confirmed_trace(
    function: Callable[..., Any],
    arguments: Arguments,
    bounds: Bounds | None = None,
    n: int | None = None,
    guard: Guard | None = None,
    for_row: bool = False,
) -> Traced:
    """The trace of a program, confirmed. guard: what the function reads outside of it, taken just now. for_row: see
    `explore`.

    Raises `ProgramError`, and what the body raises whatever the texts are.
    """
    guard = guard or Guard(function)
    _refuse_assigned_globals(function)
    traced = explore(function, arguments, bounds, n, names_files=guard.names_files, for_row=for_row)
    refuse_own_tools(function, guard, traced.graph.ops, traced.hosts)
    try:
        difference = _difference(function, arguments, traced.graph, n, SECONDS if for_row else math.inf)
    finally:
        found = None
        if not guard.holds():
            bodies = functools.partial(_replays, function, arguments, traced.graph, n)
            found = culprit(bodies, lambda: Guard(function, traced.tools, arguments.classes), guard)
    if found is not None:
        where, changed = found
        raise changes_outside(function, changed, where)
    if difference is None:
        return traced
    _warn_of_steps(function, difference, [risk.where for risk in traced.risks if risk is not None])
    return explore(function, arguments, bounds, n, plain=True, names_files=guard.names_files)


def _replays(
    function: Callable[..., Any], arguments: Arguments, graph: Graph, n: int | None
) -> Iterator[Callable[[], Events]]:
    """The body on each of the invented texts."""
    for texts, invent, _ in _rounds(function, arguments, graph):
        answers = _answers(Walk(graph, texts, invent), invent)
        yield functools.partial(replay, function, arguments, texts, answers, n)


def _warn_of_steps(function: Callable[..., Any], difference: Location, formatted: Sequence[Location | None]) -> None:
    """Says that a body is not traced. formatted: the lines that make strings of texts that are not known yet: where there are
    some, it is at those strings that Python has looked, and not at the line where it shows."""
    where, cure = difference, ""
    if formatted:
        where = formatted[0] or difference
        cure = (
            "; there a string is made of a text that is not known yet, and its characters count (a width, textwrap.dedent, a "
            "pattern, a comparison): append the text itself, or lay out first what is constant, dedent('...{x}').format(x=x)"
        )
    warnings.warn(
        f"{where}: {function.__name__} looks at text there in a way that a trace does not see; it runs step by step, "
        "with the real texts (as it does with mode='interpret', but gens that are not read at once still run "
        f"together){cure}",
        RuntimeWarning,
        stacklevel=5,
    )


def changes_outside(function: Callable[..., Any], what: str, where: Location | None = None) -> ProgramError:
    """The error of a body that changes what it shares with others. where: the line, if it is known."""
    return ProgramError(
        f"{function.__name__} changes something outside of it: {what}", where=where or start_of(function), hint=EFFECTS
    )


def _refuse_assigned_globals(function: Callable[..., Any]) -> None:
    for code in _codes_of(function):
        for step in dis.get_instructions(code):
            if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                line = step.positions.lineno if step.positions is not None else None
                where = Location(shown_path(code.co_filename), line or code.co_firstlineno)
                raise changes_outside(function, f"global {step.argval}", where)


def _difference(
    function: Callable[..., Any], arguments: Arguments, graph: Graph, n: int | None, seconds: float
) -> Location | None:
    """Where the body first does something else than the graph; None where it never does. seconds: after which no more
    texts are tried. Raises `ProgramError`."""
    late = 0
    end = time.thread_time() + seconds
    with Watchdog() as watchdog:
        for texts, invent, first in _rounds(function, arguments, graph):
            if time.thread_time() > end:
                warn_of_slow_body(function)
                return None
            expected = Walk(graph, texts, invent)
            body = functools.partial(replay, function, arguments, texts, _answers(expected, invent), n)
            try:
                with profiled() if first else nullcontext():
                    found = watchdog.run(body)
                end_at_effect(function)
                if (where := differs(expected.events, found)) is None:
                    continue
                again = watchdog.run(body)
            except TooLong:  # a loop that no real text may ever enter: with this one nothing is confirmed
                late += 1
                if late == MAX_LATE:
                    return None
                continue
            if (itself := differs_from_itself(found, again)) is not None:
                raise not_repeatable(function, itself)
            return where
    return None


def differs(expected: Events, found: Events) -> Location | None:
    """Where the body first did something else; None where nowhere. What the graph left out, because nothing needs it,
    does not count."""
    for number in sorted(expected.calls):
        call, other = expected.calls[number], found.calls.get(number)
        if call != other and not same(call, other):
            return found.places.get(number) or expected.places.get(number) or _NOWHERE
    if expected.end is None:
        return None
    for number, call in found.calls.items():
        if call[0] == "call" and number not in expected.calls:  # calls are made for what they do
            return found.places[number] or _NOWHERE
    if not same(expected.end, found.end):
        places = [where for _, where in found.appends] + list(found.places.values())
        return found.raised or next((place for place in reversed(places) if place), None) or _NOWHERE
    return None


def differs_from_itself(one: Events, two: Events) -> Location | None:
    """Where two runs of a body on the same texts first differ; None where nowhere."""
    for (pieces, where), (others, _) in zip(one.appends, two.appends, strict=False):
        if pieces != others:
            return where
    return differs(one, two)


def _answers(expected: Walk, invent: Callable[[int, tuple[str, ...] | None], str]) -> Callable[..., Any]:
    def answer(number: int, call: tuple[Any, ...]) -> Any:
        if number in expected.answers:
            return expected.answers[number]
        if not expected.ended and number > max(expected.answers, default=-1):
            raise NoAnswer  # beyond the exit
        return invent(number, choices_of(call))

    return answer


def _rounds(
    function: Callable[..., Any], arguments: Arguments, graph: Graph
) -> Iterator[tuple[dict[str, str], Callable[[int, tuple[str, ...] | None], str], bool]]:
    """Texts and answers to try, and whether they are the first along a path: for each path of the graph those that lead there, made of each hostile string (and of a
    number, where it is not a value by itself, so that no two are the same)."""
    constants = [text for text in _strings_of(function) if text not in HOSTILE][:MAX_CONSTANTS]
    for wanted in _paths(graph):
        for number, base in enumerate(HOSTILE if not wanted else HOSTILE[:8]):
            yield *_round(arguments, base, wanted), number == 0
    for constant in constants:
        yield *_round(arguments, constant, {}, exact=True), False


def _round(
    arguments: Arguments, base: str, wanted: Mapping[str | int, Callable[[str], str]], *, exact: bool = False
) -> tuple[dict[str, str], Callable[[int, tuple[str, ...] | None], str]]:
    def text(leaf: str | int, number: int) -> str:
        plain = base if exact or not base.strip() or base in ("None", "7") else f"{base}{number}"
        return wanted[leaf](plain) if leaf in wanted else plain

    def invent(number: int, choices: tuple[str, ...] | None) -> str:
        if choices:
            chosen = text(number, number) if number in wanted else ""
            return chosen if chosen in choices else choices[number % len(choices)]
        return text(number, number)

    return {path: text(path, number) for number, path in enumerate(arguments.texts)}, invent


def _paths(graph: Graph) -> Iterator[dict[str | int, Callable[[str], str]]]:
    """For each region that a path ends in: how to make the texts that lead there, as far as that is plain to see."""
    stack: list[tuple[Region, dict[str | int, Callable[[str], str]]]] = [(graph.region, {})]
    while stack:
        region, wanted = stack.pop()
        if not isinstance(region.end, Switch) or region.end.open:
            yield wanted
        if isinstance(region.end, Switch):
            for case in region.end.cases:
                more = dict(wanted)
                for subject, value in zip(region.end.subjects, case.values, strict=True):
                    more.update(_made(subject, value))
                stack.append((case.region, more))


def _made(subject: Op, value: Static) -> dict[str | int, Callable[[str], str]]:
    """How to make a text of which a switch's subject is `value`."""
    if isinstance(value, str):
        return {_leaf(subject): lambda _: value}
    if not isinstance(subject, Test):
        return {}
    leaf = _leaf(subject.arguments[0])
    other = subject.arguments[1] if len(subject.arguments) > 1 else None
    if leaf is None or (other is not None and not isinstance(other, str)):
        return {}
    part = other if isinstance(other, str) else ""
    if not value:
        return {leaf: lambda _: ""} if subject.name == "bool" else {}
    match subject.name:
        case "eq":
            return {leaf: lambda _: part}
        case "contains" | "endswith":
            return {leaf: lambda base: base + part}
        case "startswith":
            return {leaf: lambda base: part + base}
        case "bool":
            return {leaf: lambda base: base or "x"}
        case _:
            return {}


def _leaf(op: object) -> Any:
    if isinstance(op, Param):
        return op.name
    if isinstance(op, Read):
        return getattr(op.state, "number", None)
    return getattr(op, "number", None)


def _strings_of(function: Callable[..., Any]) -> list[str]:
    """The short strings in a function's code and that of the functions inside it, and in the globals that it reads."""
    found: dict[str, None] = {}
    for code in _codes_of(function):
        constants: list[Any] = list(code.co_consts)
        while constants:
            constant = constants.pop()
            if isinstance(constant, str) and len(constant) <= _SHORT:
                found[constant] = None
            elif isinstance(constant, tuple | frozenset):
                constants.extend(cast("Iterable[Any]", constant))
    for name in reads_of(function.__code__).globals:
        for text in _texts_in(function.__globals__.get(name)):
            found[text] = None
    return list(found)


def _texts_in(value: Any) -> list[str]:
    """The short strings in a constant of a module, such as a table that the body looks texts up in."""
    items = list(cast("Iterable[Any]", value)) if type(value) in (list, tuple, set, frozenset, dict) else [value]
    return sorted({item for item in items if type(item) is str and len(item) <= _SHORT})


def _codes_of(function: Callable[..., Any]) -> Iterator[CodeType]:
    """A function's code, and that of the functions inside it."""
    codes: list[CodeType] = [function.__code__]
    while codes:
        code = codes.pop()
        yield code
        codes.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))

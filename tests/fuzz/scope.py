"""The function under construction: its lines, and what can be read at the place where it is written on."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.fuzz.choices import Choices

Kind = str
"""What a value is: text, texts (a list of them), number, count (of a loop), truth, data (any plain
data), closure."""

Kinds = dict[str, Kind]


@dataclass
class State:
    """A state that the code has. source: how it is written. kinds: variables that it surely has. assigned: those that
    it gets at a join. level: of forks around it. role: whether a message is open."""

    source: str
    kinds: Kinds = field(default_factory=dict[str, Kind])
    assigned: Kinds = field(default_factory=dict[str, Kind])
    level: int = 0
    role: bool = False

    def assign(self, name: str, kind: Kind) -> None:
        self.kinds[name] = self.assigned[name] = kind

    def child(self, source: str) -> State:
        return State(source, dict(self.kinds), {}, self.level + 1, self.role)


@dataclass
class Inner:
    """Another program that can be called: its name, the variables that it surely has at its end, what it returns."""

    name: str
    kinds: Kinds
    value: Kind


@dataclass
class Shared:
    """What all functions of one program share. palette: the words that it compares with. features: what is in it.
    odd: what a trace
    cannot see through, so that falling back to plain Python is right. budget: statements left. functions: the lines of
    the other programs that it calls."""

    choices: Choices
    palette: Sequence[str]
    features: set[str] = field(default_factory=set[str])
    odd: bool = False
    budget: int = 14
    inners: list[Inner] = field(default_factory=list[Inner])
    functions: list[str] = field(default_factory=list[str])
    names: int = 0


class Scope:
    """One function. `state` is the state that the code works on now; `readable` those around it."""

    def __init__(self, shared: Shared, arguments: Kinds, nesting: int = 0) -> None:
        self.shared = shared
        self.choices = shared.choices
        self.state = State("s")
        self.readable: list[State] = []
        self.locals: Kinds = dict(arguments)
        self.inner_results: dict[str, Inner] = {}
        self.lines: list[str] = []
        self.nesting = nesting  # programs that call this one
        self.depth = 1  # of the indentation
        self.loops = 0
        self.early = False  # a `return` came already
        self.appending = False  # what is written goes into a prompt as it is

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, prefix: str) -> str:
        self.shared.names += 1
        return f"{prefix}{self.shared.names}"

    def has(self, feature: str) -> None:
        self.shared.features.add(feature)

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """Lines below a head; at least one."""
        self.line(head)
        self.depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.line("pass")
        self.depth -= 1

    @contextmanager
    def looking(self) -> Generator[None]:
        """What is written is looked at by Python."""
        before, self.appending = self.appending, False
        yield
        self.appending = before

    def known(self, *kinds: Kind) -> list[str]:
        """Sources of what there is of these kinds: locals, variables of states, of other programs' results."""
        found = [name for name, kind in self.locals.items() if kind in kinds]
        for state in (self.state, *self.readable):
            found += [f'{state.source}["{name}"]' for name, kind in state.kinds.items() if kind in kinds]
        for result, inner in self.inner_results.items():
            found += [f'{result}["{name}"]' for name, kind in inner.kinds.items() if kind in kinds]
            if inner.value in kinds:
                found.append(f"{result}.ret_value")
        return found

    # -- what is known after code that may not run

    def snapshot(self) -> Snapshot:
        return Snapshot(dict(self.locals), dict(self.state.kinds), dict(self.state.assigned), dict(self.inner_results))

    def restore(self, snapshot: Snapshot) -> None:
        self.locals = dict(snapshot.locals)
        self.state.kinds = dict(snapshot.kinds)
        self.state.assigned = dict(snapshot.assigned)
        self.inner_results = dict(snapshot.inner_results)

    def merge(self, ends: Sequence[Snapshot]) -> None:
        """Only what is there, and of one kind, after each of the ways."""
        self.locals = _common([end.locals for end in ends])
        self.state.kinds = _common([end.kinds for end in ends])
        self.inner_results = {
            name: inner
            for name, inner in ends[0].inner_results.items()
            if all(name in end.inner_results for end in ends)
        }
        assigned = _common([end.assigned for end in ends])
        self.state.assigned = {name: assigned.get(name, "data") for end in ends for name in end.assigned}


@dataclass(frozen=True)
class Snapshot:
    locals: Kinds
    kinds: Kinds
    assigned: Kinds
    inner_results: dict[str, Inner]


def _common(all_kinds: Sequence[Kinds]) -> Kinds:
    first, *others = all_kinds
    return {name: kind for name, kind in first.items() if all(other.get(name) == kind for other in others)}

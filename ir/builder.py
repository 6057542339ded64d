"""Builds graphs op by op, in the order in which a program runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from sglc.ir.errors import Location
from sglc.ir.graph import AS_WRITTEN, End, Graph, Orders, Region, Static, Switch, Tree, answers_of
from sglc.ir.ops import (
    NO_SETTINGS,
    Append,
    Argument,
    Call,
    ChoicesMethod,
    Constraint,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Numbered,
    Op,
    Param,
    Part,
    Read,
    Render,
    Role,
    Root,
    Sampling,
    Select,
    Test,
    Trusted,
    Unordered,
    field_names,
    operands,
)

N = TypeVar("N", Gen, Select, Call, Meta, Render)
P = TypeVar("P", Root, Append, Read, Format, Unordered, Image, Method, Test)


class Builder:
    """Emits ops in order; `finish` makes the graph. Nothing is checked here: `sglc.ir.verify` does that.

    earlier: ops by number that stand in regions around the one that is built. They, and what they are made from, are
    given instead of new ones: a program that is run again for the next region does not say everything twice.
    """

    def __init__(self, name: str, earlier: Mapping[int, Numbered] | None = None) -> None:
        self.body: list[Op] = []
        self.numbered: dict[int, Numbered] = {}
        self._name = name
        self._params: list[Param] = []
        self._reads: dict[Op, Read] = {}
        self._earlier = earlier or {}
        self._around = {content(op): op for op in _made_from(self._earlier.values())}

    def param(self, name: str, default: str | None = None, *, loc: Location | None = None) -> Param:
        param = Param(name=name, default=default, loc=loc)
        self._params.append(param)
        return param

    def root(self, *, loc: Location | None = None) -> Root:
        return self._emitted(Root(loc=loc))

    def append(self, state: Op, parts: Iterable[Part], *, loc: Location | None = None) -> Op:
        """The state with `parts` at its end; `state` itself where nothing is left of them.

        A `Format` among the parts gives way to its own parts, so that its literals stay the program's; empty literals
        are dropped.
        """
        flat = tuple(flattened(parts))
        if not flat:
            return state
        return self._emitted(Append(state=state, parts=flat, loc=loc))

    def gen(
        self,
        state: Op,
        *,
        name: str | None = None,
        sampling: Sampling = NO_SETTINGS,
        constraint: Constraint | None = None,
        loc: Location | None = None,
    ) -> Gen:
        return self._next(
            Gen,
            lambda number: Gen(
                state=state, name=name, sampling=sampling, constraint=constraint, number=number, loc=loc
            ),
        )

    def select(
        self,
        state: Op,
        choices: Iterable[Iterable[Part]],
        *,
        name: str | None = None,
        method: ChoicesMethod = "token_length_normalized",
        loc: Location | None = None,
    ) -> Select:
        flat = tuple(tuple(flattened(choice)) for choice in choices)
        return self._next(
            Select,
            lambda number: Select(state=state, choices=flat, name=name, method=method, number=number, loc=loc),
        )

    def call(
        self,
        function: str,
        arguments: tuple[Argument, ...],
        keywords: tuple[tuple[str, Argument], ...] = (),
        *,
        timeout: float | None = None,
        dropped: bool = False,
        loc: Location | None = None,
    ) -> Call:
        return self._next(
            Call,
            lambda number: Call(
                function=function,
                arguments=arguments,
                keywords=keywords,
                timeout=timeout,
                dropped=dropped,
                number=number,
                loc=loc,
            ),
        )

    def meta(self, state: Op, *, loc: Location | None = None) -> Meta:
        return self._next(Meta, lambda number: Meta(state=state, number=number, loc=loc))

    def render(self, state: Op, since: Op, *, loc: Location | None = None) -> Render:
        return self._next(Render, lambda number: Render(state=state, since=since, number=number, loc=loc))

    def _next(self, kind: type[N], make: Callable[[int], N]) -> N:
        """The op of the next number."""
        number = len(self.numbered)
        op = self._earlier.get(number)
        if op is None:
            op = make(number)
            self.body.append(op)
        elif not isinstance(op, kind):
            raise TypeError(f"number {number} is a {type(op).__name__}, and now a {kind.__name__}")
        self.numbered[number] = op
        return op

    def _emitted(self, op: P) -> P:
        known = self._around.get(content(op)) if self._around else None
        if known is None:
            self.body.append(op)
        return cast("P", known or op)

    def read(self, state: Op, *, loc: Location | None = None) -> Read:
        """What a gen or select added; the same op each time it is asked for."""
        if state not in self._reads:
            self._reads[state] = self._emitted(Read(state=state, loc=loc))
        return self._reads[state]

    def format(self, parts: Iterable[Part], *, loc: Location | None = None) -> Format:
        return self._emitted(Format(parts=tuple(part for part in parts if part != ""), loc=loc))

    def unordered(self, groups: Iterable[Iterable[Part]], *, loc: Location | None = None) -> Unordered:
        return self._emitted(Unordered(groups=tuple(tuple(flattened(group)) for group in groups), loc=loc))

    def image(self, path: Op | str, frames: int | None = None, *, loc: Location | None = None) -> Image:
        text = self.format([path], loc=loc) if isinstance(path, str) else path
        return self._emitted(Image(path=text, frames=frames, loc=loc))

    def method(self, name: str, arguments: tuple[Argument, ...], *, loc: Location | None = None) -> Method:
        return self._emitted(Method(name=name, arguments=arguments, loc=loc))

    def test(self, name: str, arguments: tuple[Argument, ...], *, loc: Location | None = None) -> Test:
        return self._emitted(Test(name=name, arguments=arguments, loc=loc))

    def finish(
        self,
        final: Op,
        variables: Mapping[str, Tree] | None = None,
        value: Tree = None,
        statics: Mapping[str, Static] | None = None,
    ) -> Graph:
        """The graph of a program that does not branch."""
        return self.finish_with(End(final, dict(variables or {}), value, answers_of(variables or {})), statics)

    def finish_with(self, end: End | Switch, statics: Mapping[str, Static] | None = None) -> Graph:
        return Graph(
            name=self._name,
            params=tuple(self._params),
            prefixes=(),
            region=Region(tuple(self.body), end),
            statics=dict(statics or {}),
        )


def _made_from(wanted: Iterable[Op]) -> Iterator[Op]:
    """The ops that have no number among those that these are made from."""
    left, seen = list(wanted), set[Op]()
    while left:
        op = left.pop()
        if op not in seen:
            seen.add(op)
            left.extend(operands(op))
            if not isinstance(op, Numbered | Param):
                yield op


@functools.lru_cache(4096)  # those around are asked for at each further run of a program
def content(op: Op) -> Hashable:
    """What an op is, but for its place: equal for equal values. The order of an `unordered` hangs on its place."""

    def plain(value: Any) -> Hashable:
        if isinstance(value, tuple):
            return tuple(map(plain, cast("tuple[Any, ...]", value)))
        if isinstance(value, Trusted):
            return Trusted, value.text
        return value if isinstance(value, str | Op | Role) else (type(value).__name__, repr(value))

    place = (op.loc,) if isinstance(op, Unordered) else ()
    return type(op), *(plain(getattr(op, name)) for name in field_names(type(op))), *place


def flattened(parts: Iterable[Part], orders: Orders | None = None) -> Iterator[Part]:
    """The parts with each `Format` replaced by its parts, at any depth, and without empty literals. orders: so that each
    `Unordered` is replaced by its parts, too, in the order of its place.

    Values inside a trusted `Format` become trusted one by one; literals are the program's and need no mark.
    """
    stack: list[tuple[Iterator[Part], bool]] = [(iter(parts), False)]
    while stack:
        rest, trusted = stack[-1]
        part = next(rest, None)
        if part is None:
            stack.pop()
            continue
        value, marked = (part.text, True) if isinstance(part, Trusted) else (part, trusted)
        if isinstance(value, Format):
            stack.append((iter(value.parts), marked))
        elif orders is not None and isinstance(value, Unordered):
            stack.append((iter(in_order(value, orders)), marked))
        elif isinstance(value, Op):
            if marked:
                yield part if isinstance(part, Trusted) else Trusted(value)
            else:
                yield value
        elif value != "":
            yield value


def in_order(op: Unordered, orders: Orders) -> tuple[Part, ...]:
    """The parts of all groups, in the order of the op's place."""
    order = AS_WRITTEN if op.loc is None else orders.get(op.loc, AS_WRITTEN)
    return tuple(part for group in order.put(op.groups) for part in group)

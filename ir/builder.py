"""Builds graphs op by op, in the order in which a program runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sglc.ir.errors import Location
from sglc.ir.graph import Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Root, Sampling, Select, Trusted


class Builder:
    """Emits ops in order; `finish` makes the graph. Nothing is checked here: `sglc.ir.verify` does that."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._params: list[Param] = []
        self._body: list[Op] = []
        self._reads: dict[Op, Read] = {}
        self._samples = 0

    def param(self, name: str, default: str | None = None, *, loc: Location | None = None) -> Param:
        param = Param(name=name, default=default, loc=loc)
        self._params.append(param)
        return param

    def root(self, *, loc: Location | None = None) -> Root:
        root = Root(loc=loc)
        self._body.append(root)
        return root

    def append(self, state: Op, parts: Iterable[Part], *, loc: Location | None = None) -> Op:
        """The state with `parts` at its end; `state` itself where nothing is left of them.

        A `Format` among the parts gives way to its own parts, so that its literals stay the program's; empty literals
        are dropped.
        """
        flat = tuple(flattened(parts))
        if not flat:
            return state
        append = Append(state=state, parts=flat, loc=loc)
        self._body.append(append)
        return append

    def gen(
        self,
        state: Op,
        *,
        name: str | None = None,
        sampling: Sampling | None = None,
        regex: str | None = None,
        loc: Location | None = None,
    ) -> Gen:
        """The gens of a program are numbered in the order of these calls (`Gen.sample`)."""
        gen = Gen(state=state, name=name, sampling=sampling or Sampling(), regex=regex, sample=self._samples, loc=loc)
        self._samples += 1
        self._body.append(gen)
        return gen

    def select(
        self, state: Op, choices: Iterable[Iterable[Part]], *, name: str | None = None, loc: Location | None = None
    ) -> Select:
        select = Select(state=state, choices=tuple(tuple(flattened(choice)) for choice in choices), name=name, loc=loc)
        self._body.append(select)
        return select

    def read(self, state: Op, *, loc: Location | None = None) -> Read:
        """What a gen or select added; the same op each time it is asked for."""
        if state not in self._reads:
            read = Read(state=state, loc=loc)
            self._reads[state] = read
            self._body.append(read)
        return self._reads[state]

    def format(self, parts: Iterable[Part], *, loc: Location | None = None) -> Format:
        text = Format(parts=tuple(part for part in parts if part != ""), loc=loc)
        self._body.append(text)
        return text

    def image(self, path: Op | str, *, loc: Location | None = None) -> Image:
        image = Image(path=self.format([path], loc=loc) if isinstance(path, str) else path, loc=loc)
        self._body.append(image)
        return image

    def finish(
        self,
        final: Op,
        variables: Mapping[str, Tree] | None = None,
        value: Tree = None,
        statics: Mapping[str, bool | int | float | str | None] | None = None,
    ) -> Graph:
        return Graph(
            name=self._name,
            params=tuple(self._params),
            prefixes=(),
            body=tuple(self._body),
            final=final,
            variables=dict(variables or {}),
            value=value,
            statics=dict(statics or {}),
        )


def flattened(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts with each `Format` replaced by its parts, at any depth, and without empty literals.

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
        elif isinstance(value, Op):
            if marked:
                yield part if isinstance(part, Trusted) else Trusted(value)
            else:
                yield value
        elif value != "":
            yield value

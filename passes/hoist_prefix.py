"""Moves what depends on no argument and no answer out of the call.

    program p {                                       =>   program p {
      %x = param "x"                                         %x = param "x"
      %0 = root                                              prefix {
      %1 = append %0, ["Judge this: ", %x]                     %0 = root
      %2 = gen %1 {number=0}                                   %1 = append %0, ["Judge this: "]
      final %2                                               }
    }                                                        %2 = append %1, [%x]
                                                             %3 = gen %2 {number=0}
                                                             final %3
                                                           }

Constant prompts are tokenised when the program is compiled and prefilled once for all calls. Gens and selects stay: each
call draws its own answers. An append that only begins with constants is cut in two. What several cases say is hoisted
once, and what is hoisted out of them shares its beginnings, which `share_prefix` could not see before.

What stays is cut for the rows of a batch, too: in front of the first part of an argument that is not in the prompt so far,
and of the first answer. Where some arguments are equal in all rows, a state is the longest prompt that all of them share.

    %1 = append %0, [%book, "Question: ", %x, "!"]    =>   %1 = append %0, [%book, "Question: "]
    %2 = gen %1 {number=0}                                 %2 = append %1, [%x, "!"]
                                                           %3 = gen %2 {number=0}

That gains nothing in front of the first argument (there the constants end), behind the last that prompts are made of
(rows in which all of them are equal are one prompt from there on, and `share_prefix` has cut what a call shares), and
where no gen or select comes.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import replace
from itertools import takewhile

from sglc.ir.builder import content
from sglc.ir.graph import Graph, Region
from sglc.ir.made_of import ANSWERS, indices, made_of
from sglc.ir.ops import Append, Gen, Op, Part, Select, Trusted, operands, with_operands
from sglc.ir.verify import CONSTANT
from sglc.passes.rebuild import rebuilt
from sglc.passes.share_prefix import share_constants


def hoist_prefix(graph: Graph) -> Graph:
    prefixes = list(graph.prefixes)
    constant = set(prefixes)
    first: dict[Hashable, Op] = {content(op): op for op in reversed(prefixes)}
    new: dict[Op, Op] = {}
    cuts = _Cuts(graph)

    def is_constant(part: Part) -> bool:
        value = _value(part)
        return value is None or value in constant

    def hoisted(op: Op) -> Op:
        there = first.setdefault(content(op), op)
        if there is op:
            prefixes.append(op)
            constant.add(op)
        return there

    def rest(region: Region) -> Iterator[Op]:
        for op in region.body:
            moved = with_operands(op, lambda x: new.get(x, x))
            if isinstance(moved, CONSTANT) and constant.issuperset(operands(moved)):
                new[op] = hoisted(moved)
                continue
            begin = 0
            if isinstance(moved, Append) and moved.state in constant:
                beginning = tuple(takewhile(is_constant, moved.parts))
                if beginning:
                    begin = len(beginning)
                    prefix = hoisted(Append(state=moved.state, parts=beginning, loc=moved.loc))
                    moved = replace(moved, state=prefix, parts=moved.parts[begin:])
            if isinstance(op, Append) and isinstance(moved, Append):
                for cut in cuts.of(op):
                    yield (shared := replace(moved, parts=moved.parts[: cut - begin]))
                    moved = replace(moved, state=shared, parts=moved.parts[cut - begin :])
                    begin = cut
            new[op] = moved
            yield moved

    region = rebuilt(graph, (), rest, lambda op: new.get(op, op)).region
    changed = any(op is not moved for op, moved in new.items()) or len(prefixes) > len(graph.prefixes)
    if not changed:
        return graph
    made = replace(graph, prefixes=tuple(prefixes), region=region)
    if len(graph.regions) == 1 and not graph.prefixes:
        return made  # `share_prefix` has seen all of it together
    return share_constants(made)


class _Cuts:
    """Where appends are cut for the rows of a batch."""

    def __init__(self, graph: Graph) -> None:
        self._made = made_of(graph)
        self._asked: set[Op] = set()  # states that a gen or select comes behind
        for op in reversed(graph.body):
            if isinstance(op, Gen | Select) or (isinstance(op, Append) and op in self._asked):
                self._asked.add(op.state)
        together: dict[str, int] = {}  # argument -> the bits of all texts in it
        names = [re.split(r"[.\[]", param.name, maxsplit=1)[0] for param in graph.params]
        for index, name in enumerate(names):
            together[name] = together.get(name, 0) | 1 << index
        self._argument = [together[name] for name in names]
        read = {operand for op in graph.body for operand in operands(op)}
        self._all = self._whole(sum(1 << index for index, param in enumerate(graph.params) if param in read))

    def of(self, append: Append) -> Iterator[int]:
        """The numbers of the parts that it is cut in front of."""
        if append not in self._asked or self._made[append.state] == ANSWERS:
            return
        there = self._whole(self._made[append.state])
        for number, part in enumerate(append.parts):
            value = _value(part)
            bits = self._made[value] if value is not None else 0
            if there and number and bits & ~there and there != self._all:
                yield number
            if bits == ANSWERS:
                return
            there |= self._whole(bits & ~there)

    def _whole(self, bits: int) -> int:
        """These texts with all others of the same arguments: in a batch a list or an object is one value."""
        found = 0
        for index in indices(bits):
            found |= self._argument[index]
        return found


def _value(part: Part) -> Op | None:
    """The value that a part is; None for a literal and a role."""
    value = part.text if isinstance(part, Trusted) else part
    return value if isinstance(value, Op) else None

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
once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace
from itertools import takewhile

from sglc.ir.builder import content
from sglc.ir.graph import Graph, Region
from sglc.ir.ops import Append, Op, Part, Trusted, operands, with_operands
from sglc.ir.verify import CONSTANT
from sglc.passes.rebuild import rebuilt


def hoist_prefix(graph: Graph) -> Graph:
    prefixes = list(graph.prefixes)
    constant = set(prefixes)
    first: dict[Hashable, Op] = {content(op): op for op in reversed(prefixes)}
    new: dict[Op, Op] = {}

    def is_constant(part: Part) -> bool:
        value = part.text if isinstance(part, Trusted) else part
        return not isinstance(value, Op) or value in constant

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
            if isinstance(moved, Append) and moved.state in constant:
                beginning = tuple(takewhile(is_constant, moved.parts))
                if beginning:
                    prefix = hoisted(Append(state=moved.state, parts=beginning, loc=moved.loc))
                    moved = replace(moved, state=prefix, parts=moved.parts[len(beginning) :])
            new[op] = moved
            yield moved

    region = rebuilt(graph, (), rest, lambda op: new.get(op, op)).region
    changed = any(op is not moved for op, moved in new.items()) or len(prefixes) > len(graph.prefixes)
    return replace(graph, prefixes=tuple(prefixes), region=region) if changed else graph

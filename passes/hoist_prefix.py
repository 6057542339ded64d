"""Moves what depends on no argument and no answer out of the call.

    program p {                                       =>   program p {
      %x = param "x"                                         %x = param "x"
      %0 = root                                              prefix {
      %1 = append %0, ["Judge this: ", %x]                     %0 = root
      %2 = gen %1 {sample=0}                                   %1 = append %0, ["Judge this: "]
      final %2                                               }
    }                                                        %2 = append %1, [%x]
                                                             %3 = gen %2 {sample=0}
                                                             final %3
                                                           }

Constant prompts are tokenised when the program is compiled and prefilled once for all calls. Gens and selects stay: each
call draws its own answers. An append that only begins with constants is cut in two.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile

from sglc.ir.graph import Graph
from sglc.ir.ops import Append, Gen, Op, Part, Select, Trusted, operands, with_operands
from sglc.passes.rebuild import rebuilt


def hoist_prefix(graph: Graph) -> Graph:
    prefixes, body = list(graph.prefixes), list[Op]()
    constant = set(prefixes)
    new: dict[Op, Op] = {}

    def is_constant(part: Part) -> bool:
        value = part.text if isinstance(part, Trusted) else part
        return not isinstance(value, Op) or value in constant

    for op in graph.body:
        moved = with_operands(op, lambda x: new.get(x, x))
        if not isinstance(moved, Gen | Select) and constant.issuperset(operands(moved)):
            prefixes.append(moved)
            constant.add(moved)
        else:
            if isinstance(moved, Append) and moved.state in constant:
                beginning = tuple(takewhile(is_constant, moved.parts))
                if beginning:
                    prefix = Append(state=moved.state, parts=beginning, loc=moved.loc)
                    prefixes.append(prefix)
                    constant.add(prefix)
                    moved = replace(moved, state=prefix, parts=moved.parts[len(beginning) :])
            new[op] = moved
            body.append(moved)
    return rebuilt(graph, prefixes, body, lambda op: new.get(op, op)) if len(prefixes) > len(graph.prefixes) else graph

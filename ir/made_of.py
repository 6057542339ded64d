"""What of a call the values of a program depend on."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.ir.graph import Graph
from sglc.ir.ops import Op, Primitive, operands

ANSWERS = -1
"""Of a value that is made of answers: all bits."""


def made_of(graph: Graph) -> dict[Op, int]:
    """op -> the arguments that its value is made of, as bits by their index in `Graph.params`; `ANSWERS` where an answer
    of the model or of a host function is in it. 0 is a constant."""
    found: dict[Op, int] = {param: 1 << index for index, param in enumerate(graph.params)}
    for op in (*graph.prefixes, *graph.body):
        bits = ANSWERS if isinstance(op, Primitive) else 0
        for operand in operands(op):
            bits |= found[operand]
        found[op] = bits
    return found


def indices(bits: int) -> Iterator[int]:
    """Of the bits that are set; there are no `ANSWERS` among them."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest

"""Programs of a given size, in the shapes that find what is slower than linear in a compiler."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count, cycle

from sglc.ir.builder import Builder
from sglc.ir.graph import Case, End, Graph, Region, Switch
from sglc.ir.ops import DEFAULT_SAMPLING, Append, Gen, Op, Part, Read, Root, Sampling, Test

GREEDY = Sampling(temperature=0)
Shape = Callable[[int], Graph]
"""A graph of about so many nodes: ops and regions."""


def chain(size: int) -> Graph:
    """A conversation: each prompt is the one before, its answer and another question."""
    b = Builder("chain")
    x = b.param("x")
    state = b.append(b.root(), ["Let us talk about ", x])
    for turn in range(size // 3):
        state = b.gen(b.append(b.append(state, [f"Turn {turn}: "]), ["go on"]))
    return b.finish(state)


def wide_fork(size: int) -> Graph:
    """One prompt, many questions about it, and one about all answers."""
    b = Builder("wide_fork")
    x = b.param("x")
    state = b.append(b.root(), ["Judge ", x])
    reads: list[Op] = [b.read(b.gen(b.append(state, [f"in respect {number} of ", x]))) for number in range(size // 3)]
    return b.finish(b.gen(b.append(state, reads)), {"all": [*reads]})


def equal_states(size: int) -> Graph:
    """Ten prompts, written down anew each time they are asked, half of them greedily."""
    b = Builder("equal_states")
    x = b.param("x")
    root = b.root()
    state: Op = root
    reads: list[Op] = []
    for number, subject in zip(range(size // 4), cycle(range(10)), strict=False):
        prompt = b.append(b.append(root, ["You judge ", x, " in "]), [f"respect {subject}: ", x])
        state = b.gen(prompt, sampling=GREEDY if number % 2 else DEFAULT_SAMPLING)
        reads.append(b.read(state))
    return b.finish(state, {"all": [*reads]})


def selects(size: int) -> Graph:
    """A choice after each question, of the same choices and of some with holes."""
    b = Builder("selects")
    x = b.param("x")
    state: Op = b.append(b.root(), ["Decide about ", x])
    for number in range(size // 3):
        hole: Sequence[Part] = ["maybe ", x] if number % 5 == 0 else ["maybe"]
        state = b.select(b.append(state, [f"\nQuestion {number}: "]), [["yes"], ["no"], hole])
        last = b.read(state)
    return b.finish(state, {"last": last})


def growing_text(size: int) -> Graph:
    """A text that each answer is added to, and that is read at the end."""
    b = Builder("growing_text")
    x = b.param("x")
    text: Op = x
    state = b.append(b.root(), ["Think about ", x])
    for step in range(size // 4):
        text = b.format([text, "; ", b.read(b.gen(b.append(state, [f"Step {step}: "])))])
    return b.finish(b.gen(b.append(state, ["Notes: ", text])))


def switch_tree(size: int) -> Graph:
    """Questions with two answers each, and some gens after each answer: the more nodes the more questions on a path."""
    depth = max(1, (size // 20).bit_length() - 1)
    return _switches("switch_tree", size // (2 ** (depth + 1) - 1) - 1, depth, both=True)


def switch_chain(size: int) -> Graph:
    """A loop that asks after each turn whether it is done: up to 100 regions inside each other."""
    depth = min(100, size // 10)
    return _switches("switch_chain", size // depth - 3, depth, both=False)


def _switches(name: str, ops: int, depth: int, *, both: bool) -> Graph:
    """Regions of so many ops, inside each other. both: also in the second case of each switch."""
    numbers, root = count(), Root()

    def region(state: Op, level: int) -> Region:
        body: list[Op] = [] if level else [root]
        while len(body) < ops - 2:
            body.append(Append(state=state, parts=(f"Level {level}: ", "and more")))
            body.append(state := Gen(state=body[-1], number=next(numbers)))
        read = Read(state=state) if isinstance(state, Gen) else None
        if level == depth or read is None:
            return Region(tuple(body), End(state, {}))
        done = Test(name="eq", arguments=(read, "done"))
        stop = region(state, level + 1) if both else Region((), End(state, {"last": read}))
        cases = (Case((True,), stop), Case((False,), region(state, level + 1)))
        return Region((*body, read, done), Switch(state, (done,), cases, open=False, number=next(numbers)))

    return Graph(name, (), (), region(root, 0))


SHAPES: tuple[Shape, ...] = (chain, wide_fork, equal_states, selects, growing_text, switch_tree, switch_chain)


def nodes(graph: Graph) -> int:
    """What the size of a graph is measured in: its ops and its regions."""
    return len(graph.ops) + len(graph.regions)

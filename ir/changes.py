"""What a pass did: the ops that are gone, new or elsewhere, found by what they are and not by their numbers.

    # after fold_text: 2 ops gone, 1 op new; 5 as before
      the top:
          ... 1 op as before
        - %old1 = append %0, ["Judge "]
        - %old2 = append %old1, ["this: "]
        + %1 = append %0, ["Judge this: "]
          ... 4 ops as before

Two ops are the same if they say the same of operands that mean the same (`sglc.ir.terms`): an append whose state is now
made in one piece is as it was. Names are those of the graph after the pass; what is gone keeps its own number, `%old7`.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

from sglc.ir.builder import content
from sglc.ir.graph import Fork, Graph, Switch
from sglc.ir.ops import Op, with_operands
from sglc.ir.printer import print_fork, print_op, print_order, value_names
from sglc.ir.terms import Table, terms

LONGEST_LITERAL, LONGEST_LINE = 72, 240
"""Characters that are shown; of what is longer the beginning and the end."""

PARAMS, PREFIX, TOP = -2, -1, 0
"""Where an op stands; 1, 2, ... are the regions of cases. Passes keep all regions."""


def changes(name: str, before: Graph, after: Graph) -> str:
    """What the pass `name` did, for reading: one line where it did nothing."""
    found = _Compared.of(before, after)
    counts = [(found.gone, "gone"), (found.new, "new"), (found.moved, "elsewhere")]
    said = [f"{_counted(len(ops), 'op')} {word}" for ops, word in counts if ops]
    gone, new = _forks(found, before, after)
    said += [f"{_counted(len(forks), 'fork')} {word}" for forks, word in ((gone, "gone"), (new, "new")) if forks]
    if not said:
        same = [found.twin[op] for op in before.ops] == list(after.ops)
        return f"# after {name}: {'nothing changed' if same else 'only the order of the ops changed'}\n"
    new += [f"    + {print_order(place, order)}" for place, order in after.orders.items() if place not in before.orders]
    kept = len(found.twin) - len(found.moved)
    lines = [f"# after {name}: {', '.join(said)}; {kept} as before", *_places(found, after), *gone, *new]
    return "\n".join(map(_shortened, lines)) + "\n"


def learnt(name: str, graph: Graph, before: Mapping[Op, str], after: Mapping[Op, str]) -> str:
    """What the pass `name` found out about ops that it left as they are: those whose notes are other ones now."""
    names = value_names(graph)
    lines = [f"  {print_op(op, names)}  # {note}" for op, note in after.items() if before.get(op) != note]
    said = f"more is known of {_counted(len(lines), 'op')}" if lines else "nothing changed"
    return "\n".join(map(_shortened, [f"# after {name}: {said}", *lines])) + "\n"


@dataclass(frozen=True, slots=True)
class _Compared:
    """Two graphs, op by op.

    twin:  op before -> the same op after. gone, new: those that have none, in order.
    moved: op after -> where its twin stood, if elsewhere.
    lost:  op after, or a place -> the ops that are gone from before it, or from the end of the place.
    names: of all ops of both. keys: what each op says. said: each place in words.
    """

    twin: dict[Op, Op]
    gone: list[Op]
    new: dict[Op, None]
    moved: dict[Op, int]
    lost: dict[Op | int, list[Op]]
    names: dict[Op, str]
    keys: dict[Op, Hashable]
    said: dict[int, str]

    @classmethod
    def of(cls, before: Graph, after: Graph) -> _Compared:
        keys, was, home = _keys(before, after), _home(before), _home(after)
        twin = _twins({op: keys[op] for op in before.ops}, {op: keys[op] for op in after.ops}, was, home)
        gone = [op for op in before.ops if op not in twin]
        kept = set(twin.values())
        names, own = value_names(after), value_names(before)
        names |= {op: names[twin[op]] if op in twin else f"%old{own[op][1:]}" for op in before.ops}
        following: dict[int, Op] = {}
        lost: dict[Op | int, list[Op]] = defaultdict(list)
        for op in reversed(before.ops):
            if op in twin:
                following[was[op]] = twin[op]
            else:
                lost[following.get(was[op], was[op])].append(op)
        return cls(
            twin=twin,
            gone=gone,
            new={op: None for op in after.ops if op not in kept},
            moved={other: was[op] for op, other in twin.items() if was[op] != home[other]},
            lost={there: ops[::-1] for there, ops in lost.items()},
            names=names,
            keys=keys,
            said=_words(after),
        )


def _keys(before: Graph, after: Graph) -> dict[Op, Hashable]:
    """What each op says: itself, with terms in the place of its operands. The terms of both graphs are of one table."""
    table: Table = {}
    standing: dict[int, Op] = {}  # one op for all of a term, so that `content` compares them
    keys: dict[Op, Hashable] = {}
    for graph in (before, after):
        term = terms(graph, table, after.orders)
        for op in graph.ops:
            said = with_operands(op, lambda x, term=term: standing.setdefault(term[x], x))
            keys[op] = term[op], content(said)
    return keys


def _twins(
    old: dict[Op, Hashable], new: dict[Op, Hashable], was: Mapping[Op, int], home: Mapping[Op, int]
) -> dict[Op, Op]:
    """Pairs of equal ops, in order where several are equal: first those of one place, then what is left."""
    twin: dict[Op, Op] = {}
    for there in (True, False):
        taken = set(twin.values())
        waiting: dict[Hashable, list[Op]] = defaultdict(list)
        for op, key in reversed(new.items()):
            if op not in taken:
                waiting[key, there and home[op]].append(op)
        for op, key in old.items():
            if op not in twin and waiting[key, there and was[op]]:
                twin[op] = waiting[key, there and was[op]].pop()
    return twin


def _home(graph: Graph) -> dict[Op, int]:
    home = dict.fromkeys(graph.params, PARAMS) | dict.fromkeys(graph.prefixes, PREFIX)
    for number, region in enumerate(graph.regions):
        home |= dict.fromkeys(region.body, number)
    return home


def _words(graph: Graph) -> dict[int, str]:
    number = {region: place for place, region in enumerate(graph.regions)}
    words = {PARAMS: "the parameters", PREFIX: "the prefix", TOP: "the top"}
    for region in graph.regions:
        for case in region.end.cases if isinstance(region.end, Switch) else ():
            assert isinstance(region.end, Switch)
            values = ", ".join(json.dumps(value, ensure_ascii=False) for value in case.values)
            where = f" at {region.end.loc}" if region.end.loc else ""
            words[number[case.region]] = f"case {values} of switch {region.end.number}{where}"
    return words


def _places(found: _Compared, after: Graph) -> Iterator[str]:
    """The places where something changed, each with its ops."""
    for place, ops in ((PARAMS, after.params), (PREFIX, after.prefixes), *enumerate(r.body for r in after.regions)):
        if place in found.lost or any(op in found.new or op in found.moved or op in found.lost for op in ops):
            yield f"  {found.said[place]}:"
            yield from _lines(found, ops, place)


def _lines(found: _Compared, ops: tuple[Op, ...], place: int) -> Iterator[str]:
    """The ops of a place: what is gone stands where it stood, and what is new below what it came for."""
    same, new = 0, list[str]()
    for op in ops:
        gone = [f"    - {print_op(other, found.names)}" for other in found.lost.get(op, ())]
        if same and (gone or op in found.new or op in found.moved):
            yield _as_before(same)
            same = 0
        if op in found.new:
            new.append(f"    + {print_op(op, found.names)}")
            continue
        yield from (*gone, *new)
        new = []
        if op in found.moved:
            yield f"    > {print_op(op, found.names)}  # from {found.said[found.moved[op]]}"
        else:
            same += 1
    if same:
        yield _as_before(same)
    yield from (f"    - {print_op(other, found.names)}" for other in found.lost.get(place, ()))
    yield from new


def _as_before(number: int) -> str:
    return f"      ... {_counted(number, 'op')} as before"


def _forks(found: _Compared, before: Graph, after: Graph) -> tuple[list[str], list[str]]:
    """The forks that are in one of the graphs only: those that are gone, and those that are new."""

    def keyed(graph: Graph) -> dict[Hashable, Fork]:
        keys = found.keys
        return {(keys[fork.state], tuple(keys[op] for op in fork.members)): fork for fork in graph.forks}

    old, new = keyed(before), keyed(after)
    gone = [f"    - {print_fork(fork, found.names)}" for key, fork in old.items() if key not in new]
    return gone, [f"    + {print_fork(fork, found.names)}" for key, fork in new.items() if key not in old]


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _shortened(line: str) -> str:
    line = re.sub(r'"(?:[^"\\]|\\.)*"', lambda literal: _cut(literal[0], LONGEST_LITERAL), line)
    return _cut(line, LONGEST_LINE)


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end]} ...({len(text) - longest} more)... {text[-end:]}"

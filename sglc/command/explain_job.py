"""`sglc explain`: what a program costs on rows of arguments, before it runs, and what keeps it from costing less."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sglc.command.explain_blockers import Blocker, blockers, kept_orders
from sglc.command.explain_counts import KV, Chain, Count, Tokens, kv_of, longest_chain, tokens, weight
from sglc.command.explain_prompts import Ids, Walk, Walker
from sglc.command.program_file import load_program, load_rows
from sglc.compiler import Compiled, compile_graph
from sglc.function import SglFunction
from sglc.ir.errors import ArgumentsError
from sglc.ir.graph import Graph, Switch
from sglc.ir.ops import Call, Gen, Primitive, Select, token_bound
from sglc.ir.tokens import Tokenizer
from sglc.language.arguments import Arguments, bind, without_opaque
from sglc.passes.reorder_parts import in_orders


@dataclass(slots=True)
class Shape:
    """The rows of one shape of arguments: the graph as it was traced, and what was compiled of it."""

    traced: Graph
    compiled: Compiled
    rows: list[Arguments] = field(default_factory=list[Arguments])


@dataclass(frozen=True, slots=True)
class StepCost:
    """A step in all rows that get to it. answer: tokens of one answer at most."""

    where: str
    kind: str
    name: str
    answer: int
    count: Count


@dataclass(frozen=True, slots=True)
class Explanation:
    """row_peak: KV tokens of the row that needs most, alone. chain: of the row that decodes longest. notes: what was taken
    for granted."""

    program: str
    rows: int
    tokens: Tokens
    steps: list[StepCost]
    chain: Chain
    kv: KV
    row_peak: int
    blockers: list[Blocker]
    notes: list[str]


def explain(target: str, args: str | None, tokenizer: Callable[[], Tokenizer]) -> Explanation:
    """Raises what is wrong with the program or a row, and the error of a step that could not be asked. tokenizer: loads
    it; what is wrong with the program is said first."""
    function = load_program(target)
    shapes = _shapes(function, load_rows(args))
    return explained(function.__name__, shapes, tokenizer())


def _shapes(function: SglFunction, rows: Sequence[tuple[str, dict[str, Any]]]) -> list[Shape]:
    if not rows:
        raise ArgumentsError("there is no row", hint='each line of the file is an object: {"essay": "..."}')
    shapes: dict[tuple[Any, ...], Shape] = {}
    for where, row in rows:
        bound = without_opaque(bind(function.func, (), row, where), where)
        if bound.shape not in shapes:
            traced = function.trace(**row)
            shapes[bound.shape] = Shape(traced, compile_graph(traced))
        shapes[bound.shape].rows.append(bound)
    return list(shapes.values())


def explained(name: str, shapes: Sequence[Shape], tokenizer: Tokenizer) -> Explanation:
    walks: list[Walk] = []
    orders: list[list[int]] = []
    constants: list[Sequence[int]] = []
    found: list[Blocker] = []
    numbers = itertools.count(1)

    def fresh(count: int) -> Ids:
        return tuple(-next(numbers) for _ in range(count))

    for shape in shapes:
        part = shape.compiled.for_model(tokenizer)
        bounds = _bounds(shape.compiled)
        walker = Walker(shape.compiled.graph, tokenizer, bounds.__getitem__, fresh)
        mine = [walker.walk(row.texts) for row in shape.rows]
        walks += mine
        places = _orders(shape.compiled)
        orders += ([places[asked.op] for asked in walk.asked] for walk in mine)
        constants += part.prefix_ids
        found += _blockers(shape, tokenizer, fresh)
    counted, by_op = tokens(walks, orders, constants)
    return Explanation(
        program=name,
        rows=len(walks),
        tokens=counted,
        steps=_steps(walks, by_op),
        chain=max(map(longest_chain, walks), key=lambda chain: chain.tokens),
        kv=kv_of(walks),
        row_peak=max(max(kv.peak, kv.least) for kv in map(kv_of, ([walk] for walk in walks))),
        blockers=sorted(found, key=lambda blocker: -blocker.tokens * blocker.times),
        notes=_notes(walks),
    )


def _orders(compiled: Compiled) -> dict[Primitive, int]:
    ops = compiled.graph.ops
    return {op: step.order for step in compiled.schedule.steps if isinstance(op := ops[step.op], Primitive)}


def _bounds(compiled: Compiled) -> dict[Gen, int]:
    """The most tokens of each gen's answer."""
    ops = compiled.graph.ops
    return {op: token_bound(op, s.longest) for s in compiled.schedule.steps if isinstance(op := ops[s.op], Gen)}


def _blockers(shape: Shape, tokenizer: Tokenizer, fresh: Callable[[int], Ids]) -> list[Blocker]:
    """Of the rows that take one way together."""
    graph = in_orders(shape.traced, shape.compiled.graph.orders)
    walker = Walker(graph, tokenizer, token_bound, fresh, asks=False)
    ways: dict[tuple[int, ...], list[Walk]] = {}
    for row in shape.rows:
        walk = walker.walk(row.texts)
        ways.setdefault(walk.regions, []).append(walk)
    found = [blocker for together in ways.values() for blocker in blockers(walker, together)]
    return [*found, *kept_orders(graph, len(shape.rows))]


def _steps(walks: Sequence[Walk], counts: Mapping[int, Count]) -> list[StepCost]:
    """In the order of the program's lines; steps of one line and name together."""
    steps: dict[tuple[str, str, str], StepCost] = {}
    for op in dict.fromkeys(asked.op for walk in walks for asked in walk.asked):
        asked = next(asked for walk in walks for asked in walk.asked if asked.op is op)
        key = str(op.loc or ""), _kind(op), _step_name(op)
        known = steps.get(key) or StepCost(*key, 0, Count())
        count = counts.get(id(op), Count())
        total = Count(
            known.count.requests + count.requests, known.count.naive + count.naive, known.count.shared + count.shared
        )
        steps[key] = StepCost(*key, max(known.answer, len(asked.answer)), total)
    return list(steps.values())


def _kind(op: Primitive) -> str:
    return {Gen: "gen", Select: "select", Call: "call"}[type(op)]


def _step_name(op: Primitive) -> str:
    return op.function.partition("#")[0] if isinstance(op, Call) else op.name or ""


def _notes(walks: Sequence[Walk]) -> list[str]:
    """What was taken for granted, for no answer is known."""
    notes = [
        "An answer counts with its bound: max_tokens, or the longest text of its constraint.",
        "On the critical path a select or a call counts as one token.",
    ]
    ops = [asked.op for walk in walks for asked in walk.asked]
    if any(isinstance(op, Select) for op in ops):
        notes.append("Where a prompt goes on from a select, the longest of its choices counts.")
    if calls := sorted({op.function.partition("#")[0] for op in ops if isinstance(op, Call)}):
        notes.append(f"What a host function gives counts as one token: {', '.join(calls)}.")
    if places := _where(switch for walk in walks for switch in walk.guesses):
        notes.append(f"Where an answer decides, the way that may decode most counts: {places}.")
    if left := [walk.left for walk in walks if walk.left is not None]:
        notes.append(
            f"{len(left):,} of {len(walks):,} rows leave the compiled paths; what they ask after that does not count: "
            f"{_where(left)}."
        )
    return notes


def _where(switches: Any) -> str:
    named: dict[str, None] = {}
    for switch in switches:
        assert isinstance(switch, Switch)
        named[" ".join(filter(None, (str(switch.loc or ""), " ".join(switch.why.split())))) or "?"] = None
    return "; ".join(named)


def as_json(explanation: Explanation) -> str:
    """One object. Counts are of tokens, `requests` and `times` aside."""
    chain = [
        {
            "where": str(asked.op.loc or ""),
            "kind": _kind(asked.op),
            "name": _step_name(asked.op),
            "tokens": weight(asked),
        }
        for asked in explanation.chain.steps
    ]
    steps = [
        {"where": s.where, "kind": s.kind, "name": s.name, "answer": s.answer, **asdict(s.count)}
        for s in explanation.steps
    ]
    said = {
        "program": explanation.program,
        "rows": explanation.rows,
        "prefilled": asdict(explanation.tokens),
        "steps": steps,
        "critical_path": {"tokens": explanation.chain.tokens, "steps": chain},
        "kv": {**asdict(explanation.kv), "row_peak": explanation.row_peak},
        "blockers": [{**asdict(b), "lines": [str(line) for line in b.lines]} for b in explanation.blockers],
        "notes": explanation.notes,
    }
    return json.dumps(said, ensure_ascii=False, indent=2)


def print_explanation(console: Console, explanation: Explanation) -> None:
    e = explanation
    _say(console, f"{e.program} on {_counted(e.rows, 'row')}, without running it", "Prompt tokens prefilled:")
    console.print(_prefilled(e.tokens))
    _say(console, "Steps:")
    console.print(_step_table(e.steps))
    _say(console, f"Critical path, {_counted(e.chain.tokens, 'token')} one after the other:")
    console.print(_chain_table(e.chain))
    _say(
        console,
        f"KV pool, in tokens: one row needs {e.row_peak:,} at most, all rows at once {e.kv.peak:,}; in one of "
        f"{e.kv.footprint:,} nothing is ever given up",
    )
    _listed(console, "What blocks more sharing:", [blocker.text for blocker in e.blockers])
    _listed(console, "Taken for granted:", e.notes)


def _say(console: Console, *lines: str) -> None:
    for line in lines:
        console.print(Text(line))


def _listed(console: Console, title: str, items: Sequence[str]) -> None:
    if items:
        _say(console, "", title, *(f"- {item}" for item in items))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column)
    for column in numbers:
        table.add_column(column, justify="right")
    return table


def _prefilled(tokens: Tokens) -> Table:
    table = _table("", numbers=("tokens", "saved"))
    for name, count in (
        ("naive: every request alone", tokens.naive),
        ("shared: each distinct beginning once", tokens.shared),
        (f"shared, {tokens.ahead:,} of constant prompts ahead of time", tokens.left),
    ):
        table.add_row(Text(name), f"{count:,}", f"{1 - count / tokens.naive:.1%}" if tokens.naive else "-")
    return table


def _step_table(steps: Sequence[StepCost]) -> Table:
    table = _table("line", "step", numbers=("requests", "naive", "shared", "answer at most"))
    for step in steps:
        count = step.count
        numbers = [f"{count.requests:,}", f"{count.naive:,}", f"{count.shared:,}"] if step.kind != "call" else [""] * 3
        answer = f"{step.answer:,}" if step.kind == "gen" else ""
        table.add_row(Text(step.where), Text(f"{step.kind} {step.name}"), *numbers, answer)
    return table


def _chain_table(chain: Chain) -> Table:
    table = _table("line", "step", numbers=("tokens",))
    for asked in chain.steps:
        name = Text(f"{_kind(asked.op)} {_step_name(asked.op)}")
        table.add_row(Text(str(asked.op.loc or "")), name, f"{weight(asked):,}")
    return table

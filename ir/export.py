"""A graph for people and other tools: text, JSON, and Graphviz's dot. `comments` are those of `sglc.ir.notes`. The page
for a browser is in `export_html`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from sglc.ir.errors import Location
from sglc.ir.graph import End, Graph, Region, Static, leaves
from sglc.ir.notes import summary
from sglc.ir.ops import (
    Append,
    Call,
    Constraint,
    Gen,
    Method,
    Op,
    Param,
    Primitive,
    Role,
    Sampling,
    Select,
    Test,
    Trusted,
    Type,
    operands,
)
from sglc.ir.printer import print_graph, print_schedule
from sglc.ir.schedule import Schedule

Comments: TypeAlias = Mapping[Op, str]

SHAPES = {Type.STATE: "box", Type.BOOL: "hexagon"}


def to_text(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """The text form, under a line that says what is compiled; the schedule, if given, after it."""
    text = f"# {summary(graph)}\n{print_graph(graph, comments)}"
    return text if schedule is None else f"{text}\n{print_schedule(graph, schedule)}"


def to_json(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """`to_tree`, as JSON."""
    return json.dumps(to_tree(graph, schedule, comments), ensure_ascii=False, indent=2)


def to_tree(graph: Graph, schedule: Schedule | None, comments: Comments) -> dict[str, Any]:
    """Every op and every region by its index, with its fields, as plain data; the program begins in region 0.

    A value is `{"op": index}`, a role `{"role": name, "edge": edge}`. A region has variables and a value, or a switch.
    """
    index = {op: place for place, op in enumerate(graph.ops)}
    number = {region: place for place, region in enumerate(graph.regions)}

    def plain(value: Any) -> Any:
        if isinstance(value, Op):
            return {"op": index[value]}
        if isinstance(value, Trusted):
            return {"op": index[value.text], "trusted": True}
        if isinstance(value, Role):
            return {"role": value.name, "edge": value.edge}
        if isinstance(value, Sampling | Constraint):
            return {name: setting for name, setting in asdict(value).items() if setting is not None}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]: of any type
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]: of any type
        return value

    def place(loc: Location | None) -> dict[str, Any] | None:
        return None if loc is None else {"file": loc.file, "line": loc.line}

    def described(op: Op) -> dict[str, Any]:
        attributes = {f.name: plain(getattr(op, f.name)) for f in fields(op) if f.name != "loc"}
        described: dict[str, Any] = {"op": index[op], "kind": type(op).__name__.lower(), "type": op.result.value}
        described |= {**attributes, "loc": place(op.loc)}
        return {**described, "note": comments[op]} if op in comments else described

    def plain_region(region: Region) -> dict[str, Any]:
        end = region.end
        found: dict[str, Any] = {
            "body": [index[op] for op in region.body],
            "forks": [{"state": index[f.state], "members": [index[op] for op in f.members]} for f in region.forks],
            "final": index[end.final],
        }
        if isinstance(end, End):
            return {
                **found,
                "variables": plain(end.variables),
                "value": plain(end.value),
                "answers": plain(end.answers),
            }
        cases = [{"values": list(case.values), "region": number[case.region]} for case in end.cases]
        switch = {"subjects": plain(end.subjects), "cases": cases, "open": end.open, "number": end.number}
        return {**found, "switch": {**switch, "why": end.why, "loc": place(end.loc)}}

    tree: dict[str, Any] = {
        "program": graph.name,
        "ops": [described(op) for op in graph.ops],
        "prefixes": [index[op] for op in graph.prefixes],
        "regions": [plain_region(region) for region in graph.regions],
        "statics": graph.statics,
        "orders": [{**asdict(place), **asdict(order)} for place, order in graph.orders.items()],
    }
    if schedule is not None:
        tree["schedule"] = asdict(schedule)
    return tree


def to_dot(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """Graphviz: states as boxes, texts as ellipses, questions as hexagons, what is hoisted shaded, answers of the model
    and of host functions in bold; a switch as a diamond, each of its cases in a frame. The schedule is not drawn."""
    index = {op: place for place, op in enumerate(graph.ops)}
    number = {region: place for place, region in enumerate(graph.regions)}
    hoisted = set(graph.prefixes)
    lines = [
        f"digraph {_text(graph.name)} {{",
        "  rankdir=TB;",
        "  compound=true;",
        '  node [fontname="monospace", fontsize=10];',
        '  edge [fontname="monospace", fontsize=10];',
    ]
    for op in graph.ops:
        styles = [*(["filled"] if op in hoisted else []), *(["bold"] if isinstance(op, Primitive) else [])]
        label = f"{_label(op)}\n{comments[op]}" if op in comments else _label(op)
        style = f', style="{",".join(styles)}"' if styles else ""
        lines.append(f"  n{index[op]} [shape={SHAPES.get(op.result, 'ellipse')}, label={_text(label)}{style}];")
        lines.extend(f"  n{index[source]} -> n{index[op]};" for source in dict.fromkeys(operands(op)))
    for region in graph.regions:
        lines.extend(_frame(region, index, number) if number[region] else [])
        lines.extend(_end(region, index, number))
    lines.append("}")
    return "\n".join(lines)


def _frame(region: Region, index: Mapping[Op, int], number: Mapping[Region, int]) -> Iterator[str]:
    """A case; its first node, which the arrow to it needs, is there also where it has no op."""
    yield f"  subgraph cluster_{number[region]} {{"
    yield f"    begin{number[region]} [shape=point];"
    if region.body:
        yield f"    {' '.join(f'n{index[op]};' for op in region.body)}"
    yield "  }"


def _end(region: Region, index: Mapping[Op, int], number: Mapping[Region, int]) -> Iterator[str]:
    """The variables of a path's end; or a switch, with an arrow to each of its cases."""
    here, end = number[region], region.end
    if isinstance(end, End):
        for place, (name, tree) in enumerate(end.variables.items()):
            yield f"  v{here}_{place} [shape=plaintext, label={_text(name)}];"
            yield from (f"  n{index[op]} -> v{here}_{place} [style=dashed];" for op in dict.fromkeys(leaves(tree)))
        return
    yield f"  s{here} [shape=diamond, label={_text(end.why or ('switch' if end.cases else 'exit'))}];"
    yield from (f"  n{index[op]} -> s{here};" for op in dict.fromkeys(end.subjects or (end.final,)))
    for case in end.cases:
        inner, values = number[case.region], _text(", ".join(map(_said, case.values)))
        yield f"  s{here} -> begin{inner} [label={values}, style=bold, lhead=cluster_{inner}];"
    if end.open:
        yield f"  exit{here} [shape=plaintext, label=exit];"
        yield f"  s{here} -> exit{here} [style=dotted];"


def _said(value: Static) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    """A string of dot's."""
    return json.dumps(text, ensure_ascii=False)


def _label(op: Op) -> str:
    kind = type(op).__name__.lower()
    match op:
        case Call():
            return f"{kind} {op.function}"
        case Gen() | Select() | Param() | Method() | Test():
            return f"{kind} {op.name or ''}".rstrip()
        case Append():
            words = [
                part if isinstance(part, str) else f"<{part.name} {part.edge}>" if isinstance(part, Role) else "…"
                for part in op.parts
            ]
            text = " ".join("".join(words).split())
            return f"{kind} {text[:40]}{'…' if len(text) > 40 else ''}"
        case _:
            return kind

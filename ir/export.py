"""A graph for people and other tools: text, JSON, and Graphviz's dot. `comments` are those of `sglc.ir.notes`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeAlias

from sglc.ir.graph import Graph, Tree, leaves
from sglc.ir.ops import Append, Gen, Op, Param, Role, Sampling, Select, Trusted, Type, operands
from sglc.ir.printer import print_graph, print_schedule
from sglc.ir.schedule import Schedule

Comments: TypeAlias = Mapping[Op, str]


def to_text(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """The text form; the schedule, if given, after it."""
    text = print_graph(graph, comments)
    return text if schedule is None else f"{text}\n{print_schedule(graph, schedule)}"


def to_json(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """Every op by its index, with its fields; a value is `{"op": index}`, a role `{"role": name, "edge": edge}`."""
    index = {op: number for number, op in enumerate(graph.ops)}

    def plain(value: Any) -> Any:
        if isinstance(value, Op):
            return {"op": index[value]}
        if isinstance(value, Trusted):
            return {"op": index[value.text], "trusted": True}
        if isinstance(value, Role):
            return {"role": value.name, "edge": value.edge}
        if isinstance(value, Sampling):
            return {name: setting for name, setting in asdict(value).items() if setting is not None}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
        return value

    def described(op: Op) -> dict[str, Any]:
        place = None if op.loc is None else {"file": op.loc.file, "line": op.loc.line}
        attributes = {f.name: plain(getattr(op, f.name)) for f in fields(op) if f.name != "loc"}
        described: dict[str, Any] = {"op": index[op], "kind": type(op).__name__.lower(), "type": op.result.value}
        described |= {**attributes, "loc": place}
        return {**described, "note": comments[op]} if op in comments else described

    tree: dict[str, Any] = {
        "program": graph.name,
        "ops": [described(op) for op in graph.ops],
        "prefixes": [index[op] for op in graph.prefixes],
        "forks": [{"state": index[f.state], "members": [index[op] for op in f.members]} for f in graph.forks],
        "final": index[graph.final],
        "variables": plain(graph.variables),
        "value": plain(graph.value),
        "statics": graph.statics,
    }
    if schedule is not None:
        tree["schedule"] = asdict(schedule)
    return json.dumps(tree, ensure_ascii=False, indent=2)


def to_dot(graph: Graph, schedule: Schedule | None, comments: Comments) -> str:
    """Graphviz: states as boxes, texts as ellipses, what is hoisted shaded, answers of the model in bold. The schedule
    is not drawn."""
    index = {op: number for number, op in enumerate(graph.ops)}
    hoisted = set(graph.prefixes)
    lines = [f"digraph {json.dumps(graph.name)} {{", "  rankdir=TB;", '  node [fontname="monospace", fontsize=10];']
    for op in graph.ops:
        shape = "box" if op.result is Type.STATE else "ellipse"
        styles = [*(["filled"] if op in hoisted else []), *(["bold"] if isinstance(op, Gen | Select) else [])]
        label = f"{_label(op)}\n{comments[op]}" if op in comments else _label(op)
        style = f', style="{",".join(styles)}"' if styles else ""
        lines.append(f"  n{index[op]} [shape={shape}, label={json.dumps(label, ensure_ascii=False)}{style}];")
        lines.extend(f"  n{index[source]} -> n{index[op]};" for source in dict.fromkeys(operands(op)))
    lines.extend(_outputs(graph.variables, index))
    lines.append("}")
    return "\n".join(lines)


def _outputs(variables: dict[str, Tree], index: dict[Op, int]) -> list[str]:
    lines: list[str] = []
    for number, (name, tree) in enumerate(variables.items()):
        lines.append(f"  v{number} [shape=plaintext, label={json.dumps(name, ensure_ascii=False)}];")
        lines.extend(f"  n{index[op]} -> v{number} [style=dashed];" for op in dict.fromkeys(leaves(tree)))
    return lines


def _label(op: Op) -> str:
    kind = type(op).__name__.lower()
    if isinstance(op, Gen | Select | Param):
        return f"{kind} {op.name or ''}".rstrip()
    if isinstance(op, Append):
        words = [
            part if isinstance(part, str) else f"<{part.name} {part.edge}>" if isinstance(part, Role) else "…"
            for part in op.parts
        ]
        text = " ".join("".join(words).split())
        return f"{kind} {text[:40]}{'…' if len(text) > 40 else ''}"
    return kind

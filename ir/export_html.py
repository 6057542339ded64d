"""A program as one page for a browser: its graph, its prompts, its schedule, and the source line behind each node.

The page is `page/`: a frame, a style sheet and scripts, put into one file with the data. It asks nothing of the network.
What a program says is data: it stands in the page as JSON without a `<`, and the scripts write it as text only. The
page's policy lets no other script run. It is plain ASCII, so no encoding of the terminal spoils it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sglc.ir.errors import Location
from sglc.ir.export import Comments, to_tree
from sglc.ir.graph import End, Graph, Switch, leaves
from sglc.ir.notes import summary
from sglc.ir.ops import Op, operands
from sglc.ir.printer import print_op, print_tree, quoted, value_names
from sglc.ir.schedule import Schedule
from sglc.ir.views import Measure, characters, prompts, rounds

PAGE = Path(__file__).parent / "page"
SCRIPTS = ("base.js", "cards.js", "graph.js", "prompts.js", "timeline.js", "details.js", "main.js")
"""They share one scope, in this order."""


def to_html(graph: Graph, schedule: Schedule | None, comments: Comments, measure: Measure | None = None) -> str:
    """The page. measure: a model's count of tokens; without it prompts are measured in characters."""
    style = _file("page.css")
    script = "\n".join(["(() => {", '"use strict";', *map(_file, SCRIPTS), "})();"])
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    page = _file("page.html")
    for name, text in (
        ("POLICY", policy),
        ("STYLE", style),
        ("SCRIPT", script),
        ("DATA", _inert(page_data(graph, schedule, comments, measure))),  # last: its text may hold such a mark
    ):
        page = page.replace(f"@@{name}@@", text, 1)
    return page


def page_data(
    graph: Graph, schedule: Schedule | None, comments: Comments, measure: Measure | None = None
) -> dict[str, Any]:
    """What the page shows.

    graph: as `to_tree`. lines: the text of each op, its place left out. reads: its operands. ends: for each region
    variable -> the ops in it, "" for those of the return value; none for a region that ends in a switch. sources:
    "FILE:LINE" -> the line, of the files that can be read. prompts, bars: see `sglc.ir.views`. unit: of their sizes.
    """
    names = value_names(graph)
    index = {op: place for place, op in enumerate(graph.ops)}
    places = {op.loc for op in graph.ops} | {getattr(region.end, "loc", None) for region in graph.regions}
    return {
        "graph": to_tree(graph, schedule, comments),
        "summary": summary(graph),
        "names": [names[op] for op in graph.ops],
        "lines": [_without_place(op, print_op(op, names)) for op in graph.ops],
        "reads": [list(dict.fromkeys(index[read] for read in operands(op))) for op in graph.ops],
        "ends": [_end(region.end, index) for region in graph.regions],
        "sources": {str(place): line for place in sorted(filter(None, places), key=str) if (line := _source(place))},
        "unit": "characters" if measure is None else "tokens",
        "prompts": [asdict(prompt) for prompt in prompts(graph, measure or characters)],
        "bars": [asdict(bar) for bar in rounds(graph, schedule)],
    }


def _end(end: End | Switch, index: dict[Op, int]) -> dict[str, list[int | str]]:
    """What each variable, and under "" the returned value, is made of: ops, or a constant as it is printed."""
    if isinstance(end, Switch):
        return {}
    made: dict[str, list[int | str]] = {}
    for name, tree in (*end.variables.items(), ("", end.value)):
        made[name] = list(dict.fromkeys(index[op] for op in leaves(tree)))
        if not made[name] and (name or tree is not None):
            made[name] = [print_tree(tree, {})]
    return made


def _without_place(op: Op, line: str) -> str:
    return line.removesuffix(f" @ {quoted(op.loc.file)}:{op.loc.line}") if op.loc else line


def _source(place: Location) -> str:
    """The line as it is read now. Of Python files only: an artifact may name any file of this machine, and pages are
    passed on."""
    return place.source() if place.file.endswith(".py") else ""


def _inert(data: dict[str, Any]) -> str:
    """JSON that ends no script element and opens none, in ASCII."""
    return (
        json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    )


def _file(name: str) -> str:
    return (PAGE / name).read_text(encoding="ascii")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

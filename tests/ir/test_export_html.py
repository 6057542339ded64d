"""The page for a browser: all of the graph is in it as data, and nothing of the program's is markup."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sglc.ir.builder import Builder
from sglc.ir.errors import Location
from sglc.ir.export import to_json
from sglc.ir.export_html import to_html
from sglc.ir.graph import Graph, Switch
from sglc.ir.notes import notes, summary
from sglc.ir.parser import parse_graph
from sglc.ir.printer import value_names
from sglc.ir.views import prompts, rounds
from sglc.passes.lower import lower
from tests.graphs import random_compiled_graph
from tests.ir.artifacts import BRANCHING

GRAPH = parse_graph(BRANCHING)


@dataclass
class Page(HTMLParser):
    """The elements of a page, and the texts that begin them by the element's id, or else its name."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    inside: str | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = None

    def handle_data(self, data: str) -> None:
        if self.inside is not None:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.texts["data"])


def page_of(graph: Graph, **more: Any) -> Page:
    page = Page()
    page.feed(to_html(graph, lower(graph), notes(graph), **more))
    page.close()
    return page


FRAME = [tag for tag, _ in page_of(GRAPH).elements]


@pytest.mark.parametrize("seed", range(20))
def test_the_data_is_the_graph(seed: int) -> None:
    graph = random_compiled_graph(Random(seed), 40)
    page = page_of(graph)
    data = page.data
    assert data["graph"] == json.loads(to_json(graph, lower(graph), notes(graph)))
    assert data["names"] == list(value_names(graph).values())
    assert [line.split(" = ")[0] for line in data["lines"]] == data["names"]
    assert [prompt["op"] for prompt in data["prompts"]] == [prompt.op for prompt in prompts(graph)]
    assert [bar["op"] for bar in data["bars"]] == [bar.op for bar in rounds(graph, lower(graph))]
    assert data["summary"] == summary(graph)
    assert [tag for tag, _ in page.elements] == FRAME


def test_sizes_are_characters_or_a_models_tokens() -> None:
    assert page_of(GRAPH).data["unit"] == "characters"
    data = page_of(GRAPH, measure=lambda _: 7).data
    assert data["unit"] == "tokens"
    assert {prompt["size"] % 7 for prompt in data["prompts"]} == {0}


def test_a_graph_that_is_not_scheduled() -> None:
    page = Page()
    page.feed(to_html(GRAPH, None, {}))
    assert "schedule" not in page.data["graph"]


def test_source_lines_are_those_of_python_files(tmp_path: Path) -> None:
    """An artifact may name any file of the machine that shows it."""
    for name in ("prog.py", "secret.txt"):
        (tmp_path / name).write_text("first\n  second # here\n")
    builder = Builder("p")
    state = builder.root(loc=Location(str(tmp_path / "prog.py"), 2))
    state = builder.append(state, ["a"], loc=Location(str(tmp_path / "secret.txt"), 1))
    state = builder.append(state, ["b"], loc=Location(str(tmp_path / "prog.py"), 9))
    assert page_of(builder.finish(state)).data["sources"] == {f"{tmp_path / 'prog.py'}:2": "second # here"}


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!-- <script>",
    "]]><img src=x onerror=alert(1)>",
    "\"';`${alert(1)}\\",
    "@@SCRIPT@@ @@DATA@@ @@POLICY@@",
    "&lt;b&gt; &amp;",
    "\u2028\u2029\x00\x7f\u202e",
    "\ud800",
    "é😀",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_a_program_never_become_markup(text: str) -> None:
    place = Location(text, 3)
    builder = Builder(text)
    param = builder.param(text, text, loc=place)
    state = builder.append(builder.root(loc=place), [text, param], loc=place)
    gen = builder.gen(state, name=text, loc=place)
    call = builder.call(text, (text, {text: text}), loc=place)
    switch = Switch(gen, (call,), why=text, loc=place)
    graph = replace(builder.finish_with(switch, {text: text}))
    page = page_of(graph)
    assert [tag for tag, _ in page.elements] == FRAME
    assert page.data["graph"]["program"] == text
    assert page.data["graph"]["ops"][2]["parts"][0] == text
    assert page.data["graph"]["regions"][0]["switch"]["why"] == text
    whole = to_html(graph, lower(graph), {gen: text})
    assert whole.isascii()
    assert whole.count("<script") == to_html(GRAPH, None, {}).count("<script")


def test_plain_data_that_looks_like_an_op_is_none() -> None:
    builder = Builder("p")
    root = builder.root()
    call = builder.call("f", ({"op": 99},))
    data = page_of(builder.finish(root, {"x": {"op": 99, "y": call}}, [{"op": 98}])).data
    assert data["reads"] == [[], []]
    assert data["ends"] == [{"x": [1], "": ['[{"op": 98}]']}]


def test_a_constant_at_the_end_is_shown() -> None:
    builder = Builder("p")
    data = page_of(builder.finish(builder.root(), {"x": "yes", "y": [1, None]})).data
    assert data["ends"] == [{"x": ['"yes"'], "y": ["[1, null]"], "": []}]


def test_only_the_pages_own_script_and_style_may_run() -> None:
    page = page_of(GRAPH)
    policy = next(
        attributes["content"] for tag, attributes in page.elements if tag == "meta" and "content" in attributes
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(page.texts[tag].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object")
        assert not {"src", "href", "style"} & attributes.keys()
        assert not any(name.startswith("on") for name in attributes)
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "fetch(",
        "http://www.example",
    ):
        assert word not in page.texts["script"]


def test_a_thousand_nodes_are_written_in_less_than_a_second() -> None:
    graph = random_compiled_graph(Random(5), 1000)
    assert len(graph.ops) > 900
    schedule, comments = lower(graph), notes(graph)
    begin = time.perf_counter()
    to_html(graph, schedule, comments)
    assert time.perf_counter() - begin < 1

"""The page of `sglc ir --format html`, in a browser: it draws, nothing goes wrong, and its views belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from sglc.ir.export_html import to_html
from sglc.ir.notes import notes
from sglc.passes.lower import lower
from tests.browser import CHROMIUM, Page
from tests.cli.command import sglc_command
from tests.graphs import random_compiled_graph

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")

PROGRAM = """\
import sglc as sgl

@sgl.host
def look_up(name: str) -> str:
    return name

@sgl.function
def ask(s, question):
    s += sgl.system("</script><script>document.title = 'taken'</script> <b>You</b> are \\"short\\".")
    s += sgl.user(question)
    forks = s.fork(3)
    for i in range(3):
        forks[i] += f"Idea {i}: " + sgl.gen("idea", max_tokens=8 + i)
    forks.join()
    s += sgl.assistant(sgl.select("kind", choices=["yes", "no"]))
    if s["kind"] == "yes":
        s += look_up(s["idea"][0]) + sgl.gen("answer", max_tokens=9)
    else:
        s += "Why not? " + sgl.gen("reason", stop="\\n")

@sgl.function
def long(s, first):
    s += first
    for i in range(300):
        s += f"Question {i}: " + sgl.gen(f"a{i}", max_tokens=20)
    forks = s.fork(60)
    for i in range(60):
        forks[i] += f"Idea {i}: " + sgl.gen("idea")
    forks.join()

@sgl.function
def look(s, book, question):
    s += "Read " + book
    forks = s.fork(2)
    forks += " and answer: " + question + sgl.gen("answer", regex="[1-9]|10")
    forks.join()

@sgl.function
def tree(s, topic):
    s += sgl.system("A very long text. " * 99) + topic
    ideas = s.fork(3)
    for idea in ideas:
        idea += "Idea: " + sgl.gen("a_name_that_is_longer_than_its_card", max_tokens=20)
        judges = idea.fork(2)
        for judge in judges:
            judge += "Score: " + sgl.gen("score", regex="[1-9]") + " for " + sgl.gen("why")
            forks = judge.fork(2)
            for i in range(2):
                forks[i] += f"Why {i}? " + sgl.gen("deep")
            forks.join()
        judges.join()
    ideas.join()
"""
VIEWS = ("graph", "prompts", "timeline")

Opened = Callable[[str], Page]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "prog.py").write_text(PROGRAM)
    with Page(folder / "profile") as page:

        def open_page(program: str) -> Page:
            file = folder / f"{program}.html"
            result = sglc_command(["ir", f"prog.py:{program}", "--format", "html", "-o", file.name], folder)
            assert result.code == 0, result.err
            page.open(file)
            return page

        yield open_page


def marked(page: Page, view: str) -> list[int]:
    return page.run(f"[...document.querySelectorAll('#{view} .op.on')].map((x) => Number(x.dataset.op))")


def op_of(page: Page, text: str) -> int:
    """The op whose line has this text."""
    script = f"JSON.parse(document.getElementById('data').textContent).lines.findIndex((x) => x.includes({text!r}))"
    found = page.run(script)
    assert found >= 0, text
    return found


def test_the_page_draws_every_op_and_complains_of_nothing(opened: Opened) -> None:
    page = opened("ask")
    ops = page.run("JSON.parse(document.getElementById('data').textContent).graph.ops.length")
    assert page.run("document.querySelectorAll('#graph .op').length") == ops
    assert page.run("document.querySelectorAll('#timeline .bar').length") == 7
    assert page.run("document.title").startswith("ask")
    assert page.run("document.querySelectorAll('script').length") == 2
    assert page.run("document.querySelector('main b').childElementCount") == 0
    assert "<b>You</b>" in page.run("document.querySelector('#graph').textContent")
    assert page.errors == []


@pytest.mark.parametrize("view", VIEWS)
def test_choosing_a_node_marks_it_in_all_views_and_shows_its_line(opened: Opened, view: str) -> None:
    page = opened("ask")
    op = op_of(page, 'name="reason"')
    page.run(f"document.querySelector('#{view} .op[data-op=\"{op}\"]').click()")
    assert [marked(page, one) for one in VIEWS] == [[op], [op], [op]]
    said = page.run("document.querySelector('#details').textContent")
    assert 's += "Why not? " + sgl.gen("reason", stop="\\n")' in said
    assert "prog.py:19" in said
    page.press("Escape")
    assert [marked(page, one) for one in VIEWS] == [[], [], []]
    assert page.errors == []


def test_the_steps_that_share_a_prompt_are_marked(opened: Opened) -> None:
    page = opened("ask")
    state = op_of(page, "<system>")
    page.run(f"document.querySelector('#prompts .op[data-op=\"{state}\"]').click()")
    assert page.run("document.querySelectorAll('#timeline .op.below').length") == 6  # all but the call
    assert "shared by6 steps" in page.run("document.querySelector('#details').textContent")


def test_what_is_shared_and_how_long_answers_are_is_said(opened: Opened) -> None:
    page = opened("look")

    def said_of(text: str) -> str:
        op = op_of(page, text)
        page.run(f"document.querySelector('#prompts .op[data-op=\"{op}\"]').click()")
        return page.run("document.querySelector('#details').textContent")

    assert "of the program: computed before the first call" in said_of('["Read "]')
    assert "of the batch: rows share it that have the same book" in said_of('[" and answer: "]')
    assert page.run("document.querySelectorAll('#prompts .batch').length") == 1
    shared = said_of("[%question]")
    assert "of the call: several of its prompts go on from here" in shared
    assert "these steps run at once on its KV" in shared
    assert "at most 4 tokens decoded behind it" in shared
    assert "at most 2 tokens, round 0, priority 2" in said_of('name="answer"')
    assert page.errors == []


def test_the_keyboard_is_enough(opened: Opened) -> None:
    page = opened("ask")
    for view in VIEWS:
        assert page.run(f"document.querySelectorAll('#{view} .op[tabindex=\"0\"]').length") == 1
    page.run("document.querySelector('#graph .op[tabindex=\"0\"]').focus()")
    for _ in range(3):
        page.press("ArrowDown")
    focused = page.run("Number(document.activeElement.dataset.op)")
    assert focused == 3
    page.run("document.activeElement.click()")
    assert marked(page, "prompts") == [focused]
    page.press("/", "/")
    assert page.run("document.activeElement.id") == "search"
    assert page.errors == []


def test_a_long_program_is_closed_up_and_opens_where_it_is_searched(opened: Opened) -> None:
    page = opened("long")
    assert page.run("performance.timing.loadEventEnd - performance.timing.navigationStart") < 5000
    assert page.run("document.querySelectorAll('.op').length") < 500
    op = op_of(page, '"a177"')
    assert not page.run(f"!!document.querySelector('#graph .op[data-op=\"{op}\"]')")
    page.run("document.getElementById('search').value = 'name=\"a177\"'")
    page.run("document.getElementById('search').dispatchEvent(new Event('input'))")
    assert page.run("document.getElementById('found').textContent").startswith("1 of ")
    page.run("document.getElementById('search').focus()")
    page.press("Enter", "\r")
    assert [marked(page, view) for view in VIEWS] == [[op], [op], [op]]
    for view in VIEWS:
        assert page.run(f"document.querySelector('#{view} .op.on').getBoundingClientRect().width") > 0
    assert page.errors == []


def test_a_view_fills_the_window_and_goes_back(opened: Opened) -> None:
    page = opened("ask")
    op = op_of(page, 'name="kind"')
    page.run(f"document.querySelector('#graph .op[data-op=\"{op}\"]').click()")
    narrow = page.run("document.querySelector('#timeline').clientWidth")
    page.run("document.querySelector('#timeline .widen').click()")
    assert page.run("document.querySelector('#timeline').clientWidth") > 1.5 * narrow
    assert page.run("document.querySelector('#graph').offsetParent") is None
    assert marked(page, "timeline") == [op]
    page.run("document.querySelector('#timeline .widen').click()")
    assert page.run("document.querySelector('#timeline').clientWidth") == narrow
    assert [marked(page, view) for view in VIEWS] == [[op], [op], [op]]
    assert page.errors == []


@pytest.mark.parametrize("view", VIEWS)
def test_what_a_node_says_stays_within_it(opened: Opened, view: str) -> None:
    page = opened("tree")
    beyond = """[...document.querySelectorAll('#VIEW .op')].filter((op) => {
        const box = op.getBoundingClientRect();
        const right = Math.max(...[...op.children].map((x) => x.getBoundingClientRect().right));
        return right > box.right || box.right > document.querySelector('#VIEW .canvas').getBoundingClientRect().right;
    }).map((op) => op.textContent)"""
    assert page.run(beyond.replace("VIEW", view)) == []
    assert page.run(
        f"document.querySelector('#{view} .view').scrollWidth <= document.querySelector('#{view} .view').clientWidth"
    )


def test_random_graphs_are_drawn_and_each_op_can_be_chosen(opened: Opened, tmp_path: Path) -> None:
    page = opened("ask")
    for seed in range(12):
        graph = random_compiled_graph(Random(seed), 60)
        file = tmp_path / f"{seed}.html"
        file.write_text(to_html(graph, lower(graph), notes(graph)))
        page.open(file)
        page.run("[...document.querySelectorAll('.op')].forEach((x) => x.click())")
        while page.run("!!document.querySelector('#graph .more')"):
            page.run("document.querySelectorAll('#graph .more').forEach((x) => x.click())")
        assert page.run("document.querySelectorAll('#graph .op').length") == len(graph.ops)
        assert page.errors == []


def test_it_draws_in_both_schemes(opened: Opened, tmp_path: Path) -> None:
    page = opened("ask")
    pictures = [tmp_path / f"{scheme}.png" for scheme in ("light", "dark")]
    for picture in pictures:
        page.picture(picture, picture.stem)
    light, dark = (picture.read_bytes() for picture in pictures)
    assert light != dark
    page.run("document.getElementById('theme').click()")
    assert page.run("document.documentElement.style.colorScheme") == "light"

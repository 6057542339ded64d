"""`sglc explain` against counts by hand, where a token is a character, and against what the engine really computes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sglc import Engine
from sglc.command.explain_job import Explanation, Shape, explained
from sglc.compiler import compile_graph
from sglc.function import SglFunction
from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Sampled
from sglc.language.arguments import bind
from sglc.runtime.scripted import PlainTokenizer, render
from tests.cli.command import sglc_command

RULE = "R" * 40


class Letters(PlainTokenizer):
    """A character is a token, an edge of a role is one too, and sampled ids stay."""

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        ids: list[int] = []
        for piece in prompt:
            if isinstance(piece, Sampled):
                ids += piece.ids
            else:
                ids += [255] if isinstance(piece, Role) else render([piece]).encode()
        return ids


def program(source: str, folder: Path) -> SglFunction:
    from sglc.command.program_file import load_program

    (folder / "p.py").write_text("import sglc as sgl\nRULE = 'R' * 40\n\n@sgl.function\n" + source)
    return load_program(str(folder / "p.py"))


def explanation(function: SglFunction, rows: Sequence[dict[str, Any]], tokenizer: Any = None) -> Explanation:
    shapes: dict[Any, Shape] = {}
    for row in rows:
        bound = bind(function.func, (), row)
        if bound.shape not in shapes:
            traced = function.trace(**row)
            shapes[bound.shape] = Shape(traced, compile_graph(traced))
        shapes[bound.shape].rows.append(bound)
    return explained(function.__name__, list(shapes.values()), tokenizer or Letters())


ONE_GEN = """\
def p(s, x):
    s += RULE + x
    s += sgl.gen("a", max_tokens=5)
"""
FORK = """\
def p(s, x):
    s += RULE + x
    branches = s.fork(3)
    for branch in branches:
        branch += "?"
        branch += sgl.gen("a", max_tokens=5)
    s["all"] = [branch["a"] for branch in branches]
"""
CHAIN = """\
def p(s, x):
    s += x + sgl.gen("a", max_tokens=5) + "then" + sgl.gen("b", max_tokens=7)
"""
REUSED = """\
def p(s, x):
    s += x + sgl.gen("a", max_tokens=5)
    s += "again " + s["a"] + "!" + sgl.gen("b", max_tokens=2)
"""
SELECT = """\
def p(s, x):
    s += x + sgl.select("c", ["no", "yes"]) + "." + sgl.gen("a", max_tokens=3)
"""
LONG_CHOICES = """\
def p(s, x):
    s += x + sgl.select("c", ["n" * 50, "y" * 50])
"""
THREE = """\
def p(s, x):
    s += x + sgl.gen("a", n=3, max_tokens=5)
"""
THREE_GREEDY = """\
def p(s, x):
    s += x + sgl.gen("a", n=3, max_tokens=5, temperature=0)
"""
OVER = """\
def p(s, x):
    s += x + sgl.gen("a", max_tokens=9, regex="[0-9]{3}")
"""
SCORED = """\
def p(s, x):
    s += RULE + x + sgl.gen("a", max_tokens=5, return_logprob=True, logprob_start_len=1)
"""
REGEX = """\
def p(s, x):
    s += x + sgl.gen("a", regex="[0-9]{3}")
"""
TWO = [{"x": "abc"}, {"x": "abd"}]


@pytest.mark.parametrize(
    ("source", "rows", "naive", "shared", "ahead", "left"),
    [
        (ONE_GEN, [{"x": "abc"}], 43, 43, 40, 3),
        (ONE_GEN, TWO, 86, 44, 40, 4),  # "ab" once, too
        (ONE_GEN, [{"x": "abc"}] * 2, 86, 44, 40, 4),  # of an equal prompt the last token is computed again
        (FORK, [{"x": "abc"}], 132, 46, 40, 6),
        (CHAIN, [{"x": "abc"}], 3 + 12, 3 + 5, 0, 8),  # the answer's last token, and "then"
        (REUSED, [{"x": "abc"}], 3 + (3 + 5 + 6 + 5 + 1), 3 + 1 + 12, 0, 16),
        (SELECT, [{"x": "abc"}], 3 + 3 + 7, 3 + 3 + 4, 0, 10),  # "abc", "n", "y", "ye"; and then "yes."
    ],
)
def test_prefilled_tokens_by_hand(
    source: str, rows: list[dict[str, Any]], naive: int, shared: int, ahead: int, left: int, tmp_path: Path
) -> None:
    tokens = explanation(program(source, tmp_path), rows).tokens
    assert (tokens.naive, tokens.shared, tokens.ahead, tokens.left) == (naive, shared, ahead, left)


@pytest.mark.parametrize(
    ("source", "rows", "row_peak", "peak", "footprint"),
    [
        (ONE_GEN, [{"x": "abc"}], 48, 48, 48),
        (ONE_GEN, TWO, 48, 42 + 2 * 6, 42 + 2 * 6),
        (FORK, [{"x": "abc"}], 44 + 15, 44 + 15, 44 + 15),
        (CHAIN, [{"x": "abc"}], 19, 19, 19),
        (SELECT, [{"x": "abc"}], 3 + 4 + 3, 3 + 4 + 3, 3 + 4 + 3 + 3),  # beside what stays: "n", "y", "ye"
        (LONG_CHOICES, [{"x": "abc"}], 3 + 2 * 49, 3 + 2 * 49, 3 + 2 * 49),
        (LONG_CHOICES, TWO, 3 + 2 * 49, 4 + 4 * 49, 4 + 4 * 49),
        (LONG_CHOICES, [{"x": "abc"}] * 2, 3 + 2 * 49, 3 + 2 * 49, 3 + 2 * 49),  # asked once
        (THREE, [{"x": "abc"}], 3 + 3 * 5, 3 + 3 * 5, 3 + 3 * 5),
        (THREE_GREEDY, [{"x": "abc"}], 3 + 5, 3 + 5, 3 + 5),
        (OVER, [{"x": "abc"}], 3 + 9, 3 + 3, 3 + 3),  # the engine refuses what might not fit
        (
            SCORED,
            [{"x": "abc"}],
            40 + 3 + 5 + 42,
            40 + 3 + 5 + 42,
            40 + 3 + 5 + 42,
        ),  # the prompt's logits are asked for
    ],
)
def test_kv_by_hand(
    source: str, rows: list[dict[str, Any]], row_peak: int, peak: int, footprint: int, tmp_path: Path
) -> None:
    found = explanation(program(source, tmp_path), rows)
    assert (found.row_peak, found.kv.peak, found.kv.footprint) == (row_peak, peak, footprint)


def test_kv_is_given_up_after_its_last_use(tmp_path: Path) -> None:
    """Two prompts, one after the other, because the second reads the first's answer: they are never there together."""
    source = """\
def p(s, x):
    first = s.fork(1)[0]
    second = s.fork(1)[0]
    first += "f" * 50 + x + sgl.gen("a", max_tokens=10)
    second += "s" * 30 + first["a"] + sgl.gen("b", max_tokens=10)
    s["b"] = second["b"]
"""
    found = explanation(program(source, tmp_path), [{"x": "abc"}])
    assert found.kv.footprint == 63 + 50
    assert found.kv.peak == 63


def test_the_critical_path_has_its_lines(tmp_path: Path) -> None:
    source = """\
def p(s, x):
    s += x
    a, b = s.fork(2)
    a += "1" + sgl.gen("short", max_tokens=3)
    b += "2" + sgl.gen("long", max_tokens=9)
    s += a["short"] + b["long"] + sgl.select("end", ["y", "n"])
"""
    chain = explanation(program(source, tmp_path), [{"x": "abc"}]).chain
    assert chain.tokens == 10
    assert [asked.op.loc.line for asked in chain.steps if asked.op.loc] == [9, 10]


def test_a_constraint_bounds_an_answer(tmp_path: Path) -> None:
    with Engine(device="cpu", max_kv_tokens=64) as engine:
        tokenizer = engine.tokenizer
    (step,) = explanation(program(REGEX, tmp_path), [{"x": "abc"}], tokenizer).steps
    assert step.answer == 3


BLOCKED = """\
def p(s, x, y):
    s += "Text: " + x
    s += RULE
    s += y + sgl.gen("a", max_tokens=5)
"""
SAME_LINE = """\
def p(s, x, y):
    s += "Text: " + x + RULE
    s += y + sgl.gen("a", max_tokens=5)
"""
PARTED = """\
def p(s, x, y):
    judges = s.fork(2)
    for judge, who in zip(judges, ("first", "other")):
        judge += who + RULE + x + y
        judge += sgl.gen("a", max_tokens=5)
    s["all"] = [judge["a"] for judge in judges]
"""
SMALL = """\
def p(s, x, y):
    s += "Q: " + x + " A: " + y + " B:" + sgl.gen("a", max_tokens=5)
"""
UNORDERED = """\
def p(s, x, y):
    s += sgl.unordered(x, RULE)
    s += y + sgl.gen("a", max_tokens=5)
"""
KEPT_ORDER = """\
def p(s, x, y):
    s += sgl.unordered(x, RULE)
    s["t"] = s.text()
    s += y + sgl.gen("a", max_tokens=5)
"""
IN_ROLES = """\
def p(s, x, y):
    s += sgl.system(x)
    s += sgl.user(RULE)
    s += y + sgl.gen("a", max_tokens=5)
"""
BRANCHES = """\
def p(s, x, y):
    s += x + y
    branches = s.fork(2)
    for number, branch in enumerate(branches):
        branch += str(number) + RULE + sgl.gen("a", max_tokens=5)
    s["all"] = [branch["a"] for branch in branches]
"""
CURE = "; if their order does not matter, sgl.unordered(...) around them does the same"
ROWS = [{"x": "abc", "y": "k"}, {"x": "abd", "y": "l"}, {"x": "b", "y": "m"}]


@pytest.mark.parametrize(
    ("source", "rows", "said"),
    [
        (BLOCKED, ROWS, [f"moving line 6 (x) after line 7 would share 40 tokens in each of 3 rows{CURE}"]),
        (
            SAME_LINE,
            ROWS,
            [f"line 6: putting x behind the text that follows it would share 40 tokens in each of 3 rows{CURE}"],
        ),
        (
            PARTED,
            ROWS,
            [
                "the prompts of line 9 differ after 0 tokens and then have 44 in common: with what differs behind these, "
                "they would be shared in each of 3 rows"
            ],
        ),
        (SMALL, ROWS, []),
        (UNORDERED, ROWS, []),
        (
            KEPT_ORDER,
            ROWS,
            [
                "line 6: putting x behind the text that follows it would share 40 tokens in each of 3 rows",
                "line 6: the parts of sgl.unordered keep their order, because the text that holds it is read at p.py:7",
            ],
        ),
        (
            IN_ROLES,
            ROWS,
            ["moving line 6 (x) after line 7 would share 42 tokens in each of 3 rows"],
        ),
        (
            BRANCHES,  # x and y behind the rule would be computed in each branch: nothing is said of them
            ROWS,
            [
                "the prompts of line 9 differ after 4 tokens and then have 40 in common: with what differs behind these, "
                "they would be shared in each of 3 rows"
            ],
        ),
        (BLOCKED, ROWS[:1], []),
        (
            SMALL,
            [{"x": "x" * 20, "y": str(n)} for n in range(3)],
            [
                "x has one value in all 3 rows (20 tokens at line 6): written in the program, or given as sglc.static, it "
                "could be prefilled ahead of time"
            ],
        ),
        (
            SMALL,
            [{"x": f"{n}" + RULE, "y": "yy"} for n in range(3)],
            [
                "x differs between the first two rows after 0 tokens and then has 40 in common: with what differs in an "
                "argument of its own, behind the rest, the rows could share them"
            ],
        ),
    ],
)
def test_what_blocks_sharing(source: str, rows: list[dict[str, Any]], said: list[str], tmp_path: Path) -> None:
    found = explanation(program(source, tmp_path), rows).blockers
    assert [blocker.text.replace(f"{tmp_path}/", "") for blocker in found] == said


HEAD = "def p(s, x, y):\n"
LAST = "    s += y + sgl.gen('a', max_tokens=5)\n"
FOLLOWED = {
    "a line": (
        "    s += 'Text: ' + x\n    s += RULE\n" + LAST,
        "moving line 6 (x) after line 7",
        "    s += RULE\n    s += 'Text: ' + x\n" + LAST,
    ),
    "unordered": (
        "    s += 'Text: ' + x\n    s += RULE\n" + LAST,
        "sgl.unordered(...) around them does the same",
        "    s += sgl.unordered('Text: ' + x, RULE)\n" + LAST,
    ),
    "constants behind the argument on its line": (
        "    s += 'Text: ' + x + RULE\n    s += 'C' * 20\n" + LAST,
        "line 6: putting x behind the text up to line 7 would share 60 tokens in each of 3 rows; if their order does not matter, "
        "sgl.unordered(...) around them shares 20",
        "    s += 'Text: ' + RULE + 'C' * 20 + x\n" + LAST,
    ),
    "and unordered": (
        "    s += 'Text: ' + x + RULE\n    s += 'C' * 20\n" + LAST,
        "shares 20",
        "    s += sgl.unordered('Text: ' + x + RULE, 'C' * 20)\n" + LAST,
    ),
    "a line that holds the gen": (
        "    s += 'Text: ' + x\n    s += RULE + sgl.gen('a', max_tokens=5)\n",
        "line 6: putting x behind the text up to line 7 would share 40 tokens in each of 3 rows",
        "    s += 'Text: ' + RULE + x + sgl.gen('a', max_tokens=5)\n",
    ),
    "two lines": (
        "    s += '1' * 20 + x\n    s += RULE\n    s += y + 'b'\n    s += 'C' * 20\n    s += sgl.gen('a', max_tokens=5)\n",
        "lines 6 and 8: putting x, y behind the text up to line 9 would share 61 tokens in each of 3 rows",
        "    s += '1' * 20 + RULE + 'b' + 'C' * 20 + x + y + sgl.gen('a', max_tokens=5)\n",
    ),
    "a message": (
        "    s += sgl.system(x)\n    s += sgl.user(RULE)\n" + LAST,
        "moving line 6 (x) after line 7 would share 42 tokens in each of 3 rows",
        "    s += sgl.user(RULE)\n    s += sgl.system(x)\n" + LAST,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWED)
def test_advice_that_is_followed_shares_what_was_said(name: str, tmp_path: Path) -> None:
    before, words, after = FOLLOWED[name]
    was = explanation(program(HEAD + before, tmp_path), ROWS)
    (blocker,) = was.blockers
    assert words in blocker.text
    shares = int(words.split()[-1]) if "shares" in words and words.startswith("shares") else blocker.tokens
    now = explanation(program(HEAD + after, tmp_path), ROWS)
    assert (was.tokens.shared - now.tokens.shared) // (len(ROWS) - 1) == shares


@pytest.mark.parametrize(
    "body",
    [
        "    for each in (x, RULE):\n        s += each\n" + LAST,  # one line, run twice
        "    s += RULE\n    s += x\n    s += 'C' * 10\n" + LAST,  # too little
    ],
)
def test_no_line_is_moved_that_cannot_be(body: str, tmp_path: Path) -> None:
    assert not any("moving" in each.text for each in explanation(program(HEAD + body, tmp_path), ROWS).blockers)


STRAIGHT = {
    "one gen": """\
def p(s, x):
    s += "A rule for all who write.\\n" + x + "\\nWell:"
    s += sgl.gen("a", max_tokens=9, temperature=0, ignore_eos=True)
""",
    "chat": """\
def p(s, x):
    s += sgl.system("You give short answers to long questions, and say nothing else.")
    s += sgl.user(x)
    s += sgl.assistant(sgl.gen("a", max_tokens=6, temperature=0, ignore_eos=True))
    s += sgl.user("And why is that so?")
    s += sgl.assistant(sgl.gen("b", max_tokens=4, temperature=0, ignore_eos=True))
""",
    "fork and select": """\
def p(s, x):
    s += "This is a note on the weather.\\n" + x
    branches = s.fork(2)
    for branch, question in zip(branches, ("Is it long?", "Is it good?")):
        branch += "\\n" + question + " It is"
        branch += sgl.gen("a", max_tokens=3, temperature=0, ignore_eos=True)
        branch += ". Grade: " + sgl.select("c", ["A", "B", "C"])
    s["all"] = [branch["c"] for branch in branches]
""",
}


@pytest.mark.parametrize("name", STRAIGHT)
def test_the_engine_computes_what_was_said(name: str, tmp_path: Path) -> None:
    function = program(STRAIGHT[name], tmp_path)
    rows = [{"x": f"{word} {number} days of rain"} for number, word in enumerate(["After", "After", "Before", "After"])]
    rows.append(rows[0])
    with Engine(device="cpu", max_kv_tokens=8192) as engine:
        said = explanation(function, rows, engine.tokenizer)
        function.run_batch(rows, backend=engine, seed=0)
        cold = engine.stats()
        engine.flush_cache()
        engine.reset_stats()
        function.compile().warm(engine)
        warmed = engine.stats().prefilled_tokens
        function.run_batch(rows, backend=engine, seed=0)
        warm = engine.stats()
    tokens = said.tokens
    with Engine(device="cpu", max_kv_tokens=8192, share_rows=False) as apart:
        function.run_batch(rows, backend=apart, seed=0)
        assert tokens.naive == apart.stats().prompt_tokens
    assert tokens.shared == cold.prefilled_tokens == cold.prompt_tokens - cold.cached_tokens
    assert (tokens.ahead, tokens.left) == (warmed, warm.prefilled_tokens - warmed)


POOLS = {
    **STRAIGHT,
    "choices and samples": """\
def p(s, x):
    s += "Say something about " + x + ": " + sgl.gen("g", n=3, max_tokens=6, ignore_eos=True)
    s += "\\nKind: " + sgl.select("k", ["a big thing", "a small one"], choices_method="unconditional_likelihood_normalized")
    s += "\\nLogs: " + sgl.gen("l", max_tokens=3, ignore_eos=True, return_logprob=True, logprob_start_len=2)
    s += sgl.select("z", ["word " * 20, "other words " * 20], choices_method="greedy_token_selection")
""",
    "a bound below max_tokens": """\
def p(s, x):
    s += x + sgl.gen("a", max_tokens=30, regex="[0-9]{3}", temperature=0)
""",
}


@pytest.mark.parametrize("name", POOLS)
def test_the_pools_that_were_said_are_enough(name: str, tmp_path: Path) -> None:
    """For a row alone to run at all, and for a batch in which nothing is given up."""
    function = program(POOLS[name], tmp_path)
    rows = [{"x": f"{word} days of rain"} for word in ("Many", "Many", "Few")]
    with Engine(device="cpu", max_kv_tokens=8192) as engine:
        said = explanation(function, rows, engine.tokenizer)
    with Engine(device="cpu", max_kv_tokens=said.row_peak) as engine:
        assert all(row.error() is None for row in function.run_batch(rows, backend=engine, seed=0))
    with Engine(device="cpu", max_kv_tokens=said.kv.footprint) as engine:
        function.run_batch(rows, backend=engine, seed=0)
        assert engine.stats().evicted_tokens == 0


def test_the_command(tmp_path: Path) -> None:
    program(BLOCKED, tmp_path)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    shown = sglc_command(["explain", "p.py", "--args", "rows.jsonl"], tmp_path)
    assert shown.code == 0, shown.err
    for words in ("p on 3 rows, without running it", "naive: every request alone", "gen a", "p.py:8", "Critical path, 5",
                  "KV pool", "- moving line 6 (x) after line 7", "Taken for granted:"):  # fmt: skip
        assert words in shown.out
    said = json.loads(sglc_command(["explain", "p.py", "--args", "rows.jsonl", "--json"], tmp_path).out)
    assert list(said) == ["program", "rows", "prefilled", "steps", "critical_path", "kv", "blockers", "notes"]
    assert said["critical_path"] == {
        "tokens": 5, "steps": [{"where": "p.py:8", "kind": "gen", "name": "a", "tokens": 5}]
    }  # fmt: skip
    assert said["blockers"][0]["lines"] == ["p.py:6", "p.py:7"]


BRANCHING = """\
def p(s, x):
    s += x + sgl.gen("a", max_tokens=5)
    if s["a"] == "yes":
        s += sgl.gen("b", max_tokens=7)
    s += "." + sgl.gen("c", max_tokens=int(s["c0"]) if "c0" in s else len(s["a"]) + 1)
"""
HOST = """\
def p(s, x):
    s += x + sgl.call(len_of, x) + sgl.gen("a", max_tokens=5)

@sgl.host
def len_of(text: str) -> str:
    raise AssertionError("it runs")
"""


def test_what_is_not_known_is_said(tmp_path: Path) -> None:
    notes = explanation(program(BRANCHING, tmp_path), TWO).notes
    assert any("p.py:7" in note and "the way that may decode most" in note for note in notes)
    assert any(note.startswith("2 of 2 rows leave the compiled paths") and "p.py:9" in note for note in notes)
    found = explanation(program(HOST, tmp_path), TWO)
    assert any(note.startswith("What a host function gives counts as one token: p.len_of") for note in found.notes)
    assert found.tokens.naive == 8


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", "there is no row"),
        ('{"z": 1}\n', "rows.jsonl:1"),
        ("[1]\n", "the line is a list, not an object"),
        ('{"x": "a", "y": {"b": [1, {"c": 1e999}]}}\n', "rows.jsonl:1"),
    ],
)
def test_bad_rows(rows: str, words: str, tmp_path: Path) -> None:
    program(BLOCKED, tmp_path)
    (tmp_path / "rows.jsonl").write_text(rows)
    result = sglc_command(["explain", "p.py", "--args", "rows.jsonl"], tmp_path)
    assert result.code == 2
    assert words in result.err
    assert "hint:" in result.err


def test_a_step_that_cannot_be_asked_is_named(tmp_path: Path) -> None:
    program("def p(s, x):\n    s += 'Say ' + sgl.select('a', [x, 'b'])\n", tmp_path)
    (tmp_path / "rows.jsonl").write_text('{"x": "a"}\n{"x": ""}\n')
    result = sglc_command(["explain", "p.py", "--args", "rows.jsonl"], tmp_path)
    assert result.code == 2
    assert "p.py:6: choice 0 of the select is empty" in result.err

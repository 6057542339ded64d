"""Programs with a constraint that nests, on the real engine, by every way that a program runs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.ir.artifact import load as load_artifact
from sglc.ir.grammar import Grammar
from tests.cli.command import sglc_command

ITEM = {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"$ref": "#/$defs/item"}, "maxItems": 2}]}
NESTED = {
    "type": "object",
    "properties": {"the value that nests": {"$ref": "#/$defs/item"}},
    "required": ["the value that nests"],
    "additionalProperties": False,
    "$defs": {"item": ITEM},
}


@sgl.function
def nests(s: Any, topic: str) -> None:
    s += "Write JSON about " + topic + ": " + sgl.gen("tree", json_schema=NESTED, max_tokens=60)
    s += " Then: " + sgl.gen("word", regex="(yes|no)!", max_tokens=8)


def is_item(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, list) and len(value) <= 2 and all(map(is_item, value)))


def check(result: sglc.Result) -> None:
    assert result.error() is None
    assert result["word"] in ("yes!", "no!")
    assert result["tree"].startswith('{"the value that nests": ')
    if result.get_meta_info("tree")["finish_reason"]["type"] != "length":
        value = json.loads(result["tree"])
        assert list(value) == ["the value that nests"]
        assert is_item(value["the value that nests"])


def test_compiled_equals_interpreted(engine: sglc.Engine) -> None:
    for seed in range(6):
        one, other = (
            nests.run(topic="trees", backend=engine, seed=seed, mode=mode) for mode in ("compiled", "interpret")
        )
        check(one)
        assert one.variables == other.variables
        assert one.text() == other.text()


def test_batches_streams_and_threads_give_the_same(engine: sglc.Engine) -> None:
    rows = [{"topic": f"number {n}"} for n in range(6)]
    batch = nests.run_batch(rows, backend=engine, seed=4)
    for result in batch:
        check(result)
    assert len({result["tree"] for result in batch}) > 1
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: nests.run_batch(rows, backend=engine, seed=4), range(2)))
    assert [[r.variables for r in run] for run in runs] == [[r.variables for r in batch]] * 2
    whole = nests.run(topic="streams", backend=engine, seed=9)
    streamed = nests.run(topic="streams", backend=engine, seed=9, stream=True)
    assert "".join(streamed.text_iter("tree")) == whole["tree"]


def test_the_text_that_nests_is_forced_where_it_can_be(engine: sglc.Engine) -> None:
    engine.reset_stats()
    check(nests.run(topic="jumps", backend=engine, seed=1))
    stats = engine.stats()
    assert stats.forced_tokens > 0


def test_an_artifact_keeps_the_grammar_and_runs(engine: sglc.Engine, tmp_path: Path) -> None:
    compiled = nests.compile(backend=engine)
    path = tmp_path / "nests.sglc"
    compiled.save(path)
    (part,) = load_artifact(path).models.values()
    kinds = [isinstance(made, Grammar) for made in part.automata.values()]
    assert kinds == [True, False]
    ran = sglc.load(path).run(topic="files", backend=engine, seed=2)
    check(ran)
    assert ran.variables == nests.run(topic="files", backend=engine, seed=2).variables


PROGRAM = f"""\
import sglc as sgl

@sgl.function
def nests(s, topic):
    s += "About " + topic + ": " + sgl.gen("tree", json_schema={NESTED!r}, max_tokens=20)
    s += sgl.gen("word", regex="yes|no")
"""


def test_the_command_line_says_which_lane(tmp_path: Path) -> None:
    (tmp_path / "nests.py").write_text(PROGRAM)
    said = sglc_command(["compile", "nests.py", "-o", "nests.sglc"], tmp_path)
    assert said.code == 0, said.err
    assert "1 automaton, 1 grammar (llguidance)" in said.out
    model = str(Path(sglc.__file__).parent / "runtime" / "embedded")
    shown = sglc_command(["ir", "nests.py", "--model", model], tmp_path)
    assert shown.code == 0, shown.err
    assert "llguidance: json_schema at #/$defs/item/anyOf/1/items/$ref: #/$defs/item contains itself" in shown.out


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_a_constraint_in_neither_lane_fails_at_its_line(engine: sglc.Engine, mode: Any) -> None:
    @sgl.function
    def wrong(s: Any) -> None:
        s += sgl.gen("x", json_schema={"oneOf": [{"type": "integer"}, {"type": "number"}]})

    if mode == "compiled":
        with pytest.raises(sglc.SglcError, match="no grammar either") as caught:
            wrong.run(backend=engine, mode=mode)
        said = str(caught.value)
    else:
        said = str(wrong.run(backend=engine, mode=mode).error())
    assert "test_run.py:" in said
    assert "no grammar either: llguidance: oneOf" in said

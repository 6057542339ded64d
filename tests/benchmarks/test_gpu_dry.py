"""Every part of `benchmarks.gpu` on tiny shapes, by its own command: what runs on a GPU has run here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import _gpu_engine as engine_part
from benchmarks import _gpu_exactness as exactness
from benchmarks import _gpu_models as models
from benchmarks import _gpu_peers as peers
from benchmarks import gpu
from benchmarks._gpu_examples import recorded
from benchmarks._gpu_peers import Call
from benchmarks._gpu_stage import Stage
from benchmarks._gpu_table import Table
from sglc import ProgramState, function, gen, select
from sglc.ir.tokens import Text

CPU = torch.device("cpu")
ROWS = {
    "kernels": ["decode attention, 64 x 4k", "silu_and_mul, 4096 rows"],
    "cascade": ["cascade, 3 x 1k"],
    "engine": [
        "decode, 1B, batch 1",
        "decode step, 8B, batch 1",
        "prefill, 8B, 2 x 30",
        "cost of exact products",
        "overlap of steps",
    ],
    "exactness": ["warm", "grouped", "batched", "alone", "captured"],
    "examples": ["judge", "tree_of_thought", "json_extraction"],
    "peers": ["1B, batch 3, generate_batch", "8B, batch 1, generate"],
}


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("part", ROWS)
def test_part(part: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With all the time that it takes: how quick this machine is decides nothing."""
    monkeypatch.setattr(gpu, "TASKS", tuple(replace(task, budget=100_000) for task in gpu.TASKS))
    file = tmp_path / "gpu.json"
    status = gpu.main(["--dry", "--only", part, "--prompts", "20", "--json", str(file), "--seconds", "100000"])
    told = json.loads(file.read_text())
    assert status == 0, capsys.readouterr().err
    assert [row["name"] for row in told["rows"] if row["failed"]] == []
    assert {row["name"] for row in told["rows"]} >= {*ROWS[part], "device copy", "matrix product"}
    assert not any(row["seconds"] or row["share"] or row["ratio"] for row in told["rows"])  # nothing is claimed
    flips = [row["figure"] for row in told["rows"] if row["unit"] == "flips"]
    assert flips == [0.0] * (5 if part == "exactness" else 0)


def stage_of(folder: Path, **settings: Any) -> Stage:
    return Stage(CPU, Table([]), dry=True, folder=folder, **settings)


def test_flips_are_counted() -> None:
    expected = {0: (1, 2), 1: (3, 4), 2: (5, 6)}
    assert exactness.flips(expected, {0: (1, 2), 2: (5, 7)}) == 1
    assert exactness.flips(expected, expected) == 0


def test_a_run_whose_time_is_over_gives_what_it_has(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, prompts=3)
    asked = exactness.texts(stage)
    stage.deadline = 0.0
    with engine_part.made(stage, "1B") as engine:
        found = exactness.run(engine, asked, [[0], [1], [2]], tokens=2, stage=stage)
    assert list(found) == [0]


def test_prompts_of_a_group_begin_alike(tmp_path: Path) -> None:
    stage = stage_of(tmp_path, prompts=10)
    first, *others = exactness.texts(stage)
    begin = first[: exactness.DRY_SHARED]
    assert [text[: len(begin)] == begin for text in others] == [True] * 7 + [False] * 2
    assert len({tuple(text) for text in (first, *others)}) == 10


def test_tokenizer_writes_any_text_and_has_the_size_that_it_should(tmp_path: Path) -> None:
    tokenizer = models.model_tokenizer(1024, tmp_path)
    assert tokenizer.vocabulary.size == 1024
    for text in ("The rest is silence.", "naïve 東京 <|im_end|>\n\t", ""):
        prompt = (Text(text, trusted=False),)
        assert tokenizer.render(prompt) == text
        ids = tokenizer.encode(prompt)
        assert b"".join(tokenizer.vocabulary.tokens[id_] or b"?" for id_ in ids) == text.encode()
    assert models.tokenizer(models.SHAPES["1B"].vocab_size).get_vocab_size() == 128_256
    with pytest.raises(ValueError, match="no more than"):
        models.tokenizer(200_000)


def test_weights_are_the_same_each_time() -> None:
    a, b = (models.network(models.DRY["1B"], CPU, torch.float32).state_dict() for _ in range(2))
    assert all(torch.equal(a[name], b[name]) for name in a)


@function
def forked(s: ProgramState, text: str) -> None:
    s += "Text: " + text + "\n"
    forks = s.fork(2)
    forks += lambda number: f"Side {number}:" + gen("side", max_tokens=3, temperature=0)
    forks += " Score: " + gen("score", max_tokens=2, temperature=0)
    forks.join()
    s += "So: " + forks[0]["side"] + forks[1]["side"] + select("verdict", choices=["yes", "no"])


def test_calls_of_a_run_wait_for_what_they_go_on_from(tmp_path: Path) -> None:
    with engine_part.made(stage_of(tmp_path), "1B") as engine:
        calls = recorded(engine, lambda: forked.run(text="Water is wet.", backend=engine))
    sides, scores, (verdict,) = ([call for call in calls if call.tokens == tokens] for tokens in (3, 2, 1))
    assert [call.after for call in sides] == [frozenset(), frozenset()]
    assert sorted(min(call.after) for call in scores) == [0, 1]
    for score in scores:
        (parent,) = score.after
        assert list(score.ids[: len(calls[parent].ids)]) == list(calls[parent].ids)
    assert len(scores) == 2
    assert verdict.after >= {0, 1}  # it need not wait for the scores


class Manager:
    """Stands for transformers': answers what was asked longest ago."""

    def __init__(self, short: int = 0) -> None:
        self.asked: list[tuple[tuple[int, ...], int]] = []
        self.short = short
        self.answered = 0

    def add_request(self, ids: list[int], *, max_new_tokens: int, eos_token_id: int, record_timestamps: bool) -> str:
        assert eos_token_id == -1
        self.asked.append((tuple(ids), max_new_tokens))
        return f"req_{len(self.asked) - 1}"

    def get_result(self, timeout: float) -> Any:
        if self.answered == len(self.asked):
            return None
        number, self.answered = self.answered, self.answered + 1
        tokens = self.asked[number][1] - self.short
        return Output(f"req_{number}", [7] * tokens)

    def is_running(self) -> bool:
        return self.answered < len(self.asked)


class Output:
    error = None

    def __init__(self, request_id: str, generated_tokens: list[int]) -> None:
        self.request_id, self.generated_tokens = request_id, generated_tokens

    def is_finished(self) -> bool:
        return True


def test_calls_are_made_as_soon_as_they_may() -> None:
    calls = [
        Call((1,), 4),
        Call((2,), 3, frozenset({0})),
        Call((3,), 2),
        Call((4,), 1, frozenset({1, 2})),
    ]
    manager = Manager()
    outputs = peers.run(manager, calls)
    assert [ids for ids, _ in manager.asked] == [(1,), (3,), (2,), (4,)]
    assert [len(output.generated_tokens) for output in outputs] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("manager", "calls", "message"),
    [
        (Manager(short=1), [Call((1,), 4)], "3 tokens came, not 4"),
        (Manager(), [Call((1,), 4, frozenset({1})), Call((2,), 1, frozenset({0}))], "stopped answering"),
    ],
)
def test_a_peer_that_does_less_is_no_peer(manager: Manager, calls: list[Call], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        peers.run(manager, calls)


def test_steady_rate_begins_where_all_have_begun() -> None:
    assert peers.steady_rate([[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]) == pytest.approx(4 / 2)

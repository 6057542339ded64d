"""Training: the network is Llama, the loss falls, a stopped run goes on as if it had not been stopped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from tokenizers import Tokenizer
from torch import nn
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner

from models.accuracy import accuracy, held_out_examples
from models.batches import Example, batches, of_step
from models.mixture import STAGES
from models.network import Network, Shape
from models.optimiser import Optimiser, Rates, orthogonal
from models.train import (
    Run,
    Settings,
    export,
    load_checkpoint,
    main,
    one_step,
    save_checkpoint,
    scale_at,
    shape_of,
    start,
    train,
    workers,
)
from tests.training.support import ENTRIES, SHAPE, tokenizer

SETTINGS = Settings(steps=30, step_tokens=512, batch_tokens=256, evaluations=2, each=1)


def steps(run: Run, count: int, settings: Settings = SETTINGS) -> list[float]:
    with workers(settings) as pool:
        return [one_step(run, tokenizer(), settings, pool) for _ in range(count)]


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for (name, a), (_, b) in zip(one.named_parameters(), other.named_parameters(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize("kv_heads", [1, 2])
def test_the_network_is_llama(tmp_path: Path, kv_heads: int) -> None:
    torch.manual_seed(0)
    network = Network(Shape(ENTRIES, hidden=32, layers=2, heads=2, kv_heads=kv_heads, intermediate=64))
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_((weight + 0.2 * torch.randn_like(weight)).to(torch.bfloat16))
    export(network, tokenizer(), tmp_path)
    llama = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    assert llama.dtype == torch.float32
    assert sum(weight.numel() for weight in llama.parameters()) == network.shape.parameters
    ids = torch.randint(0, ENTRIES, (2, 50))
    with torch.no_grad():
        ours = network(ids, torch.arange(100)).view(2, 50, -1)
        theirs = llama(ids).logits
    assert torch.allclose(ours, theirs, atol=1e-3)


def test_the_shipped_shape_fits_the_limits() -> None:
    shape = Shape(4096)
    assert shape.parameters == sum(weight.numel() for weight in Network(shape).parameters()) <= 6_000_000
    assert shape.positions >= 4096
    assert shape_of(shape.hidden, shape.layers) == shape


@torch.no_grad()
def test_a_new_network_copies() -> None:
    """Of random ids that come twice, it foretells the second half far better than any of its ids at random."""
    torch.manual_seed(0)
    network = Network(Shape(4096))
    ids = torch.randint(0, 4096, (16, 20)).repeat(1, 2)
    positions = (torch.arange(16)[:, None] * 40 + torch.arange(20, 39)).flatten()
    loss = torch.nn.functional.cross_entropy(network(ids, positions), ids[:, 21:].flatten()).item()
    assert loss < math.log(4096) - 3


def test_the_loss_falls_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    whole = start(tokenizer(), SHAPE, SETTINGS)
    losses = steps(whole, 30)
    assert sum(losses[-5:]) < 0.95 * sum(losses[:5])

    stopped = start(tokenizer(), SHAPE, SETTINGS)
    first = steps(stopped, 12)
    save_checkpoint(stopped, tmp_path)
    again = start(tokenizer(), SHAPE, Settings(steps=30, seed=1))  # another seed: all comes from the checkpoint
    assert load_checkpoint(again, tmp_path)
    assert (again.step, again.tokens) == (12, stopped.tokens)
    assert first + steps(again, 18) == losses
    assert_same(whole.network, again.network)


def test_the_number_of_workers_changes_nothing() -> None:
    torch.set_num_threads(1)
    one, two = start(tokenizer(), SHAPE, SETTINGS), start(tokenizer(), SHAPE, SETTINGS)
    assert steps(one, 3) == steps(two, 3, replace(SETTINGS, workers=2))
    assert_same(one.network, two.network)


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    run = start(tokenizer(), SHAPE, SETTINGS)
    with torch.no_grad():
        run.network.model.norm.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="the loss of step 0 is nan"):
        steps(run, 1)


def test_no_checkpoint_is_no_fault(tmp_path: Path) -> None:
    assert not load_checkpoint(start(tokenizer(), SHAPE, SETTINGS), tmp_path)


def test_a_run_writes_model_log_and_checkpoint(tmp_path: Path) -> None:
    settings = Settings(steps=4, step_tokens=256, batch_tokens=256, evaluations=2, each=1)
    run = train(settings, SHAPE, tmp_path, tokenizer())
    assert run.step == 4
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 4]
    assert lines[-1]["tasks"].keys() >= {"facts.capital", "react.problem"}
    assert (tmp_path / "model" / "model.safetensors").stat().st_size <= 12_000_000
    assert Tokenizer.from_file(str(tmp_path / "model" / "tokenizer.json")).get_vocab_size() == ENTRIES
    assert train(settings, SHAPE, tmp_path, tokenizer()).step == 4, "it is at its end already"


def test_steps_depend_on_seed_and_number_alone() -> None:
    assert of_step(tokenizer(), 0, 7, 500) == of_step(tokenizer(), 0, 7, 500)
    assert of_step(tokenizer(), 0, 7, 500) != of_step(tokenizer(), 0, 8, 500)


def practised(step: int, *tasks: str) -> int:
    """How often, in a long step."""
    return sum(one.task in tasks for one in of_step(tokenizer(), 0, step, 20000))


def test_copying_is_practised_first() -> None:
    copying = ("copying.repeat", "copying.look_up", "copying.ask")
    assert practised(0, *copying) > 2 * practised(STAGES[1][0], *copying)


def test_sums_are_practised_late() -> None:
    late, _ = STAGES[2]
    assert practised(late, "arithmetic.ladder") > practised(late - 1, "arithmetic.ladder")


def test_batches_hold_every_answer_once() -> None:
    examples = of_step(tokenizer(), 0, 0, 4000)
    made = list(batches(examples, 1024))
    assert all(batch.ids.numel() <= 1024 or len(batch.ids) == 1 for batch in made)
    assert sum(len(batch.targets) for batch in made) == sum(end - first for one in examples for first, end in one.spans)
    for batch in made:
        following = batch.ids.flatten()[batch.positions + 1]
        assert torch.equal(following, batch.targets)


def test_minutes_and_steps_are_refused_together() -> None:
    app = typer.Typer()
    app.command()(main)
    said = CliRunner().invoke(app, ["--minutes", "1", "--steps", "2"])
    assert said.exit_code == 2
    assert "give one of --minutes and --steps" in said.output


def test_rates_rise_stay_and_fall() -> None:
    settings = Settings(steps=100, warm_up=0.1, decay=0.5)
    scales = [scale_at(step / 100, settings) for step in range(101)]
    assert 0 < scales[0] < 0.1
    assert max(scales) == 1.0
    assert scales[10:50] == [1.0] * 40
    assert scales[50:] == sorted(scales[50:], reverse=True)
    assert scales[-1] == 0.0


@pytest.mark.parametrize("shape", [(8, 8), (8, 24), (24, 8)])
def test_orthogonal_updates_have_even_singular_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert values.min() > 0.3
    assert values.max() < 1.4


def test_the_optimiser_leaves_what_has_no_gradient() -> None:
    network = Network(SHAPE)
    before = [weight.clone() for weight in network.parameters()]
    Optimiser(network, Rates()).step(0, 1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


def test_accuracy_counts_whole_answers() -> None:
    """A network whose likeliest next token is always the one before."""

    class Parrot(Network):
        def forward(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
            return nn.functional.one_hot(ids.flatten()[positions], ENTRIES).float()

    examples = [
        Example([5, 5, 5, 6], [(1, 3)], "echo"),
        Example([5, 5, 5, 6], [(1, 4)], "change"),
        Example([4, 4], [(1, 2)], "echo"),
    ]
    assert accuracy(Parrot(SHAPE), examples) == {"change": 0.0, "echo": 1.0}


def test_held_out_examples_are_of_the_tasks_asked_for() -> None:
    found = held_out_examples(tokenizer(), 0, 2, ["arithmetic"])
    assert found
    assert all(one.task.startswith("arithmetic.") for one in found)

"""Train the model, on a CPU or a GPU, and write it as a folder in Hugging Face's format.

    python -m models.train --out build/model      # about 90 minutes on two cores, minutes on a GPU

Makes the tokenizer, trains, and keeps in the folder of `--out`: `model/`, the best network so far as bfloat16 weights with
all that belongs to it; `checkpoint/`, from where the same command goes on after a stop; `log.jsonl`, the loss and the
accuracies. Two runs of as many steps on one machine give the same weights; `--minutes` instead of `--steps` ends in time on
any.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import torch
import torch.nn.functional as F
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from models.accuracy import accuracy, held_out_examples
from models.batches import Batch, batches, of_step
from models.document import BEGIN, END, TURN_END
from models.mixture import documents
from models.network import Network, Shape
from models.optimiser import Optimiser, Rates
from models.tokenizer import ENTRIES, id_of, text_of, trained, write, write_json

STEPS = 6600
TOKENIZER_DOCUMENTS = 40000
EVALUATION_SEED = 1


@dataclass(frozen=True)
class Settings:
    """minutes, steps: the length of the run, one of the two. step_tokens: of one step of the optimiser. batch_tokens: of
    one forward pass. workers: forward passes at once; the weights do not depend on it. warm_up, decay: shares of the run
    in which the rates rise and fall. evaluations: in a run. each: documents of a task in an evaluation."""

    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    step_tokens: int = 3072
    batch_tokens: int = 1536
    workers: int = 1
    warm_up: float = 0.02
    decay: float = 0.8
    evaluations: int = 12
    each: int = 8
    rates: Rates = field(default_factory=Rates)
    device: str = "cpu"


@dataclass
class Run:
    """Where a run is: `step` steps in `spent` seconds, evaluations included, and the best mean accuracy so far."""

    network: Network
    optimiser: Optimiser
    step: int = 0
    spent: float = 0.0
    tokens: int = 0
    best: float = -1.0
    evaluated: int = 0


def scale_at(progress: float, settings: Settings) -> float:
    """The learning rate's height, 0 to 1: up, even, and down in a line."""
    return max(0.0, min(1.0, (progress + 1e-3) / settings.warm_up, (1.0 - progress) / settings.decay))


def progress_of(run: Run, settings: Settings) -> float:
    """0 at the beginning, 1 and more at the end."""
    if settings.steps is not None:
        return run.step / settings.steps
    if settings.minutes is None:
        raise ValueError("a run wants minutes or steps")
    return run.spent / (60 * settings.minutes)


def start(tokenizer: Tokenizer, shape: Shape, settings: Settings) -> Run:
    torch.manual_seed(settings.seed)
    network = Network(replace(shape, vocabulary=tokenizer.get_vocab_size())).to(settings.device)
    return Run(network, Optimiser(network, settings.rates))


def one_step(run: Run, tokenizer: Tokenizer, settings: Settings, pool: Executor) -> float:
    """The mean loss of the answers' tokens. pool: computes the batches, each by itself, so that workers on a CPU never
    wait for each other inside of one; their gradients are added in the order of the batches."""
    begin = time.perf_counter()
    examples = of_step(tokenizer, settings.seed, run.step, settings.step_tokens)
    supervised = sum(end - first for one in examples for first, end in one.spans)
    parts = list(batches(examples, settings.batch_tokens))[::-1]  # long ones first: the last to be done are short
    loss = 0.0
    for part, gradients in pool.map(lambda batch: gradients_of(run, batch.to(settings.device), supervised), parts):
        loss += part
        for weight, gradient in zip(run.network.parameters(), gradients, strict=True):
            weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)
    if not math.isfinite(loss):
        raise FloatingPointError(f"the loss of step {run.step} is {loss}: try lower rates")
    run.optimiser.step(run.step, scale_at(progress_of(run, settings), settings))
    run.step += 1
    run.tokens += sum(len(one.ids) for one in examples)
    run.spent += time.perf_counter() - begin
    return loss


def gradients_of(run: Run, batch: Batch, supervised: int) -> tuple[float, tuple[Tensor, ...]]:
    """A batch's part of the loss, and its gradients by all parameters."""
    logits = run.network(batch.ids, batch.positions)
    loss = F.cross_entropy(logits, batch.targets, reduction="sum") / supervised
    return loss.item(), torch.autograd.grad(loss, list(run.network.parameters()))


@contextmanager
def workers(settings: Settings) -> Iterator[Executor]:
    """Threads that compute batches; where there are several, each of them on one core."""
    one_core: Callable[[], None] | None = (lambda: torch.set_num_threads(1)) if settings.workers > 1 else None
    with ThreadPoolExecutor(settings.workers, initializer=one_core) as pool:
        yield pool


def save_checkpoint(run: Run, folder: Path) -> None:
    """Written beside and moved into place, so that a stop leaves a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"weights/{name}": weight.detach() for name, weight in run.network.named_parameters()}
    facts = {"step": run.step, "spent": run.spent, "tokens": run.tokens, "best": run.best, "evaluated": run.evaluated}
    save_file(tensors | run.optimiser.state, folder / "new", metadata={"run": json.dumps(facts)})
    (folder / "new").replace(folder / "run.safetensors")


def load_checkpoint(run: Run, folder: Path) -> bool:
    """Whether there was one."""
    path = folder / "run.safetensors"
    if not path.exists():
        return False
    tensors = load_file(path)
    with torch.no_grad():
        for name, weight in run.network.named_parameters():
            weight.copy_(tensors[f"weights/{name}"])
    run.optimiser.load(tensors)
    for name, value in _facts(path).items():
        setattr(run, name, value)
    return True


def _facts(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"]["run"])


def export(network: Network, tokenizer: Tokenizer, folder: Path) -> None:
    """A folder that sglc and transformers read: bfloat16 weights, which are computed with in float32."""
    write(tokenizer, folder)
    begin, end, turn_end = (id_of(tokenizer, name) for name in (BEGIN, END, TURN_END))
    write_json(folder / "config.json", network.shape.config(begin=begin, ends=(turn_end, end)))
    tensors = {
        name: weight.detach().to("cpu", torch.bfloat16).contiguous() for name, weight in network.named_parameters()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def evaluate_run(run: Run, tokenizer: Tokenizer, settings: Settings, out: Path, loss: float) -> float:
    """Logs the accuracies, and keeps the network where their mean is the best so far."""
    begin = time.perf_counter()
    examples = held_out_examples(tokenizer, EVALUATION_SEED, settings.each)
    by_task = accuracy(run.network, examples, device=settings.device)
    mean = sum(by_task.values()) / len(by_task)
    line = {
        "step": run.step,
        "tokens": run.tokens,
        "minutes": run.spent / 60,
        "loss": loss,
        "mean": mean,
        "tasks": by_task,
    }
    with (out / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    if mean >= run.best:
        run.best = mean
        export(run.network, tokenizer, out / "model")
    run.spent += time.perf_counter() - begin
    return mean


def train(settings: Settings, shape: Shape, out: Path, tokenizer: Tokenizer) -> Run:
    """From the beginning or the checkpoint to the end."""
    out.mkdir(parents=True, exist_ok=True)
    run = start(tokenizer, shape, settings)
    load_checkpoint(run, out / "checkpoint")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.1f}%"),
        TimeElapsedColumn(),
    )
    loss = 0.0
    with Progress(*columns) as bar, workers(settings) as pool:
        shown = bar.add_task("training", total=1.0)
        while (progress := progress_of(run, settings)) < 1.0:
            now = one_step(run, tokenizer, settings, pool)
            loss = now if loss == 0.0 else 0.95 * loss + 0.05 * now
            speed = run.tokens / run.spent
            words = f"step {run.step}, loss {loss:.3f}, {speed:.0f} tokens/s, best {max(run.best, 0.0):.1%}"
            bar.update(shown, completed=progress, description=words)
            if progress * settings.evaluations >= run.evaluated + 1:
                run.evaluated = int(progress * settings.evaluations)
                evaluate_run(run, tokenizer, settings, out, loss)
                save_checkpoint(run, out / "checkpoint")
    evaluate_run(run, tokenizer, settings, out, loss)
    save_checkpoint(run, out / "checkpoint")
    return run


def tokenizer_of(folder: Path, seed: int, count: int = TOKENIZER_DOCUMENTS, entries: int = ENTRIES) -> Tokenizer:
    """The tokenizer of a run, made at its first start."""
    path = folder / "tokenizer.json"
    if path.exists():
        return Tokenizer.from_file(str(path))
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = trained(map(text_of, islice(documents(f"tokenizer {seed}"), count)), entries)
    tokenizer.save(str(path))
    return tokenizer


def shape_of(hidden: int, layers: int) -> Shape:
    """Heads of 32, and eight thirds of the width between the halves of an MLP."""
    heads = hidden // 32
    return Shape(ENTRIES, 32 * heads, layers, heads, heads, 64 * round(hidden / 24))


def main(
    out: Annotated[Path, typer.Option(help="the folder of the run")] = Path("build/model"),
    minutes: Annotated[float | None, typer.Option(help="how long to train")] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"how many steps to train instead; {STEPS} where neither is given")
    ] = None,
    seed: Annotated[int, typer.Option()] = 0,
    rate: Annotated[float, typer.Option(help="learning rate of the matrices")] = Rates().matrix,
    hidden: Annotated[int, typer.Option(help="width of the network")] = Shape(ENTRIES).hidden,
    layers: Annotated[int, typer.Option(help="depth of the network")] = Shape(ENTRIES).layers,
    cores: Annotated[int, typer.Option(help="workers on a CPU; 0 for all cores")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cuda" if torch.cuda.is_available() else "cpu",
) -> None:
    count = (cores or os.cpu_count() or 1) if device == "cpu" else 1
    if minutes is not None and steps is not None:
        raise typer.BadParameter("give one of --minutes and --steps")
    steps = STEPS if minutes is None and steps is None else steps
    settings = Settings(minutes=minutes, steps=steps, seed=seed, workers=count, device=device, rates=Rates(matrix=rate))
    run = train(settings, shape_of(hidden, layers), out, tokenizer_of(out, seed))
    print(
        f"{run.step} steps, {run.tokens} tokens, {run.spent / 60:.1f} minutes, mean accuracy {run.best:.1%}: {out / 'model'}"
    )


if __name__ == "__main__":
    typer.run(main)

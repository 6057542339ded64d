"""transformers on the same models and prompts: its continuous batching (`generate_batch`), and `generate`.

Continuous batching is given all that it can use here: flash attention where it is installed, its own sizes for its cache,
and the better of its settings, found out on the 1B shape. Its graphs want flash attention; without that it makes
masks. It is timed by its own stamps, from when all requests have their first token; `generate` by the difference of a
long and a short answer. The forked examples are given to it as the calls that our compiled run made, each as soon as what
it waits for has ended: it need not draw under constraints, nor run the program, and its prefix cache is on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig
from transformers.utils import logging as logging_of_transformers
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

from benchmarks import _gpu_engine as ours
from benchmarks import _gpu_models as models
from benchmarks._gpu_stage import Stage, ratio
from benchmarks._gpu_timing import left_out

SETTINGS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "graphs and async": {"use_cuda_graph": True, "use_async_batching": True},
}
DRY_CACHE: dict[str, Any] = {"num_blocks": 64, "max_batch_tokens": 512}
"""On a CPU it does not find out by itself how much memory there is."""

SILENCE = 120.0
"""Seconds without any answer after which it is given up."""


@dataclass(frozen=True, slots=True)
class Call:
    """A prompt, and how many tokens are generated after it. after: the numbers of calls that must have ended."""

    ids: Sequence[int]
    tokens: int
    after: frozenset[int] = frozenset()


def measure(stage: Stage) -> None:
    logging_of_transformers.set_verbosity_error()
    for name in ("1B", "8B"):
        if stage.late(f"transformers, {name}"):
            continue
        with stage.trying(f"transformers, {name}"):
            shape = stage.pick(models.SHAPES, models.DRY)[name]
            network: Any = models.network(shape, stage.device, stage.dtype)
            if "settings" not in stage.kept:  # first of all
                stage.kept["settings"] = best_settings(stage, network, shape.vocab_size)
                _forked(stage, network)
            for batch in stage.pick(ours.BATCHES, ours.DRY_BATCHES):
                ids = ours.prompts(batch, stage.pick(ours.PROMPT, ours.DRY_PROMPT), shape.vocab_size, seed=batch)
                for way in (_generate_batch, _generate):
                    if not stage.late(f"{name}, batch {batch}"):
                        way(stage, network, name, ids)


def attention() -> str:
    """The fastest of transformers' attentions that is installed."""
    if is_flash_attn_3_available():
        return "flash_attention_3"
    return "flash_attention_2" if is_flash_attn_2_available() else "sdpa"


def best_settings(stage: Stage, network: Any, vocabulary: int) -> str:
    """The name of the settings that decode fastest; those that do not run are left out."""
    batch, length = stage.pick((32, ours.PROMPT), (3, ours.DRY_PROMPT))
    ids = ours.prompts(batch, length, vocabulary)
    found: dict[str, float] = {}
    for name in SETTINGS:
        stage.say(f"continuous batching, {name}")
        try:
            found[name] = _decode_rate(stage, network, ids, name)
        except Exception as error:  # noqa: BLE001 - a setting that this machine does not have
            left_out(name, error)
        stage.tidy()
    if not found:
        raise RuntimeError("continuous batching runs with no settings")
    return max(found, key=lambda name: found[name])


def _forked(stage: Stage, network: Any) -> None:
    """The calls that the part of the examples has noted, on the 1B shape."""
    examples = [key[1] for key in stage.kept if key[0] == "calls"]
    if not examples:
        stage.row("forked examples", note="not measured: the part 'examples' has noted no calls")
    for example in examples:
        if stage.late(f"{example}, generate_batch"):
            continue
        with stage.trying(f"{example}, generate_batch"), batching(stage, network, stage.kept["settings"]) as manager:
            calls, own = stage.kept["calls", example]
            run(
                manager, [Call(call.ids[::-1], 2) for call in calls[:2]]
            )  # warms, and shares nothing with what is timed
            theirs = stage.wall(lambda manager=manager, calls=calls: run(manager, calls))
            stage.row(
                f"{example}, generate_batch",
                figure=None if theirs is None else len(calls) / theirs,
                unit="calls/s",
                seconds=theirs,
                ratio=ratio(theirs, own),
                against="theirs",
                note=f"{len(calls)} calls of the model; {_told(stage, network)}",
            )


def _told(stage: Stage, network: Any) -> str:
    """How it ran."""
    return f"{stage.kept['settings']}, {network.config._attn_implementation}"


@contextmanager
def batching(stage: Stage, network: Any, settings: str) -> Iterator[Any]:
    """Its manager, warmed up and waiting for requests."""
    network.set_attn_implementation(attention() if not stage.dry else "sdpa")
    config = ContinuousBatchingConfig(**SETTINGS[settings], **(DRY_CACHE if stage.dry else {}))
    greedy = GenerationConfig(do_sample=False, max_new_tokens=64, eos_token_id=-1, pad_token_id=0)
    with network.continuous_batching_context_manager(
        generation_config=greedy, continuous_batching_config=config, timeout=5
    ) as manager:
        yield manager


def run(manager: Any, calls: Sequence[Call], stamps: bool = False) -> list[Any]:
    """All calls, each as soon as those that it waits for have ended; their outputs in the order of the calls."""
    waiting = {number: set(call.after) for number, call in enumerate(calls)}
    numbers: dict[str, int] = {}
    outputs: dict[int, Any] = {}
    ready = [number for number, after in waiting.items() if not after]
    heard = time.monotonic()
    while len(outputs) < len(calls):
        for number in ready:
            del waiting[number]
            call = calls[number]
            name = manager.add_request(
                list(call.ids), max_new_tokens=call.tokens, eos_token_id=-1, record_timestamps=stamps
            )
            numbers[name] = number
        ready = []
        output = manager.get_result(timeout=1)
        if output is None:
            if not manager.is_running() or time.monotonic() - heard > SILENCE:
                raise RuntimeError("continuous batching has stopped answering")
            continue
        heard = time.monotonic()
        if output.error is not None:
            raise RuntimeError(f"continuous batching failed: {output.error}")
        if output.is_finished():
            number = numbers[output.request_id]
            if len(output.generated_tokens) != calls[number].tokens:
                raise RuntimeError(f"{len(output.generated_tokens)} tokens came, not {calls[number].tokens}")
            outputs[number] = output
            for other, after in waiting.items():
                if number in after:
                    after.remove(number)
                    if not after:
                        ready.append(other)
    return [outputs[number] for number in range(len(calls))]


def steady_rate(stamps: Sequence[Sequence[float]]) -> float:
    """Tokens a second from when all requests have their first token. stamps: of each request's tokens, in seconds."""
    start, end = max(each[0] for each in stamps), max(each[-1] for each in stamps)
    return sum(stamp > start for each in stamps for stamp in each) / (end - start)


def _decode_rate(stage: Stage, network: Any, ids: Sequence[Sequence[int]], settings: str) -> float:
    tokens = stage.pick(ours.TOKENS, ours.DRY_TOKENS) + 1
    with batching(stage, network, settings) as manager:
        run(manager, [Call(each, 2) for each in ids])  # the first steps compile and capture
        outputs = run(manager, [Call(each, tokens) for each in ids], stamps=True)
    return steady_rate([output.timestamps for output in outputs])


def _generate_batch(stage: Stage, network: Any, name: str, ids: Sequence[Sequence[int]]) -> None:
    label = f"{name}, batch {len(ids)}, generate_batch"
    with stage.trying(label):
        theirs = _decode_rate(stage, network, ids, stage.kept["settings"])
        _row(stage, label, name, len(ids), None if stage.dry else theirs, _told(stage, network))


def _generate(stage: Stage, network: Any, name: str, ids: Sequence[Sequence[int]]) -> None:
    label = f"{name}, batch {len(ids)}, generate"
    tokens = stage.pick(ours.TOKENS, ours.DRY_TOKENS)
    with stage.trying(label):
        network.set_attn_implementation("sdpa")
        prompt = torch.tensor(ids, device=stage.device)

        def generate(count: int) -> None:
            settings = GenerationConfig(max_new_tokens=count, do_sample=False, pad_token_id=0)
            out = network.generate(prompt, attention_mask=torch.ones_like(prompt), generation_config=settings)
            if out.shape[1] != prompt.shape[1] + count:
                raise RuntimeError(f"generate answered {out.shape[1] - prompt.shape[1]} tokens, not {count}")

        generate(2)
        short, long = stage.wall(lambda: generate(1)), stage.wall(lambda: generate(1 + tokens))
        theirs = None if short is None or long is None else len(ids) * tokens / (long - short)
        _row(stage, label, name, len(ids), theirs, "as it comes, sdpa")


def _row(stage: Stage, label: str, name: str, batch: int, theirs: float | None, note: str) -> None:
    """theirs: tokens a second, which the engine's part has measured of ours."""
    own = stage.kept.get(("decode", name, batch))
    if own is None and not stage.dry:
        print(f"    no ratio: the part 'engine' has not measured {name}, batch {batch}", file=sys.stderr)
    stage.row(
        label,
        figure=theirs,
        unit="tokens/s",
        ratio=None if own is None or theirs is None else own / theirs,
        against="theirs",
        note=note,
    )

"""Saved KV is what it was, or is refused with the reason; a file is there whole or not at all."""

from __future__ import annotations

import contextlib
import random
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from sglc.ir.errors import ArtifactError
from sglc.runtime import kv_file
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from tests.engine.support import Bytes

IDENTITY = {"weights": "w", "tokenizer": "t", "layout": "l"}
PREFIXES = [list(range(2, 14)), [*range(2, 8), 15, 15], [15, 2], list(range(2, 8))]
DISTINCT = 12 + 2 + 2  # tokens that are computed: what prompts begin with alike, once
PAGES = 64


class Memory:
    """A pool of one layer, and the core that owns its pages."""

    def __init__(self, pages: int = PAGES) -> None:
        self.pool = {name: torch.zeros(pages, 2, 3, dtype=torch.bfloat16) for name in ("keys.0", "values.0")}
        self.core = EngineCore(FakeDevice(pages), Bytes())

    def export_pages(self, pages: Sequence[int]) -> dict[str, torch.Tensor]:
        return {name: tensor[list(pages)] for name, tensor in self.pool.items()}

    def import_pages(self, pages: Sequence[int], tensors: Mapping[str, torch.Tensor]) -> None:
        for name, tensor in self.pool.items():
            tensor[list(pages)] = tensors[name]

    def content(self) -> list[dict[str, list[Any]]]:
        """What is cached for the prompts."""
        read = self.core.read_cached
        return [{n: t.tolist() for n, t in read(ids, self.export_pages).items()} for ids in PREFIXES]


def filled() -> Memory:
    memory = Memory()

    def write(ids: list[int], start: int, pages: array[int]) -> None:
        for position, page in enumerate(pages, start):
            for sign, tensor in zip((1, -1), memory.pool.values(), strict=True):
                tensor[page] = sign * (ids[position] + 100 * position)

    for ids in PREFIXES:
        memory.core.write_cached(ids, lambda start, pages, ids=ids: write(ids, start, pages))
    return memory


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    memory = filled()
    kv_file.save(tmp_path / "kv", memory.core, memory, IDENTITY, PREFIXES)
    return tmp_path / "kv"


def load(path: Path, identity: Mapping[str, str] = IDENTITY) -> Memory:
    memory = Memory()
    kv_file.load(path, memory.core, memory, identity)
    return memory


def test_what_is_loaded_is_what_was_saved(saved: Path) -> None:
    assert load(saved).content() == filled().content()


def test_what_prompts_share_is_saved_once(saved: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        rows = [file.get_slice(name).get_shape()[0] for name in file.keys() if name.endswith(".keys.0")]  # noqa: SIM118 - no mapping
    assert sum(rows) == DISTINCT


def test_a_pool_that_is_too_small_for_all_prompts_gets_the_last_one_right(saved: Path) -> None:
    memory, whole = Memory(12), filled()
    kv_file.load(saved, memory.core, memory, IDENTITY)
    last = memory.core.read_cached(PREFIXES[2], memory.export_pages)
    assert last["keys.0"].tolist() == whole.core.read_cached(PREFIXES[2], whole.export_pages)["keys.0"].tolist()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("weights", "other model weights"),
        ("tokenizer", "another tokenizer or chat template"),
        ("layout", "another model layout or dtype"),
    ],
)
def test_kv_of_another_model_is_refused(key: str, reason: str, saved: Path) -> None:
    with pytest.raises(ArtifactError, match=f"the KV was saved with {reason}(.|\n)*hint: warm up again"):
        load(saved, {**IDENTITY, key: "other"})


def damaged(data: bytes, rng: random.Random) -> bytes:
    match rng.randrange(4):
        case 0:
            return data[: rng.randrange(len(data))]
        case 1:
            return rng.randbytes(rng.randrange(200))
        case 2:
            return data + rng.randbytes(1 + rng.randrange(9))
        case _:
            at, bit = rng.randrange(len(data)), 1 << rng.randrange(8)
            return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@pytest.mark.parametrize("seed", range(4))
def test_damage_is_found_before_anything_is_used(seed: int, saved: Path) -> None:
    data, whole, rng = saved.read_bytes(), filled().content(), random.Random(seed)
    for _ in range(250):
        saved.write_bytes(damaged(data, rng))
        memory = Memory()
        with contextlib.suppress(ArtifactError):
            kv_file.load(saved, memory.core, memory, IDENTITY)
            assert memory.content() == whole  # a bit that does not count: white space of the header
            continue
        assert memory.core.stats.kv_tokens_in_use == 0


def test_every_bit_of_the_header_counts(saved: Path) -> None:
    """Of the prompts, too: with other ids the KV would be that of another text."""
    data = saved.read_bytes()
    at = data.index(b"[[2, 3")
    saved.write_bytes(data[: at + 2] + b"3" + data[at + 3 :])
    with pytest.raises(ArtifactError, match="the saved KV is damaged"):
        load(saved)
    saved.write_bytes(data.replace(kv_file.FORMAT.encode(), kv_file.FORMAT[:-1].encode() + b"9"))
    with pytest.raises(ArtifactError, match="this is no saved KV of"):
        load(saved)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["save_file", "os.replace", "os.fsync"])
def test_a_full_disk_and_ctrl_c_leave_what_was_there(
    error: BaseException, where: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, memory = saved.read_bytes(), filled()

    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(kv_file, "save_file", fails) if where == "save_file" else monkeypatch.setattr(where, fails)
    with pytest.raises(ArtifactError if isinstance(error, OSError) else KeyboardInterrupt):
        kv_file.save(saved, memory.core, memory, IDENTITY, PREFIXES)
    assert [file.name for file in saved.parent.iterdir()] == [saved.name]
    assert saved.read_bytes() == before

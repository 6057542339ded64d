"""How many pages the pool of a GPU has, with a memory that is told what to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from sglc.ir.errors import CapacityError
from sglc.runtime.engine import pool_size
from sglc.runtime.engine.torch_device import TorchDevice
from tests.parity.support import tiny


@dataclass
class Told:
    """A run takes `peak` bytes."""

    free_bytes: int
    peak: int
    runs: list[str] = field(default_factory=list)

    def free(self) -> int:
        self.runs.append("free")
        return self.free_bytes

    def peak_of(self, run: Callable[[], None]) -> int:
        run()
        self.runs.append("peak")
        return self.peak


def test_what_the_largest_batch_leaves() -> None:
    model = tiny("llama")
    page = model.page_bytes
    memory = Told(free_bytes=1000 * page, peak=150 * page)
    assert pool_size.on_gpu(model, memory, lambda: None) == 750
    assert memory.runs == ["peak", "free"], "what the first run took for good is not free"


def test_nothing_left_is_said() -> None:
    model = tiny("llama")
    memory = Told(free_bytes=100 * model.page_bytes, peak=90 * model.page_bytes)
    with pytest.raises(CapacityError, match="no memory is left for the KV pool: a token takes 256 bytes"):
        pool_size.on_gpu(model, memory, lambda: None)


@pytest.mark.parametrize("tokens", [1, 100, 512, 1500])
def test_the_largest_batch_runs(tokens: int) -> None:
    """Longer than the model's longest sequence: then it is several."""
    TorchDevice(tiny("llama"), 4)._largest(tokens)()

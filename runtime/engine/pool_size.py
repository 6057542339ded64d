"""How many pages the KV pool has: of what is free once the model is loaded, and once its largest batch has what it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch

from sglc.ir.errors import CapacityError
from sglc.runtime.engine.network import Model

CPU_SHARE, CUDA_SHARE = 0.25, 0.9  # of the free memory; a GPU's rest is for graphs and for holes between blocks
MOST_ON_CPU = 65536


class Memory(Protocol):
    """A GPU's, in bytes."""

    def free(self) -> int: ...

    def peak_of(self, run: Callable[[], None]) -> int:
        """What a run takes at most beyond what is taken before it."""
        ...


class CudaMemory:
    """As the driver and torch's allocator count it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def free(self) -> int:
        torch.cuda.synchronize(self._device)
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(self._device)[0]

    def peak_of(self, run: Callable[[], None]) -> int:
        run()  # kernels are compiled, libraries take their work space: that is no part of the peak, and is not free later
        torch.cuda.synchronize(self._device)
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        run()
        torch.cuda.synchronize(self._device)
        return torch.cuda.max_memory_allocated(self._device) - before


def on_cpu(model: Model, available: int) -> int:
    """available: bytes."""
    return _some(min(MOST_ON_CPU, int(available * CPU_SHARE) // model.page_bytes), model)


def on_gpu(model: Model, memory: Memory, run: Callable[[], None]) -> int:
    """run: the largest batch."""
    peak = memory.peak_of(run)
    return _some((int(memory.free() * CUDA_SHARE) - peak) // model.page_bytes, model)


def _some(pages: int, model: Model) -> int:
    if pages < 1:
        raise CapacityError(
            f"no memory is left for the KV pool: a token takes {model.page_bytes} bytes",
            hint="use a smaller model or dtype",
        )
    return pages


def available_memory() -> int:
    """Bytes, as the kernel estimates them."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/meminfo has no MemAvailable")

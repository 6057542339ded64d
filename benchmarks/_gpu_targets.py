"""What `benchmarks.gpu` is measured against. The names are those of the parts' rows."""

from __future__ import annotations

from benchmarks._gpu_sampling import FILTERED, UNFILTERED
from benchmarks._gpu_table import Target

LIMIT = 480.0
"""Seconds of all together."""

_SMALL = ("rms_norm + residual", "rotary + store", "silu_and_mul")

TARGETS = (
    Target("decode attention, 64 x 4k, of the copy", "kernels", "decode attention, 64 x 4k", "share", 0.85),
    Target("extend attention, 1 x 8k, over the best library", "kernels", "extend attention, 1 x 8k", "ratio", 0.75),
    Target("extend attention, 1 x 8k, gathered", "kernels", "extend attention, 1 x 8k", "figure", 400, unit="TFLOP/s"),
    Target("sampling, 64 x 131k, unfiltered", "kernels", UNFILTERED, "seconds", 25e-6, least=False),
    Target("sampling, 64 x 131k, filtered", "kernels", FILTERED, "seconds", 60e-6, least=False),
    *(Target(f"{name}, 4096 rows, of the copy", "kernels", f"{name}, 4096 rows", "share", 0.85) for name in _SMALL),
    *(Target(f"{name}, 64 rows", "kernels", f"{name}, 64 rows", "seconds", 3e-6, least=False) for name in _SMALL),
    Target("cascade over plain decode, 64 x 8k", "cascade", "cascade, 64 x 8k", "ratio", 3.0),
    Target("decode step of 8B at batch 1, of streaming weights", "engine", "decode step, 8B, batch 1", "share", 0.8),
    *(
        Target(f"{name} over continuous batching", "peers", f"{name}, generate_batch", "ratio", 3.0)
        for name in ("judge", "tree_of_thought")
    ),
    *(
        Target(f"decode over continuous batching, {row}", "peers", f"{row}, generate_batch", "ratio", 1.2)
        for row in (f"{shape}, batch {batch}" for shape in ("1B", "8B") for batch in (1, 32, 256))
    ),
    *(
        Target(f"flips, {way}", "exactness", way, "figure", 0, least=False, unit="flips")
        for way in ("warm", "grouped", "batched", "alone", "captured")
    ),
    Target("all of it", "whole", "all parts", "seconds", LIMIT, least=False),
)

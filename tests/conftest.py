"""What many tests share: one engine with the embedded model for the whole session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Tests run side by side: a pool of threads for each would only wait for cores. Read when torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Passes that fail on purpose leave nothing in the home folder; tests of the reproducers name a folder of their own.
os.environ["SGLC_REPRO_DIR"] = ""

# Without a GPU Triton's kernels run in its interpreter. Read when Triton is imported, which other libraries do, too.
if not os.path.exists("/dev/nvidiactl"):
    os.environ.setdefault("TRITON_INTERPRET", "1")

import sglc

# How quick a machine is decides no test.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def engine() -> Iterator[sglc.Engine]:
    with sglc.Engine(device="cpu", max_kv_tokens=16384) as engine:
        yield engine

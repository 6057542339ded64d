"""What many tests share: one engine with the embedded model for the whole session."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import sglc


@pytest.fixture(scope="session")
def engine() -> Iterator[sglc.Engine]:
    with sglc.Engine(device="cpu", max_kv_tokens=16384) as engine:
        yield engine

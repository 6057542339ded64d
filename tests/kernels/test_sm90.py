"""What the Triton kernels become on a GPU of compute capability 9.0, seen without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

MOST_SHARED = 227 << 10
"""Bytes of a program."""


@pytest.fixture(scope="module")
def kernels() -> dict[str, dict[str, int]]:
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_DEFAULT_FP_FUSION": "1"}
    command = [sys.executable, "-m", "tests.kernels.sm90"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return json.loads(done.stdout)


def test_nothing_is_spilled_and_all_fits(kernels: dict[str, dict[str, int]]) -> None:
    for name, kernel in kernels.items():
        assert not kernel["spilled"], name
        assert kernel["shared"] <= MOST_SHARED, name


def test_what_is_multiplied_is_copied_in_words_of_16_bytes_while_others_are_multiplied(
    kernels: dict[str, dict[str, int]],
) -> None:
    for name, kernel in kernels.items():
        if name.startswith(("items", "tiles", "product")):
            assert kernel["wide_copies"], name
            assert not kernel["narrow_loads"], name


def test_tiles_and_products_use_the_matrix_units_of_the_warp_group(kernels: dict[str, dict[str, int]]) -> None:
    for name, kernel in kernels.items():
        assert bool(kernel["wgmma"]) == name.startswith(("tiles", "product")), name
        assert bool(kernel["mma"]) == name.startswith("items"), name


def test_logits_are_read_in_words_of_16_bytes(kernels: dict[str, dict[str, int]]) -> None:
    """In whole blocks; the last block of a row may be read in narrower words."""
    names = [name for name in kernels if name.startswith("sample_")]
    assert len(names) == 6
    for name in names:
        size = 2 if "bf16" in name else 4
        warps = 16 if "filtered" in name else 8
        assert kernels[name]["wide_loads"] >= 8192 * size // (16 * 32 * warps), name

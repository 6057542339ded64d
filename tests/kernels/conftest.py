"""With a GPU these tests are of what runs on it. Without one, Triton's interpreter multiplies with numpy, whose order of summation
depends on the shape on some processors: here each row is a product of its own, as is meant of a matrix instruction (decision 16), so
that what the tests compare bit for bit is the kernels' order."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With a GPU these are the tests of what runs on it (`make test-gpu`)."""
    for item in items:
        if torch.cuda.is_available() and item.path.parent == Path(__file__).parent:
            item.add_marker("gpu")


@pytest.fixture(autouse=True)
def rows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    if os.environ.get("TRITON_INTERPRET") != "1":
        return
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    handle = interpreter.TensorHandle

    def product(_: Any, a: Any, b: Any, total: Any, *__: Any) -> Any:
        kind = total.data.dtype
        right = b.data.astype(kind)
        rows = np.stack([row @ right for row in a.data.astype(kind)])
        return handle(rows + total.data, total.dtype.scalar)

    monkeypatch.setattr(interpreter.InterpreterBuilder, "create_dot", product)

"""Triton's interpreter multiplies with numpy, whose order of summation depends on the shape on some processors. Here each row
is a product of its own, as is meant of a matrix instruction (decision 16): what the tests compare bit for bit is the kernels' order."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np
import pytest


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

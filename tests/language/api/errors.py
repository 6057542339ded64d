"""Section 1.9 of the reference: what a run whose model fails shows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import MODES, Broken, broken, of, ran, row


@row("1.9 a backend raises, and nothing follows")
def backend_raises() -> None:
    for mode in MODES:
        result = ran(of("bad", sgl.gen("a")), says=broken, mode=mode).result
        error = result.error()
        assert isinstance(error, sglc.RunError)
        assert isinstance(error.__cause__, Broken)
        assert "no answer" in str(error)
        with pytest.raises(sglc.RunError, match="no answer"):
            result["a"]


@row("1.9 a backend raises, and more follows: nothing hangs")
def backend_raises_and_more_follows() -> None:
    for mode in MODES:
        result = ran(of("bad", sgl.gen("a"), "more", sgl.gen("b"), "end"), says=broken, mode=mode).result
        result.sync()
        assert isinstance(result.error().__cause__, Broken)
        reads: list[Callable[[], Any]] = [result.text, result.messages, partial(result.get_var, "a")]
        for read in [*reads, partial(result.get_var, "b"), partial(getattr, result, "ret_value")]:
            with pytest.raises(sglc.RunError, match="no answer"):
                read()


@row("1.9 run_batch: a row fails, its variable read by the body or not")
def batch_with_a_failed_row() -> None:
    def unread(s, a):
        s += a + sgl.gen("x")

    def read(s, a):
        s += a + sgl.gen("x")
        s += "yes" if s["x"] == "ok" else "no"

    for body in (unread, read):
        for mode in MODES:
            with sgl.Scripted(broken) as backend:
                rows = [("1",), ("bad",), ("2",)]
                results = sgl.function(body).run_batch(rows, backend=backend, mode=mode)
                assert [result.error() is None for result in results] == [True, False, True]
                assert "no answer" in str(results[1].error())
                assert [results[n]["x"] for n in (0, 2)] == ["ok", "ok"]

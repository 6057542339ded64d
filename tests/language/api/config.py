"""Section 1.8 of the reference: `global_config`."""

from __future__ import annotations

from typing import Any

import sglc as sgl
from tests.language.api.rows import echo, of, ran, row

CONFIG = {
    "verbosity": 0,
    "skip_special_tokens_in_output": True,
    "spaces_between_special_tokens_in_out": True,
    "enable_precache_with_tracing": True,
    "enable_parallel_encoding": True,
}

for setting, value in CONFIG.items():

    @row(f"1.8 {setting}")
    def config(setting: str = setting, value: Any = value) -> None:
        assert getattr(sgl.global_config, setting) == value
        setattr(sgl.global_config, setting, value)
        assert ran(echo, "1").result.text() == "1Bok"


@row("1.8 default_backend")
def config_default_backend(no_default: None) -> None:
    scripted: Any = sgl.Scripted(lambda question: "configured")
    with scripted as backend:
        assert sgl.global_config.default_backend is None
        sgl.global_config.default_backend = backend
        assert of(sgl.gen("a")).run()["a"] == "configured"
        sgl.global_config.default_backend = None

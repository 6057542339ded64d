"""Settings of a gen, or of a run for all its gens: normalised and checked where the user wrote them."""

from __future__ import annotations

from typing import Any

from sglc.ir.errors import ProgramError
from sglc.ir.ops import Sampling
from sglc.ir.verify import SETTINGS
from sglc.symbolic import user_location

RUN_SETTINGS = {
    "max_new_tokens": "max_tokens",
    "min_tokens": "min_tokens",
    "stop": "stop",
    "stop_token_ids": "stop_token_ids",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "ignore_eos": "ignore_eos",
}
"""What `run` takes, by SGLang's names -> the field of `Sampling`."""


def checked_sampling(**settings: Any) -> Sampling:
    """The settings as a `Sampling`. Raises `ProgramError` at the user's line for a value out of range."""
    checked: dict[str, Any] = {}
    for name, given in settings.items():
        value = given
        if name == "stop" and isinstance(value, str):
            value = (value,)
        elif name in ("stop", "stop_token_ids") and isinstance(value, list):
            value = tuple(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]: checked below
        holds, wanted = SETTINGS[name]
        if value is not None and not holds(value):
            raise ProgramError(f"{name} is {given!r}, not {wanted}", where=user_location())
        checked[name] = value
    return Sampling(**checked)

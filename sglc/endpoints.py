"""SGLang's backends that send prompts elsewhere. sglc runs the model itself, so making one says what to do instead.

The names exist so that an import of them does not fail; a program that uses one is told at the line.
"""

from __future__ import annotations

from typing import Any

from sglc.ir.errors import ModelError
from sglc.language.symbolic import user_location


class _Elsewhere:
    """Raises `ModelError` when it is made, whatever the arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise ModelError(
            f"sglc has no backend {type(self).__name__}: it runs the model itself and compiles programs for it",
            where=user_location(),
            hint='load the model here: sgl.set_default_backend(sgl.Engine("hub/name"))',
        )


class RuntimeEndpoint(_Elsewhere):
    """A running SGLang server, in SGLang."""


class OpenAI(_Elsewhere):
    """OpenAI's API, in SGLang."""


class Anthropic(_Elsewhere):
    """Anthropic's API, in SGLang."""


class LiteLLM(_Elsewhere):
    """APIs behind LiteLLM, in SGLang."""


class VertexAI(_Elsewhere):
    """Google's Vertex AI, in SGLang."""


class Crusoe(_Elsewhere):
    """Crusoe's API, in SGLang."""

"""SGLang's `global_config`: the settings of a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sglc import backends

if TYPE_CHECKING:
    from sglc.runtime.runner import Runner


@dataclass(slots=True)
class GlobalConfig:
    """Kept for programs written for SGLang: only `default_backend` has an effect. Other names cannot be set.

    verbosity: sglc prints nothing of its own accord. skip_special_tokens_in_output,
    spaces_between_special_tokens_in_out: control tokens are never part of an answer's text.
    enable_precache_with_tracing: constant prompts are always computed ahead. enable_parallel_encoding: joined texts
    are always computed as what they are, the end of one prompt.
    """

    verbosity: int = 0
    skip_special_tokens_in_output: bool = True
    spaces_between_special_tokens_in_out: bool = True
    enable_precache_with_tracing: bool = True
    enable_parallel_encoding: bool = True

    @property
    def default_backend(self) -> Runner | None:
        """The engine of runs that name none; None until one is set or the first such run loads the embedded model."""
        return backends.current_default()

    @default_backend.setter
    def default_backend(self, backend: Runner | None) -> None:
        backends.set_default_backend(backend)


global_config = GlobalConfig()

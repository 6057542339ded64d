"""The public engine: a model, its KV cache, and the one thread that drives them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer, PreTrainedTokenizerBase

from sglc.ir.errors import ModelError
from sglc.runtime import kv_file
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.engine import model as models
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.network import Model
from sglc.runtime.engine.request import Stats
from sglc.runtime.engine.torch_device import TorchDevice
from sglc.runtime.model_folder import model_folder
from sglc.runtime.port import EnginePort
from sglc.runtime.profile import Profile
from sglc.runtime.runner import Runner
from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer

_CHUNK_TOKENS = {"cpu": 512, "cuda": 4096}


class Engine(Runner):
    """Runs programs on one model. A context manager; `shutdown` ends it.

    model_path:    a folder in Hugging Face format, or a hub name; None is the embedded model.
    device:        "auto", "cpu", "cuda" or "cuda:N". dtype: "auto" (the checkpoint's; bfloat16 for float32 on a GPU), "float32",
                   "bfloat16", "float16".
    max_kv_tokens: size of the KV pool in tokens; None takes what fits.
    chunk_tokens:  tokens computed in one forward pass at most; None is 512, on a GPU 4096. max_running: requests decoded at once at
                   most.
    cuda_graphs:   on a GPU, batches that decode are replayed from graphs that are captured at the start.
    overlap:       on a GPU, a batch is planned and submitted while the one before it is computed.
    exact:         on a GPU, products are computed by a kernel whose rows do not depend on the batch, so that a cache hit or a
                   batch changes no bit; it is slower than the library's. On a CPU that is always so, in float32.
    chat_template: a Jinja chat template in the place of the model's own.
    jump_forward:  text that a constraint forces is appended without drawing it.
    share_rows:    what rows of a batch ask alike, with a select or temperature 0, is asked once.
    speculate:     while a run waits for a host function and nothing else is to be done, what is known of its next prompts is
                   prefilled. Turn it off where host functions need the same processor.
    tokenizer:     the model's, where it is loaded already. model: likewise, as `runtime.engine.model.prepare` makes it; then
                   device, dtype and exact are its own.

    Raises `ModelError` where the model cannot be loaded or its class cannot work.
    """

    def __init__(
        self,
        model_path: str | Path | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_kv_tokens: int | None = None,
        chunk_tokens: int | None = None,
        max_running: int = 256,
        chat_template: str | None = None,
        jump_forward: bool = True,
        share_rows: bool = True,
        speculate: bool = True,
        cuda_graphs: bool = True,
        overlap: bool = True,
        exact: bool = False,
        tokenizer: ModelTokenizer | None = None,
        model: Model | None = None,
    ) -> None:
        limits = {"max_kv_tokens": max_kv_tokens, "chunk_tokens": chunk_tokens, "max_running": max_running}
        for name, value in limits.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ModelError(f"{name} must be a whole number of at least 1, not {value!r}")
        self.model_path = str(model_folder(model_path))
        own_tokenizer = tokenizer or load_tokenizer(self.model_path, chat_template)
        model = model or models.load(self.model_path, device=device, dtype=dtype, exact=exact)
        vocabulary = own_tokenizer.vocabulary
        detokenizer = Detokenizer(vocabulary)
        chunk_tokens = chunk_tokens or _CHUNK_TOKENS[model.device.type]
        self._device = TorchDevice(
            model,
            num_pages=max_kv_tokens,
            vocab_size=len(vocabulary.tokens),
            batch_tokens=chunk_tokens,
            batch_rows=max_running,
            graphs=cuda_graphs,
            ahead=overlap,
        )
        jumps = Jumps(vocabulary, own_tokenizer.encode_inside) if jump_forward else None
        self._core = EngineCore(
            self._device, detokenizer, chunk_tokens=chunk_tokens, max_running=max_running, jumps=jumps
        )
        port = EnginePort(self._core, own_tokenizer, detokenizer.decode, speculate)
        super().__init__(port, own_tokenizer, share_rows)

    def stats(self) -> Stats:
        """The counters since the start or the last `reset_stats`."""
        return self.on_loop(lambda: self._core.stats)

    def reset_stats(self) -> None:
        self.on_loop(self._core.reset_stats)

    def flush_cache(self) -> None:
        """Forgets all cached KV that no running request uses."""
        self.on_loop(self._core.flush_cache)

    def info(self) -> dict[str, Any]:
        """Also model_path, the model's folder, and stats, the counters by name (`Stats`), tokens of the KV cache among
        them."""
        return {"model_path": self.model_path, **super().info(), "stats": dict(self.stats())}

    def profile(self) -> Profile:
        """Notes all that runs from now on, with its times."""
        profile = Profile()
        self.on_loop(lambda: self._observe(profile))
        return profile

    def _observe(self, profile: Profile) -> None:
        self._core.observer = profile
        self._executor.onlooker = profile.programs

    def save_kv(self, prefixes: Sequence[Sequence[int]], path: Path) -> None:
        """Writes the KV of prompts that are warm. Whole or not at all."""
        self.on_loop(lambda: kv_file.save(path, self._core, self._device, self._identity(), prefixes))

    def load_kv(self, path: Path) -> int:
        """Puts saved KV into the cache; how many tokens. Raises `ArtifactError` where it is damaged or of another
        model, tokenizer, dtype or layout."""
        return self.on_loop(lambda: kv_file.load(path, self._core, self._device, self._identity()))

    def _identity(self) -> dict[str, str]:
        """What saved KV depends on."""
        return {
            "weights": self._device.weights_digest(),
            "tokenizer": self.tokenizer.vocabulary.fingerprint,
            "layout": self._device.layout,
        }


class Runtime(Engine):
    """SGLang's name of an engine. Settings of SGLang's servers that an engine has under another name become those; the others
    have no meaning here, which a warning says."""

    def __init__(self, model_path: str | Path | None = None, **settings: Any) -> None:
        settings = {_OF_SGLANG.get(name, name): value for name, value in settings.items()}
        known = inspect.signature(Engine).parameters
        if without := [name for name in settings if name not in known]:
            warnings.warn(
                f"Runtime: {', '.join(without)}: no settings of an sglc engine, so without effect", stacklevel=2
            )
        super().__init__(model_path, **{name: value for name, value in settings.items() if name in known})

    @property
    def endpoint(self) -> Runtime:
        """Itself: SGLang's is the client of the server that it starts."""
        return self

    def get_tokenizer(self) -> PreTrainedTokenizerBase:
        """The model's tokenizer as transformers has it."""
        return AutoTokenizer.from_pretrained(self.model_path, trust_remote_code=False)

    def get_server_info(self) -> dict[str, Any]:
        """`info`, under SGLang's name."""
        return self.info()


_OF_SGLANG = {
    "max_total_tokens": "max_kv_tokens",
    "chunked_prefill_size": "chunk_tokens",
    "max_running_requests": "max_running",
}

"""The public engine: a model, its KV cache, and the one thread that drives them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from sglc.ir.errors import ModelError, RunError
from sglc.ir.ops import Sampling
from sglc.runtime import kv_file
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.engine import model as models
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.request import Stats
from sglc.runtime.engine.torch_device import TorchDevice
from sglc.runtime.executor import Call, Executor, Program
from sglc.runtime.jobs import Answer, Job, Outcome, PrefillJob
from sglc.runtime.model_folder import model_folder
from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One call of a batch. number: its place in the batch, which also tells its draws from those of other rows."""

    number: int
    program: Program
    texts: Mapping[str, str]
    sampling: Sampling
    seed: int


class Engine:
    """Runs programs on one model. A context manager; `shutdown` ends it.

    model_path:    a folder in Hugging Face format, or a hub name; None is the embedded model.
    device:        "auto", "cpu", "cuda" or "cuda:N". dtype: "auto" (the checkpoint's), "float32", "bfloat16", "float16".
    max_kv_tokens: size of the KV pool in tokens; None takes what fits.
    chunk_tokens:  tokens computed in one forward pass at most. max_running: requests decoded at once at most.
    chat_template: a Jinja chat template in the place of the model's own.
    tokenizer:     the model's, where it is loaded already.

    Raises `ModelError` where the model cannot be loaded or its class cannot work.
    """

    def __init__(
        self,
        model_path: str | Path | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        max_kv_tokens: int | None = None,
        chunk_tokens: int = 512,
        max_running: int = 256,
        chat_template: str | None = None,
        tokenizer: ModelTokenizer | None = None,
    ) -> None:
        limits = {"max_kv_tokens": max_kv_tokens, "chunk_tokens": chunk_tokens, "max_running": max_running}
        for name, value in limits.items():
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ModelError(f"{name} must be a whole number of at least 1, not {value!r}")
        self.model_path = str(model_folder(model_path))
        self.tokenizer = tokenizer or load_tokenizer(self.model_path, chat_template)
        model = models.load(self.model_path, device=device, dtype=dtype)
        vocabulary = self.tokenizer.vocabulary
        detokenizer = Detokenizer(vocabulary)
        self._device = TorchDevice(model, num_pages=max_kv_tokens, vocab_size=len(vocabulary.tokens))
        self._core = EngineCore(self._device, detokenizer, chunk_tokens=chunk_tokens, max_running=max_running)
        self._executor = Executor(self._core, self.tokenizer, detokenizer.decode)
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._ended: Exception | None = None
        self._door = threading.Lock()  # nothing is posted to a loop that has ended
        self._thread = threading.Thread(target=self._loop, name="sglc-engine", daemon=True)
        self._thread.start()

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    def shutdown(self) -> None:
        """Ends the engine; what is under way fails. May be called twice."""
        self._commands.put(None)
        self._thread.join()

    def stats(self) -> Stats:
        """The counters since the start or the last `reset_stats`."""
        return self._on_loop(lambda: self._core.stats)

    def reset_stats(self) -> None:
        self._on_loop(self._core.reset_stats)

    def flush_cache(self) -> None:
        """Forgets all cached KV that no running request uses."""
        self._on_loop(self._core.flush_cache)

    def run(self, rows: Iterable[Row], window: int = 512) -> Generator[tuple[Row, Outcome]]:
        """Runs calls, at most `window` at once, and gives their outcomes as they end.

        Leaving the iterator early gives up the calls under way.
        """
        ended: queue.SimpleQueue[tuple[Row, Outcome]] = queue.SimpleQueue()
        calls: dict[int, Call] = {}
        waiting = iter(rows)
        try:
            while True:
                while len(calls) < window and (row := next(waiting, None)) is not None:
                    calls[row.number] = self._start(row, ended)
                if not calls:
                    return
                row, outcome = ended.get()
                del calls[row.number]
                yield row, outcome
        finally:
            for call in calls.values():
                self._commands.put(lambda call=call: self._executor.cancel(call))

    def ask(self, job: Job) -> Answer:
        """One gen or select, waited for."""
        answered: Future[Answer] = Future()

        def settle(answer: Answer | Exception) -> None:
            if isinstance(answer, Exception):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

        self._post(lambda: self._executor.ask(job, set(), settle))
        return answered.result()

    def warm(self, prefixes: Iterable[Sequence[int]]) -> None:
        """Prefills prompts, so that later ones which begin alike find them in the cache."""
        for ids in prefixes:
            if ids:
                self.ask(PrefillJob(tuple(ids)))

    def save_kv(self, prefixes: Sequence[Sequence[int]], path: Path) -> None:
        """Writes the KV of prompts that are warm. Whole or not at all."""
        self._on_loop(lambda: kv_file.save(path, self._core, self._device, self._identity(), prefixes))

    def load_kv(self, path: Path) -> int:
        """Puts saved KV into the cache; how many tokens. Raises `ArtifactError` where it is damaged or of another
        model, tokenizer, dtype or layout."""
        return self._on_loop(lambda: kv_file.load(path, self._core, self._device, self._identity()))

    def _identity(self) -> dict[str, str]:
        """What saved KV depends on."""
        return {
            "weights": self._device.weights_digest(),
            "tokenizer": self.tokenizer.vocabulary.fingerprint,
            "layout": self._device.layout,
        }

    def _start(self, row: Row, ended: queue.SimpleQueue[tuple[Row, Outcome]]) -> Call:
        call = Call(
            program=row.program,
            texts=row.texts,
            sampling=row.sampling,
            seed=row.seed,
            row=row.number,
            done=lambda outcome: ended.put((row, outcome)),
        )
        self._post(lambda: self._executor.start(call))
        return call

    def _on_loop(self, function: Callable[[], T]) -> T:
        """Runs a function between two steps of the engine."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except Exception as error:  # noqa: BLE001 - belongs to the caller, not to the loop
                future.set_exception(error)

        self._post(run)
        return future.result()

    def _post(self, command: Callable[[], None]) -> None:
        with self._door:
            if self._ended is not None:
                raise RunError("the engine has ended", hint="make a new Engine") from self._ended
            self._commands.put(command)

    def _loop(self) -> None:
        try:
            while True:
                while not self._executor.idle and self._commands.empty():
                    self._executor.turn()
                command = self._commands.get()
                if command is None:
                    break
                command()
            error: Exception = RunError("the engine was shut down")
        except Exception as failure:  # noqa: BLE001 - nobody may wait for a loop that is no more
            error = failure
        with self._door:
            self._ended = error
        while not self._commands.empty():  # their steps fail below
            if (command := self._commands.get()) is not None:
                command()
        self._executor.fail_all(error)

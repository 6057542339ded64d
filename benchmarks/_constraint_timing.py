"""How an engine for constraints is measured: the same loop for ours and for the peers, each behind two small protocols.

Compiling is timed in the process's own CPU time, with one thread, so that what else the machine does counts little; it
ends with the first mask, because a lazy engine has done nothing before. Single calls of a microsecond are timed by the
wall clock, which costs less to read, and the best of three replays is kept.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, Protocol

from benchmarks._constraint_cases import Case

COMPILES = 7
COMPILE_SECONDS = 1.5
"""At most so many compiles of a case; none begins after so much time. There is one at least."""
REPLAYS = 3
REPLAY_SECONDS = 2
"""After so much time there is no other replay of a text."""
CALLS = 5
"""Masks in a row at one place, of which the mean is taken, where one takes less than `LONG` seconds."""
LONG = 100e-6
BATCH = 64


class Refused(Exception):
    """The engine does not take this constraint, or does not take its texts; its argument says why, in one line."""


class Matcher(Protocol):
    """One request. fill writes the mask of its next token into a buffer; accept takes a token, False where forbidden."""

    fill: Callable[[], object]
    accept: Callable[[int], object]


class Engine(Protocol):
    """vocabulary_ms: what the vocabulary's preparation took, in CPU time."""

    vocabulary_ms: float

    def encode(self, text: str) -> list[int]: ...
    def cold(self) -> None:
        """Forgets everything but the vocabulary."""

    def compile(self, case: Case) -> Any:
        """Raises `Refused`."""

    def matcher(self, compiled: Any) -> Matcher: ...
    def batch(self, matchers: Sequence[Any]) -> Callable[[], object]:
        """Fills the masks of all of them at once."""
        ...


def compiled(engine: Engine, case: Case) -> tuple[list[float], Any]:
    """The CPU times of some cold compiles with the first mask, in ms, and what the last one made."""
    times: list[float] = []
    begin = time.process_time()
    while not times or (len(times) < COMPILES and time.process_time() - begin < COMPILE_SECONDS):
        engine.cold()
        start = time.process_time()
        made = engine.compile(case)
        matcher = engine.matcher(made)
        matcher.fill()
        times.append((time.process_time() - start) * 1e3)
    return times, made


def stepped(engine: Engine, made: Any, case: Case) -> dict[str, float]:
    """Masks and accepted tokens along the case's texts, in microseconds.

    mask, mask_p95: over all places of all texts. accept: over all tokens. batch: of 64 requests at different places.
    """
    masks: list[float] = []
    accepts: list[float] = []
    for text in case.texts:
        begin = time.perf_counter()
        replays = [_replay(engine, made, engine.encode(text))]
        while len(replays) < REPLAYS and time.perf_counter() - begin < REPLAY_SECONDS:
            replays.append(_replay(engine, made, engine.encode(text)))
        masks += (min(times) for times in zip(*(masks for masks, _ in replays), strict=True))
        accepts += (min(times) for times in zip(*(accepts for _, accepts in replays), strict=True))
    return {
        "mask": statistics.median(masks),
        "mask_p95": sorted(masks)[len(masks) * 95 // 100],
        "accept": statistics.median(accepts),
        "batch": _batch(engine, made, case),
    }


def _replay(engine: Engine, made: Any, tokens: list[int]) -> tuple[list[float], list[float]]:
    clock = time.perf_counter
    matcher = engine.matcher(made)
    fill, accept = matcher.fill, matcher.accept
    masks: list[float] = []
    accepts: list[float] = []
    for token in [*tokens, None]:
        start = clock()
        fill()
        took = clock() - start
        if took < LONG:
            start = clock()
            for _ in repeat(None, CALLS):
                fill()
            took = (clock() - start) / CALLS
        masks.append(took * 1e6)
        if token is not None:
            start = clock()
            fits = accept(token)
            accepts.append((clock() - start) * 1e6)
            if fits is False:
                raise Refused(f"it forbids token {len(accepts)} of {len(tokens)} of a text that is valid")
    return masks, accepts


def _batch(engine: Engine, made: Any, case: Case) -> float:
    texts = [engine.encode(text) for text in case.texts]
    matchers: list[Matcher] = []
    for number in range(BATCH):
        tokens = texts[number % len(texts)]
        matchers.append(engine.matcher(made))
        for token in tokens[: number * 7 % len(tokens)]:
            matchers[-1].accept(token)
    fill = engine.batch(matchers)
    fill()
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < 3 or (len(times) < 200 and time.perf_counter() - begin < 0.3):
        start = time.perf_counter()
        fill()
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)

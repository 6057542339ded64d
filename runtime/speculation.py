"""What runs will surely read, computed while the engine would idle.

While a run waits for a host function (a search, a data base), most of the next prompt is often known: all that stands
before the function's answer. A prompt is known up to its first text that waits for something. So are those behind a
switch on that answer, whichever way is taken. Who waits is noted here, and the loop says when nothing else is to be
done (`Runner`): then what is known is prefilled, a piece at a time, and found in the cache by the step that comes.

A piece is a request of its own, so what comes meanwhile waits for one piece at most, and nothing has to be called off.
It takes no KV that is claimed, and none that was computed for others who wait. No answer depends on it, and what fails
here is left to the step to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from copy import copy
from itertools import islice

from sglc.ir.builder import flattened
from sglc.ir.errors import SglcError
from sglc.ir.ops import Append, Gen, Image, Op, Part, Role, Select, Trusted
from sglc.ir.tokens import Piece, Text, Tokenizer
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.jobs import Prompt
from sglc.runtime.program import Run
from sglc.runtime.values import answers_below, inputs_of

PIECE = 64
"""Tokens computed at a time."""

LEAST = 32
"""Tokens of a prompt that are worth a piece."""

STEPS = 64
"""Steps of a run that are looked at."""


class Speculation:
    """Who waits for host functions, and what of their prompts is computed. Used from the loop alone."""

    def __init__(self, core: EngineCore, tokenizer: Tokenizer) -> None:
        self._core = core
        self._tokenizer = tokenizer
        self._waiting: dict[Run, Iterator[list[int]]] = {}  # what is left to look at, who waits longest first
        self._held: dict[Run, int] = {}  # tokens computed for who still waits
        self._now: tuple[Run, list[int]] | None = None
        self._reached = 0  # tokens of that prompt that were to be there

    @property
    def idle(self) -> bool:
        """There is nothing to compute, as far as it is known, and no piece is under way."""
        return not self._waiting and self._core.idle

    def wait(self, run: Run) -> None:
        """A run waits for a host function, or knows more than when it began to."""
        self._waiting[run] = self._prompts(run)

    def go(self, run: Run) -> None:
        """A run waits for no host function any more, or has ended."""
        self._waiting.pop(run, None)
        self._held.pop(run, None)
        if self._now is not None and self._now[0] is run:
            self._now = None

    def go_on(self) -> bool:
        """Asks the engine for the next piece, or looks for one; to be called while there is nothing else to do. False:
        there is none."""
        if not self._core.idle:
            return True
        if self._now is not None and self._ask(*self._now):
            return True
        self._now, self._reached = None, 0
        run = next(iter(self._waiting), None)
        if run is None:
            return False
        prompt = next(self._waiting[run], None)
        if prompt is None:
            del self._waiting[run]
        else:
            self._now = run, prompt
        return True

    def _ask(self, run: Run, prompt: list[int]) -> bool:
        """Asks for a piece of a prompt; False where nothing more is to come of it."""
        cached = self._core.cached_length(prompt)
        end = min(cached + PIECE, len(prompt))
        # Less is there than was asked for: the piece before has failed, or something else needed its place.
        if cached < self._reached or len(prompt) - cached < LEAST:
            return False
        try:
            if not self._core.speculate(prompt[:end], sum(self._held.values())):
                return False
        except SglcError:
            return False
        self._reached = end
        self._held[run] = self._held.get(run, 0) + end - cached
        assert run.future is not None
        if run.future.family.begun:  # else it is part of what its first request finds
            run.future.family.taken += end - cached
        return True

    def _prompts(self, run: Run) -> Iterator[list[int]]:
        size = self._tokenizer.vocabulary.size
        for prompt in beginnings(run):
            with suppress(Exception):  # the step will say it
                # Its last ids may be others in the whole prompt: so much is computed in vain, and `stable_prefix` takes longer.
                ids = self._tokenizer.encode(prompt)
                if max(ids, default=size) < size:  # the model has no other
                    yield ids


def beginnings(run: Run) -> Iterator[Prompt]:
    """What is known of the prompts that a run has not asked yet: of each up to the first text that waits for something,
    what several have in common once. Nothing of it is noted in the run."""
    assert run.future is not None
    view = copy(run)
    view.values = values = {**run.values}
    seen: set[Op] = set()
    for step in islice(run.future.to_come(), STEPS):
        above: list[Append | Gen | Select] = []
        state = step.state
        while isinstance(state, Append | Gen | Select) and state not in values and state not in seen:
            seen.add(state)
            above.append(state)
            state = state.state
        if state in seen and state not in values:
            continue
        prompt: Prompt = values.get(state, ())  # of the root, nothing
        for op in reversed(above):
            if not isinstance(op, Append):
                break
            pieces, whole = _known(view, op.parts)
            prompt += pieces
            if not whole:
                break
            values[op] = prompt
        yield prompt


def _known(run: Run, parts: Iterable[Part]) -> tuple[tuple[Piece, ...], bool]:
    """What parts add to a prompt, up to the first that is not known, and whether that is all."""
    pieces: list[Piece] = []
    for part in flattened(parts, {}):
        if isinstance(part, str):
            pieces.append(Text(part, trusted=True))
        elif isinstance(part, Role):
            pieces.append(part)
        else:
            op, trusted = (part.text, True) if isinstance(part, Trusted) else (part, False)
            if isinstance(op, Image) or any(step not in run.values for step in answers_below([op])):
                return tuple(pieces), False
            try:
                run.compute(inputs_of([op]))
            except Exception:  # noqa: BLE001 - the step will say it
                return tuple(pieces), False
            pieces.append(Text(run.values[op], trusted))
    return tuple(pieces), True

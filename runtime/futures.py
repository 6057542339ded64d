"""What a run will still read of the KV that it has computed, told to the engine, which evicts other KV first.

A *way* goes on from a prompt state towards a step: from `state` through the op that extends it. A step that is asked for
takes all ways from the root of its prompt to itself, and the engine claims its prompt while it waits. What is left to
claim here is what a step reads that waits for other answers: a state from which a way is left that no step has taken, in
a block that the run has entered or may still enter. It is claimed from the first answer of the run on, and given up when
the last way is taken, or the run ends or goes where no reader is. A chain of gens claims nothing.

`Schedule.lifetimes` says the same of each state as a whole. Ways can be counted down as a run goes, and are known of
blocks too that were traced while it ran. Of the schedule's prefixes those of a call are such states: several ways go on
from each, and it is claimed while one of them is left and waits. Those of the program are claimed while one of its runs is
under way (`Foresight.begin`), and those of a batch as long as the batch (`Foresight.hold`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain
from weakref import WeakKeyDictionary

from sglc.ir.errors import SglcError
from sglc.ir.graph import Switch
from sglc.ir.ops import Append, Call, Gen, Op, Select, prompts
from sglc.ir.tokens import Tokenizer
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.family import Family, Kind
from sglc.runtime.engine.radix import Claim
from sglc.runtime.jobs import Prompt
from sglc.runtime.program import Block, Program, Run
from sglc.runtime.speculation import Speculation
from sglc.runtime.ways import Ways

UNKNOWN = 2**40
"""The order of a step that is not known yet."""


class Foresight:
    """The engine as runs tell it of their futures. speculation: what computes some of it before it is asked, where that is
    wanted."""

    def __init__(self, core: EngineCore, tokenizer: Tokenizer, speculation: Speculation | None = None) -> None:
        self.speculation = speculation
        self._core = core
        self._tokenizer = tokenizer
        self._programs: WeakKeyDictionary[Program, _Known] = WeakKeyDictionary()

    def begin(self, run: Run) -> Family:
        """The family of a run's requests. While there is one of a program, its constant prompts are claimed."""
        known = self._programs.get(run.program)
        if known is None:
            known = self._programs[run.program] = _Known(run)
        if known.constants is None:  # once: it takes longer than many a run
            known.constants = [self._tokenizer.encode(prompt) for prompt in run.program.warm]
        if not known.per_character:
            known.per_character = known.growth.per_character(run.texts, self._tokenizer)
        known.runs += 1
        if known.runs == 1:
            known.claims = [self._core.claim(ids, ()) for ids in known.constants]
        before, known.texts = known.texts, run.texts
        return Family(known.kind, known.growth.tokens(run.texts, before, known.per_character))

    def end(self, run: Run, family: Family) -> None:
        """A run has ended."""
        self._core.end(family)
        if self.speculation is not None:
            self.speculation.go(run)
        known = self._programs[run.program]
        known.runs -= 1
        if not known.runs:
            known.texts = {}
            for claim in known.claims:
                self._core.give_up(claim)

    def hold(self, prompts: Iterable[Prompt]) -> list[Claim]:
        """Claims what rows of a batch have in common, as constant prompts are. A prompt that cannot be written in tokens
        is left out: each row that asks it fails, and says why."""
        claims: list[Claim] = []
        for prompt in prompts:
            with suppress(SglcError):
                claims.append(self.claim(prompt, ()))
        return claims

    def claim(self, prompt: Prompt, when: tuple[int, ...]) -> Claim:
        """Claims a prompt. Where text goes on from it, its last ids may be others: so much is claimed in vain, and to tell
        which ids those are takes a hundred times as long."""
        return self._core.claim(self._tokenizer.encode(prompt), when)

    def give_up(self, claim: Claim) -> None:
        self._core.give_up(claim)


class _Known:
    """Of a program: what its runs are like, how far one may grow, how many there are now, and the ids and claims of its
    constant prompts. texts: of the run that began last, while there is one. per_character: tokens of its texts, as the
    first run has them that has any."""

    __slots__ = ("claims", "constants", "growth", "kind", "per_character", "runs", "texts")

    def __init__(self, run: Run) -> None:
        self.kind = Kind()
        self.growth = run.program.growth(run.sampling)
        self.texts: Mapping[str, str] = {}
        self.per_character = 0.0
        self.runs = 0
        self.constants: list[list[int]] | None = None
        self.claims: list[Claim] = []


class Future:
    """The ways that are left to one run. watched: states that steps have gone on from or answered with, and the claims of
    those with a way left. calls: host functions that it waits for."""

    __slots__ = ("_calls", "_foresight", "_left", "_run", "_taken", "_watched", "family")

    def __init__(self, run: Run, foresight: Foresight) -> None:
        self.family = foresight.begin(run)
        self._run = run
        self._foresight = foresight
        self._calls = 0
        self._left: Ways = {}
        self._taken: set[Op] = set()
        self._watched: dict[Op, Claim | None] = {}

    def enter(self, block: Block) -> None:
        """The steps of a block will be asked for."""
        for state, found in block.ways.items():
            if state not in self._run.program.constants:
                left = {op: order for op, order in found.items() if op not in self._taken}
                self._left.setdefault(state, {}).update(left)
                if state in self._taken:
                    self._watched.setdefault(state, None)

    def ask(self, step: Op) -> None:
        """A step has been asked for."""
        op = step
        while isinstance(op, Append | Gen | Select) and op not in self._taken and op not in self._run.program.constants:
            self._taken.add(op)
            left = self._left.get(op.state)
            if left is not None:
                left.pop(op, None)
                self._watched.setdefault(op.state, None)
            op = op.state

    def call(self) -> None:
        """A host function has been called."""
        self._calls += 1
        self._speculate()

    def answer(self, step: Op) -> None:
        """A step has answered: others may go on from there."""
        if isinstance(step, Gen | Select):
            self._watched.setdefault(step, None)
        elif isinstance(step, Call):
            self._calls -= 1

    def to_come(self) -> Iterator[Gen | Select]:
        """The steps with a prompt that were not asked for: of the blocks that the run has entered, then of those that it
        may enter next."""
        following = tuple(self._run.block.cases.values()) if self._run.switching else ()  # others may come meanwhile
        for block in chain(self._run.path, following):
            for plan in block.plans:
                if isinstance(plan.op, Gen | Select) and plan.op not in self._taken:
                    yield plan.op

    def settle(self) -> None:
        """Claims what has a way left, and gives up what has none."""
        final = self._exit()
        for state, claim in list(self._watched.items()):
            left = self._left.get(state)
            if left or state is final or self._later(state):
                if claim is None and state in self._run.values:
                    when = self._run.row, min(left.values()) if left else UNKNOWN
                    self._watched[state] = self._foresight.claim(self._run.values[state], when)
            else:
                del self._watched[state]
                if claim is not None:
                    self._foresight.give_up(claim)
        self._speculate()

    def end(self) -> None:
        """The run has ended: nothing will be read again."""
        for claim in self._watched.values():
            if claim is not None:
                self._foresight.give_up(claim)
        self._watched.clear()
        self._foresight.end(self._run, self.family)

    def _speculate(self) -> None:
        """What it will read may be computed while it waits for a host function."""
        speculation = self._foresight.speculation
        if speculation is None:
            return
        if self._calls:
            speculation.wait(self._run)
        else:
            speculation.go(self._run)

    def _exit(self) -> Op | None:
        """The last state with KV of the prompt that a run goes on from where nothing was compiled."""
        end = self._run.block.end
        if not self._run.switching or not isinstance(end, Switch) or not end.open:
            return None
        return next((state for state in prompts(end.final) if state in self._taken), None)

    def _later(self, state: Op) -> bool:
        """Whether a block that the run may still enter goes on from a state."""
        if not self._run.switching:
            return False
        inside = self._run.block.inside
        readers = self._run.program.readers.get(state, ())
        first = bisect_left(readers, inside.start)
        return first < len(readers) and readers[first] < inside.stop

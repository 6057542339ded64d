"""What is computed while runs wait for a host function: seen in small programs on the fake device, and compared with runs
that compute nothing ahead. The host function answers when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from sglc import ProgramState, SglFunction, call, function, gen
from sglc.ir.errors import RunError
from sglc.ir.ops import Call, Sampling
from sglc.language.host import Host
from sglc.passes.lower import lower
from sglc.passes.pipeline import optimise
from sglc.runtime import speculation
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.jobs import Outcome
from sglc.runtime.port import EnginePort
from sglc.runtime.program import Program, Run
from sglc.runtime.runner import Row, Runner
from sglc.runtime.speculation import LEAST, PIECE, Speculation
from tests.graphs import random_graph
from tests.runtime.test_executor import for_bytes, hosts_of, meaning, texts_of
from tests.runtime.test_futures import held
from tests.runtime.toy import ByteTokenizer, Machine

LONG = "What the model has to know before it reads what was found. " * 3


def look_up(text: str) -> str:
    raise AssertionError("the test gives its own")


@function
def retrieval(s: ProgramState, x: str) -> None:
    s += LONG + x + "\nFound: " + call(look_up, x) + "\nAnswer:" + gen("a")


@function
def written_in(s: ProgramState, x: str) -> None:
    found = call(look_up, x)
    s += f"{LONG}{x.upper()}\nFound: {found}, that is all.\nAnswer:" + gen("a")


@function
def after_a_gen(s: ProgramState, x: str) -> None:
    s += x + gen("query")
    s += "\n" + LONG + "Found: " + call(look_up, s["query"]) + gen("a")


@function
def either_way(s: ProgramState, x: str) -> None:
    s += LONG
    if call(look_up, x) == "found":
        s += "It was found. " + LONG[::-1] + gen("a")
    else:
        s += "There is nothing. " + LONG.upper() + x + gen("a")


@function
def join(s: ProgramState, x: str) -> None:
    s += LONG
    forks = s.fork(2)
    forks[0] += " One way." + gen("a")
    forks[1] += " Another way: " + call(look_up, x) + gen("a")
    s += LONG.upper() + forks[0]["a"] + forks[1]["a"] + gen("b")


@function
def short(s: ProgramState, x: str) -> None:
    s += "Find " + x + ": " + call(look_up, x) + gen("a")


@function
def nothing_known(s: ProgramState, x: str) -> None:
    s += call(look_up, x) + LONG + gen("a")


@function
def only_called(s: ProgramState, x: str) -> None:
    s += LONG + gen("a")
    s["found"] = call(look_up, x + s["a"])


class Waiting:
    """A machine, and a host function that answers "found" when it may."""

    def __init__(
        self, program: SglFunction, speculate: bool = True, pages: int = 4096, device: FakeDevice | None = None
    ):
        self.machine = Machine(pages, speculate, device)
        self.may = threading.Event()
        self.ended: dict[int, Outcome] = {}
        self.graph = optimise(program.trace())

    def start(self, row: int = 0, x: str = "<x>") -> Run:
        hosts = {
            op.function: Host(self._answer, op.function, None, True) for op in self.graph.ops if isinstance(op, Call)
        }
        return self.machine.start(self.graph, lower(self.graph), {"x": x}, row, self.ended, hosts)

    def compute(self) -> None:
        """All that runs ask before they wait for the host function."""
        while not self.machine.port.idle:
            self.machine.port.turn()

    def finish(self) -> None:
        self.may.set()
        self.machine.drain()

    @property
    def speculated(self) -> int:
        return self.machine.core.stats.speculated_tokens

    @property
    def speculation(self) -> Speculation:
        assert self.machine.port.foresight is not None
        assert self.machine.port.foresight.speculation is not None
        return self.machine.port.foresight.speculation

    def _answer(self, text: str) -> str:
        assert self.may.wait(10)
        return "found"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of the prompts that are computed ahead, in their order: of each its longest piece."""
    texts: list[str] = []
    speculate = EngineCore.speculate

    def telling(self: EngineCore, ids: list[int], kept: int) -> bool:
        text = ByteTokenizer().decode(ids)
        if texts and text.startswith(texts[-1]):
            texts.pop()
        texts.append(text)
        return speculate(self, ids, kept)

    monkeypatch.setattr(EngineCore, "speculate", telling)
    return texts


def asked(outcome: Outcome, name: str = "a") -> str:
    """The text of a one-gen program up to its answer."""
    return outcome.text.removesuffix(outcome.variables[name])


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        (retrieval, [f"{LONG}<x>\nFound: "]),
        (written_in, [f"{LONG}<X>\nFound: "]),
        (either_way, [f"{LONG}It was found. {LONG[::-1]}", f"{LONG}There is nothing. {LONG.upper()}<x>"]),
        (short, []),
        (nothing_known, []),
        (only_called, []),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_known_is_computed_while_the_call_waits(
    program: SglFunction, texts: list[str], told: list[str]
) -> None:
    waiting = Waiting(program)
    waiting.start()
    waiting.compute()
    waiting.machine.speculate()
    assert len(told) == len(texts)
    for text, wanted in zip(told, texts, strict=True):
        assert wanted.startswith(text)
        assert len(wanted) - len(text) < LEAST
    waiting.finish()
    assert waiting.ended[0].error is None
    assert len(told) == len(texts), "nothing more is computed ahead once the call has answered"


@pytest.mark.parametrize("program", [after_a_gen, join])
def test_answers_are_part_of_what_is_known(program: SglFunction, told: list[str]) -> None:
    waiting = Waiting(program)
    waiting.start()
    waiting.compute()
    waiting.machine.speculate()
    assert any((LONG if program is after_a_gen else LONG.upper())[:-LEAST] in text for text in told)
    waiting.finish()
    whole = waiting.ended[0].text if program is after_a_gen else asked(waiting.ended[0], "b")
    assert all(whole.startswith(text) or "way" in text for text in told)


def test_the_step_finds_it_in_the_cache() -> None:
    runs = {speculate: Waiting(retrieval, speculate) for speculate in (True, False)}
    for waiting in runs.values():
        waiting.start()
        waiting.compute()
        waiting.machine.speculate()
        waiting.finish()
    on, off = (waiting.machine.core.stats for waiting in runs.values())
    assert meaning(runs[True].ended[0])[:2] == meaning(runs[False].ended[0])[:2]
    assert off.speculated_tokens == off.cached_tokens == 0
    assert on.speculated_tokens == on.cached_tokens > len(LONG)
    assert on.prompt_tokens == off.prompt_tokens == on.cached_tokens + on.prefilled_tokens


def test_equal_prompts_are_computed_once() -> None:
    waiting = Waiting(retrieval)
    for row in range(3):
        waiting.start(row)
    waiting.compute()
    waiting.machine.speculate()
    assert len(LONG) < waiting.speculated < 2 * len(LONG)
    waiting.finish()


def test_who_asks_waits_for_one_piece_at_most() -> None:
    waiting = Waiting(retrieval, device=FakeDevice(4096, vocabulary=128, delay=lambda: 1))
    run = waiting.start()
    waiting.machine.speculate(2)  # one looks, one asks
    assert not waiting.machine.core.idle, "a piece is under way"
    waiting.may.set()
    waiting.machine.posted.get(timeout=10)()
    assert not waiting.machine.port.idle, "the gen is asked"
    waiting.machine.drain()
    assert waiting.speculated == PIECE
    assert waiting.ended[0].error is None
    assert waiting.ended[0].meta["a"]["cached_tokens"] == PIECE
    assert run.ended


@pytest.mark.parametrize("how", ["cancel", "fail"])
def test_it_ends_with_the_run(how: str) -> None:
    for turns in range(8):
        waiting = Waiting(either_way)
        run = waiting.start()
        waiting.machine.speculate(turns)
        if how == "cancel":
            waiting.machine.executor.cancel(run)
        else:
            waiting.machine.executor.fail_all(RunError("the engine was shut down"))
        before = waiting.speculated
        waiting.machine.speculate()
        assert waiting.speculated <= before + PIECE
        assert waiting.speculation.idle
        assert not waiting.speculation._held
        assert held(waiting.machine) == []
        waiting.may.set()
        waiting.machine.posted.get(timeout=10)()


def test_it_takes_no_place_from_what_is_claimed() -> None:
    """Two runs of a join wait, whose beginnings are claimed; a small pool leaves room for little beside them."""
    speculated: list[int] = []
    for pages in (1500, 900, 700, 600, 500, 450):
        waiting = Waiting(join, pages=pages)
        for row in range(2):
            waiting.start(row, f"<{row}>")
        waiting.compute()
        core = waiting.machine.core
        claims = [claim.ids for claim in held(waiting.machine)]
        assert claims
        before = list(map(core.cached_length, claims))
        waiting.machine.speculate()
        assert all(core.cached_length(ids) >= there for ids, there in zip(claims, before, strict=True))
        speculated.append(waiting.speculated)
        waiting.finish()
        assert [waiting.ended[row].error for row in range(2)] == [None, None]
    assert speculated[0] > min(speculated), speculated


def test_nor_from_what_was_computed_for_others_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int]] = []
    speculate = EngineCore.speculate

    def noting(self: EngineCore, ids: list[int], kept: int) -> bool:
        taken = speculate(self, ids, kept)
        asked.extend([ids] if taken else [])
        return taken

    monkeypatch.setattr(EngineCore, "speculate", noting)
    waiting = Waiting(after_a_gen, pages=1000)
    for row in range(8):
        waiting.start(row, f"<row {row}>")
    waiting.compute()
    waiting.machine.speculate()
    assert 4 * len(LONG) < waiting.speculated < 8 * len(LONG)
    assert [waiting.machine.core.cached_length(ids) for ids in asked] == list(map(len, asked))
    waiting.finish()
    assert all(outcome.error is None for outcome in waiting.ended.values())


def test_a_piece_that_fails_is_left_to_the_step() -> None:
    failing = True
    batches: list[bool] = []

    def fails() -> bool:
        batches.append(failing)
        return failing

    waiting = Waiting(retrieval, device=FakeDevice(4096, vocabulary=128, fail_batch=fails))
    waiting.start()
    waiting.machine.speculate()
    assert batches == [True], "it is not tried again"
    failing = False
    waiting.finish()
    assert waiting.ended[0].error is None


def test_a_prompt_that_can_never_fit_is_left_to_the_step() -> None:
    waiting = Waiting(retrieval, device=FakeDevice(4096, vocabulary=128, max_positions=100))
    waiting.start()
    waiting.machine.speculate()
    waiting.finish()
    assert "more than the model's context" in str(waiting.ended[0].error)


@pytest.mark.parametrize("pages", [20_000, 1_000])
def test_no_answer_depends_on_it(pages: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speculation, "LEAST", 1)  # their texts are short
    monkeypatch.setattr(speculation, "PIECE", 5)
    graphs = [for_bytes(random_graph(Random(seed), size=25)) for seed in range(60)]
    found: dict[bool, dict[int, Outcome]] = {}
    speculated: dict[bool, int] = {}
    for speculate in (True, False):
        machine = Machine(pages, speculate, chunk_tokens=64)
        ended = found[speculate] = {}
        may = threading.Event()
        for row, graph in enumerate(graphs):
            hosts = {name: when(may, host) for name, host in hosts_of(graph).items()}
            machine.start(graph, lower(graph), texts_of(graph), row, ended, hosts)
        while not machine.port.idle:
            machine.port.turn()
        machine.speculate()
        may.set()
        machine.drain()
        speculated[speculate] = machine.core.stats.speculated_tokens
        assert machine.core._tree.loose == machine.core._tree.size, "a claim is left"
    for row, outcome in found[False].items():
        assert (found[True][row].error is None) == (outcome.error is None)
        if outcome.error is None:
            assert meaning(found[True][row]) == meaning(outcome)
    assert speculated[False] == 0 < speculated[True]


def when(may: threading.Event, host: Host) -> Host:
    """A host function that answers when it may: however fast the machine is, the engine has idled by then."""

    def answer(*arguments: Any, **keywords: Any) -> Any:
        assert may.wait(60)
        return host.function(*arguments, **keywords)

    return replace(host, function=answer)


# The loop


class Telling(EngineCore):
    """Says when a prompt is computed ahead that is long enough."""

    def __init__(self, enough: int) -> None:
        super().__init__(FakeDevice(4096, vocabulary=128), ByteTokenizer())
        self.said = threading.Event()
        self._enough = enough

    def speculate(self, ids: Sequence[int], kept: int) -> bool:
        if len(ids) >= self._enough:
            self.said.set()
        return super().speculate(ids, kept)


class Noted:
    """A runner on a fake device, and a host function that answers when it may."""

    def __init__(self, program: SglFunction, enough: int) -> None:
        tokenizer = ByteTokenizer()
        self.core = Telling(enough)
        self.may = threading.Event()
        graph = optimise(program.trace())
        hosts = {op.function: Host(self._answer, op.function, None, True) for op in graph.ops if isinstance(op, Call)}
        self.program = Program(graph, lower(graph), {}, hosts)
        self.runner = Runner(EnginePort(self.core, tokenizer, tokenizer.decode, speculate=True), tokenizer)

    def row(self) -> Row:
        return Row(0, self.program, {"x": "<x>"}, Sampling(max_tokens=6), 5)

    def _answer(self, text: str) -> str:
        assert self.may.wait(10)
        return "found"


def test_the_loop_speculates_where_it_would_sleep() -> None:
    noted = Noted(retrieval, len(LONG) + 1)
    with noted.runner as runner:
        ended: list[Outcome] = []
        over = threading.Event()
        runner.begin(noted.row(), lambda outcome: (ended.append(outcome), over.set())[0])
        assert noted.core.said.wait(10)
        noted.may.set()
        assert over.wait(10)
        assert ended[0].error is None
        assert ended[0].meta["a"]["cached_tokens"] > len(LONG)


def test_the_loop_ends_while_it_speculates() -> None:
    noted = Noted(either_way, 1)
    ended: list[Outcome] = []
    noted.runner.begin(noted.row(), ended.append)
    assert noted.core.said.wait(10)
    noted.may.set()
    noted.runner.shutdown()
    assert "the engine was shut down" in str(ended[0].error) or ended[0].error is None

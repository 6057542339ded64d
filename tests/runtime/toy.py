"""The executor without a model: a tokenizer of bytes, and the fake device, whose answers depend on the whole prompt."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sglc.ir.graph import Graph
from sglc.ir.ops import Gen, Role, Sampling
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Piece, Sampled, Text, Vocabulary
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.fake_device import FakeDevice
from sglc.runtime.executor import Executor
from sglc.runtime.jobs import Outcome
from sglc.runtime.port import Desk, EnginePort
from sglc.runtime.program import Host, Program, Run
from sglc.runtime.shared import Shared
from sglc.runtime.workers import Workers

EDGES = [Role(name, edge) for name in ("system", "user", "assistant") for edge in ("begin", "end")]
END = 256 + len(EDGES)
BEGIN = END + 1


class ByteTokenizer:
    """An id a byte, an id an edge of a role, an id at the beginning and an end id."""

    vocabulary = Vocabulary(
        tokens=(*(bytes([byte]) for byte in range(256)), *([None] * (len(EDGES) + 2))),
        end_ids=frozenset([END]),
        size=BEGIN + 1,
        fingerprint="bytes",
    )

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        ids: list[int] = [BEGIN]
        for piece in prompt:
            if isinstance(piece, Text):
                ids += piece.text.encode()
            elif isinstance(piece, Sampled):
                ids += piece.ids
            else:
                ids.append(256 + EDGES.index(piece))
        return ids

    def render(self, prompt: Sequence[Piece]) -> str:
        return "".join(f"<{p.name} {p.edge}>" if isinstance(p, Role) else p.text for p in prompt)

    def spells_control(self, text: str) -> bool:
        return False

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        return self.encode(prompt)

    def bytes_of(self, token: int) -> bytes | None:
        return self.vocabulary.tokens[token]

    def decode(self, ids: Sequence[int]) -> str:
        return b"".join(self.vocabulary.tokens[token] or b"" for token in ids).decode(errors="replace")


class Machine:
    """An executor over a fake device of letters: only printable answers, so that prompts stay readable."""

    def __init__(
        self, pages: int = 4096, speculate: bool = False, device: FakeDevice | None = None, **settings: Any
    ) -> None:
        self.tokenizer = ByteTokenizer()
        self.device = device or FakeDevice(pages, vocabulary=128)
        self.core = EngineCore(self.device, self.tokenizer, **settings)
        self.port = EnginePort(self.core, self.tokenizer, self.tokenizer.decode, speculate)
        self.posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.workers = Workers()
        self.executor = Executor(self.port, self.workers, self.posted.put)

    def start(
        self,
        graph: Graph,
        schedule: Schedule,
        texts: dict[str, str],
        row: int,
        ended: dict[int, Outcome],
        hosts: Mapping[str, Host] | None = None,
        *,
        desk: Desk | None = None,
        progress: Callable[[Run, Gen | None, str], None] | None = None,
        temperature: float | None = None,
    ) -> Run:
        program = Program(graph, schedule, {}, dict(hosts or {}))
        sampling = Sampling(max_tokens=6, temperature=temperature)

        def done(outcome: Outcome) -> None:
            ended[row] = outcome

        run = Run(program, texts, sampling, 5, row, done, progress, desk=desk)
        self.executor.start(run)
        return run

    def desk(self) -> Shared:
        """What rows of a batch have in common."""
        return Shared(self.port, self.posted.put)

    def run(
        self, graph: Graph, schedule: Schedule, texts: dict[str, str], hosts: Mapping[str, Host] | None = None
    ) -> Outcome:
        ended: dict[int, Outcome] = {}
        self.start(graph, schedule, texts, 0, ended, hosts)
        self.drain()
        return ended[0]

    def speculate(self, most: int = 1_000) -> None:
        """Computes what is to come, if that is wanted, in so many turns at most and while nothing is asked."""
        assert self.port.foresight is not None
        speculation = self.port.foresight.speculation
        while most and self.port.idle and speculation is not None and speculation.go_on():
            self.port.turn()
            most -= 1

    def drain(self, most: int = 100_000) -> None:
        """Turns until nothing is under way; waits for host functions where the engine has nothing to do."""
        for _ in range(most):
            if self.executor.idle:
                return
            if not self.port.idle and self.posted.empty():
                self.port.turn()
            else:
                self.speculate(2)
                self.posted.get(timeout=10)()
        raise AssertionError("the executor does not come to an end")

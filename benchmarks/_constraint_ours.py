"""Our own engine for constraints, as `constraints` measures it. A fresh process imports no more than it needs."""

from __future__ import annotations

import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from tokenizers import Tokenizer

from benchmarks import vocabularies
from benchmarks._constraint_cases import CASES, FREE_SPACE, Case
from benchmarks._constraint_timing import Refused
from sglc.ir.artifact import Artifact, ModelPart, dump_bytes, load_bytes
from sglc.ir.errors import ConstraintError
from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.ops import Constraint
from sglc.ir.parser import parse_graph
from sglc.ir.tokens import TokenConstraint
from sglc.passes.compile_constraints import compile_constraint
from sglc.passes.lower import lower
from sglc.runtime.grammar import Grammars
from sglc.runtime.vocabulary import vocabulary_of

TINY = Constraint("regex", "x")


def constraint(case: Case) -> Constraint:
    if case.pattern is not None:
        return Constraint("regex", case.pattern)
    return Constraint("json_schema", case.schema or "", FREE_SPACE if case.free_space else None)


class _Request:
    """A request as the engine holds one: a state of its constraint, and the words of its mask."""

    def __init__(self, constraint: TokenConstraint) -> None:
        self.state = constraint.start
        mask = memoryview(np.empty(-(-constraint.size // 32), dtype=np.int32))
        row, step = constraint.row, constraint.step

        def fill() -> None:
            mask[:] = memoryview(row(self.state))  # half the time that one array takes to copy another

        def accept(token: int) -> bool:
            after = step(self.state, token)
            if after is None:
                return False
            self.state = after
            return True

        self.fill, self.accept, self.constraint = fill, accept, constraint


class Ours:
    def __init__(self, size: int) -> None:
        start = time.process_time()
        self.tokenizer = Tokenizer.from_file(str(vocabularies.tokenizer_file(size)))
        ends = [vocabularies.end_id(size)]
        self.vocabulary = vocabulary_of(self.tokenizer, end_ids=ends, columns=size, chat_template="")
        compile_constraint(TINY, self.vocabulary)  # what belongs to the vocabulary and the process is made here
        self._grammars = Grammars(self.vocabulary)
        self.vocabulary_ms = (time.process_time() - start) * 1e3

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def cold(self) -> None:
        """Forgets everything but the vocabulary and the parser of regexes, which one tiny regex brings back."""
        re.purge()
        for name, module in list(sys.modules.items()):
            for thing in vars(module).values() if name.startswith("sglc.passes.") else ():
                if hasattr(thing, "cache_clear"):
                    thing.cache_clear()
        compile_constraint(TINY, self.vocabulary)

    def compile(self, case: Case) -> CompiledConstraint:
        try:
            return compile_constraint(constraint(case), self.vocabulary)
        except ConstraintError as error:
            raise Refused(error.what.splitlines()[0]) from error

    def matcher(self, compiled: CompiledConstraint) -> _Request:
        return _Request(self._grammars.follow(compiled) if isinstance(compiled, Grammar) else compiled)

    def batch(self, matchers: Sequence[_Request]) -> Callable[[], object]:
        import torch

        from sglc.runtime.bitmask import allocate_token_bitmask, fill_next_token_bitmask
        from sglc.runtime.mask_table import MaskTable

        torch.set_num_threads(1)  # a gather of a megabyte: waking other threads costs more
        constraints = [matcher.constraint for matcher in matchers]
        states = [matcher.state for matcher in matchers]
        masks = allocate_token_bitmask(len(matchers), self.vocabulary.size)
        table = MaskTable(masks.shape[1])

        def fill() -> None:
            fill_next_token_bitmask(masks, constraints, states, table)

        return fill

    def artifact(self, case: Case, compiled: CompiledConstraint) -> dict[str, float]:
        """The size of a program with the case as its only gen, and how long it takes to load, in CPU time."""
        given, fingerprint = constraint(case), self.vocabulary.fingerprint
        space = "" if given.whitespace is None else f", json_whitespace={given.whitespace}"
        said = f"{given.kind}={json.dumps(given.text)}{space}, number=0"
        graph = parse_graph(f"program p {{\n%0 = root\n%1 = gen %0 {{{said}}}\nfinal %1\n}}")
        schedule = lower(graph)
        part = ModelPart(fingerprint, ((),) * len(schedule.prefixes), {given: compiled})
        data = dump_bytes(Artifact(graph, schedule, {fingerprint: part}))
        times: list[float] = []
        for _ in range(5):
            start = time.process_time()
            load_bytes(data)
            times.append((time.process_time() - start) * 1e3)
        return {"bytes": len(data), "load": statistics.median(times)}


def first_use(size: int, name: str) -> None:
    """Prints the CPU time in ms from the start of this process to the first mask of a case. Raises AssertionError where
    something was loaded on the way that compiles, or draws in, what keeps a first user waiting."""
    ours = Ours(size)
    ours.matcher(ours.compile(next(case for case in CASES if case.name == name))).fill()
    took = time.process_time() * 1e3
    if slow := {"numba", "triton", "torch"} & sys.modules.keys():
        raise AssertionError(f"the first use of a constraint imports {', '.join(sorted(slow))}")
    print(took)


if __name__ == "__main__":
    first_use(int(sys.argv[1]), sys.argv[2])

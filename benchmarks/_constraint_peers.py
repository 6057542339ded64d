"""Run by `constraints` in a Python that has the peers: one engine and one vocabulary, lines of JSON for each case.

    python -m benchmarks._constraint_peers ENGINE TOKENIZER_JSON END_ID < NAMES OF CASES

The first line says what the vocabulary took, and all until then (ready). Each case has two or three: its compiling, all of it,
and that it is done. `constraints` ends this process where the first of them is late, as engines do not look for signals while
they work. Memory is bounded, too.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from benchmarks._constraint_cases import CASES, Case
from benchmarks._constraint_timing import Engine, Refused, compiled, stepped

# pyright: reportMissingImports=false
# (the peers are of another Python)

LIMIT = 60  # seconds of CPU time, for the compiles of a case
MEMORY = 10 << 30
SEPARATORS = (", ", ": ")


class _Matcher:
    def __init__(self, fill: Callable[[], object], accept: Callable[[int], object], handle: Any) -> None:
        self.fill, self.accept, self.handle = fill, accept, handle


class _Peer:
    """What the peers share: the tokenizer, and how long the vocabulary took."""

    def __init__(self, path: str, end_id: int) -> None:
        self.load()
        start = time.process_time()
        from tokenizers import Tokenizer

        self.tokenizer = Tokenizer.from_file(path)
        self.size: int = self.tokenizer.get_vocab_size()
        self.prepare(path, end_id)
        self.vocabulary_ms = (time.process_time() - start) * 1e3

    def load(self) -> None: ...
    def prepare(self, path: str, end_id: int) -> None: ...
    def cold(self) -> None: ...

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def tokens(self) -> list[bytes]:
        """The bytes of each id; none for control tokens."""
        printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        byte_of = {chr(byte): byte for byte in printable}
        byte_of |= {chr(256 + n): byte for n, byte in enumerate(sorted(set(range(256)) - set(printable)))}
        control = {added.content for added in self.tokenizer.get_added_tokens_decoder().values()}
        tokens = [b""] * self.size
        for token, number in self.tokenizer.get_vocab().items():
            if token not in control:
                tokens[number] = bytes(byte_of[character] for character in token)
        return tokens


class XGrammar(_Peer):
    """A fresh GrammarCompiler for each compile, of one thread."""

    def load(self) -> None:
        import xgrammar

        self.module = xgrammar

    def prepare(self, path: str, end_id: int) -> None:
        x = self.module
        self.info = x.TokenizerInfo(self.tokens(), x.VocabType.RAW, vocab_size=self.size, stop_token_ids=[end_id])

    def compile(self, case: Case) -> Any:
        compiler = self.module.GrammarCompiler(self.info, max_threads=1)
        try:
            if case.pattern is not None:
                return compiler.compile_regex(case.pattern)
            layout = (
                {"any_whitespace": True} if case.free_space else {"any_whitespace": False, "separators": SEPARATORS}
            )
            return compiler.compile_json_schema(case.schema, **layout)
        except RuntimeError as error:
            raise Refused(str(error).strip().splitlines()[-1]) from error

    def matcher(self, compiled: Any) -> _Matcher:
        matcher = self.module.GrammarMatcher(compiled)
        mask = self.module.allocate_token_bitmask(1, self.size)
        return _Matcher(partial(matcher.fill_next_token_bitmask, mask), matcher.accept_token, matcher)

    def batch(self, matchers: Sequence[_Matcher]) -> Callable[[], object]:
        mask = self.module.allocate_token_bitmask(len(matchers), self.size)
        together = self.module.BatchGrammarMatcher()
        return partial(together.batch_fill_next_token_bitmask, [matcher.handle for matcher in matchers], mask)


class LLGuidance(_Peer):
    def load(self) -> None:
        import llguidance
        import llguidance.numpy

        self.module = llguidance

    def prepare(self, path: str, end_id: int) -> None:
        with open(path, encoding="utf-8") as file:
            self.own = self.module.LLTokenizer(file.read(), eos_token=end_id)

    def compile(self, case: Case) -> Any:
        x = self.module.LLMatcher
        if case.pattern is not None:
            return x.grammar_from_regex(case.pattern)
        options = {"whitespace_flexible": True}
        if not case.free_space:
            item, key = SEPARATORS
            options = {"whitespace_flexible": False, "item_separator": item, "key_separator": key}
        return x.grammar_from_json_schema(case.schema, overrides=options)

    def matcher(self, compiled: Any) -> _Matcher:
        matcher = self.module.LLMatcher(self.own, compiled)
        if matcher.is_error():
            raise Refused(matcher.get_error().strip().splitlines()[0])
        mask = self.module.numpy.allocate_token_bitmask(1, self.size)
        return _Matcher(
            partial(self.module.numpy.fill_next_token_bitmask, matcher, mask), matcher.consume_token, matcher
        )

    def batch(self, matchers: Sequence[_Matcher]) -> Callable[[], object]:
        mask = self.module.numpy.allocate_token_bitmask(len(matchers), self.size)
        numbered = [(matcher.handle, number) for number, matcher in enumerate(matchers)]
        return partial(self.module.numpy.fill_next_token_bitmask_par, self.module.LLExecutor(), numbered, mask)


class OutlinesCore(_Peer):
    """It has no batches: one mask after another. Its converter of schemas allows a space wherever JSON does."""

    def load(self) -> None:
        import numpy
        import outlines_core

        self.module, self.numpy = outlines_core, numpy

    def prepare(self, path: str, end_id: int) -> None:
        ids: dict[bytes, list[int]] = {}
        for number, token in enumerate(self.tokens()):
            if token:
                ids.setdefault(token, []).append(number)
        self.vocabulary = self.module.Vocabulary(end_id, ids)

    def compile(self, case: Case) -> Any:
        x = self.module
        try:
            pattern = case.pattern
            if pattern is None:
                space = [r"[ \t\n\r]*"] if case.free_space else []
                pattern = x.json_schema.build_regex_from_schema(case.schema, *space)
            return x.Index(pattern, self.vocabulary)
        except (ValueError, RuntimeError) as error:
            raise Refused(str(error).strip().splitlines()[-1]) from error

    def matcher(self, compiled: Any) -> _Matcher:
        guide = self.module.Guide(compiled)
        mask = self.numpy.full(-(-self.size // 32), -1, self.numpy.int32)
        address, size, width = mask.ctypes.data, mask.size, mask.itemsize

        def fill(mask: Any = mask) -> None:  # it holds the memory at the address
            guide.write_mask_into(address, size, width)

        def accept(token: int) -> bool:
            try:
                guide.advance(token, return_tokens=False)
            except ValueError:
                return False
            return True

        return _Matcher(fill, accept, mask)

    def batch(self, matchers: Sequence[_Matcher]) -> Callable[[], object]:
        def fill() -> None:
            for matcher in matchers:
                matcher.fill()

        return fill


PEERS: dict[str, Callable[[str, int], Engine]] = {
    "xgrammar": XGrammar,
    "llguidance": LLGuidance,
    "outlines": OutlinesCore,
}


def rows(engine: Engine, case: Case) -> Iterator[dict[str, object]]:
    """What is known of a case, so far and in the end: its figures, or why there are none."""
    try:
        times, made = compiled(engine, case)
        found: dict[str, object] = {"compile": statistics.median(times), "compiles": times}
        yield found
    except Refused as why:
        yield {"refused": str(why)}
        return
    try:
        yield found | stepped(engine, made, case)
    except Refused as why:
        yield found | {"wrong": str(why)}


def main(name: str, path: str, end_id: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    engine = PEERS[name](path, int(end_id))
    print(json.dumps({"ready": time.process_time() * 1e3, "vocabulary": engine.vocabulary_ms}), flush=True)
    cases = {case.name: case for case in CASES}
    for line in sys.stdin:
        case = cases[line.strip()]
        for row in rows(engine, case):
            print(json.dumps(row), flush=True)
        print(json.dumps({"done": case.name}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

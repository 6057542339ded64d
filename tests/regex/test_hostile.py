"""Hostile patterns: an automaton or a refusal, soon, in bounded memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from tests.regexes import compile_regex

VOCABULARY = Vocabulary(
    (*(bytes([byte]) for byte in range(256)), *(bytes([a, b]) for a in range(97, 123) for b in range(97, 123)), None),
    frozenset({932}),
    933,
    "test",
)
HANG = 10.0  # seconds: several times what a loaded machine takes


def hostile() -> Iterator[str]:
    for n in (8, 14, 60):
        yield f"(a|b)*a(a|b){{{n}}}"
        yield f".*a.{{{n}}}"
        yield rf"\w*a\w{{{n}}}"
        yield f"(a|b)*a(a|b){{{n}}}(c|d)*c(c|d){{{n}}}"
        yield f"(?i)(.*x){{{n}}}"
        yield "".join(f".*{chr(97 + i % 26)}" for i in range(n))
        yield "|".join(f".*{chr(97 + i % 26)}.{{{i % 9}}}" for i in range(n))
    for n in (100, 5_000, 50_000, 1_000_000, 4_000_000_000):
        yield f"a{{{n}}}"
        yield f"a{{0,{n}}}"
        yield f"(a?){{{n}}}"
        yield f"(a*){{{n}}}"
        yield f"(a|b|ab){{0,{n}}}c"
        yield rf"\w{{1,{n}}}"
        yield f"(.{{{n}}}|a)*"
        yield f"(a{{1,{n}}}b){{1,{n}}}"
        yield f"((a{{{n}}}){{{n}}}){{{n}}}"
        yield f"({'(' * 20}a{{{n}}}{')' * 20})*"
    for n in (10, 49, 100, 1_000, 10_000):
        yield "(" * n + "a" + ")" * n
        yield "(" * n + "a" + ")*" * n
        yield "(?:" * n + "a" + "){2}" * n
        yield "(a|" * n + "b" + ")" * n
        yield "(" * n
        yield "(" * n + "^a$" + ")" * n
        yield "(?i:" * n + r"\w" + ")" * n
        yield "|" * n
        yield "a?" * n
        yield "(a?b?)*" * n
        yield "[" * n
        yield "[^a]" * n
        yield "(?=a)" * n
        yield "\\" * n
        yield r"\1" * n
        yield "^" * n + "a" + "$" * n
        yield "a$\n" * n
        yield r"\b\w+\B" * n
        yield "(?:(?!a)" * n + "b" + ")*" * n
        yield "(?<=a)b(?<!c)" * n
        yield "(?>a*b)" * n
        yield "(?:a++b)*" * n
        yield "".join(f"(?=.*{chr(97 + i % 26)}{chr(98 + i % 25)})" for i in range(n)) + ".*"
        yield "".join(f"(?!.*{chr(97 + i % 26)}.{{{i % 40}}}b)" for i in range(n)) + ".*"
        yield "(?:(?=.*a.*b)[ab]|(?!.*c.*a)c)*" * n
    for length in (1_000, 20_000, 100_000):
        yield "a" * length
        yield "ab|" * (length // 3)
        yield r"\w" * (length // 2)
        yield "[a-z]" * (length // 5)
        yield "(a|b)*" * (length // 6)
        yield "(.*)," * (length // 5)
        yield "|".join(f"{i:07}" for i in range(length // 8))
        yield "|".join(f"[{chr(0x4E00 + i)}-{chr(0x4F00 + 3 * i)}]x" for i in range(length // 6))
        yield "(?i)" + "[\x00-\uffff]" * (length // 5)
        yield "(?i)" + "".join(f"[a-{chr(0x400 + i)}]" for i in range(length // 5))
        yield "(?x)" + "a #\n" * (length // 4)
        yield "é中𝔸" * (length // 3)
    yield "(?:" + "|".join(rf"\w{{{n}}}{n}" for n in range(40)) + ")*"
    yield "(.{1,1000}x){1,1000}"
    yield "((a{1,30}b{1,30}){1,30}c){1,30}"
    yield "(?=(?:.{7})*$)(?=(?:.{11})*$)(?=(?:.{13})*$)(?=(?:.{17})*$)(?=(?:.{19})*$).*"
    yield "(?!" + "|".join(f"(?:a|b)*{'ab'[n % 2]}(?:a|b){{{n}}}$" for n in range(50)) + ").*"
    yield "(?!.*(a.{20}b|b.{20}a)).*"
    yield "(?:.(?<!" + ")(?<!".join(f"{chr(97 + n)}.{{{n}}}" for n in range(26)) + "))*"
    yield "(?:(?=(?:(?=(?:(?=a.*b)a|b)*c)[abc])*d)[abcd])*"
    yield r"(?i)[\p{L}\w]{1,300}\P{N}*\b"
    yield r"(\d+(\.\d+)?([eE][+-]?\d+)?,?\s*){1,500}"
    for quantifier in (
        "{1000}{1000}",
        "{1,1000}{1,1000}",
        "{65535}{65535}",
        "{99999999999999999999}",
        "{2}{2}{2}{2}{2}{2}{2}{2}",
    ):
        for atom in ("a", "(?:a|b)", "[^a]", r"\w", ".", "(?:ab?)"):
            count = quantifier.count("{")
            yield "(?:" * count + atom + quantifier.replace("}", "})")
            yield atom + quantifier
    yield "a" * 10_000_000
    yield "(a|b)*" * 2_000_000
    yield "[^\\s\\S]"
    yield "\ud800"
    yield "[\ud800-\udfff]"
    yield "\x00{2}"


def compiled(pattern: str) -> TokenAutomaton | ConstraintError:
    try:
        return compile_regex(pattern, VOCABULARY)
    except ConstraintError as error:
        return error


PARTS = 4


def test_there_are_two_hundred() -> None:
    assert len(list(hostile())) >= 200


@pytest.mark.parametrize("part", range(PARTS))
def test_hostile_patterns(part: int) -> None:
    patterns = list(hostile())[part::PARTS]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answers = 0
    for pattern in patterns:
        start = time.monotonic()
        answer = compiled(pattern)
        if isinstance(answer, ConstraintError):
            assert answer.hint
            assert len(str(answer)) < 1_000
        else:
            answers += 1
            assert len(answer.accept) <= 65_536
        assert time.monotonic() - start < HANG, pattern[:60]
    assert 5 < answers < len(patterns) - 5
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * 1024  # KiB

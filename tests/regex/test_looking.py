"""Looking around, anchors, word boundaries, atomic groups and scoped flags mean what Python's `re` means."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sglc.ir.errors import ConstraintError
from sglc.passes.regular import automaton
from tests.regexes import compile_bytes

WORDS = ["".join(word) for length in range(5) for word in itertools.product("ab\n-", repeat=length)]
ATOMIC = "an atomic group or possessive quantifier is supported only where"


def matched(pattern: str, words: list[str]) -> list[str]:
    """The words that the automaton of a pattern accepts; none where no text matches it."""
    try:
        dfa = compile_bytes(pattern)
    except ConstraintError as error:
        if "no text matches" not in error.what:
            raise
        return []
    table, accept = dfa.table.tolist(), dfa.accept.tolist()

    def accepts(word: str) -> bool:
        state = 0
        for byte in word.encode():
            if state >= 0:
                state = table[state][byte]
        return state >= 0 and accept[state]

    return [word for word in words if accepts(word)]


FIXED = st.lists(
    st.sampled_from(["a", "b", "[ab]", r"\w", ".", r"\W", "(?:a|b)", "(?=a)", "(?!b)", r"\b", "^", "$", "(?<=a)"]),
    min_size=1,
    max_size=2,
).map("".join)
LEAVES = st.sampled_from(["a", "b", "ab", "[ab]", "[^a]", ".", r"\w", r"\W", r"\n", "-", "(?:)"])
EDGES = st.sampled_from(["^", "$", r"\A", r"\Z", r"\b", r"\B"])
GROUPS = ["({})", "(?={})", "(?!{})", "(?>{})", "(?m:{})", "(?s:{})", "(?i:{})", "(?x: {} # (\n)", "(?-s:{})"]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "*?", "??", "*+", "++", "?+"]


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Groups, looks and repeats of patterns, and rows and alternatives of them."""
    group = st.builds(lambda shape, body: shape.replace("{}", body), st.sampled_from(GROUPS), inner)
    behind = st.builds("(?<{}{})".format, st.sampled_from("=!"), FIXED)
    repeat = st.builds("(?:{}){}".format, inner, st.sampled_from(QUANTIFIERS))
    row = st.lists(inner, min_size=2, max_size=3).map("".join)
    return st.one_of(group, group, behind, repeat, row, row, st.builds("{}|{}".format, inner, inner))


PATTERNS = st.builds(
    str.__add__, st.sampled_from(["", "", "(?m)", "(?s)", "(?x)"]), st.recursive(LEAVES | EDGES, grown, max_leaves=7)
)


def is_valid(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return len(pattern) < 60


@settings(max_examples=400, deadline=None)
@given(PATTERNS.filter(is_valid))
def test_random_patterns(pattern: str) -> None:
    expected = [word for word in WORDS if re.fullmatch(pattern, word)]
    if may_be_refused(pattern):
        return
    assert matched(pattern, WORDS) == expected


def may_be_refused(pattern: str) -> bool:
    """Whether a pattern is refused because of an atomic group, and has one."""
    try:
        compile_bytes(pattern)
    except ConstraintError as error:
        has_one = "(?>" in pattern or re.search(r"[*+?]\+", pattern) is not None
        return has_one and error.what.startswith(ATOMIC)
    return False


CASES = [
    (r"(?!ab)\w*", "no text may begin so"),
    (r"(?:(?!ab)[ab\n-])*", "nor have it anywhere"),
    (r"(?=.*a)(?=.*b)(?!.*--).{2,}", "several at once"),
    (r"(?=(?!a)b|a(?=b))[ab]+", "in one another"),
    (r"(?!(?!a))[ab]*", "not not"),
    (r"(?=a|b$)[ab]+", "an end in a look"),
    (r"(?:a(?=b)|b(?=a|$))*", "in a repeat"),
    (r"(?:(?<=a)b|(?<!a)a|b(?<=bb))*", "behind, in a repeat"),
    (r"[ab]*-(?<=a(?=-).)[ab-]*", "ahead, from behind"),
    (r"[ab]*(?<!a(?!-)(?=b|-).)[ab-]*", "ahead, from behind, not"),
    (r"(?=[ab]*(?<=ab)-)[ab-]*", "behind, from ahead"),
    (r"(?=a*\b.(?<!b))[ab-]*", "a boundary, from ahead"),
    (r"(?<=(?<=a)b)a|[ab]*(?<=(?<=a)b)a", "behind, from behind"),
    (r"\B-\b[ab]*\Ba\b-?\B", "boundaries"),
    (r"\B|\B-|a\B", "no boundary in no text"),
    (r"(?:\b[ab]+\b-?)+", "boundaries in a repeat"),
    (r"a*^a*$\n?", "an end before the last newline"),
    (r"(?:a$\n|^b)+", "anchors in a repeat"),
    (r"(?m)(?:^a$\n?)+", "lines"),
    (r"(?m)[ab\n]*^b$[ab\n]*\Z", "a line somewhere"),
    (r"(?m:^)a(?-m:$)\n", "flags of a part"),
    (r"a++b|(?>a-|b)a*", "atomic"),
    (r"(?>(?:a*+b)+-)a?", "atomic in atomic"),
    (r"(?>[ab])++-|(?>ab|b)*a?", "atomic, one length"),
    (r"(?=a*+)[ab]*", "atomic at the end of a look"),
    ("a(?x: b # (not a group\n | - )a?", "white space in a part"),
    (r"(?x) a (?-x:\n|#) b ?", "white space in all but a part"),
    (r"(?i)(?s)A.B", "two flags"),
    (r"(?i:A(?-i:B)?)(?u:\w)(?a:\w)?", "flags in one another"),
]


@pytest.mark.parametrize("pattern", [pattern for pattern, _ in CASES], ids=[name for _, name in CASES])
def test_cases(pattern: str) -> None:
    words = [*WORDS, *("".join(word) for word in itertools.product("ab-", repeat=6)), "aab-a-#b", "a#b", "\n", "a\nb"]
    expected = [word for word in words if re.fullmatch(pattern, word)]
    assert expected
    assert matched(pattern, words) == expected


APART = [
    r"https?:\/\/(www\.)?[-a-zA-Z0-9@:%._\+~#=]{1,40}\.[a-zA-Z0-9()]{1,6}\b([-a-zA-Z0-9()@:%_\+.~#?&//=]*)",
    r"^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z\d]{8,16}$",
    r"(?!.*(?:bad|ugly)).{1,20}",
    r"\bab\b-\bcd\b",
    r"a*(?<=aa)b*|(?<!a)c\b",
    r"[ab]{1,3}(?<!b)(?=b)[ab]*",
    r"(?=a)[ab](?<=a)b",
    r"\B-\b[ab]*\Ba\b-?\B",
    r"(?m)^a+$\n^b+$",
    r"a\Z|\Ab$",
    r"(?!$)a*",
    r"(?<=^a)b|(?=ab)a(?=b)b",
]


@pytest.mark.parametrize("pattern", APART)
def test_looks_at_the_top_are_intersections(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same texts as of the construction that takes each look along."""
    quick = compile_bytes(pattern)
    monkeypatch.setattr(automaton, "apart", lambda tree: tree)
    slow = compile_bytes(pattern)
    pairs = [(0, 0)]
    seen = set(pairs)
    for one, other in pairs:  # grows
        assert quick.accept[one] == slow.accept[other]
        for after in zip(quick.table[one].tolist(), slow.table[other].tolist(), strict=True):
            assert (after[0] < 0) == (after[1] < 0)
            if after[0] >= 0 and after not in seen:
                seen.add(after)
                pairs.append(after)
    assert len(quick.accept) == len(slow.accept)


def test_the_usual_regex_of_an_address() -> None:
    pattern = APART[0].replace("{1,40}", "{1,256}")
    dfa = compile_bytes(pattern)
    for text in (
        "https://www.example.com/a?b=c#d",
        "http://a.bc",
        "https://a.b(/",
        "https://a." + "b" * 9,
        "http://a.((",
    ):
        state = 0
        for byte in text.encode():
            state = -1 if state < 0 else int(dfa.table[state, byte])
        assert (state >= 0 and bool(dfa.accept[state])) == bool(re.fullmatch(pattern, text)), text

"""Random regexes and texts, seeded."""

from __future__ import annotations

import random
import re

from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.compile import compile_bytes as compile_tree_to_bytes
from sglc.passes.regular.compile import compile_tree
from sglc.passes.regular.utf8 import ByteDfa

ATOMS = [
    *"abcABC01_ -é中ßſK𝔸",
    *(".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\n", r"\t", r"\.", r"\x61", r"\u00e9", r"\101", r"\0"),
    *(
        "[abc]",
        "[^abc]",
        "[a-c0-2]",
        "[^\\d]",
        "[\\w-]",
        "[]a]",
        "[^]a]",
        "[a\\]b]",
        "[é-ü]",
        "[\\b]",
        "[一-鿿]",
        "[-a]",
        "[a-]",
    ),
    *("ab", "abc", "10", "(?:)", "[^\\n]", "[\\x00-\\x7f]", "[^\\x00-\\x7f]", "[À-ÿ𝔸-𝔻]", "[Kk]", "[\\s\\S]"),
]
QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}", "{0}", "{0,1}", "*?", "+?", "??", "{1,3}?", "{}", "{a}"]
GROUPS = [
    "({})",
    "(?:{})",
    "(?P<n{n}>{})",
    "(?i:{})",
    "(?s:{})",
    "(?-i:{})",
    "(?a:{})",
    "(?i:{}|a)",
    "({}|)",
    "(?#x)({})",
]


def random_regex(draw: random.Random, depth: int = 3) -> str:
    """A regex that `re` accepts, of the kinds that are supported."""
    flags = draw.choice(["", "", "", "(?i)", "(?s)", "(?a)", "(?is)", "(?ia)", "(?m)", "(?x)"])
    start, end = draw.choice(["", "", "^", r"\A"]), draw.choice(["", "", "$", r"\Z"])
    while True:
        body = _alternation(draw, depth, [0])
        if draw.random() < 0.2:
            body = f"(?:{body})"
            if start or end:
                body = start + body + end
        try:
            re.compile(flags + body)
        except re.error:
            continue
        if len(body) <= 40:  # Python itself backtracks
            return flags + body


def _alternation(draw: random.Random, depth: int, names: list[int]) -> str:
    return "|".join(_sequence(draw, depth, names) for _ in range(draw.choice([1, 1, 1, 2, 3])))


def _sequence(draw: random.Random, depth: int, names: list[int]) -> str:
    return "".join(_item(draw, depth, names) for _ in range(draw.choice([0, 1, 1, 2, 3])))


def _item(draw: random.Random, depth: int, names: list[int]) -> str:
    if depth and draw.random() < 0.4:
        names[0] += 1
        shape = draw.choice(GROUPS)
        atom = shape.replace("{n}", str(names[0])).replace("{}", _alternation(draw, depth - 1, names))
    else:
        atom = draw.choice(ATOMS)
    return atom + (draw.choice(QUANTIFIERS) if draw.random() < 0.4 else "")


ALPHABET = "abcABC01_ -é中ßſK𝔸\n\t.\x00\x85\u2028ÉüÜkSs²٣ıİ🏽\x08][Knd{}"


def random_text(draw: random.Random) -> str:
    return "".join(draw.choice(ALPHABET) for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4, 6])))


def near_misses(draw: random.Random, text: str) -> list[str]:
    """A text with a character changed, dropped, doubled or added."""
    at = draw.randrange(len(text) + 1)
    other = draw.choice(ALPHABET)
    return [text[:at] + other + text[at:], text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :], text + "\n"]


def compile_automaton(constraint: Constraint, vocabulary: Vocabulary) -> TokenAutomaton:
    """The automaton, or the reason why there is none; never a grammar."""
    return compile_tree(*read_constraint(constraint), vocabulary)


def compile_regex(pattern: str, vocabulary: Vocabulary) -> TokenAutomaton:
    return compile_automaton(Constraint("regex", pattern), vocabulary)


def compile_bytes(pattern: str) -> ByteDfa:
    return compile_tree_to_bytes(*read_constraint(Constraint("regex", pattern)))


def stepped(automaton: TokenAutomaton, state: int, token: int) -> int:
    """The state after a token that is allowed."""
    after = automaton.step(state, token)
    assert after is not None
    return after

"""What is refused, and what the message says."""

from __future__ import annotations

import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import Vocabulary
from tests.regexes import compile_regex

ATOMIC = "an atomic group or possessive quantifier is supported only where giving back makes no difference"
VOCABULARY = Vocabulary((*(bytes([byte]) for byte in range(256)), None), frozenset({256}), 257, "test")


def refused(pattern: str) -> ConstraintError:
    with pytest.raises(ConstraintError) as caught:
        compile_regex(pattern, VOCABULARY)
    return caught.value


@pytest.mark.parametrize(
    ("pattern", "what", "part"),
    [
        (r"(a)b\1", "a back-reference is not regular", r"\1"),
        (r"(?P<x>a)(?P=x)", "a back-reference is not regular", "(?P=x)"),
        (r"a++a", ATOMIC, "++"),
        (r"(?:[ab]{2,3}+)*", ATOMIC, "{2,3}+"),
        (r"(?:a|ab)++c", ATOMIC, "++"),
        (r"x(?>a|ab)c", ATOMIC, "(?>"),
        (r"x(?>a*?)b", ATOMIC, "(?>"),
        (r"(?=a*+(?<!aa))a*", ATOMIC, "*+"),
        (r"(?>(?=a)a|b)", ATOMIC, "(?>"),
        (r"(a)?(?(1)b|c)", "a condition is not regular", "(?(1)"),
        (r"\N{DIGIT ONE}", "a character by name is not supported", r"\N{DIGIT ONE}"),
        (r"[\N{DIGIT ONE}]", "a character by name is not supported", r"[\N{DIGIT ONE}]"),
        (r"a^b", "no text matches the regex", "a^b"),
        (r"(?!a)a|\Bb\b", "no text matches the regex", r"(?!a)a|\Bb\b"),
        (r"(?<=a+)b", "not a valid regex: look-behind requires fixed-width pattern", "("),
        (r"x\p{Latin}", "'Latin' is no general category", r"\p{Latin}"),
        (r"[a\p{}]", "'' is no general category", r"[a\p{}]"),
        (r"(?i)a\p{Lu}", "a property of one case, Lu, is not supported under the flag i", r"\p{Lu}"),
        (r"a\p{L}\P{Nd}**", "not a valid regex: multiple repeat", "*"),
        (r"a**", "not a valid regex: multiple repeat", "*"),
        (r"(a", "not a valid regex: missing ), unterminated subpattern", "("),
        (r"[z-a]", "not a valid regex: bad character range z-a", "z"),
        (r"a\pL", r"not a valid regex: bad escape \p", "\\"),
        (r"[^\s\S]x", "no text matches the regex", r"[^\s\S]x"),
        (
            r"(a{1000}){1000}",
            "this repeat stands for 1,000,000 characters or classes, at most 50,000",
            "(a{1000}){1000}",
        ),
        (
            r"x(a|b)*a(a|b){30}",
            "the regex needs too large an automaton (more than 50,000 states, or too long to build)",
            "(a|b){30}",
        ),
    ],
)
def test_message_and_caret(pattern: str, what: str, part: str) -> None:
    message, line, carets = refused(pattern).what.split("\n")
    assert message == what
    assert line.strip() == pattern.replace("\n", "·")
    assert line[carets.index("^") : carets.rindex("^") + 1] == part


def test_whole_message() -> None:
    assert str(refused(r"(a)b\1")) == (
        "a back-reference is not regular\n    (a)b\\1\n        ^^\n  hint: write out what may stand here"
    )


def test_a_long_pattern_is_shown_around_the_part() -> None:
    message = str(refused("(a)" + "a" * 500 + r"\1" + "c" * 500))
    line, carets = message.split("\n")[1:3]
    assert len(line) < 130
    assert line[carets.index("^") :].startswith(r"\1ccc")


@pytest.mark.parametrize("pattern", ["a(?#comment)b", "(?P<name>a)", "(?m)^a$", "a*?b+?c??", "[]-a]", r"\A(\Aa|b)\Z"])
def test_not_refused(pattern: str) -> None:
    assert compile_regex(pattern, VOCABULARY).accept.any()

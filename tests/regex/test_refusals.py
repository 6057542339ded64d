"""What is refused, and what the message says."""

from __future__ import annotations

import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.tokens import Vocabulary
from sglc.passes.regex.compile import compile_regex

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
        (r"a(?=b)b", "looking around is not supported", "(?="),
        (r"a(?!b)c", "looking around is not supported", "(?!"),
        (r"(?<=a)b", "looking around is not supported", "(?<="),
        (r"(?<!a)b", "looking around is not supported", "(?<!"),
        (r"foo\b bar", "a word boundary is not supported", r"\b"),
        (r"foo\Bbar", "a word boundary is not supported", r"\B"),
        (r"a++b", "a possessive quantifier is not supported", "++"),
        (r"a{2,3}+b", "a possessive quantifier is not supported", "{2,3}+"),
        (r"x(?>a|b)", "an atomic group is not supported", "(?>"),
        (r"(a)?(?(1)b|c)", "a condition is not supported", "(?(1)"),
        (r"\N{DIGIT ONE}", "a character by name is not supported", r"\N{DIGIT ONE}"),
        (r"[\N{DIGIT ONE}]", "a character by name is not supported", r"[\N{DIGIT ONE}]"),
        (r"a^b", "^ is supported only at the start of the regex", "^"),
        (r"(a|b^)c", "^ is supported only at the start of the regex", "^"),
        (r"(^a)*", "^ is supported only at the start of the regex", "^"),
        (r"a$\n", "$ is supported only at the end of the regex", "$"),
        (r"a\Zb", r"\Z is supported only at the end of the regex", r"\Z"),
        (r"a(?x:b )", "the flag x is supported only for a whole regex", "(?x:"),
        (r"a**", "not a valid regex: multiple repeat", "*"),
        (r"(a", "not a valid regex: missing ), unterminated subpattern", "("),
        (r"[z-a]", "not a valid regex: bad character range z-a", "z"),
        (r"a\p{L}", r"not a valid regex: bad escape \p", "\\"),
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
    message = str(refused("a" * 500 + r"\b" + "c" * 500))
    line, carets = message.split("\n")[1:3]
    assert len(line) < 130
    assert line[carets.index("^") :].startswith(r"\bccc")


@pytest.mark.parametrize("pattern", ["a(?#comment)b", "(?P<name>a)", "(?m)^a$", "a*?b+?c??", "[]-a]", r"\A(\Aa|b)\Z"])
def test_not_refused(pattern: str) -> None:
    assert compile_regex(pattern, VOCABULARY).accept.any()

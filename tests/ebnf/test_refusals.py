"""What is no grammar is refused with the place, and soon, whatever is written."""

from __future__ import annotations

import random
import time

import pytest

from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.passes.ebnf.lark_text import lark_of_grammar
from sglc.passes.ebnf.regular import tree_of_grammar
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.source import NotRegular
from tests.ebnf.grammars import nested, refusal, written

HANG = 10.0  # seconds: several times what a loaded machine takes

# grammar, the part under the carets (the rest of the text from there begins with it), and what is said
REFUSED = [
    ("", "", "the grammar ends before a rule does"),
    ('a ::= "x"', "a", "there is no rule root, with which an answer begins"),
    ("root ::= a", "a", "there is no rule a"),
    ('root ::= "a"\nroot ::= "b"', 'root ::= "b"', "there are two rules root"),
    ('root ::= ("a" ("b")', '("a"', "this bracket is not closed"),
    ('root ::= "a")', ")", "no bracket is open here"),
    ('root ::= "a', '"a', "this quote is not closed on its line"),
    ('root ::= "a\n"', '"a', "this quote is not closed on its line"),
    ("root ::= [ab", "[ab", "this class is not closed on its line"),
    ("root ::= []", "[]", "an empty class matches no character"),
    ("root ::= [^]", "[^]", "an empty class matches no character"),
    ("root ::= [^\\x00-\\U0010FFFF]", "[^", "this class matches no character"),
    ("root ::= [az-b]", "z-b", "the range z-b is backwards"),
    ('root ::= "a"{3,2}', "{3,2}", "the repeat {3,2} counts backwards"),
    ('root ::= "a"{,2}', "{,2}", "there is nothing to repeat here, or this is no repeat"),
    ('root ::= "a"{100001}', "{100001}", "a repeat counts to 100,000 at most"),
    ('root ::= "a"{1,' + "9" * 5000 + "}", "{1,9", "a repeat counts to 100,000 at most"),
    ('root ::= "a"**', "*", "there is nothing to repeat here, or this is no repeat"),
    ("root ::= | * ", "*", "there is nothing to repeat here, or this is no repeat"),
    ('root ::= ("a" b ::= "c")', "b ::=", "a rule begins inside of a bracket"),
    ('root ::= "a" $ "b"', "$", "'$' has no meaning here"),
    ('root = "a"', "root", "no rule has begun here"),
    ('root ::=\na ::= "x"', "root ::=", "the rule root is empty"),
    ("root ::= <|im_end|>", "<|im_end|>", "<|im_end|> is no token"),
    ("root ::= <<|im_end|>>", "<<|im_end|>>", "<<|im_end|>> is no token"),
    ("root ::= <[x]>", "<[x]>", "<[x]> is no token"),
    ('root ::= "\\d"', "\\d", "the escape \\d has no meaning here"),
    ("root ::= [\\w]", "\\w", "the escape \\w has no meaning here"),
    ('root ::= "\\ud800"', "\\ud800", "\\ud800 is no character: a surrogate, or above \\U0010FFFF"),
    ('root ::= "\\U00110000"', "\\U00110000", "\\U00110000 is no character: a surrogate, or above \\U0010FFFF"),
    ("root ::= root", "root", "the rule root has no text"),
    ('root ::= "a" | b\nb ::= "(" b ")"', "b ::=", "the rule b has no text"),
    ('root ::= a\na ::= a "x" | b\nb ::= a', "root ::=", "the rule root has no text"),
    ("root ::= " + "(" * 51 + '"a"' + ")" * 51, '("a"', "more than 50 groups in one another"),
    ('root ::= "' + "a" * 10_000_000 + '"', "a", "the grammar is too long: 10,000,011 characters, at most 100,000"),
]


@pytest.mark.parametrize(("text", "part", "what"), REFUSED, ids=[what for _, _, what in REFUSED])
def test_what_is_refused(text: str, part: str, what: str) -> None:
    with pytest.raises(ConstraintError) as caught:
        read_constraint(Constraint("ebnf", text))
    assert not isinstance(caught.value, NotRegular)
    message, line, carets = caught.value.what.split("\n")
    assert message.startswith(what)
    assert caught.value.hint
    place = carets.index("^")
    assert line[place:].replace("·", "\n").startswith(part[:20])
    with pytest.raises(ConstraintError) as again:
        lark_of_grammar(text)
    assert again.value.what == caught.value.what


NESTED = [
    ('root ::= "(" root ")" | "x"', "the rule root contains itself, and not only at its end or only at its beginning"),
    (
        'root ::= v\nv ::= "[" l "]" | "1"\nl ::= v | l "," v',
        "the rule v contains itself through l, and not only at its",
    ),
    ('root ::= root "+" root "?" root | "x"', "the rule root contains itself, and not only at its end"),
    ('root ::= a{2}\na ::= "x" a "y" | "z"', "the rule a contains itself, and"),
    ('root ::= ("a"{1000}){1000}', "the rule root stands for more than 50,000 characters or classes"),
    ("\n".join(f"r{n} ::= r{n + 1} r{n + 1}" for n in range(30)) + '\nr30 ::= "x"\nroot ::= r0', "the rule r"),
]


@pytest.mark.parametrize(("text", "what"), NESTED)
def test_what_is_left_to_a_parser(text: str, what: str) -> None:
    with pytest.raises(NotRegular) as caught:
        tree_of_grammar(text)
    assert caught.value.what.startswith(what)
    assert "^" in caught.value.what
    assert lark_of_grammar(text).startswith("start: ")


@pytest.mark.parametrize("seed", range(3))
def test_damaged_grammars_end_in_one_error(seed: int) -> None:
    """Characters are dropped, doubled and exchanged; whatever comes of it is read or refused, in both ways alike."""
    draw = random.Random(seed)
    refused = 0
    for _ in range(250):
        text = written(nested(draw), draw)
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(text))
            text = (
                text[:at]
                + draw.choice(["", draw.choice('"[](){}|*:=<>\\#\n-^ 1a\u0000é'), text[at : at + 9]])
                + text[at + 1 :]
            )
        read, left = refusal(lambda text=text: tree_of_grammar(text)), refusal(lambda text=text: lark_of_grammar(text))
        first = None if read is None or isinstance(read, NotRegular) else read.what
        assert first == (None if left is None else left.what), text
        refused += first is not None
    assert 100 < refused < 245


@pytest.mark.parametrize(
    "text",
    [
        'root ::= "(" root ")" | ' + "a " * 8_000 + '\na ::= "x" | "z"',
        "root ::= " + " | ".join(f'"{number}"' for number in range(3_000)),
        "\n".join(f'r{n} ::= "x" r{n + 1} | "z"' for n in range(700)) + '\nr700 ::= "x"\nroot ::= r0 | "(" root ")"',
        "\n".join(f'r{n} ::= "x" r{(n + 1) % 700} | "y"' for n in range(700)) + "\nroot ::= r0",
        'root ::= "(" root ")" | ([a-z]{1,60} " "){1,60}',
    ],
    ids=["a long row", "many alternatives", "a long chain", "a ring", "a large repeat"],
)
def test_large_grammars_take_a_moment(text: str) -> None:
    begun = time.monotonic()
    error = refusal(lambda: read_constraint(Constraint("ebnf", text)))
    assert error is None or isinstance(error, NotRegular)
    assert lark_of_grammar(text).startswith("start: ")
    assert time.monotonic() - begun < HANG

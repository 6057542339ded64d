"""What is compiled for one model: ids of constant prompts, automata of regexes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sglc.ir.builder import Builder
from sglc.ir.errors import ConstraintError, Location
from sglc.ir.ops import Constraint, Role
from sglc.ir.parser import parse_graph
from sglc.ir.tokens import Piece, Text, TokenAutomaton, Vocabulary
from sglc.passes.compile_constraints import compile_constraints
from sglc.passes.lower import lower
from sglc.passes.pipeline import compile_model_part, optimise
from sglc.passes.prefill_constants import constant_pieces

BYTES = Vocabulary((*(bytes([i]) for i in range(256)), None), frozenset({256}), 257, "bytes")


class Bytes:
    """A tokenizer of bytes; a role's edge is one id, and the last byte of a prompt could always be changed."""

    vocabulary = BYTES

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        ids: list[int] = []
        for piece in prompt:
            assert isinstance(piece, Text | Role)
            ids.extend(piece.text.encode() if isinstance(piece, Text) else [256])
        return ids

    def render(self, prompt: Sequence[Piece]) -> str:
        raise NotImplementedError

    def spells_control(self, text: str) -> bool:
        return False

    def stable_prefix(self, prompt: Sequence[Piece]) -> list[int]:
        return self.encode(prompt)[:-1]


PROGRAM = """
program p {
  %x = param "x"
  %0 = root
  %1 = append %0, [<user>, "Hi ", %x, </user>]
  %2 = gen %1 {regex="[1-9]|10", number=0}
  %3 = gen %2 {regex="a*", number=1}
  %4 = gen %3 {regex="[1-9]|10", number=2}
  %5 = gen %4 {number=3}
  final %5
}
"""


def test_each_regex_is_compiled_once_in_program_order() -> None:
    automata = compile_constraints(parse_graph(PROGRAM), BYTES)
    assert list(automata) == [Constraint("regex", "[1-9]|10"), Constraint("regex", "a*")]
    number = automata[Constraint("regex", "[1-9]|10")]
    assert isinstance(number, TokenAutomaton)
    assert [bool(number.accept[number.walk(0, text)]) for text in (b"7", b"10")] == [True, True]
    assert number.step(0, ord("0")) is None


@pytest.mark.parametrize(("regex", "what"), [("a(b", "not a valid regex"), (r"(a)\1", "")])
def test_a_bad_regex_is_reported_at_the_users_line_with_its_caret(regex: str, what: str) -> None:
    b = Builder("p")
    state = b.gen(b.append(b.root(), ["a"]), constraint=Constraint("regex", "fine"), loc=Location("p.py", 7))
    graph = b.finish(b.gen(state, constraint=Constraint("regex", regex), loc=Location("p.py", 8)))
    with pytest.raises(ConstraintError) as caught:
        compile_constraints(graph, BYTES)
    assert caught.value.where == Location("p.py", 8)
    assert what in caught.value.what
    assert regex in caught.value.what
    assert "^" in caught.value.what
    assert caught.value.hint


def test_the_model_part_of_a_program() -> None:
    graph = optimise(parse_graph(PROGRAM))
    part = compile_model_part(graph, lower(graph), Bytes())
    assert part.fingerprint == "bytes"
    assert part.prefix_ids == ((256, *b"Hi"),)
    assert list(part.automata) == [Constraint("regex", "[1-9]|10"), Constraint("regex", "a*")]


def test_constant_pieces_end_where_something_must_be_computed() -> None:
    b = Builder("p")
    state = b.append(b.append(b.root(), [Role("user", "begin"), "See "]), ["this: "])
    assert constant_pieces(state) == [Role("user", "begin"), Text("See ", True), Text("this: ", True)]
    longer = b.append(b.append(state, ["cat", b.image("cat.png"), "!"]), ["?"])
    assert constant_pieces(longer) == [*constant_pieces(state), Text("cat", True)]
    assert constant_pieces(b.root()) == []

"""Token ids in constraints: allowed as themselves, with no text, and nothing is forced where one may come."""

from __future__ import annotations

import random

import numpy as np
import pytest

from sglc.ir.arrays import ContentError, Room, pack_small
from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.ir.payload_automaton import pack_automaton, unpack_automaton
from sglc.ir.tokens import TokenAutomaton, Vocabulary
from sglc.passes.finite_language import finite_language
from sglc.passes.front_ends import read_constraint
from sglc.passes.regular.compile import compile_bytes, compile_tree
from sglc.passes.regular.source import Source
from sglc.passes.regular.tokens import token_automaton
from sglc.passes.regular.tree import Both, Not, Regular, Sequence, Token, choice
from sglc.runtime.engine.answer import Answer
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.request import Request
from sglc.runtime.spans import SpanEncoder
from sglc.runtime.vocabulary import vocabulary_of
from tests.ebnf.grammars import acyclic, language, words, written
from tests.engine.support import END, VOCABULARY, Bytes
from tests.ir.test_payload_automaton import ROOM, changed, same, walkable
from tests.regex.oracle import byte_level, check, distances, ids
from tests.regexes import compile_automaton, stepped
from tests.tokenizers import tokenizer

LARGE = byte_level()  # 290 and 297 are end ids, 298 .. 301 are columns without a token
SMALL = Vocabulary(VOCABULARY, frozenset({END}), len(VOCABULARY), "test")  # 1 is a control token
CONTROL = 1


def compiled(grammar: str, vocabulary: Vocabulary = SMALL) -> TokenAutomaton:
    return compile_automaton(Constraint("ebnf", grammar), vocabulary)


def after(automaton: TokenAutomaton, *tokens: int) -> int:
    state = 0
    for token in tokens:
        state = stepped(automaton, state, token)
    return state


@pytest.mark.parametrize("seed", range(3))
def test_masks_of_random_grammars(seed: int) -> None:
    draw = random.Random(seed)
    clashes = 0
    for _ in range(40):
        text = written(acyclic(draw, (299, 300, 97)), draw)  # 97 is "a"
        try:
            dfa = compile_bytes(*read_constraint(Constraint("ebnf", text)))
        except ConstraintError:  # no text
            continue
        try:
            automaton = token_automaton(dfa, LARGE, Source("grammar", text))
        except ConstraintError as error:
            clashes += "may stand in one place for itself and for its text" in str(error)
            continue
        check(automaton, dfa, LARGE, list(range(len(dfa.accept)))[:15])
        assert automaton.distance.tolist() == distances(dfa, LARGE)
        assert len({column.tobytes() for column in automaton.next.T}) == automaton.next.shape[1], "a class is kept once"
        for state in range(len(dfa.accept)):
            forced = automaton.forced_bytes(state)
            own = {token for token in dfa.ids if dfa.ids[token][state] >= 0}
            assert not (forced and own), "where an id may come, no byte must"
            assert len(forced) == 0 or (dfa.table[state] >= 0).sum() == 1
    assert clashes < 15


@pytest.mark.parametrize("seed", range(2))
def test_the_words_that_tokens_spell(seed: int) -> None:
    """Without any automaton: a word of tokens is allowed where one of its readings is a word of the grammar."""
    draw = random.Random(seed)
    vocabulary = Vocabulary((b"a", b"b", b"c", b"ab", b"cc", None, None, None), frozenset({7}), 8, "test")
    for _ in range(60):
        rules = acyclic(draw, (5, 6))
        expected = language(rules, 4)
        try:
            automaton = compiled(written(rules, draw), vocabulary)
        except ConstraintError:
            assert not expected
            continue
        for word in words((0, 1, 2, 3, 4, 5, 6), 2):
            state: int | None = 0
            for token in word:
                assert isinstance(token, int)
                state = None if state is None else automaton.step(state, token)
            symbols = tuple(
                x for token in word for x in (vocabulary.tokens[int(token)] or b"").decode() or [int(token)]
            )
            assert (state is not None and bool(automaton.accept[state])) == (symbols in expected)


def test_an_id_is_forced_by_itself_and_bytes_are_not() -> None:
    automaton = compiled('root ::= "ab" <[1]> "c" (<[1]> | "a") "b"')
    assert automaton.forced_bytes(0) == b"ab"
    behind = after(automaton, VOCABULARY.index(b"ab"))
    assert automaton.forced_bytes(behind) == b""
    assert automaton.only_id(behind) == CONTROL
    assert automaton.forced_bytes(after(automaton, 2, 3, CONTROL)) == b"c"
    either = after(automaton, 2, 3, CONTROL, 4)
    assert automaton.forced_bytes(either) == b""
    assert ids(automaton.row(either)) == {CONTROL, VOCABULARY.index(b"a"), VOCABULARY.index(b"ab")}


def test_an_answer_goes_on_where_only_an_id_may_follow() -> None:
    automaton = compiled('root ::= "a" <[1]>?')
    behind = after(automaton, 2)
    assert automaton.accept[behind]
    assert not automaton.final[behind]
    assert ids(automaton.row(behind)) == {END, CONTROL}
    assert automaton.final[after(automaton, 2, CONTROL)]


def test_an_id_with_a_text_is_allowed_as_itself_only() -> None:
    automaton = compiled('root ::= <[5]> "c"')  # "ab"
    assert ids(automaton.row(0)) == {5}
    assert automaton.walk(0, b"ab") == -1
    same_place = compiled('root ::= (<[5]> | "ab") "c"')
    assert same_place.step(0, 2) is not None
    assert after(same_place, 5) == after(same_place, 2, 3)


def test_what_ids_cannot_be() -> None:
    with pytest.raises(ConstraintError) as caught:
        compiled('root ::= "a" <[16]>')
    assert caught.value.what == (
        'the model has no token 16: its ids are below 16\n    root ::= "a" <[16]>\n                 ^^^^^^'
    )
    with pytest.raises(ConstraintError) as caught:
        compiled('root ::= "a" <[0]>')
    assert caught.value.what == (
        'token 0 ends an answer, so it cannot be a part of one\n    root ::= "a" <[0]>\n                 ^^^^^'
    )
    with pytest.raises(ConstraintError, match=r"token 5 may stand in one place for itself and for its text"):
        compiled('root ::= <[5]> "c" | "ab" "b"')


def test_a_grammar_with_an_id_has_no_finite_texts() -> None:
    assert finite_language(Constraint("ebnf", 'root ::= "a" | "b"'), 9) == ("a", "b")
    assert finite_language(Constraint("ebnf", 'root ::= "a" | <[1]>'), 9) is None


def test_complements_and_intersections_are_of_texts() -> None:
    token, other = Token(1, "here"), Token(9, "there")
    letters = read_constraint(Constraint("regex", "[ab]*"))[0]
    one: Regular = Sequence((letters, token))
    both = compile_bytes(
        Both((one, choice([Sequence((token,)), Sequence((letters, letters, token))]))), Source("x", "")
    )
    assert both.ids[1][0] >= 0
    assert both.table[0, ord("a")] >= 0
    neither = compile_bytes(Not(choice([other, Sequence((token, letters)), letters])), Source("x", ""))
    assert all((column < 0).all() for column in neither.ids.values())
    assert not neither.accept[0]
    nested = compile_tree(Sequence((Both((one, one)), letters)), Source("x", ""), SMALL)
    assert after(nested, 2, CONTROL, 3) >= 0


def test_an_artifact_keeps_them() -> None:
    automaton = compiled('root ::= "ab" (<[1]> | "c") "b"')
    packed = pack_automaton(automaton)
    assert same(unpack_automaton(packed, Room(ROOM)), automaton)
    assert "own_ids" not in pack_automaton(compiled('root ::= "ab"'))
    size = automaton.size
    for wrong, what in (([], "not in order"), ([1, 1], "not in order"), ([0], "has no class"), ([15], "has no class")):
        damaged = {**packed, "own_ids": pack_small(np.array(wrong, dtype=np.int64), size)}
        with pytest.raises(ContentError, match=what):
            unpack_automaton(damaged, Room(ROOM))
    rng = random.Random(0)
    accepted = 0
    for _ in range(400):
        damaged = dict(packed)
        for name in rng.choices(list(packed), k=2):
            damaged[name] = changed(packed[name], rng)  # type: ignore[arg-type]
        try:
            found = unpack_automaton(damaged, Room(ROOM))
        except ContentError:
            continue
        accepted += 1
        walkable(found, rng)
    assert 10 < accepted < 390


def test_an_answer_with_an_id_in_it() -> None:
    """The id is one of the answer, without a text of its own, and does not end it."""
    automaton = compiled('root ::= "a" (<[1]> | "b") "c"+')
    answer = Answer(Request(ids=[2], max_tokens=9, constraint=automaton), Bytes())
    assert answer.ids == []  # "a" may begin "ab" or "abc"
    for token in (2, CONTROL):
        answer.take(token)
    assert answer.reason is None
    assert answer.ids == [2, CONTROL, 4]  # "c" is forced, the more of it are not
    answer.take(END)  # the request names no end id
    assert (answer.reason, answer.stop) == ("stop", END)
    assert answer.result() == ((2, CONTROL, 4), "ac")


def test_an_id_that_is_not_allowed_is_a_fault_of_the_device() -> None:
    automaton = compiled('root ::= "a" <[1]> "c"+')
    answer = Answer(Request(ids=[2], max_tokens=9, constraint=automaton), Bytes())
    assert answer.ids == [2, CONTROL, 4]  # the only ids that are allowed
    with pytest.raises(RuntimeError, match="drew id 1"):
        answer.take(CONTROL)


@pytest.mark.parametrize("name", ["llama3", "gpt2", "llama2"])
def test_jumps_stop_at_ids_and_go_on_behind_the_next_text(name: str) -> None:
    made = tokenizer(name)
    vocabulary = vocabulary_of(made, end_ids=(), columns=0, chat_template="")
    control = next(number for number, text in enumerate(vocabulary.tokens) if text is None)
    encode = SpanEncoder(made).encode_inside
    jumps = Jumps(vocabulary, encode)
    automaton = compiled(f'root ::= "the end" <[{control}]> [a-z] ": the end"', vocabulary)
    begin = jumps.ids(automaton, 0, None)
    assert begin == tuple(encode("the end"))
    state = after(automaton, *begin)
    assert jumps.ids(automaton, state, begin[-1]) == ()
    assert automaton.only_id(state) == control
    state = after(automaton, *begin, control)
    (letter,) = encode("x")
    assert jumps.ids(automaton, state, control) == ()
    assert jumps.ids(automaton, stepped(automaton, state, letter), letter) == tuple(encode("x: the end")[1:])

"""A grammar as two fields of text.

{"grammar": its text, "why": why it is no automaton}
"""

from __future__ import annotations

from sglc.ir.arrays import ContentError, Map, Room, check, fields
from sglc.ir.grammar import MAX_GRAMMAR, Grammar

MAX_WHY = 4096  # characters


def pack_grammar(grammar: Grammar) -> Map:
    return {"grammar": grammar.text, "why": grammar.why}


def is_grammar(packed: object) -> bool:
    """Whether this is meant to be a grammar, and no automaton."""
    return isinstance(packed, dict) and "grammar" in packed


def unpack_grammar(packed: object, room: Room) -> Grammar:
    """Raises `ContentError` for whatever `pack_grammar` does not write."""
    found = fields(packed, "a grammar", "grammar", "why")
    text, why = _text(found["grammar"], "the text of a grammar"), _text(found["why"], "the reason of a grammar")
    check(0 < len(text) <= MAX_GRAMMAR, f"the text of a grammar has not 1 to {MAX_GRAMMAR:,} characters")
    check(len(why) <= MAX_WHY and why.isprintable(), "the reason of a grammar is not one line")
    room.take(4 * len(text))
    return Grammar(text, why)


def _text(packed: object, what: str) -> str:
    if type(packed) is not str:
        raise ContentError(f"{what} is no text")
    return packed

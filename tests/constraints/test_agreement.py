"""Agreement with llguidance on a small vocabulary, and what the comparison calls known and what not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from benchmarks._constraint_peers import PEERS
from sglc.ir.ops import Constraint
from sglc.runtime.vocabulary import vocabulary_of
from tests.constraints._peer_masks import masks_of
from tests.constraints.agreement import Tally, Walk, compare, show, walk
from tests.constraints.agreement_cases import PATTERNS, SCHEMAS
from tests.constraints.agreement_kinds import KINDS, Asked, Place
from tests.constraints.test_masks_long import small
from tests.regexes import compile_automaton
from tests.tokenizers import tokenizer

STRING = Asked("", "json_schema", '{"type": "string"}')
NUMBER = Asked("", "json_schema", '{"type": "number"}')
COUNTED = Asked("", "json_schema", '{"type": "string", "maxLength": 5}')

# engine, what is asked, text before, token, the other engine allows it, its only one, what is forced; the kind
PLACES = [
    ("xgrammar", STRING, b'"a', b"\xed\xa5\xb5", True, None, b"", "surrogate"),
    ("xgrammar", STRING, b'"a\xed', b"\xa5\xb5", True, None, b"", "surrogate"),
    ("xgrammar", STRING, b'"a\xed', b"\x95\xb5", True, None, b"", None),
    ("llguidance", STRING, b"", b"tr", False, b"true", b"true", "canonical"),
    ("llguidance", STRING, b"", b"true, ", False, b"tr", b"true", "canonical"),
    ("llguidance", STRING, b"", b"fa", False, b"true", b"true", None),
    ("llguidance", STRING, b"", b"tr", False, None, b"true", None),
    ("llguidance", STRING, b"", b"tr", True, b"true", b"true", None),
    ("llguidance", STRING, b'"a', b"\x7f", False, None, b"", "DEL"),
    ("llguidance", Asked("", "regex", "a"), b'"a', b"\x7f", False, None, b"", None),
    ("llguidance", STRING, b'"\\', b"u4", False, None, b"", "escape"),
    ("llguidance", STRING, b'"\\', b"/x", False, None, b"", "escape"),
    ("llguidance", STRING, b'"\\\\', b"/x", False, None, b"", None),
    ("llguidance", STRING, b'"\\', b"u001", False, None, b"", None),
    ("llguidance", NUMBER, b"-", b"0", True, None, b"", "minus zero"),
    ("llguidance", NUMBER, b"1e-", b"0", True, None, b"", None),
    ("xgrammar", NUMBER, b"1e123", b"45", True, None, b"", "exponent"),
    ("xgrammar", NUMBER, b"1e12", b"3", True, None, b"", None),
    ("xgrammar", COUNTED, b'"', b"\n", True, None, b"", "raw in counted"),
    ("xgrammar", STRING, b'"', b"\n", True, None, b"", None),
    ("xgrammar", COUNTED, b'"', b"\\n", False, None, b"", "no escape in counted"),
    ("xgrammar", COUNTED, b'"', b"n", False, None, b"", None),
    ("xgrammar", Asked("", "regex", "a.b"), b"a", b"\nb", True, None, b"", "dot"),
    ("xgrammar", Asked("", "regex", "a.b"), b"a", b"\nb", False, None, b"", None),
    ("xgrammar", Asked("", "regex", r"\d"), b"", "٣".encode(), False, None, b"", "ASCII"),
    ("xgrammar", Asked("", "regex", r"\d"), b"", b"3", False, None, b"", None),
    ("llguidance", Asked("", "regex", r"\w"), b"", "½".encode(), False, None, b"", "words"),
    ("llguidance", Asked("", "regex", r"\w"), b"", "é".encode(), False, None, b"", None),
]


@pytest.mark.parametrize(("engine", "asked", "text", "token", "more", "single", "forced", "expected"), PLACES)
def test_kinds(
    engine: str,
    asked: Asked,
    text: bytes,
    token: bytes,
    more: bool,
    single: bytes | None,
    forced: bytes,
    expected: str | None,
) -> None:
    place = Place(asked, text, token, more, single, forced)
    assert next((name for name, holds in KINDS[engine].items() if holds(place)), None) == expected


def test_every_kind_has_an_example() -> None:
    assert {(place[0], place[-1]) for place in PLACES if place[-1]} | {("llguidance", "exponent")} == {
        (engine, kind) for engine, kinds in KINDS.items() for kind in kinds
    }


def test_a_difference_of_no_kind_is_shown_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary, asked = small("llama3"), Asked("digits", "regex", "[0-9]{3}")
    ours = walk(compile_automaton(Constraint("regex", asked.text), vocabulary), vocabulary, random.Random(0))
    tally = Tally()
    for bit in (0, 1, 615, 40):  # a control token, an end id, a padded column, a byte
        other = [row.copy() for row in ours.rows]
        other[1].view(np.uint32)[bit // 32] ^= np.uint32(1 << bit % 32)
        compare(asked, ours, ([row.tobytes() for row in other], None), vocabulary, "xgrammar", tally)
    assert len(tally.unexplained) == tally.steps - tally.equal == tally.kinds["unexplained"] == 4
    assert show({("digits", "xgrammar"): tally}) == 4
    shown = capsys.readouterr().out
    assert "4 unexplained" in shown
    assert "only theirs allows 615, None" in shown


def test_an_id_that_is_not_taken_though_the_masks_are_equal() -> None:
    vocabulary, tally = small("llama3"), Tally()
    row = np.zeros(20, np.int32)
    compare(
        Asked("", "regex", "a"), Walk([5], [row, row], [b"", b""]), ([row.tobytes()], 0), vocabulary, "xgrammar", tally
    )
    assert len(tally.unexplained) == 1


@pytest.mark.parametrize("kind", ["regex", "json_schema"])
def test_masks_are_those_of_llguidance(kind: str, tmp_path: Path) -> None:
    """The vocabulary has as many columns as ids here: those of llguidance."""
    made = tokenizer("llama3")
    made.save(str(tmp_path / "tokenizer.json"))
    end = made.token_to_id("<|end|>")
    assert end is not None
    vocabulary = vocabulary_of(made, end_ids=[end], columns=made.get_vocab_size(), chat_template="")
    peer, tally = PEERS["llguidance"](str(tmp_path / "tokenizer.json"), end), Tally()
    texts = [*PATTERNS.values()] if kind == "regex" else [json.dumps(schema) for schema in SCHEMAS.values()]
    for text in texts:
        automaton = compile_automaton(Constraint("regex" if kind == "regex" else "json_schema", text), vocabulary)
        walks = [walk(automaton, vocabulary, random.Random(seed)) for seed in range(3)]
        key = "pattern" if kind == "regex" else "schema"
        refused, theirs = masks_of(peer, "llguidance", {key: text, "walks": [each.ids for each in walks]})
        assert refused is None
        for ours, other in zip(walks, theirs, strict=True):
            compare(Asked("", kind, text), ours, other, vocabulary, "llguidance", tally)
    assert tally.unexplained == []
    assert tally.equal > 200

"""Random schemas: each text that matches is valid, and each valid value that should be written has a text."""

from __future__ import annotations

import json
import random
import re

import pytest

from sglc.ir.errors import ConstraintError
from tests.schemas.oracle import valid
from tests.schemas.random_schemas import Schemas
from tests.schemas.texts import Matcher, Sampler, accepts, compiled, dumped, tried


@pytest.mark.parametrize("seed", range(12))
def test_texts_are_valid_and_valid_values_have_texts(seed: int) -> None:
    draw = random.Random(seed)
    right = wrong = 0
    for _ in range(12):
        schemas = Schemas(draw)
        root = schemas.root
        dfa, matcher = compiled(root), Matcher(root)
        sampler = Sampler(dfa)
        for _ in range(12):
            text = sampler.text(draw)
            assert valid(json.loads(text), root, root), (root, text)
            assert matcher.matches(text), (root, text)
        for _ in range(10):
            value = schemas.example(root)
            assert accepts(dfa, dumped(value)), (root, value)
            for _ in range(5):
                value = schemas.mutated(value)
                expected = valid(value, root, root) and valid(value, root, root, as_written=True)
                assert accepts(dfa, dumped(value)) == expected, (root, value)
                right, wrong = right + expected, wrong + (not expected)
    assert right > 50
    assert wrong > 50


@pytest.mark.parametrize("seed", range(4))
def test_a_one_of_is_refused_or_right(seed: int) -> None:
    draw = random.Random(seed)
    taken = refused = 0
    for _ in range(40):
        schemas = Schemas(draw)
        root = {"$defs": schemas.root["$defs"], "oneOf": [schemas.schema(2), schemas.schema(2)]}
        if isinstance(dfa := tried(root), ConstraintError):
            assert re.match(r"json_schema at #.*/oneOf: a value of alternative [01] may be valid for", dfa.what)
            refused += 1
            continue
        taken += 1
        sampler = Sampler(dfa)
        for text in (sampler.text(draw) for _ in range(20)):
            assert valid(json.loads(text), root, root), (root, text)
        assert all(accepts(dfa, dumped(schemas.example(root))) for _ in range(10))
    assert taken > 5
    assert refused > 5

"""The cases of tests/schemas/cases: what is promised has a text, nothing invalid has one, and refusals name the place."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from sglc.ir.errors import ConstraintError
from tests.schemas.cases import CASES, Case, parameters
from tests.schemas.keywords import BEYOND_THE_ORACLE, FORMATS, KEYWORDS, formats_in, keywords_in
from tests.schemas.oracle import same, valid
from tests.schemas.spellings import near, spellings
from tests.schemas.texts import Matcher, Sampler, accepts, compiled, dumped

TEXTS = 50  # that are drawn for each schema
CHANGES = 30  # of texts that are promised


def no_twins(members: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(members)) == len(members), "a name is there twice"
    return dict(members)


def read(text: str) -> Any:
    """The value of a text. Fails for one that readers of JSON take in different ways."""
    value = json.loads(text, object_pairs_hook=no_twins, parse_constant=pytest.fail)
    dumped(value).encode()  # fails for half a surrogate pair
    return value


@pytest.mark.parametrize("case", parameters(refused=False))
def test_what_is_written_and_what_is_not(case: Case) -> None:
    draw = random.Random(case.name)
    dfa, matcher = compiled(case.schema), Matcher(case.schema)
    for value in case.written:
        assert matcher.matches(dumped(value)), value
        assert accepts(dfa, dumped(value)), value
    for value in case.invalid:
        for text in spellings(value):
            assert not matcher.matches(text), text
            assert not accepts(dfa, text), text
    sampler = Sampler(dfa)
    texts = [sampler.text(draw) for _ in range(TEXTS)]
    assert all(map(matcher.matches, texts))
    changed = [near(dumped(draw.choice(case.written)), draw) for _ in range(CHANGES)]
    for text in [*texts, *(text for text in changed if accepts(dfa, text))]:
        value = read(text)
        assert valid(value, case.schema, case.schema), text
        assert valid(value, case.schema, case.schema, as_written=True), text


@pytest.mark.parametrize("case", parameters(refused=True))
def test_what_is_refused_and_where(case: Case) -> None:
    assert case.refused
    with pytest.raises(ConstraintError) as caught:
        compiled(case.schema)
    assert caught.value.what.startswith(f"json_schema at {case.refused.at}: {case.refused.says}")
    assert caught.value.hint


ORACLE_KNOWS = {name: case for name, case in CASES.items() if not keywords_in(case.schema) & BEYOND_THE_ORACLE}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in ORACLE_KNOWS.items()])
def test_the_cases_themselves(case: Case) -> None:
    """Each value is valid or not, as the case says, for a validator that knows nothing of regexes."""
    for value in case.right:
        assert valid(value, case.schema, case.schema), value
    for value in case.invalid:
        assert not valid(value, case.schema, case.schema), value
    if not case.refused:
        assert len(case.invalid) >= 3
        assert case.written


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if case.invalid])
def test_spellings_are_of_one_value(case: Case) -> None:
    for value in case.invalid:
        assert all(same(read(text), value) for text in spellings(value)), value


def test_how_much_there_is() -> None:
    refused = [case for case in CASES.values() if case.refused]
    assert len(CASES) >= 600
    assert len(refused) >= 250
    assert len(CASES) - len(refused) >= 350
    assert len(ORACLE_KNOWS) >= len(CASES) - 60


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_each_keyword_is_there(keyword: str) -> None:
    assert sum(keyword in keywords_in(case.schema) for case in CASES.values()) >= KEYWORDS[keyword]


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_there(name: str) -> None:
    assert any(name in formats_in(case.schema) for case in CASES.values())

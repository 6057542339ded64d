"""SGLang's words, row by row of the reference (its sections 1.1 to 1.9): each row does something, and here it is seen.

`../test_language.py` has what the words become; here programs run. What a model is asked shows on `Scripted`; what the
engine makes of it shows on the embedded model, which knows little: properties only.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import pytest

import sglc as sgl
from tests.language.api import (
    answers,
    config,
    errors,
    forks,
    functions,
    gens,
    programs,
    selects,
    states,
    templates,
)
from tests.language.api.rows import ROWS

SECTIONS = (functions, gens, programs, states, forks, selects, templates, config, errors, answers)
"""In the order of the reference. Each has put its rows into the table."""

ORDER = [section.__name__ for section in SECTIONS]
NAMES = sorted(ROWS, key=lambda name: ORDER.index(ROWS[name].__module__))


@pytest.fixture
def no_default() -> Iterator[None]:
    """No default engine, and afterwards the one that was there."""
    kept = sgl.global_config.default_backend
    sgl.set_default_backend(None)
    yield
    sgl.set_default_backend(kept)


@pytest.mark.parametrize("name", NAMES)
def test_row(name: str, request: pytest.FixtureRequest) -> None:
    parameters = inspect.signature(ROWS[name]).parameters.values()
    fixtures = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
    ROWS[name](**{fixture: request.getfixturevalue(fixture) for fixture in fixtures})


BEYOND = ("seed", "ebnf", "json_whitespace")
"""What SGLang's gen has not."""


def test_no_section_and_no_argument_of_gen_is_forgotten() -> None:
    assert {name.split()[0] for name in ROWS} == {f"1.{number}" for number in range(1, 10)}
    of_gen = " ".join(name for name in ROWS if name.startswith("1.2"))
    arguments = [name for name in inspect.signature(sgl.gen).parameters if name not in BEYOND]
    assert [name for name in arguments if not re.search(rf"\b{name}\b", of_gen)] == []

"""Random constraints of all kinds, seeded, each with what the oracles say of it."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sglc.ir.ops import Constraint
from sglc.language.settings import DTYPE_REGEX
from tests.constraints.bytewise import Follower
from tests.constraints.pattern_terms import term_of
from tests.constraints.schema_terms import term_of_schema
from tests.constraints.terms import Terms
from tests.regexes import random_regex
from tests.schemas.oracle import valid

PIECES = [
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    r"(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(\.[0-9]{1,3}){3}",
    r"[A-Za-z0-9._%+-]{1,12}@[a-z]+\.[a-z]{2,3}",
    r"-?[0-9]+(\.[0-9]+)?",
    r"[A-Z][a-z]+( [A-Z][a-z]+)?",
    r"(?i:yes|no|maybe)",
    r"[^\n]{1,30}",
    r"\w+",
    r"\s*",
    r"(é|中|𝔸|ß)+",
    r"the (first|second|third)? ?",
    r"Answer: ",
    r"```json\n",
    r"[\u4e00-\u9fff]{1,4}",
    r"(a|b)*a(a|b){3}",
    r"(ab){2,5}",
    r"\.\.\.",
    r".*",
    r"#[0-9a-f]{6}",
]
LOOKS = [
    r"(?!{0}){1}",
    r"(?={0}){1}",
    r"{1}(?<!a)",
    r"{1}(?<![.!?])",
    r"{1}(?<=[a-z0-9])",
    r"[a-z]*(?!ab|no){1}",
    r"(?![0-9]*[05]\Z)[0-9]+",
    r"(?!.*(?:foo|bar)\Z)[a-z]{{1,6}}",
]
WORDS = ["yes", "no", "maybe", "it's", "a", "an", "and", "naïve café", "東京", "New York", "12", "123", "-", "", " x"]
NAMES = ["name", "id", "the city", "é", 'q"', "数量", "a\\b", "x"]
VALUES = [None, True, False, 0, -12, 3.5, 1e-7, "a", "naïve", 'q"\\', "\n\x7f", [], {}, [1, "b"], {"k": [None]}]


@dataclass(frozen=True)
class Case:
    """setting: what `gen` is given. constraint: what that means. whole: an answer is right, by Python. follower: the same,
    and beginnings, by the terms; made when it is asked for."""

    setting: dict[str, Any]
    constraint: Constraint
    whole: Callable[[str], bool]
    make_follower: Callable[[], Follower]


def of_regex(pattern: str, setting: dict[str, Any] | None = None) -> Case:
    def follower() -> Follower:
        terms = Terms()
        return Follower(terms, term_of(terms, pattern))

    def whole(text: str) -> bool:
        return re.fullmatch(pattern, text) is not None

    return Case(setting or {"regex": pattern}, Constraint("regex", pattern), whole, follower)


def of_schema(schema: dict[str, Any], space: int | None = None) -> Case:
    def follower() -> Follower:
        terms = Terms()
        return Follower(terms, term_of_schema(terms, schema, space))

    def whole(text: str) -> bool:
        try:
            value = json.loads(text)
        except ValueError:
            return False
        return valid(value, schema, schema)

    setting = {"json_schema": json.dumps(schema)} | ({} if space is None else {"json_whitespace": space})
    return Case(setting, Constraint("json_schema", json.dumps(schema), space), whole, follower)


def random_case(draw: random.Random) -> Case:
    """Of any kind."""
    kind = draw.random()
    if kind < 0.3:
        return of_regex(random_regex(draw))
    if kind < 0.5:
        return of_regex("".join(draw.choices(PIECES, k=draw.randint(1, 3))))
    if kind < 0.6:
        return of_regex(draw.choice(LOOKS).format(*draw.sample(PIECES[:6] + PIECES[14:16], 2)))
    if kind < 0.7:
        return of_regex("|".join(re.escape(word) for word in draw.sample(WORDS, draw.randint(1, 6))))
    if kind < 0.75:
        name = draw.choice([*DTYPE_REGEX])
        return of_regex(DTYPE_REGEX[name], {"dtype": name})
    return of_schema(random_schema(draw))


def random_schema(draw: random.Random, depth: int = 2) -> dict[str, Any]:
    """One that `term_of_schema` knows."""
    low = draw.randint(-20, 120)
    simple: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "string", "minLength": draw.choice([0, 1, 2]), "maxLength": draw.choice([2, 3, 9])},
        {"type": "string", "minLength": draw.choice([1, 2])},
        {"type": "string", "pattern": draw.choice(["^[a-z]{1,5}$", "^(ab|a[0-9]+)*$"])},
        {"type": "integer"},
        {"type": "integer", "minimum": low, "maximum": low + draw.choice([0, 3, 40, 200])},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": draw.sample(VALUES, draw.randint(1, 4))},
        {"const": draw.choice(VALUES)},
    ]
    if not depth or draw.random() < 0.3:
        return draw.choice(simple)
    inner = [random_schema(draw, depth - 1) for _ in range(3)]
    kind = draw.random()
    if kind < 0.6:
        names = draw.sample(NAMES, draw.randint(0, 3))
        return {
            "type": "object",
            "properties": dict(zip(names, inner, strict=False)),
            "required": draw.sample(names, draw.randint(0, len(names))),
            "additionalProperties": False,
        }
    if kind < 0.85:
        least = draw.choice([0, 0, 1, 2])
        most = draw.choice([{}, {"maxItems": least + draw.randint(0, 2)}])
        return {"type": "array", "items": inner[0], "minItems": least, **most}
    return {"anyOf": inner[:2]}

"""The constraints that are measured: eight regexes and eight schemas from daily life, each with texts that fit it.

The schemas say additionalProperties: false throughout, so that every engine is asked for the same answers; their texts
have the properties in the schema's order. Only the standard library is imported here: peers run it in their own Python.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks._constraint_schemas import Schema, hard, k8s, large, maxlen, medium, small

TEXTS = 4
"""Texts of each schema."""

FREE_SPACE = 4
"""Of `free_space`: so many characters wherever JSON allows some, for ours; the peers have no such bound."""


@dataclass(frozen=True, slots=True)
class Case:
    """pattern or schema: one of them. schema: JSON text. free_space: white space may stand wherever JSON allows it;
    otherwise the answer is as `json.dumps` writes it. unbounded: of the cases whose speed-up is averaged, the JSON and
    the unbounded text."""

    name: str
    texts: tuple[str, ...]
    pattern: str | None = None
    schema: str | None = None
    free_space: bool = False
    unbounded: bool = True


ANIMALS = (
    "ant ape badger bat bear bee bison boar camel cat cobra cow coyote crab crow deer dingo dog dolphin donkey duck"
    " eagle eel elk emu falcon ferret finch fox frog gecko goat goose gorilla hare hawk hyena ibex jackal jaguar koala"
    " lemur lion lizard llama lynx mole moose mouse otter"
)

WORDS = (
    "annual report order customer delivery Kraków Zürich north station coffee table winter engine result paper budget"
    " quick review second floor energy market public number system garden simple orange letter planning"
)

SAMPLES = {
    r"^[A-Z]{2}[0-9]{6}$": ("AB123456", "ZX000917"),
    r"^[a-z][a-z0-9-]{0,62}$": ("checkout-api", "db-7"),
    r"^(?:[0-9]+m|[0-9]+(?:\.[0-9]+)?)$": ("250m", "1.5"),
    r"^[0-9]+(?:Mi|Gi)$": ("512Mi", "2Gi"),
    r"^[A-Z]{3}$": ("EUR", "USD"),
    r"^[0-9]{5}(?:-[0-9]{4})?$": ("80331", "94103-1420"),
    r"^#[0-9a-f]{6}$": ("#00ff7f", "#c0ffee"),
    r"^v[0-9]+\.[0-9]+\.[0-9]+$": ("v1.20.3", "v0.4.11"),
}
"""Texts for each pattern that the schemas use."""

FORMATS = {
    "date": ("2024-02-29", "1999-12-31"),
    "time": ("12:30:00Z", "23:59:59.5+01:00"),
    "date-time": ("2024-02-29T12:30:00Z", "2031-07-04T00:00:00.125-08:00"),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000", "00000000-0000-4000-8000-00000000abcd"),
    "email": ("anna.nowak@example.com", "info@shop-24.example.org"),
}

LINES = (
    "Natalia sold 48 / 2 = <<48/2=24>>24 clips in May.",
    "Altogether she sold 48 + 24 = <<48+24=72>>72 clips in April and May.",
    "The 3 friends share the cost, so each of them pays $72 / 3 = $24.",
    "One hour has 60 minutes, therefore Weng earns 12 / 60 = $0.2 per minute.",
    "Working 50 minutes, she earned 0.2 × 50 = $10 in total.",
    "That is (24 - 10) = 14 dollars less than what the others were given on the same day by the same person.",
    "So we need 5 more days; let x be the number of letters, then 2x + 3 = 31 and x = 14.",
    "Zoë's café sells 20 % more, i.e. 1.2 · 14 ≈ 17 cups.",
)


def example(schema: Schema, rng: random.Random, root: Schema) -> Any:
    """A value that is valid for a schema as the functions above write them. root: what references point into."""
    if "$ref" in schema:
        return example(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], rng, root)
    if "anyOf" in schema:
        return example(rng.choice(schema["anyOf"]), rng, root)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    match schema["type"]:
        case "object":
            required = schema["required"]
            return {
                name: example(value, rng, root)
                for name, value in schema["properties"].items()
                if name in required or rng.random() < 0.6
            }
        case "array":
            least = schema.get("minItems", 0)
            count = rng.randint(least, min(schema.get("maxItems", 3), least + 2))
            return [example(schema["items"], rng, root) for _ in range(count)]
        case "string":
            return _text(schema, rng)
        case "integer":
            return rng.randint(schema.get("minimum", 0), schema.get("maximum", 9_999))
        case "number":
            return round(rng.random() * 1_000, 2)
        case "boolean":
            return rng.random() < 0.5
        case _:
            return None


def _text(schema: Schema, rng: random.Random) -> str:
    if "pattern" in schema:
        return rng.choice(SAMPLES[schema["pattern"]])
    if "format" in schema:
        return rng.choice(FORMATS[schema["format"]])
    words = rng.randint(1, max(6, schema.get("maxLength", 0) // 12))
    return " ".join(rng.choices(WORDS.split(), k=words))[: schema.get("maxLength", 80)].strip()


def _pattern(name: str, pattern: str, *texts: str, unbounded: bool = False) -> Case:
    return Case(name, texts, pattern=pattern, unbounded=unbounded)


def _schema(name: str, made: Callable[[], Schema], *, free_space: bool = False) -> Case:
    schema, rng = made(), random.Random(name)
    values: list[Any] = [example(schema, rng, schema) for _ in range(TEXTS)]
    indent = 0 if free_space else None  # lines that are not indented: `FREE_SPACE` has no room for deep ones
    texts = tuple(json.dumps(value, indent=indent, ensure_ascii=False) for value in values)
    return Case(name, texts, schema=json.dumps(schema), free_space=free_space)


CASES = (
    _pattern("date", "[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])", "2024-02-29", "1999-12-31", "2031-07-04"),
    _pattern(
        "iso_ts",
        r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
        r"(?:\.[0-9]{1,6})?(?:Z|[+\-](?:[01][0-9]|2[0-3]):[0-5][0-9])",
        *("2024-02-29T23:59:59Z", "1999-12-31T00:00:00.125+01:00", "2031-07-04T12:30:45.000001-08:30"),
    ),
    _pattern(
        "ipv4",
        r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}",
        *("192.168.0.1", "8.8.8.8", "255.249.100.7"),
    ),
    _pattern(
        "email",
        r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}",
        *("anna.nowak@example.com", "j.smith+news@mail.research.example.org", "info_42@shop-24.example.co"),
        unbounded=True,
    ),
    _pattern(
        "url",
        r'https?://[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+(?::[0-9]{1,5})?(?:/[^ \t\r\n"<>]*)?',
        *("https://docs.example.com/en/latest/index.html?q=regex#top", "http://localhost.test:8080", "https://a.b/ä"),
        unbounded=True,
    ),
    _pattern(
        "phone",
        r"(?:\+1[ \-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}[ .\-]?)[0-9]{3}[ .\-]?[0-9]{4}",
        *("+1 (555) 010-4477", "555-010-4477", "5550104477"),
    ),
    _pattern(
        "gsm8k",
        r"Let's think step by step\.\n(?:[^\n]{1,200}\n){8}The answer is -?[0-9]{1,9}\.",
        *(
            "Let's think step by step.\n" + "".join(line + "\n" for line in lines) + "The answer is 72."
            for lines in (LINES, LINES[::-1])
        ),
        unbounded=True,
    ),
    _pattern("enum50", f"(?:{ANIMALS.replace(' ', '|')})", "dolphin", "mouse", "bee", "goose", "lynx"),
    _schema("js_small", small),
    _schema("js_k8s", k8s),
    _schema("js_medium", medium),
    _schema("js_maxlen", maxlen),
    _schema("js_hard", hard),
    _schema("js_large", large),
    _schema("js_small+ws", small, free_space=True),
    _schema("js_medium+ws", medium, free_space=True),
)

"""What jump-forward saves, and whether it changes anything: replays of valid JSON through the engine's own `Answer`.

Schemas and values come from a seeded generator, in the shapes that MaskBench's have: a third of the properties optional,
objects and arrays in one another, enums, formats, bounds, references, free text in several scripts with what JSON must
escape. A value is written as compact JSON, and its canonical ids, those that the tokenizer itself writes for the whole
text, are what the model would draw. A draw is a forward pass of the model; all other ids cost none.

A fresh process does it, because tokenizer, schemas and all automata of 128,256 tokens are a gigabyte by then:

    python -m benchmarks._constraint_replay 128256 5000
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import takewhile
from operator import eq
from pathlib import Path
from typing import Any

from benchmarks._constraint_cases import FORMATS, SAMPLES, example
from benchmarks._constraint_ours import Ours
from benchmarks._constraint_schemas import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    formatted,
    many,
    matching,
    one_of,
    record,
    ref,
)
from sglc.ir.errors import ConstraintError
from sglc.ir.ops import Constraint
from sglc.ir.tokens import TokenConstraint, Vocabulary
from sglc.passes.compile_constraints import compile_constraint
from sglc.runtime.detokenizer import Detokenizer
from sglc.runtime.engine.answer import Answer
from sglc.runtime.engine.jumps import Jumps
from sglc.runtime.engine.request import Request
from sglc.runtime.spans import SpanEncoder

ROOT = Path(__file__).resolve().parent.parent
SCHEMAS = 50
SEED = 11
WHITESPACE = 0
SEPARATORS = (",", ":")
MOST_WORDS = 12
"""Of a free text: half of all bytes are forced then, as in MaskBench's instances (51%)."""

NAMES = (
    "id name title description type status email url address city country postalCode phone created_at updatedAt date"
    " price amount currency quantity total tags items category author version enabled is_active priority score rating"
    " comment firstName last_name userId orderNumber line_items metadata labels image size color weight width height"
    " language timezone latitude longitude source target path method headers timeout retries max_length minValue $schema"
    " @type x-internal größe 2fa_enabled"
)
ENUMS = (
    "open closed pending active|low medium high|GET POST PUT DELETE|USD EUR GBP JPY PLN|small medium large x-large"
    "|draft in_review published archived|admin editor viewer|north-east north-west south|application/json text/html"
)
WORDS = (
    "The quick brown fox, jumps over 3 lazy dogs. It's 12:30 an annual report for new customers (second floor) of the"
    " energy market: e.g. 50% less than last year; order no. 4711 was sent to John Smith on Monday, see attached."
)
ODD_WORDS = (
    '— "really"? Ünïcode 中文字 тест العربية 日本語 test/path C:\\dir new\nline\ttab naïve $5.00 a_b-c [y] {z} #1 \u0001'
    ' http://example.com/a?b=1&c=%20 😀 http:// ," }] \\'
)
"""Of one in four free texts."""


@dataclass
class Counts:
    """ids: canonical ones of all instances. draws: forward passes. noncanonical: instances whose ids were others than
    the tokenizer's. rolled_back: ids that an answer had and lost again. refused: schemas that were not compiled."""

    ids: int = 0
    draws: int = 0
    noncanonical: int = 0
    rolled_back: int = 0
    refused: int = 0


def random_schema(rng: random.Random) -> Schema:
    """An object; one in four has a part that is referred to."""
    if rng.random() < 0.75:
        return _object(rng, 2, [])
    part = _object(rng, 0, [])
    return {**_object(rng, 2, ["part"]), "$defs": {"part": part}}


def _object(rng: random.Random, depth: int, parts: Sequence[str]) -> Schema:
    names = rng.sample(NAMES.split(), rng.randint(2, 7 if depth == 2 else 4))
    properties = {name + "?" * (rng.random() < 0.35): _value(rng, depth, parts) for name in names}
    if parts and depth == 2:
        properties["owner"] = ref(parts[0])
    return record(properties, rng.choice(("", "A record.")))


def _value(rng: random.Random, depth: int, parts: Sequence[str]) -> Schema:
    nested: tuple[Callable[[], Schema], ...] = (
        lambda: _object(rng, depth - 1, parts),
        lambda: many(_object(rng, depth - 1, parts), most=rng.choice((None, None, 3))),
        lambda: many(ref(parts[0]) if parts else _value(rng, 0, parts)),
    )
    simple: tuple[Callable[[], Schema], ...] = (
        *(lambda: TEXT,) * 5,
        lambda: {**TEXT, "minLength": 1, "maxLength": rng.choice((20, 64, 100))},
        *(lambda: INTEGER,) * 2,
        lambda: {**INTEGER, "minimum": 0, "maximum": rng.choice((5, 100, 65_535))},
        *(lambda: NUMBER,) * 2,
        *(lambda: BOOLEAN,) * 2,
        *(lambda: one_of(*rng.choice(ENUMS.split("|")).split()),) * 3,
        *(lambda: formatted(rng.choice(list(FORMATS))),) * 2,
        lambda: matching(rng.choice(list(SAMPLES))),
        lambda: {"anyOf": [TEXT, {"type": "null"}]},
        lambda: many(TEXT),
        lambda: {"const": rng.choice(("v1", "https://example.com/schema/1.0", "kind of: this"))},
    )
    return rng.choice(nested if depth and rng.random() < 0.3 else simple)()


def random_value(rng: random.Random, schema: Schema, root: Schema) -> Any:
    """As `example` does it, but with constants, and all kinds of characters in free text."""
    if "$ref" in schema:
        return random_value(rng, root["$defs"]["part"], root)
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object":
            kept = [name for name in schema["properties"] if name in schema["required"] or rng.random() < 0.6]
            return {name: random_value(rng, schema["properties"][name], root) for name in kept}
        case "array":
            count = rng.randint(0, schema.get("maxItems", 3))
            return [random_value(rng, schema["items"], root) for _ in range(count)]
        case "string" if not schema.keys() & {"pattern", "format"}:
            words = f"{WORDS} {ODD_WORDS}" if rng.random() < 0.25 else WORDS
            text = " ".join(rng.choices(words.split(" "), k=rng.randint(0, MOST_WORDS)))[: schema.get("maxLength")]
            return text or "-" * schema.get("minLength", 0)
        case "number":
            return rng.choice((0.5, 19.99, -3.75, 1e-7, 2, 1e21, round(rng.random() * 1_000, 2)))
        case "integer" if "maximum" not in schema:
            return rng.choice((0, 1, -5, 42, 2024, rng.randrange(10**9)))
        case _:
            return example(schema, rng, root)


def replay(answer: Answer, ids: Sequence[int], counts: Counts) -> None:
    """Draws the ids one after the other; ends where the answer has others."""
    seen: list[int] = []
    counts.ids += len(ids)
    while True:
        kept = sum(takewhile(bool, map(eq, seen, answer.ids)))
        counts.rolled_back += len(seen) - kept
        seen = list(answer.ids)
        if seen != ids[: len(seen)]:
            counts.noncanonical += 1
            return
        if answer.reason is not None or len(seen) == len(ids):
            break
        answer.take(ids[len(seen)])
        counts.draws += 1
    if answer.reason != "match" or len(seen) != len(ids):
        raise AssertionError(f"an answer ended by {answer.reason} after {len(seen)} of {len(ids)} ids")


def replayed(vocabulary: Vocabulary, encode: Callable[[str], Sequence[int]], jumps: Jumps, instances: int) -> Counts:
    """encode: a whole text -> its canonical ids."""
    schemas, values, counts = random.Random(SEED), random.Random(SEED), Counts()
    detokenizer = Detokenizer(vocabulary)
    for number in range(SCHEMAS):
        schema, constraint = _compiled(schemas, vocabulary, counts)
        for _ in range(instances * (number + 1) // SCHEMAS - instances * number // SCHEMAS):
            text = json.dumps(random_value(values, schema, schema), ensure_ascii=False, separators=SEPARATORS)
            ids = list(encode(text))
            request = Request(ids=(0,), max_tokens=len(ids) + 1, constraint=constraint)
            replay(Answer(request, detokenizer, jumps), ids, counts)
    return counts


def _compiled(rng: random.Random, vocabulary: Vocabulary, counts: Counts) -> tuple[Schema, TokenConstraint]:
    while True:
        schema = random_schema(rng)
        try:
            return schema, compile_constraint(Constraint("json_schema", json.dumps(schema), WHITESPACE), vocabulary)
        except ConstraintError:
            counts.refused += 1


def figures(size: int, instances: int) -> dict[str, float]:
    """Of a vocabulary: forward_share, draws for each hundred ids; the counts; seconds of CPU time."""
    command = [sys.executable, "-m", "benchmarks._constraint_replay", str(size), str(instances)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def main(size: int, instances: int) -> None:
    ours = Ours(size)
    jumps = Jumps(ours.vocabulary, SpanEncoder(ours.tokenizer).encode_inside)
    counts = replayed(ours.vocabulary, ours.encode, jumps, instances)
    share = 100 * counts.draws / counts.ids
    print(json.dumps({"forward_share": share, **asdict(counts), "seconds": time.process_time()}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

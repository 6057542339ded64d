"""Random schemas that no automaton can follow: open objects, patterns of names, schemas that hold together, recursion."""

from __future__ import annotations

import json
import random
from typing import Any

from sglc.ir.tokens import TokenConstraint
from tests.grammar.lanes import END, allowed
from tests.schemas.random_schemas import PATTERNS, TEXTS

NAMES = ["a", "ab", "b", "é", 'q"']
NAME_PATTERNS = ["^a", "b$", "^[a-b]+$", "^.$", 'é|"', "^x-"]
LEAVES: list[dict[str, Any]] = [
    {"type": "integer"}, {"type": "string"}, {"type": "null"}, {"type": "boolean"}, {"type": "integer", "minimum": 3},
    {"enum": ["a", 1, None]}, {"const": {"a": 1}}, {"type": "string", "minLength": 2}, {"type": ["string", "null"]},
    {"type": "number", "multipleOf": 0.5}, {}, {"minimum": 5, "maxLength": 1},
]  # fmt: skip


class OpenSchemas:
    """draw: decides. root: the schema, with two definitions that may lead to themselves."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.root: dict[str, Any] = {"$defs": {name: self.object(1) for name in ("one", "two")}}
        self.root |= self.schema(3)

    def schema(self, depth: int) -> Any:
        draw = self.draw
        shapes = (
            [self.leaf, self.text]
            if not depth
            else [self.leaf, self.text, self.reference, *[self.object] * 4, self.array]
        )
        shapes += [self.all, self.beside, self.one] if depth else []
        return draw.choice(shapes)(depth - 1)

    def leaf(self, depth: int) -> Any:
        return dict(self.draw.choice(LEAVES))

    def text(self, depth: int) -> Any:
        draw = self.draw
        said: dict[str, Any] = {"type": "string"}
        if draw.random() < 0.6:
            said["pattern"] = draw.choice([*PATTERNS])
        if draw.random() < 0.3:
            said["format"] = draw.choice([*TEXTS])
        if draw.random() < 0.3:
            said["maxLength"] = draw.randint(1, 12)
        return said

    def reference(self, depth: int) -> Any:
        return {"$ref": f"#/$defs/{self.draw.choice(['one', 'two'])}"}

    def array(self, depth: int) -> Any:
        draw = self.draw
        said: dict[str, Any] = {"type": "array"}
        if draw.random() < 0.4:
            said["prefixItems"] = [self.schema(depth) for _ in range(draw.randint(1, 2))]
        if draw.random() < 0.6:
            said["items"] = self.schema(depth)
        if draw.random() < 0.4:
            said["minItems"] = draw.randint(0, 3)
        if draw.random() < 0.4:
            said["maxItems"] = draw.randint(1, 3)
        return said

    def object(self, depth: int) -> Any:
        draw = self.draw
        said: dict[str, Any] = {"type": "object"}
        if draw.random() < 0.7:
            said["properties"] = {name: self.schema(depth) for name in draw.sample(NAMES, draw.randint(0, 3))}
        if draw.random() < 0.4:
            said["patternProperties"] = {
                pattern: self.schema(depth) for pattern in draw.sample(NAME_PATTERNS, draw.randint(1, 2))
            }
        if draw.random() < 0.6:
            said["additionalProperties"] = draw.choice([False, True, self.schema(depth)])
        if draw.random() < 0.5:
            said["required"] = draw.sample(NAMES, draw.randint(1, 2))
        if draw.random() < 0.15:
            said["minProperties"] = draw.randint(1, 3)
        if draw.random() < 0.15:
            said["maxProperties"] = draw.randint(1, 3)
        if draw.random() < 0.1:
            del said["type"]
        return said

    def all(self, depth: int) -> Any:
        return {"allOf": [self.schema(depth) for _ in range(self.draw.randint(1, 2))]}

    def one(self, depth: int) -> Any:
        return {self.draw.choice(["anyOf", "oneOf"]): [self.schema(depth) for _ in range(2)]}

    def beside(self, depth: int) -> Any:
        said = self.object(depth) if self.draw.random() < 0.7 else self.schema(depth)
        return {**said, **self.draw.choice([self.all, self.one, self.reference])(depth)}


def sampled(constraint: TokenConstraint, draw: random.Random, most: int = 400) -> str | None:
    """A random text of a constraint over single bytes, soon closed; None where it got too long."""
    state, text, eager = constraint.start, bytearray(), draw.randint(5, 60)
    while len(text) < most:
        ids = allowed(constraint.row(state))
        bytes_ = [token for token in ids if token < 256]
        if END in ids and (not bytes_ or len(text) > eager or draw.random() < 0.3):
            return text.decode()
        closing = [byte for byte in bytes_ if byte in b'"}]0n']
        plain = [byte for byte in bytes_ if byte in b'"\\:, {}[]abxq0123456789-Tu']
        chosen = (
            closing
            if len(text) > eager and closing and draw.random() < 0.8
            else plain
            if draw.random() < 0.8
            else bytes_
        )
        byte = draw.choice(chosen or bytes_)
        text.append(byte)
        state = constraint.step(state, byte)
        assert state is not None
    return None


def written(schema: Any) -> str:
    return json.dumps(schema, ensure_ascii=False)

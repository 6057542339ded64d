"""Random schemas that are supported, and values for them."""

from __future__ import annotations

import random
from typing import Any

from tests.schemas.oracle import has_type, valid

NAMES = ["a", "b", "c", 'q"\\', "é\n", "a.b", "x y", "(d)", ""]
STRINGS = [
    "",
    "a",
    "ab",
    "abc",
    'x"y',
    "\\",
    "é",
    "𝔸b",
    "\x00",
    "\x1f\x7f",
    "a\nb",
    "</a>",
    "\u2028",
    "12",
    "a1,b2",
    "Żółw",
]
PATTERNS = {
    "^[a-z]+$": ["a", "ab", "abc"],
    "b": ["b", "ab", "xbé", 'b"', "\nb"],
    "^a|b$": ["a", "a\n", "xb", "a\x00"],
    r"^\d{2,3}-(?:\w|é)*$": ["12-", "123-_aé"],
    r"^[^a-z]{2}$": ["A\n", '"\\', "𝔸é"],
}
TEXTS = {
    "date": ["2024-02-29", "0001-01-01", "1999-12-31"],
    "time": ["00:00:00Z", "23:59:59.125+14:00"],
    "date-time": ["2024-02-29T12:00:00-00:30"],
    "uuid": ["0123abCD-0123-4567-89ab-0123456789ab"],
    "email": ["a@b.c", "x.y+z@mail-1.example.org"],
    "ipv4": ["0.0.0.0", "255.249.199.99"],
}
SCALARS = [None, True, False, 0, 1, -1, 7, 10, -12, 10**20, 0.5, -1.25, 1.5e-300, 1e-7, "a", "b", 'é"']
LEAVES = [*SCALARS, *STRINGS, *(text for texts in TEXTS.values() for text in texts), [], {}, [1], {"a": 1}]


class Schemas:
    """Random schemas that are supported, with references to two definitions."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.root: dict[str, Any] = {"$defs": {}}
        for name in ("one", "two"):
            self.root["$defs"][name] = self.schema(1)
        self.root.update(self.schema(3))

    def schema(self, depth: int) -> dict[str, Any]:
        shapes = [self.string, self.integer, self.constants, self.simple]
        if depth:
            shapes += [self.object, self.object, self.array, self.tuple, self.any_of, self.tagged, self.reference]
        return {**self.draw.choice(shapes)(depth - 1), **self.draw.choice([{}, {"title": "t", "default": 1, "x-y": 2}])}

    def simple(self, _: int) -> dict[str, Any]:
        kinds = self.draw.sample(["number", "boolean", "null", "integer", "string"], self.draw.choice([1, 1, 2, 3]))
        return {"type": kinds if len(kinds) > 1 else kinds[0]}

    def string(self, _: int) -> dict[str, Any]:
        least = self.draw.choice([0, 1, 2])
        return {
            "type": "string",
            **self.draw.choice(
                [
                    {},
                    {"minLength": least},
                    {"minLength": least, "maxLength": least + self.draw.choice([0, 1, 3])},
                    {"maxLength": 3, "pattern": "^[a-z]+$"},
                    {"pattern": self.draw.choice([*PATTERNS])},
                    {"format": self.draw.choice([*TEXTS])},
                ]
            ),
        }

    def integer(self, _: int) -> dict[str, Any]:
        low = self.draw.choice([-(10**6), -15, -1, 0, 1, 7, 99])
        high = low + self.draw.choice([0, 1, 5, 120, 10**7])
        lower, upper = self.draw.choice([{}, {"minimum": low}, {"exclusiveMinimum": low - 0.5}]), {}
        if self.draw.random() < 0.6:
            upper = self.draw.choice([{"maximum": high}, {"exclusiveMaximum": high + 1}, {"maximum": high + 0.25}])
        return {"type": "integer", **lower, **upper}

    def constants(self, _: int) -> dict[str, Any]:
        if self.draw.random() < 0.3:
            return {"const": self.draw.choice(SCALARS)}
        values = self.draw.sample([*SCALARS, [1, "a"], {"b": 1, "a": [True]}], self.draw.randrange(1, 5))
        kinds = ["null", "boolean", "number", "string", "array", "object"]
        return {"enum": values, **self.draw.choice([{}, {"type": kinds}])}

    def object(self, depth: int) -> dict[str, Any]:
        names = self.draw.sample(NAMES, self.draw.choice([0, 1, 2, 3, 4]))
        most = self.draw.choice([0, 1, len(names)])
        return {
            "type": "object",
            "properties": {name: self.schema(depth) for name in names},
            "required": self.draw.sample(names, min(most, len(names))),
            **self.draw.choice([{}, {"additionalProperties": False}, {"additionalProperties": True}]),
        }

    def array(self, depth: int) -> dict[str, Any]:
        least = self.draw.choice([0, 0, 1, 2])
        most = self.draw.choice([{}, {"maxItems": least}, {"maxItems": least + 2}])
        return {"type": "array", "items": self.schema(depth), "minItems": least, **most}

    def tuple(self, depth: int) -> dict[str, Any]:
        prefix = [self.schema(depth) for _ in range(self.draw.choice([1, 2, 3]))]
        items, size = self.draw.choice([{}, {"items": False}, {"items": True}, {"items": self.schema(0)}]), len(prefix)
        least = self.draw.choice([{}, {"minItems": size - 1}, {"minItems": size}])
        most = self.draw.choice([{}, {"maxItems": size}, {"maxItems": size + 1}])
        return {"type": "array", "prefixItems": prefix, **items, **least, **most}

    def any_of(self, depth: int) -> dict[str, Any]:
        if self.draw.random() < 0.3:
            return {"allOf": [self.schema(depth)]}
        return {"anyOf": [self.schema(depth) for _ in range(self.draw.choice([1, 2, 3]))]}

    def tagged(self, depth: int) -> dict[str, Any]:
        def tag(value: str) -> dict[str, Any]:
            schema = self.object(depth)
            properties = {"kind": {"const": value}, **schema["properties"]}
            return {**schema, "properties": properties, "required": ["kind", *schema["required"]]}

        return {"oneOf": [tag("x"), tag("y"), {"type": ["null", "array"], "items": self.schema(0)}]}

    def reference(self, _: int) -> dict[str, Any]:
        names = [*self.root["$defs"]]
        return {"$ref": f"#/$defs/{self.draw.choice(names)}"} if names else {"type": "null"}

    def example(self, schema: Any) -> Any:
        """A valid value with the parts that the schema names, in its order."""
        draw = self.draw
        if "$ref" in schema:
            return self.example(self.root["$defs"][schema["$ref"].removeprefix("#/$defs/")])
        for keyword in ("anyOf", "oneOf", "allOf"):
            if keyword in schema:
                return self.example(draw.choice(schema[keyword]))
        if "enum" in schema or "const" in schema:
            return draw.choice(schema.get("enum", [schema.get("const")]))
        kind = draw.choice(schema["type"]) if isinstance(schema["type"], list) else schema["type"]
        match kind:
            case "object":
                required = schema["required"]
                there = [name for name in schema["properties"] if name in required or draw.random() < 0.5]
                return {name: self.example(schema["properties"][name]) for name in there}
            case "array":
                prefix, items = schema.get("prefixItems", []), schema.get("items", False)
                most = len(prefix) if isinstance(items, bool) else schema.get("minItems", 0) + len(prefix) + 2
                size = draw.randint(schema.get("minItems", 0), min(most, schema.get("maxItems", most)))
                return [self.example(part) for part in [*prefix, *[items] * size][:size]]
            case "string" if "format" in schema:
                return draw.choice(TEXTS[schema["format"]])
            case "string" if "pattern" in schema:
                return draw.choice(PATTERNS[schema["pattern"]])
            case "string":
                least = schema.get("minLength", 0)
                size = draw.randint(least, schema.get("maxLength", least + 3))
                return "".join(draw.choice([*"abc019", *'"\\/\n\x00\x1f\x7fé中𝔸\u2028\ufeff']) for _ in range(size))
            case "integer":
                edges = [int(schema[bound]) for bound in schema if "imum" in bound] or [0]
                near = [edge + step for edge in edges for step in (-60, -9, -2, -1, 0, 1, 2, 9, 60)]
                return draw.choice([n for n in near if valid(n, schema, {})])
            case _:
                return draw.choice([value for value in SCALARS if has_type(value, kind)])

    def mutated(self, value: Any) -> Any:
        """The value with one part replaced, dropped or doubled."""
        draw = self.draw
        if not isinstance(value, list | dict) or not value or draw.random() < 0.2:
            return draw.choice([*LEAVES, self.example(self.root)])
        if isinstance(value, list):
            at = draw.randrange(len(value))
            changed = draw.choice([[self.mutated(value[at])], [], [value[at]] * 2])
            return [*value[:at], *changed, *value[at + 1 :]]
        name = draw.choice([*value])
        return draw.choice(
            [
                {**value, name: self.mutated(value[name])},
                {other: item for other, item in value.items() if other != name},
                {other: value[other] for other in reversed(value)},
                {**value, "new": 1},
            ]
        )


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "null"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema

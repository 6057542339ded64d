"""A validator of its own, on the values that `json.loads` reads, for the keywords that are supported."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import json
import re
import string
import uuid
from typing import Any
from urllib.parse import unquote


def valid(value: Any, schema: Any, root: Any, *, as_written: bool = False) -> bool:
    """Whether a value is valid. as_written: whether it has, besides, only the parts that the schema names, in its order
    (which is looser in one respect: any alternative of a oneOf will do)."""

    def check(value: Any, schema: Any) -> bool:
        return valid(value, schema, root, as_written=as_written)

    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:
        return check(value, pointed_to(root, schema["$ref"]))
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(has_type(value, name) for name in types):
            return False
    if "enum" in schema or "const" in schema:
        listed = schema.get("enum", [schema.get("const")])
        return any(same(value, other, as_written) for other in listed)
    if "oneOf" in schema:
        count = sum(check(value, other) for other in schema["oneOf"])
        return count >= 1 if as_written else count == 1
    if not all(check(value, other) for other in schema.get("allOf", [])):
        return False
    if "anyOf" in schema and not any(check(value, other) for other in schema["anyOf"]):
        return False
    match value:
        case str():
            return valid_string(value, schema)
        case bool() | None:
            return True
        case int() | float():
            return (
                schema.get("minimum", value) <= value <= schema.get("maximum", value)
                and ("exclusiveMinimum" not in schema or schema["exclusiveMinimum"] < value)
                and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
            )
        case list():
            prefix, items = schema.get("prefixItems", []), schema.get("items", True)
            if items is True and as_written and "type" in schema:
                items = False
            return (
                schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
                and all(itertools.starmap(check, zip(value, prefix, strict=False)))
                and all(check(item, items) for item in value[len(prefix) :])
            )
        case _:
            properties = schema.get("properties", {})
            if as_written and "type" in schema and [name for name in properties if name in value] != [*value]:
                return False
            return (
                all(name in value for name in schema.get("required", []))
                and all(check(value[name], other) for name, other in properties.items() if name in value)
                and (schema.get("additionalProperties", True) is not False or value.keys() <= properties.keys())
            )


def has_type(value: Any, name: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": isinstance(value, str),
        "integer": number and float(value).is_integer(),
        "number": number,
        "boolean": isinstance(value, bool),
        "null": value is None,
    }[name]


def pointed_to(root: Any, pointer: str) -> Any:
    """What a reference into the schema itself leads to."""
    found = root
    for step in unquote(pointer).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found[int(name) if isinstance(found, list) else name]
    return found


def same(a: Any, b: Any, as_written: bool) -> bool:
    """Whether two values are equal: 1 and 1.0 are, 1 and true are not. as_written: whether they have one text."""
    if as_written:
        return json.dumps(a) == json.dumps(b)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, False) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name], False) for name in a)
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def valid_string(value: str, schema: Any) -> bool:
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and re.search(in_python(schema.get("pattern", "")), value, re.ASCII) is not None
        and ("format" not in schema or FORMATS[schema["format"]](value))
    )


SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
UNIT = re.compile(
    r"(?P<pair>\\u([dD][89abAB]..)\\u([dD][c-fC-F]..))|\\u\{(?P<point>[^}]+)\}|(?P<space>\\s)|(?P<other>\\S)|\\."
    r"|(?P<name>\(\?<(?![=!]))|.",
    re.DOTALL,
)


def in_python(pattern: str) -> str:
    """A regex of JavaScript in Python's syntax, for `re.ASCII`: what differs is the dot, `$`, `\\s`, names and `\\u`."""
    texts: list[str] = []
    in_class = False
    for unit in UNIT.finditer(pattern):
        text = unit[0]
        match unit.lastgroup or text:
            case "pair":
                text = re.escape(bytes.fromhex(unit[2] + unit[3]).decode("utf-16-be"))
            case "point":
                text = re.escape(chr(int(unit["point"], 16)))
            case "space":
                text = SPACES if in_class else f"[{SPACES}]"
            case "other":
                assert not in_class, "no class of Python says this"
                text = f"[^{SPACES}]"
            case "name":
                text = "(?P<"
            case "[" | "&" | "~" | "|" if in_class:
                text = "\\" + text
            case "[" | "]":
                in_class = text == "["
            case "." if not in_class:
                text = r"[^\n\r\u2028\u2029]"
            case "$" if not in_class:
                text = r"\Z"
            case _:
                pass
        texts.append(text)
    return "".join(texts)


def parses(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    shape = re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)", text, re.ASCII)
    return shape is not None and parses(datetime.time.fromisoformat, text)


def is_date(text: str) -> bool:
    return len(text) == 10 and text[4::3] == "--" and parses(datetime.date.fromisoformat, text)


def is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    atom = set(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~")
    labels = domain.split(".")
    return (
        all(part and set(part) <= atom for part in local.split("."))
        and len(labels) > 1
        and all(0 < len(label) < 64 and "-" not in label[0] + label[-1] for label in labels)
        and set(domain) <= set(string.ascii_letters + string.digits + "-.")
    )


FORMATS = {
    "date": is_date,
    "time": is_time,
    "date-time": lambda text: is_date(text[:10]) and text[10:11] == "T" and is_time(text[11:]),
    "uuid": lambda text: len(text) == 36 and parses(uuid.UUID, text) and str(uuid.UUID(text)) == text.lower(),
    "email": is_email,
    "ipv4": lambda text: parses(ipaddress.IPv4Address, text),
}

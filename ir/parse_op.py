"""The values of a text, read back: the ops, and what stands in a line among them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, cast, get_args

from lark import Token
from lark import Tree as Syntax

from sglc.ir.errors import Location
from sglc.ir.graph import Static, Tree
from sglc.ir.ops import (
    Append,
    Argument,
    Call,
    ChoicesMethod,
    Constraint,
    ConstraintKind,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Op,
    Param,
    Part,
    Read,
    Render,
    Role,
    Root,
    Sampling,
    Select,
    Test,
    Trusted,
    Unordered,
)
from sglc.ir.printer import DEFAULT_METHOD, MAX_NESTING
from sglc.ir.syntax import Node, Rule, fault_at

MAX_DIGITS = 400
"""Of an integer."""

T = TypeVar("T", str, int, float)

_SAMPLING = frozenset(f.name for f in fields(Sampling))
_SAID = {str: "a string", int: "an integer", float: "a number"}


@dataclass(frozen=True, slots=True)
class Attribute:
    name: Node
    value: Tree


@dataclass(slots=True)
class Values:
    """The values that the lines so far defined, by name."""

    ops: dict[str, Op] = field(default_factory=dict[str, Op])

    def define(self, name: Node, words: Rule, attributes: Node, place: Node) -> Op:
        """The op of a line `%3 = gen %2 {number=0} @ "judge.py":14`."""
        if name in self.ops:
            raise fault_at(name, f"{name} is defined twice", "each value has one definition")
        given = self.attributes(attributes)
        op = self.op(words, given, location(place))
        nothing_left(given, words)
        self.ops[str(name)] = op
        return op

    def op(self, words: Rule, given: dict[str, Attribute], loc: Location | None) -> Op:
        """The op of a line; takes the attributes that it knows out of `given`."""
        children = words.children
        match words.data:
            case "param":
                return Param(name=string(children[0]), default=taken(given, "default", str), loc=loc)
            case "root":
                return Root(loc=loc)
            case "append":
                return Append(state=self.use(children[0]), parts=self.parts(children[1]), loc=loc)
            case "gen":
                sampling = {key: _immutable(given.pop(key).value) for key in _SAMPLING & given.keys()}
                return Gen(
                    state=self.use(children[0]),
                    name=taken(given, "name", str),
                    sampling=Sampling(**sampling),
                    constraint=_constraint(given),
                    number=number(given),
                    loc=loc,
                )
            case "select":
                return Select(
                    state=self.use(children[0]),
                    choices=tuple(map(self.parts, children[1:])),
                    name=taken(given, "name", str),
                    method=cast("ChoicesMethod", taken(given, "method", str) or DEFAULT_METHOD),
                    number=number(given),
                    loc=loc,
                )
            case "call":
                return Call(
                    function=string(children[0]),
                    arguments=self.arguments(children[1]),
                    keywords=_keywords(given.pop("keywords", None)),
                    timeout=taken(given, "timeout", float),
                    dropped=_dropped(given),
                    number=number(given),
                    loc=loc,
                )
            case "read":
                return Read(state=self.use(children[0]), loc=loc)
            case "meta":
                return Meta(state=self.use(children[0]), number=number(given), loc=loc)
            case "render":
                state, since = map(self.use, children)
                return Render(state=state, since=since, number=number(given), loc=loc)
            case "format":
                return Format(parts=self.parts(children[0]), loc=loc)
            case "unordered":
                return Unordered(groups=tuple(map(self.parts, children)), loc=loc)
            case "method":
                return Method(name=string(children[0]), arguments=self.arguments(children[1]), loc=loc)
            case "test":
                return Test(name=string(children[0]), arguments=self.arguments(children[1]), loc=loc)
            case _:
                return Image(path=self.use(children[0]), frames=taken(given, "frames", int), loc=loc)

    def attributes(self, node: Node) -> dict[str, Attribute]:
        found: dict[str, Attribute] = {}
        for attribute in rule(node).children:
            name, value = rule(attribute).children
            found[fresh(found, name)] = Attribute(name, self.tree(value))
        return found

    def use(self, node: Node) -> Op:
        op = self.ops.get(str(node))
        if op is None:
            raise fault_at(node, f"{node} is not defined", "a value is defined on a line before its use")
        return op

    def arguments(self, node: Node) -> tuple[Argument, ...]:
        return tuple(cast("list[Argument]", self.tree(node)))

    def parts(self, node: Node) -> tuple[Part, ...]:
        return tuple(map(self.part, rule(node).children))

    def part(self, node: Node) -> Part:
        if isinstance(node, Syntax):
            return Trusted(self.use(node.children[0]))
        match node.type:
            case "STRING":
                return string(node)
            case "ROLE":
                return Role(str(node[2:-1]), "end") if node.startswith("</") else Role(str(node[1:-1]), "begin")
            case _:
                return self.use(node)

    def tree(self, node: Node, depth: int = 1) -> Tree:
        if isinstance(node, Token):
            return self.use(node) if node.type == "VALUE" else constant(node)
        if depth > MAX_NESTING:
            raise fault_at(node, f"lists and dicts nest deeper than {MAX_NESTING}")
        if node.data == "dict":
            found: dict[str, Tree] = {}
            for pair in node.children:
                key, value = rule(pair).children
                found[fresh(found, key)] = self.tree(value, depth + 1)
            return found
        items = [self.tree(child, depth + 1) for child in node.children]
        return tuple(items) if node.data == "tuple" else items


def taken(given: dict[str, Attribute], key: str, kind: type[T]) -> T | None:
    """The attribute, taken out; None where it is not given. An integer is a number too."""
    attribute = given.pop(key, None)
    if attribute is None:
        return None
    value = attribute.value
    if isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool):
        return cast("T", value)
    raise fault_at(attribute.name, f"{key} is not {_SAID[kind]}")


def _dropped(given: dict[str, Attribute]) -> bool:
    attribute = given.pop("dropped", None)
    if attribute is not None and attribute.value is not True:
        raise fault_at(attribute.name, "dropped is true where it is given")
    return attribute is not None


def _constraint(given: dict[str, Attribute]) -> Constraint | None:
    kinds = [kind for kind in get_args(ConstraintKind) if kind in given]
    if len(kinds) > 1:
        raise fault_at(given[kinds[1]].name, f"{kinds[1]} beside {kinds[0]}, but an answer has one constraint")
    for kind in kinds:
        whitespace = taken(given, "json_whitespace", int) if kind == "json_schema" else None
        return Constraint(kind, taken(given, kind, str) or "", whitespace)
    return None


def number(given: dict[str, Attribute]) -> int:
    return taken(given, "number", int) or 0


def nothing_left(given: dict[str, Attribute], words: Rule) -> None:
    for attribute in given.values():
        raise fault_at(attribute.name, f"`{words.data}` has no attribute {attribute.name}")


def fresh(known: Iterable[str], node: Node) -> str:
    """A key that is not known yet."""
    key = string(node)
    if key in known:
        raise fault_at(node, f"{key} is given twice")
    return key


def location(node: Node) -> Location | None:
    children = rule(node).children
    return place(*children) if children else None


def place(file: Node, line: Node) -> Location:
    return Location(string(file), _integer(line))


def constant(node: Node) -> Static:
    match node.type if isinstance(node, Token) else "":
        case "STRING":
            return string(node)
        case "INT":
            return _integer(node)
        case "FLOAT":
            value = float(str(node))
            if not math.isfinite(value):
                raise fault_at(node, "the number is too large")
            return value
        case "NULL":
            return None
        case kind:
            return kind == "TRUE"


def string(node: Node) -> str:
    """The text of a string, or a bare name as it stands."""
    text = str(node)
    return json.loads(text) if text.startswith('"') else text


def rule(node: Node) -> Rule:
    if isinstance(node, Token):
        raise TypeError(f"the grammar has a {node.type} where the parser reads a rule")
    return node


def _integer(node: Node) -> int:
    digits = str(node)
    if len(digits) > MAX_DIGITS:
        raise fault_at(node, f"an integer has over {MAX_DIGITS} digits")
    return int(digits)


def _keywords(attribute: Attribute | None) -> tuple[tuple[str, Argument], ...]:
    if attribute is None:
        return ()
    if not isinstance(attribute.value, dict):
        raise fault_at(attribute.name, "keywords is not a dict")
    return tuple((key, cast("Argument", value)) for key, value in attribute.value.items())


def _immutable(value: Tree) -> Any:
    return tuple(value) if isinstance(value, list) else value

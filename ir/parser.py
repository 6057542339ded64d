"""The text form of graphs, read back: `parse_graph(print_graph(g))` equals `g`.

The grammar (grammar.lark) is one line's, so that memory and time are a line's too; the order of lines is checked here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from lark import Token
from lark import Tree as Syntax

from sglc.ir.errors import IRError, Location
from sglc.ir.graph import Fork, Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Role, Root, Sampling, Select, Trusted
from sglc.ir.printer import MAX_NESTING, pointer
from sglc.ir.syntax import Fault, Node, Rule, fault_at, parse_line

MAX_LINES = 50_000
"""Of a text: a bound on the time that a hostile one takes, about five seconds."""

MAX_DIGITS = 400
"""Of an integer."""

T = TypeVar("T", str, int)

_SAMPLING = frozenset(f.name for f in fields(Sampling))


def parse_graph(text: str, file: str = "<ir>") -> Graph:
    """The graph that a text stands for.

    The graph is well formed but may break rules of the verifier, so that those can be tested on text. Raises `IRError`
    with line, column and a caret for any other text.
    """
    reader = _Reader()
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise IRError(
            f"the text has over {MAX_LINES:,} lines", where=f"{file}:{MAX_LINES + 1}:1", hint="split the program"
        )
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            reader.line(parse_line(line))
        except Fault as fault:
            what = f"{fault.what}\n{pointer(line, fault.start, fault.end)}"
            raise IRError(what, where=f"{file}:{number}:{fault.start + 1}", hint=fault.hint) from None
    try:
        return reader.graph()
    except Fault as fault:
        raise IRError(fault.what, where=f"{file}:{len(lines)}:1", hint=fault.hint) from None


@dataclass(slots=True)
class _Reader:
    """What the lines so far said."""

    name: str | None = None
    ended: bool = False
    in_prefix: bool = False
    params: list[Param] = field(default_factory=list[Param])
    prefixes: list[Op] | None = None
    body: list[Op] = field(default_factory=list[Op])
    forks: list[Fork] = field(default_factory=list[Fork])
    statics: dict[str, bool | int | float | str | None] = field(default_factory=dict[str, Any])
    variables: dict[str, Tree] = field(default_factory=dict[str, Tree])
    final: Op | None = None
    values: list[Tree] = field(default_factory=list[Tree])  # of `return` lines
    ops: dict[str, Op] = field(default_factory=dict[str, Op])

    def line(self, rule: Rule) -> None:
        kind, children = rule.data, rule.children
        if self.ended:
            raise Fault("a line after the program's end", hint="one text is one program")
        if self.name is None and kind != "program":
            raise Fault("the first line is not a program's", hint="a program begins with `program NAME {`")
        if self.in_prefix and kind not in ("value", "end"):
            raise Fault(f"`{kind}` inside the prefix", hint="a prefix holds ops only; `}` ends it")
        match kind:
            case "program":
                if self.name is not None:
                    raise Fault("a second `program` line", hint="one text is one program")
                self.name = _string(children[0])
            case "prefix":
                if self.prefixes is not None or self.body:
                    raise Fault("`prefix` after other ops", hint="the one prefix block stands before the body")
                self.prefixes, self.in_prefix = [], True
            case "end":
                self.ended, self.in_prefix = not self.in_prefix, False
            case "value":
                self.define(*children)
            case "fork":
                state, *members = map(self.use, children)
                self.forks.append(Fork(state, tuple(members)))
            case "static":
                self.statics[self.fresh(self.statics, children[0])] = _constant(children[1])
            case "variable":
                self.variables[self.fresh(self.variables, children[0])] = self.tree(children[1])
            case "final":
                if self.final is not None:
                    raise fault_at(rule, "a second `final` line")
                self.final = self.use(children[0])
            case _:
                if self.values:
                    raise fault_at(rule, "a second `return` line")
                self.values.append(self.tree(children[0]))

    def graph(self) -> Graph:
        if self.name is None:
            raise Fault("the text has no program", hint="a program begins with `program NAME {`")
        if not self.ended:
            raise Fault("the text ends inside the program", hint="close it with `}`")
        if self.final is None:
            raise Fault("the program has no `final` line", hint="name the state whose text is the program's")
        return Graph(
            name=self.name,
            params=tuple(self.params),
            prefixes=tuple(self.prefixes or ()),
            body=tuple(self.body),
            final=self.final,
            variables=self.variables,
            value=self.values[0] if self.values else None,
            statics=self.statics,
            forks=tuple(self.forks),
        )

    def define(self, name: Node, words: Node, attributes: Node, location: Node) -> None:
        if name in self.ops:
            raise fault_at(name, f"{name} is defined twice", "each value has one definition")
        given = self.attributes(attributes)
        op = self.op(_rule(words), given, _location(location))
        for key in given.values():
            raise fault_at(key.name, f"`{_rule(words).data}` has no attribute {key.name}")
        self.ops[str(name)] = op
        if isinstance(op, Param):
            if self.prefixes is not None or self.body:
                raise fault_at(name, "a param after other ops", "params come first")
            self.params.append(op)
        else:
            (self.prefixes if self.in_prefix and self.prefixes is not None else self.body).append(op)

    def op(self, words: Rule, given: dict[str, _Attribute], loc: Location | None) -> Op:
        """The op of a line; takes the attributes that it knows out of `given`."""
        children = words.children
        match words.data:
            case "param":
                return Param(name=_string(children[0]), default=_taken(given, "default", str), loc=loc)
            case "root":
                return Root(loc=loc)
            case "append":
                return Append(state=self.use(children[0]), parts=self.parts(children[1]), loc=loc)
            case "gen":
                name, regex, sample = (
                    _taken(given, "name", str),
                    _taken(given, "regex", str),
                    _taken(given, "sample", int),
                )
                sampling = Sampling(**{key: _immutable(given.pop(key).value) for key in _SAMPLING & given.keys()})
                state = self.use(children[0])
                return Gen(state=state, name=name, sampling=sampling, regex=regex, sample=sample or 0, loc=loc)
            case "select":
                state, choices = self.use(children[0]), tuple(map(self.parts, children[1:]))
                return Select(state=state, choices=choices, name=_taken(given, "name", str), loc=loc)
            case "read":
                return Read(state=self.use(children[0]), loc=loc)
            case "format":
                return Format(parts=self.parts(children[0]), loc=loc)
            case _:
                return Image(path=self.use(children[0]), loc=loc)

    def attributes(self, node: Node) -> dict[str, _Attribute]:
        found: dict[str, _Attribute] = {}
        for attribute in _rule(node).children:
            name, value = _rule(attribute).children
            found[self.fresh(found, name)] = _Attribute(name, self.tree(value))
        return found

    def fresh(self, taken: Iterable[str], node: Node) -> str:
        key = _string(node)
        if key in taken:
            raise fault_at(node, f"{key} is given twice")
        return key

    def use(self, node: Node) -> Op:
        op = self.ops.get(str(node))
        if op is None:
            raise fault_at(node, f"{node} is not defined", "a value is defined on a line before its use")
        return op

    def parts(self, node: Node) -> tuple[Part, ...]:
        return tuple(map(self.part, _rule(node).children))

    def part(self, node: Node) -> Part:
        if isinstance(node, Syntax):
            return Trusted(self.use(node.children[0]))
        match node.type:
            case "STRING":
                return _string(node)
            case "ROLE":
                return Role(str(node[2:-1]), "end") if node.startswith("</") else Role(str(node[1:-1]), "begin")
            case _:
                return self.use(node)

    def tree(self, node: Node, depth: int = 1) -> Tree:
        if isinstance(node, Token):
            return self.use(node) if node.type == "VALUE" else _constant(node)
        if depth > MAX_NESTING:
            raise fault_at(node, f"lists and dicts nest deeper than {MAX_NESTING}")
        if node.data == "dict":
            found: dict[str, Tree] = {}
            for pair in node.children:
                key, value = _rule(pair).children
                found[self.fresh(found, key)] = self.tree(value, depth + 1)
            return found
        items = [self.tree(child, depth + 1) for child in node.children]
        return tuple(items) if node.data == "tuple" else items


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: Node
    value: Tree


def _taken(given: dict[str, _Attribute], key: str, kind: type[T]) -> T | None:
    attribute = given.pop(key, None)
    if attribute is None:
        return None
    value = attribute.value
    if isinstance(value, kind) and not isinstance(value, bool):
        return value
    raise fault_at(attribute.name, f"{key} is not {'a string' if kind is str else 'an integer'}")


def _immutable(value: Tree) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _location(node: Node) -> Location | None:
    children = _rule(node).children
    return Location(_string(children[0]), _integer(children[1])) if children else None


def _constant(node: Node) -> bool | int | float | str | None:
    match node.type if isinstance(node, Token) else "":
        case "STRING":
            return _string(node)
        case "INT":
            return _integer(node)
        case "FLOAT":
            number = float(str(node))
            if not math.isfinite(number):
                raise fault_at(node, "the number is too large")
            return number
        case "NULL":
            return None
        case kind:
            return kind == "TRUE"


def _integer(node: Node) -> int:
    digits = str(node)
    if len(digits) > MAX_DIGITS:
        raise fault_at(node, f"an integer has over {MAX_DIGITS} digits")
    return int(digits)


def _string(node: Node) -> str:
    """The text of a string, or a bare name as it stands."""
    text = str(node)
    return json.loads(text) if text.startswith('"') else text


def _rule(node: Node) -> Rule:
    if isinstance(node, Token):
        raise TypeError(f"the grammar has a {node.type} where the parser reads a rule")
    return node

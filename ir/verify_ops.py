"""The rules for one op of a graph, given the ops before it."""

from __future__ import annotations

import math
from typing import get_args

from sglc.ir.functions import what_is_wrong_with_call
from sglc.ir.graph import Graph
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
    Numbered,
    Op,
    Part,
    Read,
    Render,
    Role,
    Root,
    Select,
    Test,
    Trusted,
    Type,
    Unordered,
    operands,
)
from sglc.ir.printer import MAX_NESTING, Key, quoted
from sglc.ir.values import SETTINGS, is_constant, what_is_wrong, what_is_wrong_with_text

ROLES = ("system", "user", "assistant")


class Broken(Exception):
    """A broken rule.

    line: the line that it is on, as `sglc.ir.printer.lines_of` names it. at: the value or text to point at there; "" for
    all of it. last: where it stands last in the line, not first.
    """

    def __init__(self, line: Key, at: Op | str, what: str, hint: str = "", *, last: bool = False) -> None:
        super().__init__(what)
        self.line, self.at, self.what, self.hint, self.last = line, at, what, hint, last


class Known:
    """The ops that are known so far.

    defined: those that may be read here. extends: (state, since, what is wrong where the first prompt does not begin
    with the second); checked when the whole graph is known.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.defined: set[Op] = set()
        self.extends: list[tuple[Op, Op, Broken]] = []
        self._seen: set[Op] = set()
        self._role: dict[Op, str | None] = {}  # the open role of each state

    def define(self, op: Op) -> None:
        if op in self._seen:
            raise Broken(op, "", "the op stands in the graph twice")
        match op:
            case Root():
                self._role[op] = None
            case Append():
                self.operand(op, op.state, Type.STATE)
                self._role[op] = self.after(op, self._role[op.state])
            case Gen():
                self.operand(op, op.state, Type.STATE)
                self._role[op] = self._role[op.state]
                self.gen(op)
            case Select():
                self.operand(op, op.state, Type.STATE)
                self._role[op] = self._role[op.state]
                self.select(op)
            case Call():
                self.call(op)
            case Read() | Meta():
                self.operand(op, op.state, Type.STATE)
                if not isinstance(op.state, Gen | Select):
                    what = f"{word(op)} of a state made by {word(op.state)}"
                    raise Broken(op, op.state, what, "read a gen or a select")
            case Render():
                self.operand(op, op.state, Type.STATE)
                self.operand(op, op.since, Type.STATE)
                fault = Broken(op, op.since, "a text since a state that the prompt was not made from")
                self.extends.append((op.state, op.since, fault))
            case Method() | Test():
                self.pure(op)
            case Format():
                for part in op.parts:
                    self.text(op, part, "a format")
            case Unordered():
                for part in (part for group in op.groups for part in group):
                    self.unordered(op, part)
            case Image():
                self.operand(op, op.path, Type.TEXT)
                if op.frames is not None and (type(op.frames) is not int or not 0 < op.frames < 2**31):
                    raise Broken(op, "frames=", f"frames is {op.frames!r}, not an integer of at least 1")
            case _:
                raise Broken(op, "", f"{type(op).__name__} is no op of the IR")
        if isinstance(op, Numbered) and (type(op.number) is not int or not 0 <= op.number < 2**63):
            raise Broken(op, "number=", f"number is {op.number!r}, not an integer of at least 0")
        self.defined.add(op)
        self._seen.add(op)

    def operand(self, op: Op, operand: object, *types: Type) -> None:
        if not isinstance(operand, Op):
            raise Broken(op, "", f"{type(operand).__name__} {operand!r} stands where a value belongs")
        if operand not in self.defined:
            raise self.unknown(op, operand)
        if operand.result not in types:
            wanted = " or ".join(type_.value for type_ in types)
            among_parts = (
                operand.result is Type.STATE
            )  # the state that it goes on from may be the same one, and is right
            what = f"{word(op)} takes {wanted} here, not {operand.result.value}"
            raise Broken(op, operand, what, last=among_parts)

    def unknown(self, op: Op, operand: Op) -> Broken:
        if operand in self.graph.params:
            return Broken(op, operand, "a prefix reads a param", "a prefix depends on no argument and no answer")
        if operand in self._seen:
            hint = "a value is known in its own case, and in those inside it"
            return Broken(op, operand, "a value of another case is used", hint)
        if operand in self.graph.ops:
            return Broken(op, operand, "a value is used before its definition", "ops stand after what they read")
        return Broken(op, operand, "a value is used that the graph does not hold")

    def after(self, op: Append, role: str | None) -> str | None:
        """The role that is open after an append."""
        for part in op.parts:
            match part:
                case str():
                    self.string(op, part)
                case Trusted():
                    self.operand(op, part.text, Type.TEXT)
                case Role():
                    at = f"<{part.name}>" if part.edge == "begin" else f"</{part.name}>"
                    if part.name not in ROLES:
                        raise Broken(op, at, f"there is no role {part.name!r}", f"the roles are {', '.join(ROLES)}")
                    if part.edge == "begin" and role is not None:
                        raise Broken(
                            op, at, f"{at} opens inside <{role}>", f"roles do not nest; close it with </{role}>"
                        )
                    if part.edge == "end" and role != part.name:
                        inside = f"inside <{role}>" if role else "outside of any role"
                        raise Broken(op, at, f"{at} stands {inside}", "a role is closed once, by its own name")
                    role = part.name if part.edge == "begin" else None
                case _:
                    self.operand(op, part, Type.TEXT, Type.IMAGE)
        return role

    def text(self, op: Op, part: Part, what: str) -> None:
        match part:
            case str():
                self.string(op, part)
            case Role():
                at = f"<{part.name}>" if part.edge == "begin" else f"</{part.name}>"
                raise Broken(op, at, f"{what} cannot hold a role", "roles belong to appends")
            case Trusted():
                self.operand(op, part.text, Type.TEXT)
            case _:
                self.operand(op, part, Type.TEXT)

    def unordered(self, op: Unordered, part: Part) -> None:
        self.text(op, part, "an unordered")
        if isinstance(part, Trusted | Unordered):
            at = part.text if isinstance(part, Trusted) else part
            what = (
                "text of an unordered cannot be trusted" if isinstance(part, Trusted) else "an unordered holds another"
            )
            raise Broken(op, at, what, "its parts are literals and plain texts")

    def string(self, op: Op, text: str) -> None:
        if (problem := what_is_wrong_with_text(text)) is not None:
            raise Broken(op, quoted(text), problem, "text must be valid Unicode")

    def gen(self, op: Gen) -> None:
        for name, (holds, wanted) in SETTINGS.items():
            value = getattr(op.sampling, name)
            if value is not None and not holds(value):
                raise Broken(op, f"{name}=", f"{name} is {value!r}, not {wanted}")
        low, high = op.sampling.min_tokens, op.sampling.max_tokens
        if low is not None and high is not None and low > high:
            raise Broken(op, "min_tokens=", f"min_tokens is {low}, over max_tokens, which is {high}")
        if op.constraint is not None:
            self.constraint(op, op.constraint)
        elif op.sampling.finish_in_time:
            raise Broken(
                op, "finish_in_time=", "finish_in_time without a constraint", "give what the answer must match"
            )
        for text in (op.name, *(op.sampling.stop or ()), *(op.sampling.stop_regex or ())):
            if text is not None:
                self.string(op, text)

    def constraint(self, op: Gen, constraint: Constraint) -> None:
        if constraint.kind not in get_args(ConstraintKind):
            raise Broken(op, "", f"there is no kind of constraints {constraint.kind!r}")
        if constraint.whitespace is not None and (constraint.kind != "json_schema" or constraint.whitespace < 0):
            raise Broken(op, "json_whitespace=", "json_whitespace is a count of characters, of a json_schema")
        self.string(op, constraint.text)

    def select(self, op: Select) -> None:
        if not op.choices:
            raise Broken(op, "", "a select has no choice", "give at least one")
        if op.name is not None:
            self.string(op, op.name)
        if op.method not in get_args(ChoicesMethod):
            hint = f"the methods are {', '.join(get_args(ChoicesMethod))}"
            raise Broken(op, "method=", f"there is no choices method {op.method!r}", hint)
        for choice in op.choices:
            for part in choice:
                self.text(op, part, "a choice")

    def call(self, op: Call) -> None:
        self.string(op, op.function)
        for key, _ in op.keywords:
            self.string(op, key)
        if len(dict(op.keywords)) < len(op.keywords):
            raise Broken(op, "keywords=", "a keyword is given twice")
        for argument in (*op.arguments, *(value for _, value in op.keywords)):
            self.argument(op, argument)
        if op.timeout is not None and (type(op.timeout) not in (int, float) or not 0 < op.timeout < math.inf):
            raise Broken(op, "timeout=", f"timeout is {op.timeout!r}, not a number of seconds over 0")

    def pure(self, op: Method | Test) -> None:
        for argument in op.arguments:
            self.argument(op, argument)
        if not operands(op):
            raise Broken(op, "", f"a {word(op)} of constants only", "give its result")
        if (problem := what_is_wrong_with_call(word(op), op.name, op.arguments)) is not None:
            raise Broken(op, quoted(op.name), problem)

    def argument(self, op: Op, argument: Argument) -> None:
        """An argument of a function: a text of the graph, or plain data with such texts in it."""
        todo: list[tuple[Argument, int]] = [(argument, 0)]
        while todo:
            item, depth = todo.pop()
            if isinstance(item, Op):
                self.operand(op, item, Type.TEXT)
            elif isinstance(item, tuple | list | dict):
                if depth == MAX_NESTING - 1:
                    raise Broken(op, "", f"arguments nest deeper than {MAX_NESTING}")
                if isinstance(item, dict):
                    if (problem := what_is_wrong(dict.fromkeys(item))) is not None:
                        raise Broken(op, "", problem)
                    item = list(item.values())
                todo.extend((child, depth + 1) for child in reversed(item))
            elif not is_constant(item):
                raise Broken(op, "", f"a {type(item).__name__} stands among the arguments", "plain data may")
            elif (problem := what_is_wrong(item)) is not None:
                raise Broken(op, "", problem)


def word(op: Op) -> str:
    return type(op).__name__.lower()

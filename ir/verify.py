"""The rules of a valid graph. Every pass gets a valid graph and gives one; the pipeline checks it after each."""

from __future__ import annotations

import re
from dataclasses import fields

from sglc.ir.errors import IRError
from sglc.ir.graph import Fork, Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Role, Root, Sampling, Select, Trusted, Type
from sglc.ir.printer import MAX_NESTING, lines_of, pointer, print_fork, quoted, value_names
from sglc.ir.terms import terms
from sglc.ir.values import SETTINGS, is_constant, what_is_wrong, what_is_wrong_with_text

ROLES = ("system", "user", "assistant")
CONSTANT = (Root, Append, Format, Image)
"""Ops that may stand in a prefix."""


def verify(graph: Graph) -> None:
    """Raises `IRError` for the first broken rule, with the line of the graph's text and carets under the place."""
    try:
        _Verifier(graph).run()
    except _Fault as fault:
        raise _explained(graph, fault) from None


class _Fault(Exception):
    """A broken rule.

    line: the op whose line it is on, or how the line begins. at: the value or text to point at there; "" for all of it.
    """

    def __init__(self, line: Op | str, at: Op | str, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.line, self.at, self.what, self.hint = line, at, what, hint


def _explained(graph: Graph, fault: _Fault) -> IRError:
    names = value_names(graph)
    lines = list(lines_of(graph, names))
    begin = f"{names.get(fault.line, '%?')} = " if isinstance(fault.line, Op) else fault.line
    number = next((i for i, line in enumerate(lines) if line.lstrip().startswith(begin)), 0)
    line = lines[number]
    indent = len(line) - len(line.lstrip())
    at = names.get(fault.at, "%?") if isinstance(fault.at, Op) else fault.at
    whole = rf"(?<![\w%]){re.escape(at)}" + (r"(?!\w)" if at[-1:].isalnum() else "")
    found = re.compile(whole).search(line, indent + 1) if at else None
    start, end = found.span() if found else (indent, len(line))
    what = f"{fault.what}\n{pointer(line, start, end)}"
    return IRError(what, where=f"{graph.name}:{number + 1}:{start + 1}", hint=fault.hint)


class _Verifier:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.defined: set[Op] = set()
        self.role: dict[Op, str | None] = {}  # the open role of each state

    def run(self) -> None:
        graph = self.graph
        self.params()
        for op in graph.prefixes:
            if not isinstance(op, CONSTANT):
                raise _Fault(
                    op, "", f"a prefix cannot hold a {_word(op)}", "a prefix depends on no argument and no answer"
                )
            self.op(op)
        self.defined.update(graph.params)
        for op in graph.body:
            if isinstance(op, Param):
                raise _Fault(op, "", "a param stands among the ops", "params belong to the graph's params")
            self.op(op)
        self.samples()
        self.forks()
        self.outputs()

    def params(self) -> None:
        names: set[str] = set()
        for op in self.graph.params:
            if op.name in names:
                raise _Fault(op, quoted(op.name), f"two params have the name {op.name!r}")
            names.add(op.name)
            self.string(op, op.name)
            if op.default is not None:
                self.string(op, op.default)

    def op(self, op: Op) -> None:
        if op in self.defined:
            raise _Fault(op, "", "the op stands in the graph twice")
        match op:
            case Root():
                self.role[op] = None
            case Append():
                self.operand(op, op.state, Type.STATE)
                self.role[op] = self.after(op, self.role[op.state])
            case Gen():
                self.operand(op, op.state, Type.STATE)
                self.role[op] = self.role[op.state]
                self.gen(op)
            case Select():
                self.operand(op, op.state, Type.STATE)
                self.role[op] = self.role[op.state]
                self.select(op)
            case Read():
                self.operand(op, op.state, Type.STATE)
                if not isinstance(op.state, Gen | Select):
                    raise _Fault(op, op.state, f"read of a state made by {_word(op.state)}", "read a gen or a select")
            case Format():
                for part in op.parts:
                    self.text(op, part, "a format")
            case Image():
                self.operand(op, op.path, Type.TEXT)
            case _:
                raise _Fault(op, "", f"{type(op).__name__} is no op of the IR")
        self.defined.add(op)

    def operand(self, op: Op, operand: object, *types: Type) -> None:
        if not isinstance(operand, Op):
            raise _Fault(op, "", f"{type(operand).__name__} {operand!r} stands where a value belongs")
        if operand not in self.defined:
            if operand in self.graph.params:
                raise _Fault(op, operand, "a prefix reads a param", "a prefix depends on no argument and no answer")
            if operand in self.graph.ops:
                raise _Fault(op, operand, "a value is used before its definition", "ops stand after what they read")
            raise _Fault(op, operand, "a value is used that the graph does not hold")
        if operand.result not in types:
            wanted = " or ".join(type_.value for type_ in types)
            raise _Fault(op, operand, f"{_word(op)} takes {wanted} here, not {operand.result.value}")

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
                        raise _Fault(op, at, f"there is no role {part.name!r}", f"the roles are {', '.join(ROLES)}")
                    if part.edge == "begin" and role is not None:
                        raise _Fault(
                            op, at, f"{at} opens inside <{role}>", f"roles do not nest; close it with </{role}>"
                        )
                    if part.edge == "end" and role != part.name:
                        inside = f"inside <{role}>" if role else "outside of any role"
                        raise _Fault(op, at, f"{at} stands {inside}", "a role is closed once, by its own name")
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
                raise _Fault(op, at, f"{what} cannot hold a role", "roles belong to appends")
            case Trusted():
                self.operand(op, part.text, Type.TEXT)
            case _:
                self.operand(op, part, Type.TEXT)

    def string(self, op: Op, text: str) -> None:
        if (problem := what_is_wrong_with_text(text)) is not None:
            raise _Fault(op, quoted(text), problem, "text must be valid Unicode")

    def gen(self, op: Gen) -> None:
        for f in fields(Sampling):
            value = getattr(op.sampling, f.name)
            holds, wanted = SETTINGS[f.name]
            if value is not None and not holds(value):
                raise _Fault(op, f"{f.name}=", f"{f.name} is {value!r}, not {wanted}")
        low, high = op.sampling.min_tokens, op.sampling.max_tokens
        if low is not None and high is not None and low > high:
            raise _Fault(op, "min_tokens=", f"min_tokens is {low}, over max_tokens, which is {high}")
        if type(op.sample) is not int or not 0 <= op.sample < 2**63:
            raise _Fault(op, "sample=", f"sample is {op.sample!r}, not an integer of at least 0")
        for text in (op.name, op.regex, *(op.sampling.stop or ())):
            if text is not None:
                self.string(op, text)

    def select(self, op: Select) -> None:
        if not op.choices:
            raise _Fault(op, "", "a select has no choice", "give at least one")
        if op.name is not None:
            self.string(op, op.name)
        for choice in op.choices:
            for part in choice:
                self.text(op, part, "a choice")

    def samples(self) -> None:
        """Gens with one number are one sample, and so must be equal."""
        first: dict[int, Gen] = {}
        gens = [op for op in self.graph.body if isinstance(op, Gen)]
        twins = [(first[op.sample], op) for op in gens if first.setdefault(op.sample, op) is not op]
        if not twins:
            return
        term = terms(self.graph, {})
        for one, two in twins:
            if term[one] != term[two]:
                what = f"two gens that differ have the sample number {two.sample}"
                raise _Fault(two, "sample=", what, "each sample of a program has its own number")

    def forks(self) -> None:
        def fault(fork: Fork, at: Op, what: str) -> _Fault:
            return _Fault(print_fork(fork, value_names(self.graph)), at, what)

        for fork in self.graph.forks:
            if fork.state not in self.defined or fork.state.result is not Type.STATE:
                raise fault(fork, fork.state, "a fork is of a state of the graph")
            if len(fork.members) != len(set(fork.members)):
                raise fault(fork, fork.members[0], "a fork names a member twice")
            extends: set[Op] = {fork.state}
            for member in fork.members:
                if member not in self.defined or not isinstance(member, Gen | Select):
                    raise fault(fork, member, "a fork's members are gens and selects of the graph")
                path: list[Op] = []
                state: Op = member.state
                while state not in extends and isinstance(state, Append | Gen | Select):
                    path.append(state)
                    state = state.state
                if state not in extends:
                    raise fault(fork, member, "a fork's member does not extend its state")
                extends.update(path)

    def outputs(self) -> None:
        graph = self.graph
        if (problem := what_is_wrong_with_text(graph.name)) is not None:
            raise _Fault("program", "", problem, "text must be valid Unicode")
        if graph.final not in self.defined or graph.final.result is not Type.STATE:
            raise _Fault("final", graph.final, "the program's text is of a state of the graph")
        for path, value in graph.statics.items():
            if not is_constant(value):
                raise _Fault(f"static {quoted(path)}", "", f"a static is a {type(value).__name__}, not a constant")
            self.tree(f"static {quoted(path)}", value)
        for name, tree in graph.variables.items():
            self.tree("variable", name)
            self.tree(f"variable {quoted(name)}", tree)
        self.tree("return", graph.value)

    def tree(self, line: str, tree: Tree) -> None:
        """A result: plain data of exact types, finite, not too deep, whose ops are texts of the graph."""
        todo: list[tuple[Tree, int]] = [(tree, 0)]
        while todo:
            item, depth = todo.pop()
            if isinstance(item, Op):
                if item not in self.defined or item.result is not Type.TEXT:
                    raise _Fault(line, item, "a result is not a text of the graph", "read a gen or a select")
                continue
            if (problem := what_is_wrong(item)) is not None:
                raise _Fault(line, "", problem, "results are plain data, as JSON has it")
            if isinstance(item, list | tuple | dict):
                if depth == MAX_NESTING:
                    raise _Fault(line, "", f"lists and dicts nest deeper than {MAX_NESTING}")
                if isinstance(item, dict):
                    item = [*item, *item.values()]
                todo.extend((child, depth + 1) for child in reversed(item))


def _word(op: Op) -> str:
    return type(op).__name__.lower()

"""The text form of graphs: complete, so that `parse_graph` gives the graph back, and meant to be read by people.

    program judge {
      %essay = param "essay"
      prefix {
        %0 = root
        %1 = append %0, [<system>, "You are a judge.", </system>, <user>]  # 312 tokens
      }
      %2 = append %1, [%essay, </user>, <assistant>]
      %3 = gen %2 {name="comment", max_tokens=64, sample=0} @ "judge.py":14
      %4 = read %3
      %5 = select %3 from [["good"], ["bad: ", %4]] {name="verdict"}
      static "n" = 3
      final %5
      variable "comment" = %4
      return {"all": [1, null, %4]}
    }

One line is one op or one field of the graph. Strings are JSON's. Names are made afresh by every print: a param's from
its name, the others count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType

from sglc.ir.graph import Fork, Graph, Tree
from sglc.ir.ops import Append, Format, Gen, Image, Op, Param, Part, Read, Role, Root, Sampling, Select, Trusted
from sglc.ir.schedule import Schedule

MAX_NESTING = 64
"""Of lists, tuples and dicts in a result; the verifier and the parser refuse more."""

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def print_graph(graph: Graph, notes: Mapping[Op, str] = MappingProxyType({})) -> str:
    """The text of a graph; `notes` are printed as comments behind their ops."""
    return "\n".join(lines_of(graph, value_names(graph), notes)) + "\n"


def lines_of(graph: Graph, names: Mapping[Op, str], notes: Mapping[Op, str] = MappingProxyType({})) -> Iterator[str]:
    """The lines of a graph's text; `names` as from `value_names`, "%?" for ops that it lacks."""

    def lines(ops: Iterable[Op], indent: str) -> Iterator[str]:
        for op in ops:
            note = f"  # {' '.join(notes[op].split())}" if op in notes else ""
            yield f"{indent}{print_op(op, names)}{note}"

    yield f"program {graph.name if IDENTIFIER.fullmatch(graph.name) else quoted(graph.name)} {{"
    yield from lines(graph.params, "  ")
    if graph.prefixes:
        yield "  prefix {"
        yield from lines(graph.prefixes, "    ")
        yield "  }"
    yield from lines(graph.body, "  ")
    for fork in graph.forks:
        yield f"  {print_fork(fork, names)}"
    for path, static in graph.statics.items():
        yield f"  static {_tree(path, names)} = {_tree(static, names)}"
    yield f"  final {_name(graph.final, names)}"
    for variable, tree in graph.variables.items():
        yield f"  variable {_tree(variable, names)} = {_tree(tree, names)}"
    if graph.value is not None:
        yield f"  return {_tree(graph.value, names)}"
    yield "}"


def print_op(op: Op, names: Mapping[Op, str]) -> str:
    """One line: `%3 = gen %2 {sample=0} @ "judge.py":14`."""
    words, attributes = _described(op, names)
    line = f"{_name(op, names)} = {words}"
    if attributes:
        line += f" {{{', '.join(f'{key}={value}' for key, value in attributes)}}}"
    return line if op.loc is None else f"{line} @ {quoted(op.loc.file)}:{op.loc.line}"


def print_fork(fork: Fork, names: Mapping[Op, str]) -> str:
    return f"fork {_name(fork.state, names)}: {', '.join(_name(member, names) for member in fork.members)}"


def value_names(graph: Graph) -> dict[Op, str]:
    """A name for each op of the graph: `%essay`, `%docs_0` for the param docs[0], `%0`, `%1`, ... for the others."""
    own: dict[str, Op] = {}
    for param in graph.params:
        name = param.name if IDENTIFIER.fullmatch(param.name) else re.sub(r"[^A-Za-z0-9]+", "_", param.name).strip("_")
        if IDENTIFIER.fullmatch(name):
            own.setdefault(name, param)
    names = {param: f"%{name}" for name, param in own.items()}
    numbers = iter(range(len(graph.ops)))
    return {op: names[op] if op in names else f"%{next(numbers)}" for op in dict.fromkeys(graph.ops)}


def quoted(text: str) -> str:
    """The text as a JSON string of printable characters only."""
    literal = json.dumps(text, ensure_ascii=False)
    if literal.isprintable():
        return literal
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in literal)


def pointer(line: str, start: int, end: int) -> str:
    """The line, or what of it stands around start..end, over a row of carets under that place."""
    line = re.sub(r"[^ -~]", lambda c: c[0] if c[0].isprintable() else " ", line)
    first, last = max(0, start - 60), max(start + 60, min(end, start + 100))
    before, after = "... " if first else "", " ..." if last < len(line) else ""
    carets = "^" * max(1, min(end, last) - start)
    return f"    {before}{line[first:last]}{after}\n    {' ' * (len(before) + start - first)}{carets}"


def print_schedule(graph: Graph, schedule: Schedule) -> str:
    """A schedule for reading: what is prefilled, which steps run in what order, where KV dies."""
    names, ops = value_names(graph), graph.ops
    lines = [f"schedule {graph.name} {{"]
    for prefix in schedule.prefixes:
        lines.append(f"  prefix {names[ops[prefix.op]]}  # begins {_count(prefix.uses, 'step')}")
    for index, step in enumerate(schedule.steps):
        op = ops[step.op]
        name = f" {quoted(op.name)}" if isinstance(op, Gen | Select) and op.name is not None else ""
        after = f" after {', '.join(map(str, step.after))}" if step.after else ""
        fork = f", fork {step.fork}" if step.fork >= 0 else ""
        lines.append(
            f"  step {index}: {step.kind} {names[op]}{name}{after}  # priority {step.priority}, order {step.order}{fork}"
        )
    for life in schedule.lifetimes:
        dies = f"dies after {', '.join(map(str, life.last))}" if life.last else "never read"
        lines.append(f"  kv {names[ops[life.state]]}: {dies}  # begins {_count(life.uses, 'step')}")
    return "\n".join([*lines, "}"]) + "\n"


def _described(op: Op, names: Mapping[Op, str]) -> tuple[str, list[tuple[str, str]]]:
    """The op's keyword with its operands, and its attributes."""
    match op:
        case Param():
            default = [("default", quoted(op.default))] if op.default is not None else []
            return f"param {quoted(op.name)}", default
        case Root():
            return "root", []
        case Append():
            return f"append {_name(op.state, names)}, {_parts(op.parts, names)}", []
        case Gen():
            regex = [("regex", quoted(op.regex))] if op.regex is not None else []
            attributes = [*_named(op.name), *_sampling(op.sampling), *regex, ("sample", _tree(op.sample, names))]
            return f"gen {_name(op.state, names)}", attributes
        case Select():
            choices = ", ".join(_parts(choice, names) for choice in op.choices)
            return f"select {_name(op.state, names)} from [{choices}]", _named(op.name)
        case Read():
            return f"read {_name(op.state, names)}", []
        case Format():
            return f"format {_parts(op.parts, names)}", []
        case Image():
            return f"image {_name(op.path, names)}", []
        case _:
            return f"?{type(op).__name__}", []


def _named(name: str | None) -> list[tuple[str, str]]:
    return [] if name is None else [("name", quoted(name))]


def _sampling(sampling: Sampling) -> list[tuple[str, str]]:
    settings = ((f.name, getattr(sampling, f.name)) for f in fields(sampling))
    return [(name, _setting(value)) for name, value in settings if value is not None]


def _setting(value: Tree) -> str:
    return _tree(list(value) if isinstance(value, tuple) else value, {})


def _parts(parts: Iterable[Part], names: Mapping[Op, str]) -> str:
    return f"[{', '.join(_part(part, names) for part in parts)}]"


def _part(part: Part, names: Mapping[Op, str]) -> str:
    match part:
        case str():
            return quoted(part)
        case Role():
            return f"<{part.name}>" if part.edge == "begin" else f"</{part.name}>"
        case Trusted():
            return f"trusted {_name(part.text, names)}"
        case _:
            return _name(part, names)


def _tree(tree: Tree, names: Mapping[Op, str], depth: int = 0) -> str:
    if depth > MAX_NESTING:
        return "..."
    match tree:
        case None:
            return "null"
        case bool():
            return "true" if tree else "false"
        case str():
            return quoted(tree)
        case Op():
            return _name(tree, names)
        case dict():
            return f"{{{', '.join(f'{_tree(k, names)}: {_tree(v, names, depth + 1)}' for k, v in tree.items())}}}"
        case list():
            return f"[{', '.join(_tree(item, names, depth + 1) for item in tree)}]"
        case tuple():
            items = [_tree(item, names, depth + 1) for item in tree]
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case _:
            return repr(tree)


def _name(op: object, names: Mapping[Op, str]) -> str:
    return names.get(op, "%?") if isinstance(op, Op) else "%?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

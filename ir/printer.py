"""The text form of graphs: complete, so that `parse_graph` gives the graph back, and meant to be read by people.

    program judge {
      %essay = param "essay"
      prefix {
        %0 = root
        %1 = append %0, [<system>, "You are a judge.", </system>, <user>]  # 312 tokens
      }
      %2 = append %1, [%essay, </user>, <assistant>]
      %3 = gen %2 {name="comment", max_tokens=64, number=0} @ "judge.py":14
      %4 = read %3
      %5 = select %3 from [["good"], ["bad: ", %4]] {name="verdict", number=1}
      static "n" = 3
      final %5
      variable "comment" = %4
      return {"all": [1, null, %4]}
    }

A program that branches has a switch instead, and what comes after it for each answer that was foreseen:

    program route {
      %question = param "question"
      %0 = root
      %1 = append %0, [%question, " Search?"]
      %2 = select %1 from [["yes"], ["no"]] {name="search", number=0}
      %3 = read %2
      %4 = test "eq" [%3, "yes"]
      final %2
      switch %4 {number=0, why="if s[\\"search\\"] == \\"yes\\""} @ "route.py":9
      case true {
        %5 = call "wikipedia" [%question] {timeout=2.5, number=1} @ "route.py":10
        %6 = append %2, ["\\n", %5]
        %7 = gen %6 {number=2}
        final %7
        exit %5 {number=1, why="int()"} @ "route.py":12
      }
      case false {
        final %2
      }
    }

What is known of an answer goes with the variable that reads it. Where the body changed the variable since, a line
`answers "comment" = %3` says whose answer it was (`null`: nobody's any more).

Parts whose order is free are one op, `%2 = unordered [[%instructions], ["Be brief."]] @ "few.py":9`. Once it is chosen, they
stand in the prompt in that order, and a line `order "few.py":9 = [1, 0]` says so.

`exit` ends what was traced; `else exit` after the cases says that there may be other answers.

One line is one op or one field of the graph. Strings are JSON's. Names are made afresh by every print: a param's from
its name, the others count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TypeAlias

from sglc.ir.errors import Location
from sglc.ir.graph import End, Fork, Graph, Order, Region, Switch, Tree, answers_of
from sglc.ir.ops import (
    Append,
    Argument,
    Call,
    Constraint,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Numbered,
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
    token_bound,
)
from sglc.ir.schedule import Schedule

MAX_NESTING = 64
"""Of lists, tuples and dicts in a result; the verifier and the parser refuse more."""

DEFAULT_METHOD = "token_length_normalized"

Key: TypeAlias = "Op | Fork | str | tuple[Region | str, str]"
"""What a line is about: an op, a fork, "program", "prefix", ("static", path), ("order", place), or a region and "final", "variable NAME",
"return", "switch" or "case INDEX"."""

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def print_graph(graph: Graph, notes: Mapping[Op, str] = MappingProxyType({})) -> str:
    """The text of a graph; `notes` are printed as comments behind their ops."""
    return "\n".join(line for _, line in lines_of(graph, value_names(graph), notes)) + "\n"


def lines_of(
    graph: Graph, names: Mapping[Op, str], notes: Mapping[Op, str] = MappingProxyType({})
) -> Iterator[tuple[Key, str]]:
    """The lines of a graph's text, each with what it is about; `names` as from `value_names`, "%?" for ops it lacks."""
    yield "program", f"program {graph.name if IDENTIFIER.fullmatch(graph.name) else quoted(graph.name)} {{"
    yield from _ops(graph.params, "  ", names, notes)
    if graph.prefixes:
        yield "prefix", "  prefix {"
        yield from _ops(graph.prefixes, "    ", names, notes)
        yield "prefix", "  }"
    left: list[tuple[str, Region | tuple[Key, str]]] = [("  ", graph.region)]  # no recursion: regions may nest deeply
    while left:
        indent, item = left.pop()
        if isinstance(item, tuple):
            yield item[0], f"{indent}{item[1]}"
            continue
        yield from _ops(item.body, indent, names, notes)
        for fork in item.forks:
            yield fork, f"{indent}{print_fork(fork, names)}"
        for path, static in graph.statics.items() if item is graph.region else ():
            yield ("static", path), f"{indent}static {print_tree(path, names)} = {print_tree(static, names)}"
        for place, order in graph.orders.items() if item is graph.region else ():
            yield ("order", str(place)), f"{indent}{print_order(place, order)}"
        for word, line in _end(item.end, names):
            yield (item, word), f"{indent}{line}"
        left.extend((f"{indent}{more}", inner) for more, inner in reversed(list(_cases(item, names))))
    yield "program", "}"


def _ops(ops: Iterable[Op], indent: str, names: Mapping[Op, str], notes: Mapping[Op, str]) -> Iterator[tuple[Op, str]]:
    for op in ops:
        note = f"  # {' '.join(notes[op].split())}" if op in notes else ""
        yield op, f"{indent}{print_op(op, names)}{note}"


def _end(end: End | Switch, names: Mapping[Op, str]) -> Iterator[tuple[str, str]]:
    yield "final", f"final {_name(end.final, names)}"
    if isinstance(end, Switch):
        yield "switch", _switch(end, names)
        return
    for variable, tree in end.variables.items():
        yield f"variable {variable}", f"variable {print_tree(variable, names)} = {print_tree(tree, names)}"
    implied = answers_of(end.variables)
    for variable in dict.fromkeys((*end.variables, *end.answers)):
        if (answers := end.answers.get(variable)) != implied.get(variable):
            yield f"answers {variable}", f"answers {print_tree(variable, names)} = {print_tree(answers, names)}"
    if end.value is not None:
        yield "return", f"return {print_tree(end.value, names)}"


def _switch(switch: Switch, names: Mapping[Op, str]) -> str:
    """`switch %4 {number=1, why="..."} @ "judge.py":14`; `exit` where no case was foreseen."""
    subjects = ", ".join(_name(subject, names) for subject in switch.subjects)
    words = " ".join(filter(None, ("switch" if switch.cases else "exit", subjects)))
    why = [("why", quoted(switch.why))] if switch.why else []
    return f"{words}{_attributes([('number', str(switch.number)), *why])}{_place(switch.loc)}"


def _cases(region: Region, names: Mapping[Op, str]) -> Iterator[tuple[str, Region | tuple[Key, str]]]:
    """What stands below a switch: (indent more than its own, a line or a region)."""
    if not isinstance(region.end, Switch) or not region.end.cases:
        return
    for index, case in enumerate(region.end.cases):
        key = region, f"case {index}"
        yield "", (key, f"case {', '.join(print_tree(value, names) for value in case.values)} {{")
        yield "  ", case.region
        yield "", (key, "}")
    if region.end.open:
        yield "", ((region, "switch"), "else exit")


def print_op(op: Op, names: Mapping[Op, str]) -> str:
    """One line: `%3 = gen %2 {number=0} @ "judge.py":14`."""
    words, attributes = _described(op, names)
    return f"{_name(op, names)} = {words}{_attributes(attributes)}{_place(op.loc)}"


def _attributes(attributes: list[tuple[str, str]]) -> str:
    return f" {{{', '.join(f'{key}={value}' for key, value in attributes)}}}" if attributes else ""


def _place(loc: Location | None) -> str:
    return "" if loc is None else f" @ {quoted(loc.file)}:{loc.line}"


def print_fork(fork: Fork, names: Mapping[Op, str]) -> str:
    return f"fork {_name(fork.state, names)}: {', '.join(_name(member, names) for member in fork.members)}"


def print_order(place: Location, order: Order) -> str:
    """`order "judge.py":14 = [1, 0]`; `= null {why="..."}` for parts that stay as they were written."""
    places = None if order.places is None else list(order.places)
    why = [("why", quoted(order.why))] if order.why else []
    return f"order {quoted(place.file)}:{place.line} = {print_tree(places, {})}{_attributes(why)}"


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
        said = ", ".join(graph.params[i].name for i in prefix.params)
        who = {"program": "", "batch": f" of the batch, where equal: {said}", "call": " of the call"}[prefix.scope]
        lines.append(f"  prefix {names[ops[prefix.op]]}{who}  # begins {_count(prefix.uses, 'step')}")
    for index, step in enumerate(schedule.steps):
        op = ops[step.op]
        name = f" {quoted(op.name)}" if isinstance(op, Gen | Select) and op.name is not None else ""
        after = f" after {', '.join(map(str, step.after))}" if step.after else ""
        fork = f", fork {step.fork}" if step.fork >= 0 else ""
        region = f", region {step.region}" if step.region else ""
        known = isinstance(op, Gen) and step.longest is not None
        bound = f", at most {_count(token_bound(op, step.longest), 'token')}" if known else ""
        place = f"priority {step.priority}, order {step.order}{fork}{region}{bound}"
        lines.append(f"  step {index}: {step.kind} {names[op]}{name}{after}  # {place}")
    for number, group in enumerate(schedule.forks):
        within = f" within {group.within}" if group.within >= 0 else ""
        members = ", ".join(map(str, group.members))
        lines.append(
            f"  fork {number} on {names[ops[group.state]]}{within}: {'step' if len(group.members) == 1 else 'steps'} {members}"
        )
    for life in schedule.lifetimes:
        dies = f"dies after {', '.join(map(str, life.last))}" if life.last else "never read"
        behind = f", with at most {_count(life.tokens, 'token')} decoded behind it" if life.last else ""
        lines.append(f"  kv {names[ops[life.state]]}: {dies}{behind}  # begins {_count(life.uses, 'step')}")
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
            return f"gen {_name(op.state, names)}", [
                *_named(op.name),
                *_sampling(op.sampling),
                *_constraint(op.constraint),
                _numbered(op),
            ]
        case Select():
            choices = ", ".join(_parts(choice, names) for choice in op.choices)
            method = [] if op.method == DEFAULT_METHOD else [("method", quoted(op.method))]
            return f"select {_name(op.state, names)} from [{choices}]", [*_named(op.name), *method, _numbered(op)]
        case Call():
            keywords = [("keywords", print_tree(dict(op.keywords), names))] if op.keywords else []
            timeout = [("timeout", repr(op.timeout))] if op.timeout is not None else []
            words = f"call {quoted(op.function)} {_arguments(op.arguments, names)}"
            dropped = [("dropped", "true")] if op.dropped else []
            return words, [*keywords, *timeout, *dropped, _numbered(op)]
        case Read():
            return f"read {_name(op.state, names)}", []
        case Meta():
            return f"meta {_name(op.state, names)}", [_numbered(op)]
        case Render():
            return f"render {_name(op.state, names)} since {_name(op.since, names)}", [_numbered(op)]
        case Format():
            return f"format {_parts(op.parts, names)}", []
        case Unordered():
            return f"unordered [{', '.join(_parts(group, names) for group in op.groups)}]", []
        case Method():
            return f"method {quoted(op.name)} {_arguments(op.arguments, names)}", []
        case Test():
            return f"test {quoted(op.name)} {_arguments(op.arguments, names)}", []
        case Image():
            frames = [("frames", str(op.frames))] if op.frames is not None else []
            return f"image {_name(op.path, names)}", frames
        case _:
            return f"?{type(op).__name__}", []


def _numbered(op: Numbered) -> tuple[str, str]:
    return "number", str(op.number)


def _arguments(arguments: Iterable[Argument], names: Mapping[Op, str]) -> str:
    return f"[{', '.join(print_tree(argument, names) for argument in arguments)}]"


def _named(name: str | None) -> list[tuple[str, str]]:
    return [] if name is None else [("name", quoted(name))]


def _sampling(sampling: Sampling) -> list[tuple[str, str]]:
    settings = ((f.name, getattr(sampling, f.name)) for f in fields(sampling))
    return [(name, _setting(value)) for name, value in settings if value is not None]


def _constraint(constraint: Constraint | None) -> list[tuple[str, str]]:
    if constraint is None:
        return []
    whitespace = constraint.whitespace
    return [
        (constraint.kind, quoted(constraint.text)),
        *([] if whitespace is None else [("json_whitespace", str(whitespace))]),
    ]


def _setting(value: Tree) -> str:
    return print_tree(list(value) if isinstance(value, tuple) else value, {})


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


def print_tree(tree: Tree, names: Mapping[Op, str], depth: int = 0) -> str:
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
            return f"{{{', '.join(f'{print_tree(k, names)}: {print_tree(v, names, depth + 1)}' for k, v in tree.items())}}}"
        case list():
            return f"[{', '.join(print_tree(item, names, depth + 1) for item in tree)}]"
        case tuple():
            items = [print_tree(item, names, depth + 1) for item in tree]
            return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
        case _:
            return repr(tree)


def _name(op: object, names: Mapping[Op, str]) -> str:
    return names.get(op, "%?") if isinstance(op, Op) else "%?"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

"""The text form of graphs, read back: `parse_graph(print_graph(g))` equals `g`.

The grammar (grammar.lark) is one line's, so that memory and time are a line's too; the order of lines is checked here,
and what stands in a line is read in parse_op.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

from sglc.ir.errors import IRError, Location
from sglc.ir.graph import MAX_REGIONS, Case, End, Fork, Graph, Order, Region, Static, Switch, Tree, answers_of
from sglc.ir.ops import Op, Param
from sglc.ir.parse_op import Values, constant, fresh, location, nothing_left, number, place, rule, string, taken
from sglc.ir.printer import Key, pointer
from sglc.ir.syntax import Fault, Rule, fault_at, parse_line
from sglc.ir.verify import Written

MAX_LINES = 50_000
"""Of a text: a bound on the time that a hostile one takes, about five seconds."""


def parse_graph(text: str, file: str = "<ir>") -> Graph:
    """The graph that a text stands for.

    The graph is well formed but may break rules of the verifier, so that those can be tested on text. Raises `IRError`
    with line, column and a caret for any other text.
    """
    return parse_written(text, file)[0]


def parse_written(text: str, file: str = "<ir>") -> tuple[Graph, Written]:
    """The graph, and how it was written: what `verify` needs to quote it."""
    reader = _Reader()
    lines = text.split("\n")
    if len(lines) > MAX_LINES:
        raise IRError(
            f"the text has over {MAX_LINES:,} lines", where=f"{file}:{MAX_LINES + 1}:1", hint="split the program"
        )
    for index, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        reader.number = index
        try:
            reader.line(parse_line(line))
        except Fault as fault:
            start = fault.start or (
                0 if fault.end else len(line) - len(line.lstrip())
            )  # no place: the line's first word
            what = f"{fault.what}\n{pointer(line, start, fault.end)}"
            raise IRError(what, where=f"{file}:{index}:{start + 1}", hint=fault.hint) from None
    try:
        names = {op: name for name, op in reader.values.ops.items()}
        return reader.graph(), Written(file, lines, reader.lines, names)
    except Fault as fault:
        raise IRError(fault.what, where=f"{file}:{len(lines)}:1", hint=fault.hint) from None


@dataclass(slots=True)
class _Open:
    """What the lines of a region said so far.

    values: of the case that it is in. way_on: its `switch` or `exit`, once it came. left_open: by `else exit`. lines: the
    numbers of those of its end.
    """

    values: tuple[Static, ...] = ()
    body: list[Op] = field(default_factory=list[Op])
    forks: list[Fork] = field(default_factory=list[Fork])
    final: Op | None = None
    variables: dict[str, Tree] = field(default_factory=dict[str, Tree])
    answers: dict[str, Tree] = field(default_factory=dict[str, Tree])
    returned: list[Tree] = field(default_factory=list[Tree])  # of `return` lines
    way_on: _WayOn | None = None
    cases: list[Case] = field(default_factory=list[Case])
    left_open: bool = False
    lines: dict[str, int] = field(default_factory=dict[str, int])

    def closed(self) -> Region:
        if self.final is None:
            raise Fault("the program has no `final` line here", hint="name the state whose text is the program's")
        return Region(tuple(self.body), self.end(self.final), tuple(self.forks))

    def end(self, final: Op) -> End | Switch:
        if self.way_on is None:
            answers = {**answers_of(self.variables), **self.answers}
            return End(
                final,
                self.variables,
                self.returned[0] if self.returned else None,
                {name: tree for name, tree in answers.items() if tree is not None},
            )
        is_exit = self.way_on.kind == "exit"
        if not (is_exit or self.cases):
            raise Fault("a `switch` without a case", hint="`exit` is the one that has none")
        return Switch(
            final=final,
            subjects=self.way_on.subjects,
            cases=tuple(self.cases),
            open=is_exit or self.left_open,
            number=self.way_on.number,
            why=self.way_on.why,
            loc=self.way_on.loc,
        )


@dataclass(frozen=True, slots=True)
class _WayOn:
    """A `switch` or `exit` line."""

    kind: Literal["switch", "exit"]
    subjects: tuple[Op, ...]
    number: int
    why: str
    loc: Location | None


class _Reader:
    """What the lines so far said."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.values = Values()
        self.params: list[Param] = []
        self.prefixes: list[Op] | None = None
        self.in_prefix = False
        self.open = [_Open()]  # regions, each inside the one before
        self.statics: dict[str, Static] = {}
        self.orders: dict[Location, Order] = {}
        self.program: Region | None = None  # once it is closed
        self.number = 0  # of the line
        self.lines: dict[Key, int] = {}
        self.readers: dict[str, Callable[[Rule, _Open], None]] = {
            "program": self.begin,
            "prefix": self.prefix,
            "end": self.close,
            "value": self.value,
            "fork": self.fork,
            "static": self.static,
            "order": self.order,
            "variable": self.variable,
            "answers": self.answers,
            "final": self.final,
            "result": self.result,
            "switch": self.way_on,
            "exit": self.way_on,
            "case": self.case,
            "otherwise": self.otherwise,
        }

    def line(self, line: Rule) -> None:
        kind, region = line.data, self.open[-1]
        if self.program is not None:
            raise Fault("a line after the program's end", hint="one text is one program")
        if self.name is None and kind != "program":
            raise Fault("the first line is not a program's", hint="a program begins with `program NAME {`")
        if self.in_prefix and kind not in ("value", "end"):
            raise Fault(f"{_said(kind)} inside the prefix", hint="a prefix holds ops only; `}` ends it")
        if region.way_on is not None and kind not in ("case", "otherwise", "end"):
            hint = "a region ends with its switch and the cases of it"
            raise Fault(f"{_said(kind)} after the `{region.way_on.kind}`", hint=hint)
        self.readers[kind](line, region)

    def begin(self, line: Rule, region: _Open) -> None:
        if self.name is not None:
            raise Fault("a second `program` line", hint="one text is one program")
        self.name = string(line.children[0])

    def prefix(self, line: Rule, region: _Open) -> None:
        if self.prefixes is not None or region.body or len(self.open) > 1:
            raise Fault("`prefix` after other ops", hint="the one prefix block stands before the body")
        self.prefixes, self.in_prefix = [], True

    def close(self, line: Rule, region: _Open) -> None:
        """The end of a prefix, a case or the program."""
        if self.in_prefix:
            self.in_prefix = False
        elif len(self.open) == 1:
            self.program = self.closed(region)
        else:
            self.open.pop()
            self.open[-1].cases.append(Case(region.values, self.closed(region)))

    def closed(self, region: _Open) -> Region:
        made = region.closed()
        self.lines.update(((made, word), number) for word, number in region.lines.items())
        return made

    def value(self, line: Rule, region: _Open) -> None:
        name, words, attributes, place = line.children
        op = self.values.define(name, rule(words), attributes, place)
        self.lines[op] = self.number
        if isinstance(op, Param):
            if self.prefixes is not None or region.body or len(self.open) > 1:
                raise fault_at(name, "a param after other ops", "params come first")
            self.params.append(op)
        elif self.in_prefix and self.prefixes is not None:
            self.prefixes.append(op)
        else:
            region.body.append(op)

    def fork(self, line: Rule, region: _Open) -> None:
        state, *members = map(self.values.use, line.children)
        region.forks.append(Fork(state, tuple(members)))
        self.lines[region.forks[-1]] = self.number

    def static(self, line: Rule, region: _Open) -> None:
        if len(self.open) > 1:
            raise Fault("`static` inside a case", hint="statics belong to the program")
        path = fresh(self.statics, line.children[0])
        self.statics[path] = constant(line.children[1])
        self.lines["static", path] = self.number

    def order(self, line: Rule, region: _Open) -> None:
        if len(self.open) > 1:
            raise Fault("`order` inside a case", hint="orders belong to the program")
        file, number, tree, attributes = line.children
        where = place(file, number)
        if where in self.orders:
            raise fault_at(file, f"a second order of {where}")
        places = self.values.tree(tree)
        if not (places is None or (isinstance(places, list) and all(type(index) is int for index in places))):
            raise fault_at(tree, "an order is no list of integers", "[1, 0], or null for parts as they were written")
        given = self.values.attributes(attributes)
        why = taken(given, "why", str) or ""
        self.orders[where] = Order(None if places is None else tuple(cast("list[int]", places)), why)
        self.lines["order", str(where)] = self.number
        nothing_left(given, line)

    def variable(self, line: Rule, region: _Open) -> None:
        name = fresh(region.variables, line.children[0])
        region.variables[name] = self.values.tree(line.children[1])
        region.lines[f"variable {name}"] = self.number

    def answers(self, line: Rule, region: _Open) -> None:
        name = fresh(region.answers, line.children[0])
        region.answers[name] = self.values.tree(line.children[1])
        region.lines[f"answers {name}"] = self.number

    def final(self, line: Rule, region: _Open) -> None:
        if region.final is not None:
            raise fault_at(line, "a second `final` line")
        region.final = self.values.use(line.children[0])
        region.lines["final"] = self.number

    def result(self, line: Rule, region: _Open) -> None:
        if region.returned:
            raise fault_at(line, "a second `return` line")
        region.returned.append(self.values.tree(line.children[0]))
        region.lines["return"] = self.number

    def way_on(self, line: Rule, region: _Open) -> None:
        kind = "exit" if line.data == "exit" else "switch"
        said = {"variable": region.variables, "answers": region.answers, "return": region.returned}
        if word := next(filter(said.get, said), None):
            raise Fault(f"`{kind}` after `{word}`", hint="results belong to the ends of paths, not where they part")
        region.lines["switch"] = self.number
        subjects, attributes, place = line.children
        given = self.values.attributes(attributes)
        region.way_on = _WayOn(
            kind=kind,
            subjects=tuple(map(self.values.use, rule(subjects).children)),
            number=number(given),
            why=taken(given, "why", str) or "",
            loc=location(place),
        )
        nothing_left(given, line)

    def case(self, line: Rule, region: _Open) -> None:
        values = tuple(map(constant, line.children))
        way_on = self.way_on_of(region, "case")
        if region.left_open:
            raise Fault("`case` after `else exit`", hint="`else exit` is the last line of a switch")
        if len(values) != len(way_on.subjects):
            what = f"the case has {_count(values, 'value')}, and the switch {_count(way_on.subjects, 'subject')}"
            raise fault_at(line, what, "give one value for each")
        if len(self.open) == MAX_REGIONS:
            raise Fault(f"cases nest deeper than {MAX_REGIONS}", hint="let the program exit there")
        region.lines[f"case {len(region.cases)}"] = self.number
        self.open.append(_Open(values))

    def otherwise(self, line: Rule, region: _Open) -> None:
        self.way_on_of(region, "else exit")
        if region.left_open:
            raise Fault("a second `else exit`", hint="it is the last line of a switch")
        if not region.cases:
            raise Fault("`else exit` before a case", hint="`exit` instead of `switch` is the one without cases")
        region.left_open = True

    def way_on_of(self, region: _Open, word: str) -> _WayOn:
        if region.way_on is None:
            raise Fault(f"`{word}` without a switch before it", hint="a region ends with `switch`, and then its cases")
        if region.way_on.kind == "exit":
            raise Fault(f"`{word}` after `exit`", hint="`switch` is the one that has cases")
        return region.way_on

    def graph(self) -> Graph:
        if self.name is None:
            raise Fault("the text has no program", hint="a program begins with `program NAME {`")
        if self.program is None:
            raise Fault("the text ends inside the program", hint="close it with `}`")
        return Graph(
            name=self.name,
            params=tuple(self.params),
            prefixes=tuple(self.prefixes or ()),
            region=self.program,
            statics=self.statics,
            orders=self.orders,
        )


def _said(kind: str) -> str:
    """How the text form calls a line of this kind."""
    return {"value": "an op", "result": "`return`"}.get(kind, f"`{kind}`")


def _count(things: tuple[object, ...], noun: str) -> str:
    return f"{len(things)} {noun}" if len(things) == 1 else f"{len(things)} {noun}s"

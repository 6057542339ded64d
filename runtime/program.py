"""A compiled program made ready to run any number of times: blocks of steps, and how each value is computed.

A block is a region of the graph. What a step or an end reads is listed once, operands first, each with the function
that computes it, so that a run is a walk of flat lists.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from sglc.ir.builder import flattened
from sglc.ir.errors import Location, RunError
from sglc.ir.functions import METHODS, TESTS
from sglc.ir.graph import End, Graph, Region, Switch, Tree
from sglc.ir.ops import (
    DEFAULT_SAMPLING,
    Append,
    Argument,
    Call,
    Constraint,
    Format,
    Gen,
    Image,
    Meta,
    Method,
    Op,
    Param,
    Part,
    Primitive,
    Read,
    Render,
    Role,
    Root,
    Sampling,
    Select,
    Test,
    Trusted,
    Unordered,
    operands,
    prompts,
    token_bound,
)
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import Piece, Text, TokenConstraint
from sglc.runtime.futures import Ways, connect, ways_of

if TYPE_CHECKING:
    from sglc.runtime.executor import Run
    from sglc.runtime.jobs import Outcome, Prompt

Compute = Callable[["Run"], Any]
"""The value of an op from the values of a run; those of its operands are known."""

Input = tuple[Op, Compute]


class Host(Protocol):
    """A host function as the runtime needs it. gives_text: anything else that it gives is an error."""

    @property
    def function(self) -> Callable[..., Any]: ...

    @property
    def gives_text(self) -> bool: ...


class BodyRaised(Exception):
    """The program's function raised: its error, and the variables that it had by then."""

    def __init__(self, error: Exception, variables: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error
        self.variables = variables


Instead: TypeAlias = "Callable[[], Outcome]"
"""Gives the outcome that counts, where a run did something that its program does not do. It runs the user's Python, off
the loop, when no host function of the run is under way any more: what those give is not asked for again."""


class Leave(Protocol):
    """Goes on where no path was compiled: the block for these values of a switch, if the program comes here. Runs the
    user's Python, so it is called off the loop. What it raises is the program's error."""

    def __call__(self, run: Run, switch: Switch, values: tuple[Any, ...], /) -> Block | Instead: ...


class Check(Protocol):
    """Asked off the loop at the end of a run, or where a step failed. None takes the run's own outcome."""

    def __call__(self, run: Run, error: Exception | None, /) -> Instead | None: ...


class Certain(Protocol):
    """Asked off the loop about a step of `Block.doubts`: whether the program gets to it with the texts that are known;
    None where it takes more of them to tell."""

    def __call__(self, run: Run, step: Primitive, /) -> Literal[True] | Instead | None: ...


class Plan:
    """One step: a request to the engine or a call of a host function. needs: the steps it waits for. followers: in its
    block, the steps (and, as one after the last, the switch) that wait for it. longest: `Step.longest`."""

    __slots__ = (
        "_run_sampling", "_settings", "arguments", "automaton", "choices", "followers", "inputs", "keywords", "longest",
        "needs", "op", "order",
    )  # fmt: skip

    def __init__(
        self,
        op: Primitive,
        needs: tuple[Primitive, ...],
        order: int,
        automaton: TokenConstraint | None,
        longest: int | None = None,
    ) -> None:
        self.op = op
        self.needs = needs
        self.followers: tuple[int, ...] = ()
        self.order = order
        self.longest = longest
        self.automaton = automaton
        self.inputs = inputs_of(operands(op))
        self.choices = tuple(map(pieces_of, op.choices)) if isinstance(op, Select) else ()
        self.arguments = arguments_of(op.arguments) if isinstance(op, Call) else None
        self.keywords = arguments_of(tuple(value for _, value in op.keywords)) if isinstance(op, Call) else None
        self._run_sampling: Sampling | None = None
        self._settings = DEFAULT_SAMPLING

    def settings(self, sampling: Sampling) -> Sampling:
        """The settings of this gen in a run with these."""
        if sampling is not self._run_sampling:  # runs of a batch have the same
            assert isinstance(self.op, Gen)
            self._settings = self.op.sampling.filled_from(sampling).filled_from(DEFAULT_SAMPLING)
            self._run_sampling = sampling
        return self._settings


class Block:
    """A region of the graph, ready to run.

    plans: its steps. inputs: what its end or its switch reads. counts: for each step, and last for the switch, how many
    steps of this block it waits for; outside: which ones of earlier blocks. cases: the blocks that are known to follow, by
    the values of the switch's subjects; it grows where runs leave the compiled paths. checked: whether runs to this end
    need no check any more (`Program.check`). doubts: None where all is certain; else its end is when it was checked, and a
    step of these numbers when `Program.certain` says it: no host function is called before. origin, risk: what `leave`
    and `certain` note here for themselves. ways: what its steps go on from (`futures.py`). inside: the numbers of the
    blocks inside it, where those were compiled.
    """

    __slots__ = (
        "body", "cases", "checked", "counts", "doubts", "end", "inputs", "inside", "metas", "origin", "outside", "plans",
        "risk", "switches", "values", "variables", "ways",
    )  # fmt: skip

    def __init__(self, plans: tuple[Plan, ...], region: Region) -> None:
        self.plans = plans
        self.body = region.body
        self.end = end = region.end
        self.origin: Any = None
        self.risk: Any = None
        self.doubts: Container[int] | None = None
        self.inputs = inputs_of(_not_answers(end.outputs()) if isinstance(end, End) else end.subjects)
        self.cases: dict[tuple[Any, ...], Block] = {}
        self.checked = False
        self.switches = isinstance(end, Switch)
        self.ways: Ways = {}
        self.inside = range(0)
        self._wait_for_each_other()
        if isinstance(end, Switch):
            return
        self.variables = {name: _tree(tree) for name, tree in end.variables.items()}
        self.metas = {name: _meta(tree) for name, tree in end.answers.items()}
        self.values = _tree(end.value)

    def _wait_for_each_other(self) -> None:
        """Fills in what waits for what: `counts` and `followers` inside the block, `outside` for steps before it."""
        waits = [plan.needs for plan in self.plans]
        waits.append(tuple(answers_below(self.end.subjects)) if isinstance(self.end, Switch) else ())
        index = {plan.op: number for number, plan in enumerate(self.plans)}
        followers: list[list[int]] = [[] for _ in self.plans]
        self.counts = [0] * len(waits)
        outside: list[tuple[int, tuple[Primitive, ...]]] = []
        for number, needs in enumerate(waits):
            for op in needs:
                if op in index:
                    followers[index[op]].append(number)
                    self.counts[number] += 1
            if earlier := tuple(op for op in needs if op not in index):
                outside.append((number, earlier))
        self.outside = tuple(outside)
        for plan, numbers in zip(self.plans, followers, strict=True):
            plan.followers = tuple(numbers)


class Program:
    """A schedule made ready to run.

    hosts: the host functions that it calls, by name. leave: how to go on beyond the compiled paths; without it such a
    run fails. check: asked at the end of runs along paths that are not trusted yet. certain: asked about steps in doubt.
    """

    def __init__(
        self,
        graph: Graph,
        schedule: Schedule,
        automata: dict[Constraint, TokenConstraint],
        hosts: Mapping[str, Host] | None = None,
        leave: Leave | None = None,
        check: Check | None = None,
        certain: Certain | None = None,
    ) -> None:
        self.name = graph.name
        self.automata = automata
        self.hosts = dict(hosts or {})
        self.leave = leave
        self.check = check
        self.certain = certain
        self.params = tuple(graph.params)
        self.prefixes = graph.prefixes
        self.constants: dict[Op, Any] = {}
        for op in graph.prefixes:
            if not any(isinstance(x, Image) for x in (op, *operands(op))):
                self.constants[op] = _constant(op, self.constants)
        ops, steps = graph.ops, schedule.steps
        primitives: list[Primitive] = [op for op in (ops[step.op] for step in steps) if isinstance(op, Primitive)]
        plans: dict[int, list[Plan]] = {}
        for step, op in zip(steps, primitives, strict=True):
            needs = tuple(primitives[i] for i in step.after)
            plan = Plan(op, needs, step.order, self.automaton(op), step.longest)
            plans.setdefault(step.region, []).append(plan)
        blocks = {region: Block(tuple(plans.get(number, ())), region) for number, region in enumerate(graph.regions)}
        for region, block in blocks.items():
            if isinstance(region.end, Switch):
                block.cases.update((key_of(case.values), blocks[case.region]) for case in region.end.cases)
        self.entry = blocks[graph.region]
        self._blocks = tuple(blocks.values())
        self.readers = connect(graph.region, blocks, self.constants)
        self.warm = tuple(
            self.constants[ops[prefix.op]]
            for prefix in schedule.of_scope("program")
            if ops[prefix.op] in self.constants
        )
        self._of_batches = tuple(
            (ops[prefix.op], tuple(self.params[index] for index in prefix.params))
            for prefix in schedule.of_scope("batch")
        )

    def most_decoded(self, sampling: Sampling) -> int:
        """The most tokens that the gens of a run with these settings may decode, along the longest compiled path."""
        most: dict[Block, int] = {}
        for block in reversed(self._blocks):  # those inside a block before it; what was traced since is left out
            own = sum(token_bound(p.op, p.longest, sampling) for p in block.plans if isinstance(p.op, Gen))
            most[block] = own + max((most[case] for case in block.cases.values() if case in most), default=0)
        return most[self.entry]

    def in_common(self, rows: Sequence[Mapping[str, str]]) -> list[Prompt]:
        """The longest prompts without an answer that all runs with these texts begin prompts with, where they are made of
        arguments that are equal in all rows."""
        first = rows[0]
        params = dict.fromkeys(param for _, made_of in self._of_batches for param in made_of)
        equal = {param for param in params if all(row[param.name] == first[param.name] for row in rows)}
        found = [state for state, made_of in self._of_batches if equal.issuperset(made_of)]
        longer = {above for state in found for above in islice(prompts(state), 1, None)}
        values = {**self.constants, **{param: first[param.name] for param in equal}}
        return [prompt for state in found if state not in longer and (prompt := _computed(state, values)) is not None]

    def automaton(self, op: Primitive) -> TokenConstraint | None:
        return self.automata[op.constraint] if isinstance(op, Gen) and op.constraint is not None else None

    def block(self, region: Region) -> Block:
        """A block for a region that was traced while the program runs."""
        last = 2**31  # after the steps that were compiled
        steps = (op for op in region.body if isinstance(op, Primitive))
        plans = (Plan(op, tuple(answers_below(operands(op))), last + op.number, self.automaton(op)) for op in steps)
        block = Block(tuple(plans), region)
        # What its prompts have in common with those of steps before it is known by the answers in it alone, which keep
        # their ops when the body is traced again.
        block.ways = ways_of(((plan.op, plan.order) for plan in plans), lambda op: op in self.constants)
        return block


def _constant(op: Op, constants: dict[Op, Any]) -> Any:
    from sglc.runtime.executor import Run  # here: it imports this module

    return _compute(op)(Run.of_constants(constants))


def _computed(state: Op, values: dict[Op, Any]) -> Prompt | None:
    """The value of a state that depends on these alone; None where it cannot be computed, which the runs say then."""
    from sglc.runtime.executor import Run  # here: it imports this module

    run = Run.of_constants(values)
    try:
        run.compute(inputs_of([state]))
    except Exception:  # noqa: BLE001 - whatever it is, each of the runs has it too, and ends with it
        return None
    return values[state]


def key_of(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a switch's subjects as a key: 1, 1.0 and True are three values, and a list is one too."""
    return tuple([value if type(value) is str else (type(value), repr(value)) for value in values])


def inputs_of(wanted: Iterable[Op]) -> tuple[Input, ...]:
    """What has to be computed for these ops, operands first; answers of steps are there already."""
    found: dict[Op, Compute] = {}
    stack = list(wanted)[::-1]
    while stack:
        op = stack[-1]
        if op in found or isinstance(op, Primitive):
            stack.pop()
            continue
        missing = [x for x in operands(op) if x not in found and not isinstance(x, Primitive)]
        if missing:
            stack.extend(reversed(missing))
        else:
            found[op] = _compute(op)
            stack.pop()
    return tuple(found.items())


def _not_answers(wanted: Iterable[Op]) -> Iterator[Op]:
    """What an end reads, but for the answers themselves, which are there."""
    return (op for op in wanted if not isinstance(op, Read | Gen | Select))


def answers_below(wanted: Iterable[Op]) -> Iterator[Primitive]:
    """The steps whose answers these ops are made of, without those that one of them waits for itself."""
    seen: set[Op] = set()
    stack = list(wanted)
    while stack:
        op = stack.pop()
        if op in seen:
            continue
        seen.add(op)
        if isinstance(op, Primitive):
            yield op
        else:
            stack.extend(operands(op))


def pieces_of(parts: Sequence[Part]) -> Callable[[Run], tuple[Piece, ...]]:
    """What parts add to a prompt; those whose order nobody chose stand as they were written."""
    plan: list[Piece | tuple[Op, bool]] = []
    for part in flattened(parts, {}):
        if isinstance(part, str):
            plan.append(Text(part, trusted=True))
        elif isinstance(part, Role):
            plan.append(part)
        elif isinstance(part, Trusted):
            plan.append((part.text, True))
        else:
            plan.append((part, False))
    constant = tuple(piece for piece in plan if not isinstance(piece, tuple))
    if len(constant) == len(plan):
        return lambda run: constant

    def pieces(run: Run) -> tuple[Piece, ...]:
        values = run.values
        return tuple([Text(values[p[0]], p[1]) if type(p) is tuple else p for p in plan])

    return pieces


def no_text(name: str, value: Any, where: Location | None) -> RunError:
    """The error of a host function that gave something else where the program uses it as text."""
    return RunError(
        f"the host function {name} gave a value of type {type(value).__name__} where the program takes it for text",
        where=where,
        hint="annotate what it gives (-> list, -> dict, -> int ...), or give a str",
    )


def _compute(op: Op) -> Compute:
    match op:
        case Root():
            return lambda run: ()
        case Append(state=state, parts=parts):
            added = pieces_of(parts)
            return lambda run: run.values[state] + added(run)
        case Read(state=state):
            return lambda run: run.answers[state].text
        case Meta(state=state):
            return lambda run: run.answers[state].meta
        case Render(state=state, since=since):
            return lambda run: run.rendered(run.values[state], run.values[since])
        case Format(parts=parts):
            added = pieces_of(parts)
            return lambda run: "".join([piece.text for piece in added(run) if isinstance(piece, Text)])
        case Unordered():
            added = pieces_of((op,))
            return lambda run: "".join([piece.text for piece in added(run) if isinstance(piece, Text)])
        case Param(name=name):
            return lambda run: run.texts[name]
        case Method(name=name, arguments=arguments):
            function, values = METHODS[name], arguments_of(arguments)
            return lambda run: function(*values(run))
        case Test(name=name, arguments=arguments):
            test, values = TESTS[name], arguments_of(arguments)
            return lambda run: test(*values(run))
        case Image():

            def refuse(run: Run) -> Any:
                raise RunError("this model takes text only", where=op.loc, hint="leave images out")

            return refuse
        case _:
            raise TypeError(f"{type(op).__name__} is a step")


def arguments_of(arguments: tuple[Argument, ...]) -> Callable[[Run], list[Any]]:
    """The values of a function's arguments."""

    def value(run: Run, argument: Argument) -> Any:
        if isinstance(argument, Op):
            return run.values[argument]
        if isinstance(argument, tuple | list):
            return type(argument)(value(run, item) for item in argument)
        if isinstance(argument, dict):
            return {key: value(run, item) for key, item in argument.items()}
        return argument

    return lambda run: [value(run, argument) for argument in arguments]


def _tree(tree: Tree) -> Compute:
    """A result of the program."""
    if isinstance(tree, Read):
        state = tree.state
        return lambda run: run.answers[state].text
    if isinstance(tree, Op):
        return lambda run: run.values[tree]
    if isinstance(tree, dict):
        items = {key: _tree(value) for key, value in tree.items()}
        return lambda run: {key: item(run) for key, item in items.items()}
    if isinstance(tree, list | tuple):
        children = [_tree(value) for value in tree]
        kind = type(tree)
        return lambda run: kind([child(run) for child in children])
    return lambda run: tree


def _meta(answers: Tree) -> Compute:
    """What is known about answers: a list for a list, None for None."""
    if isinstance(answers, list):
        children = [_meta(item) for item in answers]
        return lambda run: [child(run) for child in children]
    if isinstance(answers, Op):
        return lambda run: run.answers[answers].meta
    return lambda run: None

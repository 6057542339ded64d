"""A compiled program made ready to run any number of times: blocks of steps; and one run of it.

A block is a region of the graph. What a step or an end reads is listed once, operands first, each with the function
that computes it (`values.py`), so that a run is a walk of flat lists.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextvars import Context, copy_context
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from sglc.ir.errors import Location, RunError
from sglc.ir.graph import End, Graph, Region, Switch
from sglc.ir.ops import (
    DEFAULT_SAMPLING,
    Append,
    Call,
    Constraint,
    Gen,
    Image,
    Op,
    Primitive,
    Read,
    Sampling,
    Select,
    operands,
    prompts,
)
from sglc.ir.schedule import Schedule
from sglc.ir.tokens import TokenConstraint
from sglc.runtime.desk import Desk
from sglc.runtime.growth import Growing, Growth
from sglc.runtime.jobs import Outcome, Prompt
from sglc.runtime.values import Values, answers_below, arguments_of, computed, inputs_of, meta_of, pieces_of, result_of
from sglc.runtime.ways import Ways, ways_of
from sglc.runtime.workers import Serve

if TYPE_CHECKING:
    from sglc.runtime.futures import Future


class Host(Protocol):
    """A host function as the runtime needs it. gives_text: anything else that it gives is an error where it is not dropped."""

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


Instead: TypeAlias = Callable[[], Outcome]
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
        self.variables = {name: result_of(tree) for name, tree in end.variables.items()}
        self.metas = {name: meta_of(tree) for name, tree in end.answers.items()}
        self.values = result_of(end.value)

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
                self.constants[op] = computed(op)(Values(self.constants, {}))
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
        self.readers = _connect(graph.region, blocks, self.constants)
        self.warm = tuple(
            self.constants[ops[prefix.op]]
            for prefix in schedule.of_scope("program")
            if ops[prefix.op] in self.constants
        )
        self._of_batches = tuple(
            (ops[prefix.op], tuple(self.params[index] for index in prefix.params))
            for prefix in schedule.of_scope("batch")
        )

    def growth(self, sampling: Sampling) -> Growth:
        """What a run with these settings may take after its first prompt, along the longest compiled path."""
        first = min(self.entry.plans, key=lambda plan: plan.order, default=None)
        before = set(prompts(first.op)) if first is not None else set[Op]()
        growing = Growing(sampling, {plan.op: plan.longest for block in self._blocks for plan in block.plans})
        most: dict[Block, Growth] = {}
        for block in reversed(self._blocks):  # those inside a block before it; what was traced since is left out
            taken = dict.fromkeys(op for found in block.ways.values() for op in found if op not in before)
            own = growing.of([plan.op for plan in block.plans], [op for op in taken if isinstance(op, Append)])
            inside = (most[case] for case in block.cases.values() if case in most)
            most[block] = own.then(max(inside, key=lambda growth: growth.rough, default=Growth()))
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
        return [prompt for state in found if state not in longer and (prompt := _common(state, values)) is not None]

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


class Run(Values):
    """One run of a program. `done` is called once, from the loop, with its outcome.

    failed: the calls that raised. progress: called with (gen, text so far) while gens of a streamed run answer. future: what
    it will read again, where the port wants to know. desk: where its jobs are handed in while it is under way; None is the
    executor's port, always for a streamed run. render: the port's. certain: the steps that were in doubt and are not any
    more. serve: what has the program's body run in its caller's thread, where that waits for it. given:
    see `Row`.
    """

    __slots__ = (
        "block", "calling", "certain", "context", "desk", "done", "doubtful", "ended", "failed", "failing", "future",
        "given", "instead", "path", "program", "progress", "remaining", "render", "row", "sampling", "seed", "serve",
        "submitted", "switching", "waiting",
    )  # fmt: skip

    def __init__(
        self,
        program: Program,
        texts: Mapping[str, str],
        sampling: Sampling,
        seed: int,
        row: int,
        done: Callable[[Outcome], None],
        progress: Callable[[Run, Gen | None, str], None] | None = None,
        context: Context | None = None,
        desk: Desk | None = None,
        serve: Serve | None = None,
        given: Any = None,
    ) -> None:
        super().__init__(dict(program.constants), texts)
        self.program = program
        self.sampling = sampling
        self.seed = seed
        self.row = row
        self.done = done
        self.progress = progress
        self.context = context or copy_context()
        self.desk = desk if progress is None else None
        self.serve = serve
        self.given = given
        self.block = program.entry
        self.path: list[Block] = []
        self.waiting: dict[Op, list[tuple[Frame, int]]] = {}  # by the step of an earlier block that is waited for
        self.submitted: dict[Op, Hashable] = {}  # the steps at the port
        self.remaining = 0  # steps that have not answered
        self.calling = 0  # host functions that have not answered
        self.doubtful: list[tuple[Frame, Plan]] = []  # steps that more answers may make certain
        self.certain: frozenset[Op] = frozenset()
        self.failed: dict[Op, Exception] = {}
        self.instead: Instead | None = None  # what gives the outcome, when no host function is under way
        self.switching = False  # the way on after the block is being decided
        self.ended = False
        self.failing = False  # a step has failed, so it has ended, and it is being checked whether that counts
        self.render: Callable[[Prompt, Prompt], str] | None = None
        self.future: Future | None = None

    def doubts(self, step: Primitive) -> bool:
        """Whether the program may not get to this step with the real texts."""
        if step in self.certain:
            return False
        # read once: the check of another run may end a doubt, in another thread
        return any(step.number in doubts for block in self.path if (doubts := block.doubts))

    def rendered(self, prompt: Prompt, since: Prompt) -> str:
        assert self.render is not None
        return self.render(prompt, since)


class Frame:
    """A block that a run has entered. counts: for each of its steps, and last for its switch, how many answers are
    still waited for."""

    __slots__ = ("block", "counts")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.counts = block.counts.copy()


def _connect(top: Region, blocks: Mapping[Region, Block], constants: Mapping[Op, Any]) -> dict[Op, list[int]]:
    """Fills in the ways of each block, and the numbers of those inside it. Answers for each state the blocks whose steps
    go on from it, by number, smallest first."""
    readers: dict[Op, list[int]] = {}
    taken: dict[Op, None] = {}  # by the steps of the blocks around
    stack: list[tuple[Region, int | None]] = [(top, None)]
    number = 0
    while stack:
        region, marked = stack.pop()
        block = blocks[region]
        if marked is not None:  # all inside it is done
            block.inside = range(block.inside.start, number)
            while len(taken) > marked:
                taken.popitem()
            continue
        stack.append((region, len(taken)))
        stack.extend((inner, None) for inner in reversed(region.inside()))
        steps = ((plan.op, plan.order) for plan in block.plans)
        block.ways = ways_of(steps, lambda op: op in taken or op in constants)
        for state, found in block.ways.items():
            taken.update(dict.fromkeys(found))
            if state not in constants:
                readers.setdefault(state, []).append(number)
        number += 1
        block.inside = range(number, number)
    return readers


def _common(state: Op, values: dict[Op, Any]) -> Prompt | None:
    """The value of a state that depends on these alone; None where it cannot be computed, which the runs say then."""
    try:
        Values(values, {}).compute(inputs_of([state]))
    except Exception:  # noqa: BLE001 - whatever it is, each of the runs has it too, and ends with it
        return None
    return values[state]


def key_of(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a switch's subjects as a key: 1, 1.0 and True are three values, and a list is one too."""
    return tuple([value if type(value) is str else (type(value), repr(value)) for value in values])


def _not_answers(wanted: Iterable[Op]) -> Iterator[Op]:
    """What an end reads, but for the answers themselves, which are there."""
    return (op for op in wanted if not isinstance(op, Read | Gen | Select))


class CalledOtherwise(RunError):
    """A host function did what no graph expects; the program's own code can go on with it. value: what it gave. changed: its
    arguments, those by place and those by name, as it has left them; () where they are as they were."""

    value: Any
    changed: tuple[Sequence[Any], Mapping[str, Any]] | tuple[()] = ()

    @classmethod
    def no_text(cls, name: str, value: Any, where: Location | None) -> CalledOtherwise:
        """It gave something else where the program uses it as text."""
        gave = f"gave a value of type {type(value).__name__}"
        what = f"the host function {name} {gave} where the program takes it for text"
        error = cls(what, where=where, hint="annotate what it gives (-> list, -> dict, -> int ...), or give a str")
        error.value = value
        return error

    @classmethod
    def changed_arguments(
        cls, name: str, value: Any, changed: tuple[Sequence[Any], Mapping[str, Any]], where: Location | None
    ) -> CalledOtherwise:
        what = f"the host function {name} changes a list or dict that it is given"
        error = cls(what, where=where, hint="let it give back what it adds, and add that in the program")
        error.value, error.changed = value, changed
        return error

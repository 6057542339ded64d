"""The prompts of a program before it runs: a walk through its graph with the arguments of one call.

What the arguments say is text. What only a run can say, the text of an answer, stands for as many ids as it may have at
most: ids that no vocabulary has, so that two answers never look alike and one that is used twice does.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sglc.ir.builder import flattened
from sglc.ir.errors import SglcError
from sglc.ir.functions import METHODS, TESTS
from sglc.ir.graph import Graph, Region, Switch
from sglc.ir.ops import (
    DEFAULT_SAMPLING,
    Append,
    Call,
    Format,
    Gen,
    Method,
    Op,
    Param,
    Part,
    Primitive,
    Read,
    Render,
    Role,
    Root,
    Select,
    Test,
    Trusted,
    Unordered,
    operands,
)
from sglc.ir.tokens import Piece, Sampled, Text, Tokenizer
from sglc.runtime.engine.request import Request
from sglc.runtime.jobs import DecodeJob, Prompt, ScoreJob
from sglc.runtime.program import key_of
from sglc.runtime.values import Values, answers_below, arguments_of

Ids: TypeAlias = tuple[int, ...]
Words: TypeAlias = "tuple[str | Ids, ...]"
"""A text: what is known of it, and the ids in the place of what is not."""

UNKNOWN_CALL = 1
"""Tokens that the text of a host function counts as: nobody knows how long it will be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A gen, select or call that the program gets to. requests: what it asks of the engine; answer: the ids in the place
    of a gen's answer; after: the steps of the same walk (by index) that it waits for; question: equal for steps of a batch
    that have one answer, and are asked once."""

    op: Primitive
    prompt: Prompt
    requests: tuple[Request, ...]
    answer: Ids
    after: tuple[int, ...]
    question: Hashable = None


@dataclass(slots=True)
class Walk:
    """asked: in the order of the graph. regions: the way that was taken, by index. guesses: the switches on answers, for
    which the way that may decode most was taken. left: the switch at which the run leaves what is compiled."""

    graph: Graph
    values: dict[Op, Any]
    asked: list[Asked] = field(default_factory=list[Asked])
    regions: tuple[int, ...] = ()
    guesses: list[Switch] = field(default_factory=list[Switch])
    left: Switch | None = None


class Walker:
    """Walks the graph of one program. bound: the most tokens of a gen's answer. fresh: ids that are nobody else's. asks:
    make the requests, which takes most of the time."""

    def __init__(
        self,
        graph: Graph,
        tokenizer: Tokenizer,
        bound: Callable[[Gen], int],
        fresh: Callable[[int], Ids],
        *,
        asks: bool = True,
    ) -> None:
        self._asks = asks
        self._graph = graph
        self._tokenizer = tokenizer
        self._bound = bound
        self._fresh = fresh
        self._greedy: dict[Hashable, Ids] = {}
        self._number = {region: number for number, region in enumerate(graph.regions)}
        self._decoded = _most_decoded(graph, bound)
        self._below = {
            op: tuple(answers_below(operands(op))) for op in graph.body if isinstance(op, Primitive)
        }  # what each waits for

    def walk(self, texts: Mapping[str, str]) -> Walk:
        """The prompts for these texts. Raises the error of a step that cannot be asked, with its line."""
        walk = Walk(self._graph, {})
        for op in (*self._graph.params, *self._graph.prefixes):
            self._compute(walk, op, texts)
        index: dict[Op, int] = {}
        waits: set[int] = set()  # for what decided the switches on the way
        way: list[int] = []
        region: Region | None = self._graph.region
        while region is not None:
            way.append(self._number[region])
            for op in region.body:
                if isinstance(op, Primitive):
                    index[op] = len(walk.asked)
                    after = waits | {index[earlier] for earlier in self._below[op]}
                    walk.asked.append(self._ask(walk, op, tuple(sorted(after))))
                else:
                    self._compute(walk, op, texts)
            end = region.end
            if not isinstance(end, Switch):
                break
            waits |= {index[op] for op in answers_below(end.subjects)}
            region = self._way_on(walk, end)
        walk.regions = tuple(way)
        return walk

    def encode(self, prompt: Sequence[Piece]) -> list[int]:
        return self._tokenizer.encode(prompt)

    def tokens(self, prompt: Sequence[Piece]) -> int:
        return len(self.encode(prompt))

    def _way_on(self, walk: Walk, switch: Switch) -> Region | None:
        """The region behind a switch: that of the case, where the arguments decide; else the one that may decode most."""
        if not any(True for _ in answers_below(switch.subjects)):
            values = key_of(tuple(walk.values[op] for op in switch.subjects))
            found = next((case.region for case in switch.cases if key_of(case.values) == values), None)
        else:
            found = max((case.region for case in switch.cases), key=self._decoded.__getitem__, default=None)
            if found is not None:
                walk.guesses.append(switch)
        if found is None:
            walk.left = switch
        return found

    def _ask(self, walk: Walk, op: Primitive, after: tuple[int, ...]) -> Asked:
        if isinstance(op, Call):
            walk.values[op] = (self._fresh(UNKNOWN_CALL),)
            return Asked(op, (), (), (), after)
        prompt: Prompt = walk.values[op.state]
        requests = self._requests(walk, op) if self._asks else ()
        question = _question(op, requests)
        answer = self._answer(op, question) if isinstance(op, Gen) else ()
        added: Prompt = (Sampled(answer, ""),) if answer else ()
        walk.values[op] = prompt + (added if isinstance(op, Gen) else self._longest_choice(walk, op, requests))
        return Asked(op, prompt, requests, answer, after, question)

    def _requests(self, walk: Walk, op: Gen | Select) -> tuple[Request, ...]:
        try:
            made = self._job(walk, op).requests(self._tokenizer)
        except SglcError as error:
            raise error if error.where else type(error)(error.what, where=op.loc, hint=error.hint) from None
        return tuple(replace(request, ids=array("i", request.ids)) for request in made)

    def _answer(self, op: Gen, question: Hashable) -> Ids:
        """The ids in the place of an answer; answers to equal questions that no draw answers are equal."""
        if question is None:
            return self._fresh(self._bound(op))
        if question not in self._greedy:
            self._greedy[question] = self._fresh(self._bound(op))
        return self._greedy[question]

    def _job(self, walk: Walk, op: Gen | Select) -> DecodeJob | ScoreJob:
        prompt = walk.values[op.state]
        if isinstance(op, Gen):
            return DecodeJob(prompt, op.sampling.filled_from(DEFAULT_SAMPLING), (0,))
        return ScoreJob(prompt, tuple(self._choices(walk, op)), method=op.method)

    def _choices(self, walk: Walk, op: Select) -> Iterator[Prompt]:
        return (self.pieces(walk, choice) for choice in op.choices)

    def _longest_choice(self, walk: Walk, op: Select, requests: Sequence[Request]) -> Prompt:
        """The choice with most tokens: they are the branches of a select's first request."""
        lengths = [len(branch) for branch in requests[0].branches] if requests else [0]
        return self.pieces(walk, op.choices[lengths.index(max(lengths))])

    def pieces(self, walk: Walk, parts: Sequence[Part]) -> Prompt:
        """What parts add to a prompt."""
        added: list[Piece] = []
        for part in flattened(parts, {}):
            if isinstance(part, str):
                added.append(Text(part, trusted=True))
            elif isinstance(part, Role):
                added.append(part)
            else:
                value, trusted = (part.text, True) if isinstance(part, Trusted) else (part, False)
                words: Words = walk.values[value]
                added += (Text(word, trusted) if isinstance(word, str) else Sampled(word, "") for word in words)
        return tuple(added)

    def _compute(self, walk: Walk, op: Op, texts: Mapping[str, str]) -> None:
        """The value of an op that asks nobody: of a state a prompt, of a text words, of a test a bool or None."""
        values = walk.values
        match op:
            case Param(name=name):
                values[op] = (texts[name],)
            case Root():
                values[op] = ()
            case Append(state=state, parts=parts):
                values[op] = values[state] + self.pieces(walk, parts)
            case Read(state=state):
                values[op] = self._words(values[state][len(values[_before(state)]) :])
            case Format(parts=parts):
                values[op] = self._words(self.pieces(walk, parts))
            case Unordered():
                values[op] = self._words(self.pieces(walk, (op,)))
            case Render(state=state, since=since):
                values[op] = self._rendered(values[state], values[since])
            case Method():
                values[op] = self._applied(walk, op)
            case Test(name=name):
                known = self._known(walk, op)
                values[op] = None if known is None else TESTS[name](*known)
            case _:  # what is known about an answer, or an image: no part of a prompt that can be counted
                values[op] = (self._fresh(1),)

    def _words(self, pieces: Iterable[Piece]) -> Words:
        words = (
            piece.text if isinstance(piece, Text) else piece.ids
            for piece in pieces
            if isinstance(piece, Text | Sampled)
        )
        return tuple(words)

    def _rendered(self, prompt: Prompt, since: Prompt) -> Words:
        """The text between two states; where answers are in it, only its length counts."""
        if any(isinstance(piece, Sampled) for piece in prompt[len(since) :]):
            return (self._fresh(max(0, self.tokens(prompt) - self.tokens(since))),)
        render = self._tokenizer.render
        return (render(prompt)[len(render(since)) :],)

    def _applied(self, walk: Walk, op: Method) -> Words:
        """A method of a text; where an answer is in it, the result counts as long as the texts it is made of."""
        known = self._known(walk, op)
        if known is not None:
            return (METHODS[op.name](*known),)
        lengths = (
            self.tokens((Text(word, trusted=False),)) if isinstance(word, str) else len(word)
            for read in operands(op)
            for word in walk.values[read]
        )
        return (self._fresh(sum(lengths)),)

    def _known(self, walk: Walk, op: Method | Test) -> list[Any] | None:
        """The arguments of a function as plain values; None where an answer is among them."""
        read: dict[Op, Words] = {operand: walk.values[operand] for operand in operands(op)}
        if any(not isinstance(word, str) for words in read.values() for word in words):
            return None
        plain = {operand: "".join(map(str, words)) for operand, words in read.items()}
        return arguments_of(op.arguments)(Values(plain, {}))


def _question(op: Gen | Select, requests: Sequence[Request]) -> Hashable:
    """What is asked, where no draw answers it: what rows ask alike is asked once. None for other steps."""
    if not requests or (isinstance(op, Gen) and requests[0].temperature > 0):
        return None
    ids = bytes(array("i", requests[0].ids))
    if isinstance(op, Gen):
        return ids, op.sampling, op.constraint
    return ids, op.method, tuple(map(tuple, requests[0].branches))


def _most_decoded(graph: Graph, bound: Callable[[Gen], int]) -> dict[Region, int]:
    """The most tokens that may be decoded from the start of each region to the end of the program; a select or a call
    counts as one."""
    most: dict[Region, int] = {}
    for region in reversed(graph.regions):  # those inside a region first
        own = sum(bound(op) if isinstance(op, Gen) else 1 for op in region.body if isinstance(op, Primitive))
        most[region] = own + max((most[inner] for inner in region.inside()), default=0)
    return most


def _before(answer: Op) -> Op:
    assert isinstance(answer, Gen | Select)
    return answer.state

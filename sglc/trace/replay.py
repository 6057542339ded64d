"""Runs a body on plain strings, without a model: its answers are given. What it does, event by event, is compared with
what the graph says that it does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from sglc.ir.errors import ENDS_ALL, Location, in_words
from sglc.ir.functions import METHODS
from sglc.ir.ops import ChoicesMethod, Constraint, Role, Sampling
from sglc.ir.tokens import Sampled, Text
from sglc.language.arguments import Arguments, called, replace_texts
from sglc.language.host_function import Host
from sglc.language.machine import Answered, running
from sglc.language.orders import NO_ORDERS, FreeOrders
from sglc.language.state import ProgramState, each_prompt
from sglc.language.symbolic import raised_at, user_location

Item: TypeAlias = "str | Role | tuple[str, ...]"
"""Of a prompt of a replay: a text, a role, an image."""

HOSTILE = (
    'Yes. A1: "no", {"x": [3, 4.5]}\n- Score: 7/10; True <b>ż</b> \u202e%s {0} \\d+ ',
    "7",
    "",
    " \n\t",
    "None",
    "-1.5e3",
    "['a', \"b\"]",
    "x" * 300,
    "é\U0001f600\u0301",
)
"""What arguments and answers are invented from."""

Answers: TypeAlias = Callable[[int, tuple[Any, ...]], Any]
"""(number, what is asked) -> the text, or the value of a call or meta. Raises `NoAnswer`."""


class NoAnswer(GeneratorExit):
    """The replay ends here: what comes next is not known. Of this kind for the reasons of `tracer.Stopped`."""


@dataclass
class Events:
    """What a run of a body did. calls: by number, with everything that they were given. appends: what it added to prompts.
    end: how it ended, None where the replay did not get there; of each variable that an answer filled also the prompt with
    it, to which its meta info belongs. error, variables: what the body raised, and what it had by then."""

    calls: dict[int, tuple[Any, ...]] = field(default_factory=dict[int, "tuple[Any, ...]"])
    places: dict[int, Location | None] = field(default_factory=dict[int, "Location | None"])
    appends: list[tuple[Any, Location | None]] = field(default_factory=list["tuple[Any, Location | None]"])
    end: tuple[Any, ...] | None = None
    error: BaseException | None = None
    variables: dict[str, Any] = field(default_factory=dict[str, Any])
    raised: Location | None = None


def replay(
    function: Callable[..., Any],
    arguments: Arguments,
    texts: Mapping[str, str],
    answers: Answers,
    n: int | None,
    orders: FreeOrders = NO_ORDERS,
) -> Events:
    """What the body does with these texts and answers. orders: of parts whose order is free."""
    events = Events()
    machine = _Replay(events, answers, orders)
    state = ProgramState(machine, n=n)
    try:
        with running(machine):
            value = called(function, state, replace_texts(arguments, texts.__getitem__), arguments.by_place)
    except NoAnswer:
        events.variables = dict(state.variables)
        return events
    except ENDS_ALL:
        raise
    except BaseException as error:  # noqa: BLE001 - how a run ends, like any other end
        events.end = ("raises", in_words(error))
        events.error = error
        events.variables = dict(state.variables)
        events.raised = raised_at(error, function.__code__.co_filename)
        return events
    if machine.stopped:
        return events
    result = None if isinstance(value, ProgramState) else value
    filled = {name: each_prompt(prompts, lambda prompt: prompt.items) for name, prompts in state.answers.items()}
    events.end = ("ends", state.prompt.items, dict(state.variables), filled, result)
    return events


def raise_if_always(function: Callable[..., Any], arguments: Arguments, n: int | None, failure: BaseException) -> None:
    """Raises a failure of a trace, with its traceback, where plain texts give the same: three that have little in
    common."""
    error = failure
    for text in HOSTILE[:3]:

        def answer(number: int, call: tuple[Any, ...], text: str = text) -> str:
            choices = choices_of(call)
            return choices[number % len(choices)] if choices else text

        events = replay(function, arguments, dict.fromkeys(arguments.texts, text), answer, n)
        if events.error is None or events.end != ("raises", in_words(failure)):
            return
        error = events.error
    raise error


def choices_of(call: tuple[Any, ...]) -> tuple[str, ...]:
    """The choices, where a select is asked."""
    return call[3] if call[0] == "select" else ()


def question_of(call: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a call of `Events` asks, whatever the name of the variable that its answer goes to."""
    kind, *given = call
    return (kind, given[0], *given[2:]) if kind in ("gen", "select") else call


def normal(prompt: Sequence[Any]) -> tuple[Any, ...]:
    """A prompt, a replay's or the runtime's, in a form that is equal for equal prompts: neighbouring texts are one."""
    items: list[Any] = []
    texts: list[str] = []
    for item in (*prompt, None):
        text = item if isinstance(item, str) else item.text if isinstance(item, Text | Sampled) else None
        if text is not None:
            texts.append(text)
            continue
        if joined := "".join(texts):
            items.append(joined)
        texts.clear()
        if item is not None:
            items.append(item)
    return tuple(items)


class Prompt:
    """A prompt of a replay. It is immutable, and one that another was made of keeps its items: they are put together only
    when they are asked for, so that a thousand appends are no thousand copies."""

    __slots__ = ("_added", "_before", "_items")

    def __init__(self, before: Prompt | None = None, added: Sequence[Item] = ()) -> None:
        self._before = before
        self._added = added
        self._items: tuple[Item, ...] | None = () if before is None else None

    @property
    def items(self) -> tuple[Item, ...]:
        """In normal form."""
        if self._items is None:
            added: list[Sequence[Item]] = []
            prompt: Prompt = self
            while prompt._items is None and prompt._before is not None:
                added.append(prompt._added)
                prompt = prompt._before
            self._items = normal((*(prompt._items or ()), *itertools.chain.from_iterable(reversed(added))))
            self._before, self._added = None, ()
        return self._items


def shown(prompt: Sequence[Item]) -> str:
    """The text of a prompt without a model: roles as tags."""
    return "".join(
        item if isinstance(item, str) else f"<{item.name} {item.edge}>" if isinstance(item, Role) else ""
        for item in prompt
    )


class _Replay:
    """The machine that is given its answers."""

    def __init__(self, events: Events, answers: Answers, orders: FreeOrders) -> None:
        self.stopped = False
        self._orders = orders
        self._events = events
        self._answers = answers
        self._count = 0

    def root(self) -> Prompt:
        return Prompt()

    def pieces(self, text: str, *, trusted: bool = False) -> tuple[Item, ...]:
        return (text,)

    def unordered(self, groups: Sequence[tuple[Item, ...]], place: Location | None) -> tuple[Item, ...]:
        return self._orders.put(groups, place)

    def image(self, path: str, frames: int | None) -> Item:
        return ("image", path, str(frames))

    def read(self, value: Any) -> Any:
        return value

    def append(self, prompt: Prompt, pieces: Sequence[Item]) -> Prompt:
        self._events.appends.append((tuple(pieces), user_location()))
        return Prompt(prompt, pieces)

    def gen(self, prompt: Prompt, name: str | None, sampling: Sampling, constraint: Constraint | None) -> Answered:
        return self._answered(("gen", prompt.items, name, sampling, constraint), prompt)

    def select(
        self, prompt: Prompt, name: str | None, choices: Sequence[Sequence[Item]], method: ChoicesMethod
    ) -> Answered:
        texts = tuple(shown(choice) for choice in choices)
        return self._answered(("select", prompt.items, name, texts, method), prompt)

    def call(self, host: Host, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        return self._ask(("call", host.name, plain(arguments), plain(keywords)))

    def meta(self, prompt: Prompt) -> Any:
        return self._ask(("meta", prompt.items))

    def text(self, prompt: Prompt, since: Prompt | None = None) -> str:
        return self._ask(("text", shown(prompt.items), "" if since is None else shown(since.items)))

    def messages(self, prompt: Prompt) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        inside = False
        for item in prompt.items:
            if isinstance(item, Role):
                inside = item.edge == "begin"
                if inside:
                    messages.append({"role": item.name, "content": ""})
                else:
                    messages[-1]["content"] = messages[-1]["content"].lstrip()
            elif inside and isinstance(item, str):
                messages[-1]["content"] += item
        return messages

    def text_method(self, name: str, text: Any, *arguments: Any) -> Any:
        return METHODS[name](text, *arguments)

    def _answered(self, call: tuple[Any, ...], prompt: Prompt) -> Answered:
        text = self._ask(call)
        return Answered(Prompt(prompt, (text,)), text, (text,))

    def _ask(self, call: tuple[Any, ...]) -> Any:
        if self.stopped:
            raise NoAnswer
        number = self._count
        self._count += 1
        self._events.calls[number] = call
        self._events.places[number] = user_location()
        try:
            return self._answers(number, call)
        except NoAnswer:
            self.stopped = True
            raise


def same(one: Any, two: Any) -> bool:
    """Whether two values are alike, for which it counts that they print alike: nan is nan, and 1 is not True."""
    return one is two or repr(one) == repr(two)


def plain(value: Any) -> Any:
    """Plain data in a form that can be compared and looked up."""
    if isinstance(value, list | tuple):
        return (type(cast("object", value)), *map(plain, cast("Sequence[Any]", value)))
    if isinstance(value, dict):
        return (dict, *((key, plain(item)) for key, item in cast("dict[Any, Any]", value).items()))
    return value

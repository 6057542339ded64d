"""Runs a program's body on symbolic text and records what it does along one path: Python function -> ops.

The body is given what is known (`Known`): texts of arguments and answers, which it sees as plain strings, and the answers
to questions about the others. It runs to its end, or to the first question that is not answered yet (`Question`).
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any, Concatenate, NoReturn, ParamSpec, TypeVar, cast

from sglc.ir.builder import Builder, flattened
from sglc.ir.errors import ENDS_ALL, Location, ProgramError, in_words
from sglc.ir.functions import FILLING, METHODS, what_is_wrong_with_call
from sglc.ir.graph import End, Order
from sglc.ir.ops import (
    Append,
    Argument,
    Call,
    ChoicesMethod,
    Constraint,
    Gen,
    Meta,
    Numbered,
    Op,
    Param,
    Part,
    Primitive,
    Render,
    Role,
    Sampling,
    Select,
    Test,
    Trusted,
    Unordered,
    operands,
    prompts,
)
from sglc.ir.values import what_is_wrong
from sglc.language.arguments import Arguments, called, default_texts, is_record, kind_of, replace_texts
from sglc.language.host_function import Host, captures, same_function
from sglc.language.machine import Answered, Piece, running
from sglc.language.orders import FreeOrders
from sglc.language.state import ProgramState
from sglc.language.symbolic import (
    CutMarker,
    Markers,
    SymbolicText,
    calling_frame,
    is_symbolic,
    raised_at,
    shown_path,
    user_location,
)
from sglc.runtime.values import answers_below
from sglc.trace.appends import only_appends
from sglc.trace.changes import Contents
from sglc.trace.effects import stop_at
from sglc.trace.foresee import foreseen
from sglc.trace.known import AskedOtherwise, Known, Leaf, Question
from sglc.trace.leaves import Leaves, leaf_of
from sglc.trace.raised import Watch, may_be_of_symbols
from sglc.trace.repeatable import Impurities, not_repeatable, own_context, set_since, start_of
from sglc.trace.results import end_of
from sglc.trace.statements import drops_what_it_calls
from sglc.trace.untraceable import Untraceable

P = TypeVar("P", Gen, Select, Call)
R = TypeVar("R")
Given = ParamSpec("Given")


class Stopped(GeneratorExit):
    """The body asked what is not known. Not an `Exception`, so that a body's `except Exception` does not swallow it; and of
    the kind that a generator may end with where it is closed, which happens to those that the body leaves open."""


@dataclass(frozen=True)
class Risk:
    """What may be otherwise with the real texts, since Python's own string methods may have seen markers in their place.

    where: the line that made the first such text. answers: the numbers of the answers that such texts are made of, in the
    order in which the body used them. steps: of each step of the region that came after the first such text, by number,
    how many of those answers came before it.
    """

    where: Location | None
    answers: tuple[int, ...]
    steps: Mapping[int, int]


@dataclass(frozen=True)
class Recorded:
    """One run of the body: its ops and how it ended.

    numbered: all ops that have a number, also those that the run was given. failure: what the body raised, where that is
    what it stopped at: with real strings it may not be raised. risk: None where there is none. orders: of parts whose
    order is free but was looked at: they stay as written. file: the line that reads one.
    """

    body: tuple[Op, ...]
    params: tuple[Param, ...]
    numbered: dict[int, Numbered]
    final: Op
    end: End | Question
    risk: Risk | None
    failure: BaseException | None
    orders: dict[Location, Order]
    file: Location | None


def record(
    function: Callable[..., Any],
    arguments: Arguments,
    known: Known,
    earlier: Mapping[int, Numbered] | None = None,
    params: Sequence[Param] = (),
    hosts: dict[str, Host] | None = None,
    n: int | None = None,
    orders: FreeOrders | None = None,
    files: bool = False,
) -> Recorded:
    """Runs the body once. earlier: the numbered ops of the regions around. params: those of the program, if they exist.
    orders: of the parts whose order is free, once it is chosen; until then ops stand for them. files: look for those that
    the body reads; the first run of a program always does.

    n: how many answers the gens give that do not say so. Raises `ProgramError` at the user's line for a body that cannot
    be traced at all, and what the body raises where nothing in it is symbolic.
    """
    recording = _Recording(function, arguments, known, earlier or {}, params, {} if hosts is None else hosts, orders)
    return recording.run(n, files)


def _unwatched(method: Callable[Concatenate[_Recording, Given], R]) -> Callable[Concatenate[_Recording, Given], R]:
    """A method in which no code of the body runs: watching it would only be slow."""

    @functools.wraps(method)
    def unwatched(recording: _Recording, *given: Given.args, **named: Given.kwargs) -> R:
        return recording.watch.aside(method, recording, *given, **named)

    return unwatched


class _Recording:
    """The machine that records."""

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Arguments,
        known: Known,
        earlier: Mapping[int, Numbered],
        params: Sequence[Param],
        hosts: dict[str, Host],
        orders: FreeOrders | None,
    ) -> None:
        self.markers = Markers(known.nonce, known.values.values())
        self._function = function
        self._arguments = arguments
        self._known = known
        self._leaves = Leaves(known.values)
        self._earlier = earlier
        self._builder = Builder(function.__name__, earlier)
        self._hosts = hosts
        self._chosen = orders
        self._kept: dict[Location, Order] = {}
        self._question: Question | None = None
        self._seen: BaseException | None = None  # what was raised inside the body, where the run stopped at that
        self._is_over = False
        self._refused: ProgramError | None = None  # what is wrong with the body, also where it swallowed that
        self._differs_at: Location | None = None  # where the body asked something else than was recorded before
        self._impurities = Impurities()
        self._context = Context()  # in which the body begins
        self.watch = Watch(self._on_exception, _Recording.run.__code__)
        self._given: dict[Leaf, Op] = {}  # leaves that the body has as symbolic texts
        self._origins: dict[str, Op] = {}  # known texts that are not the program's own, for what is appended again
        self._twins: dict[Op, Op] = {}  # states of what is repeated: as they are now, and as they were recorded
        self._pure: dict[Any, Op] = {}  # methods and tests, so that equal ones are one
        self._behind: dict[int, None] = {}  # the answers in the markers in doubt that were counted
        self._counted = 0
        self._first_doubt: Location | None = None
        self._doubted: dict[int, int] = {}  # `Risk.steps`
        self._answers = {self._leaves.question(test.name, test.arguments): yes for test, yes in known.tests.items()}
        defaults = default_texts(function)
        given = {param.name: param for param in params}
        self._params = {
            path: given.get(path) or self._builder.param(path, default=defaults.get(path)) for path in arguments.texts
        }

    def run(self, n: int | None, files: bool) -> Recorded:
        state = ProgramState(self, self._builder.root(loc=start_of(self._function)), n=n)
        end: End | None = None
        failure: BaseException | None = None
        contents = Contents({})
        try:
            if self._known.plain:
                self._ask_for_arguments()
            with running(self), self._watching(files):
                self._context = own_context()
                values = replace_texts(self._arguments, lambda path: self.leaf(path, self._params[path], path))
                contents = Contents(values)
                state.ret_value = called(self._function, state, values, self._arguments.by_place)
            self._go_on()
            end = end_of(state, self._result, start_of(self._function))
        except Stopped:
            pass
        except ENDS_ALL:
            raise
        except BaseException as error:  # noqa: BLE001 - what it means is decided below
            failure = error
        finally:
            self._is_over = True
        if self._differs_at is not None:
            raise AskedOtherwise(self._differs_at)
        if self._refused is not None:
            raise self._refused
        if self._arguments.call is not None and (changed := contents.changed()) is not None:
            raise Untraceable(
                f"{self._function.__name__} changes its argument {changed}, which its caller sees",
                where=start_of(self._function),
                hint=f"change a copy of it, as of copy.deepcopy({changed})",
            )
        if self._impurities.found is not None:
            why, where = self._impurities.found
            raise not_repeatable(self._function, where, why)
        if self._question is not None:  # also where the body swallowed it
            end, failure = None, self._seen
        elif failure is not None:
            self._question = self._after(failure)
        return Recorded(
            body=tuple(self._builder.body),
            params=tuple(self._params.values()),
            numbered={**self._earlier, **self._builder.numbered},
            final=state.prompt,
            end=end or cast("Question", self._question),
            risk=Risk(self._first_doubt, tuple(self._behind_markers()), self._doubted)
            if self.markers.in_doubt
            else None,
            failure=failure,
            orders=self._kept,
            file=self._impurities.file,
        )

    def _ask_for_arguments(self) -> None:
        unknown = {path: op for path, op in self._params.items() if path not in self._known.values}
        if unknown:
            why = "reading the arguments"
            start = start_of(self._function)
            self._stop(Question(why, start, leaves=tuple(unknown), ops=tuple(unknown.values())))

    def _after(self, error: BaseException) -> Question:
        """The way on after an exception that left the body: with real strings it may not be raised, or may be caught."""
        if isinstance(error, Untraceable):
            raise error
        where = raised_at(error, self._function.__code__.co_filename)
        if not self._given and not self.markers.in_doubt:  # nothing symbolic is in it: it is so for all strings
            raise error
        return self._all_leaves(self._why(error), where)

    # -- what the body sees

    @_unwatched
    def marker(self, value: Op) -> str:
        frame = calling_frame()
        in_doubt = frame is None or not only_appends(frame)
        if in_doubt and not self.markers.in_doubt:
            self._first_doubt = user_location()
        return self.markers.text(value, in_doubt=in_doubt)

    def leaf(self, leaf: Leaf, op: Op, name: str) -> Any:
        """A text of an argument or an answer: a plain string where it is known."""
        if leaf in self._known.values:
            value = copy.deepcopy(self._known.values[leaf])
            if isinstance(value, str) and value:
                self._origins.setdefault(value, op)
            return value
        if self._known.plain:
            self._stop(Question(f"reading {name}", user_location(), leaves=(leaf,), ops=(op,)))
        self._given[leaf] = op
        if self._known.values:
            self._watch_on()  # also what is repeated: Python has not seen this text beside those that are plain now
        return SymbolicText(op, self, name)

    def joined(self, texts: tuple[Any, ...]) -> Any:
        parts = tuple(part for text in texts for part in self.pieces(text))
        return SymbolicText(self._builder.format(parts, loc=self._here()), self, "a text made from others")

    def method(self, name: str, text: SymbolicText, arguments: tuple[Any, ...]) -> Any:
        given = self._function_arguments("method", name, text, arguments)
        if given is None:
            self.need(text, f".{name}()")
        op = self._one(("method", name, given), lambda: self._builder.method(name, given, loc=self._here()))
        return SymbolicText(op, self, f"{text.name}.{name}()")

    def answer(self, name: str, text: SymbolicText, arguments: tuple[Any, ...], operation: str) -> bool:
        given = self._function_arguments("test", name, text, arguments)
        if given is None:
            self.need(text, operation)
        unknown = self._leaves.unknown(given)
        few = [op for op in unknown if foreseen(op)]
        if few:  # better than the answer to one question: all is known of the text then
            self._stop_for(few, f"{operation} of {text.name}")
        key = self._leaves.question(name, given)
        if name in ("eq", "le", "ge") and key[1] == key[2]:
            return True
        if key in self._answers:
            return self._answers[key]
        test = self._one(("test", name, given), lambda: self._builder.test(name, given, loc=self._here()))
        assert isinstance(test, Test)
        why = f"{operation} of {text.name}"
        self._stop(Question(why, user_location(), test, tuple(map(leaf_of, unknown)), tuple(unknown)))

    def need(self, text: SymbolicText, operation: str) -> NoReturn:
        self._stop_for(self._leaves.unknown((text.op,)), f"{operation} of {text.name}")

    def _own(self, text: SymbolicText) -> Op:
        if text.recording is not self:
            raise self._kept_outside()
        return text.op

    def _kept_outside(self) -> ProgramError:
        return ProgramError(
            "a text that was not known yet has been kept outside of the program that asked for it",
            where=user_location(),
            hint="a body may run several times and must have no effect: give the text back, or hand it to a host function",
        )

    def _stop(self, question: Question) -> NoReturn:
        if self._is_over:
            raise self._kept_outside()
        self._question = self._question or question
        raise Stopped

    def _stop_for(self, leaves: Sequence[Op], why: str) -> NoReturn:
        """Stops the run until leaves are known."""
        self._stop(Question(why, user_location(), leaves=tuple(map(leaf_of, leaves)), ops=tuple(leaves)))

    def _why(self, error: BaseException) -> str:
        """What an exception says, in a line, without markers."""
        if isinstance(error, CutMarker):
            return "a string that was cut: a precision, a slice, one character"
        return self.markers.shown(in_words(error).splitlines()[0])[:100]

    def _all_leaves(self, why: str, where: Location | None) -> Question:
        return Question(why, where, leaves=tuple(self._given), ops=tuple(self._given.values()))

    def _one(self, key: Any, make: Callable[[], Op]) -> Op:
        if key not in self._pure:
            self._pure[key] = make()
        return self._pure[key]

    def _function_arguments(
        self, kind: str, name: str, text: SymbolicText, arguments: tuple[Any, ...]
    ) -> tuple[Argument, ...] | None:
        """The arguments as they stand in an op; None where only plain Python can say what they mean."""

        def argument(value: Any) -> Argument:
            if isinstance(value, str):
                return self._text_argument(value)
            if isinstance(value, tuple):
                return tuple(argument(item) for item in cast("tuple[Any, ...]", value))
            return value

        def plain(value: Any) -> Any:
            if isinstance(value, Op):
                return "a"
            return tuple(map(plain, cast("tuple[Any, ...]", value))) if isinstance(value, tuple) else value

        if not all(value is None or isinstance(value, str | int | tuple) for value in arguments):
            return None
        given = (text.op, *map(argument, arguments))
        if name in FILLING and any(isinstance(fill, Op) for fill in given[2:]):
            return None  # an error for most texts
        return None if what_is_wrong_with_call(kind, name, tuple(map(plain, given))) else given

    def _text_argument(self, text: Any) -> Argument:
        if is_symbolic(text):
            return self._own(text)
        return self._text(self.markers.parts(text))

    # -- the machine

    def root(self) -> Op:
        return self._builder.root(loc=self._here())

    @_unwatched
    def pieces(self, text: Any, *, trusted: bool = False) -> tuple[Piece, ...]:
        if is_symbolic(text):
            return (Trusted(self._own(text)),) if trusted else (self._own(text),)
        parts = self.markers.parts(text)
        if trusted:
            return tuple(Trusted(part) if isinstance(part, Op) else part for part in parts)
        return tuple(piece for part in parts for piece in self._by_origin(part))

    def _by_origin(self, part: Part) -> tuple[Part, ...]:
        """A literal with what came from outside marked as such, where it might spell a control token."""
        if isinstance(part, str):
            for text, op in self._origins.items():
                if text in part and not text.replace(" ", "").isalnum():
                    before, _, after = part.partition(text)
                    rest = (*self._by_origin(before), op, *self._by_origin(after))
                    return tuple(piece for piece in rest if piece != "")
        return (part,)

    def unordered(self, groups: Sequence[tuple[Part, ...]], place: Location | None) -> tuple[Part, ...]:
        if self._chosen is not None:
            return self._chosen.put(groups, place)
        if len(groups) < 2:
            return tuple(part for group in groups for part in group)
        loc = None if place is None else Location(shown_path(place.file), place.line)
        return (self._builder.unordered(groups, loc=loc),)

    def image(self, path: Any, frames: int | None) -> Op:
        return self._builder.image(self._text_op(path), frames, loc=self._here())

    @_unwatched
    def append(self, prompt: Op, pieces: Sequence[Part]) -> Op:
        self._go_on()
        return self._builder.append(prompt, pieces, loc=self._here())

    @_unwatched
    def gen(self, prompt: Op, name: str | None, sampling: Sampling, constraint: Constraint | None) -> Answered:
        self._next_is(Gen)
        for text in (name, constraint and constraint.text, *(sampling.stop or ()), *(sampling.stop_regex or ())):
            self._fixed(text, "a setting of a gen")
        state = self._builder.gen(prompt, name=name, sampling=sampling, constraint=constraint, loc=self._here())
        self._note_twins(prompt, state)
        return self._answered(self._same(state, name, sampling, constraint), name)

    @_unwatched
    def select(
        self, prompt: Op, name: str | None, choices: Sequence[Sequence[Part]], method: ChoicesMethod
    ) -> Answered:
        self._next_is(Select)
        self._fixed(name, "the name of a select")
        state = self._builder.select(
            prompt,
            choices=tuple(tuple(choice) for choice in choices),
            name=name,
            method=method,
            loc=self._here(),
        )
        self._note_twins(prompt, state)
        return self._answered(self._same(state, name, method), name)

    def call(self, host: Host, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._next_is(Call)
        if captures(host.function, is_symbolic):
            raise ProgramError(
                f"the host function {host.name} holds on to a text that is not known yet",
                where=user_location(),
                hint="give it as an argument",
            )
        if (variable := set_since(self._context)) is not None:
            self._refused = ProgramError(
                f"{self._function.__name__} changes something outside of it: the context variable {variable}",
                where=user_location(),
                hint=f"the host function {host.name} is called later, in the context of the run: give it the value as an "
                "argument, or set the variable inside of it",
            )
            raise Stopped
        call = self._builder.call(
            self._host_name(host),
            tuple(self._host_argument(value) for value in arguments),
            tuple((key, self._host_argument(value)) for key, value in keywords.items()),
            timeout=host.timeout,
            dropped=host.gives_text and drops_what_it_calls(calling_frame()),
            loc=self._here(),
        )
        self._same(call, host.name)
        value = None
        if host.gives_text or call.number in self._known.values:
            value = self.leaf(call.number, call, f"{host.name}(...)")
        else:
            self._stop_for((call,), f"what {host.name} gives")
        return value

    def _host_name(self, host: Host) -> str:
        name, count = host.name, 1
        while name in self._hosts and not same_function(self._hosts[name].function, host.function):
            count += 1
            name = f"{host.name}#{count}"
        self._hosts[name] = host
        return name

    def _host_argument(self, value: Any) -> Argument:
        kind = cast("type[Any]", type(value))
        if kind is str or is_symbolic(value):
            return self._text_argument(value)
        if kind in (list, tuple):
            items = [self._host_argument(item) for item in cast("Sequence[Any]", value)]
            return items if kind is list else tuple(items)
        if kind is dict and is_record(value):
            return {key: self._host_argument(item) for key, item in value.items()}
        is_plain = value is None or kind in (bool, int, float)
        if (problem := what_is_wrong(value) if is_plain else f"it is {kind_of(value)}") is not None:
            what = f"an argument of a host function is no plain data: {problem}"
            raise Untraceable(what, where=user_location(), hint="give text, numbers, lists, tuples or dicts")
        return value

    def meta(self, prompt: Op) -> Any:
        self._next_is(Meta)
        meta = self._builder.meta(prompt, loc=self._here())
        self._repeated()
        if meta.number not in self._known.values:
            self._stop_for((meta,), "get_meta_info()")
        return self.leaf(meta.number, meta, "get_meta_info()")

    def text(self, prompt: Op, since: Op | None = None) -> Any:
        self._next_is(Render)
        loc = self._here()
        begin = self._beginning(prompt) if since is None else self._begins(prompt, since)
        render = self._builder.render(prompt, begin, loc=loc)
        self._repeated()
        return self.leaf(render.number, render, "s.text()")

    def messages(self, prompt: Op) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []
        inside = False
        self._keep_order(prompt)
        for part in self._parts_of(prompt):
            if isinstance(part, Role):
                inside = part.edge == "begin"
                if inside:
                    messages.append({"role": part.name, "content": ""})
                else:
                    messages[-1]["content"] = messages[-1]["content"].lstrip()
            elif inside:
                messages[-1]["content"] = messages[-1]["content"] + part
        return messages

    def text_method(self, name: str, text: Any, *arguments: Any) -> Any:
        return self.method(name, text, arguments) if is_symbolic(text) else METHODS[name](text, *arguments)

    def _parts_of(self, prompt: Op) -> list[Any]:
        """Roles and texts of a prompt, in order; answers that are known as plain strings."""
        found: list[Any] = []
        for op in reversed(list(prompts(prompt))):
            if isinstance(op, Append):
                for part in flattened(op.parts, {}):
                    value = part.text if isinstance(part, Trusted) else part
                    found.append(self._shown(value) if isinstance(value, Op) else value)
            elif isinstance(op, Gen | Select):
                found.append(self._answer(op, op.name))
        return found

    def _keep_order(self, prompt: Op) -> None:
        """The body sees the parts of a prompt as they were written, so that is how they must stay."""
        for state in prompts(prompt):
            for part in operands(state) if isinstance(state, Append) else ():
                if isinstance(part, Unordered) and part.loc is not None:
                    self._kept[part.loc] = Order(None, f"the text that holds it is read at {user_location()}")

    def _shown(self, op: Op) -> Any:
        """A text of the prompt as the body may see it: plain where all of it is known."""
        leaves = self._leaves.of((op,))
        if all(leaf_of(leaf) in self._known.values for leaf in leaves):
            return self._leaves.plain(op)
        for leaf in leaves:
            self._given.setdefault(leaf_of(leaf), leaf)
        return SymbolicText(op, self, "a text of the prompt")

    def _beginning(self, prompt: Op) -> Op:
        return list(prompts(prompt))[-1]

    def _begins(self, prompt: Op, since: Op) -> Op:
        """The state among those that a prompt was made from which is `since`, or its twin; `since` where there is none:
        at an exit the prompt may be one that passes have made."""
        for state in prompts(prompt):
            if state is since or state is self._twins.get(since):
                return state
        return since

    def _note_twins(self, prompt: Op, answer: Gen | Select) -> None:
        """Where an answer is repeated, its prompt was recorded with texts unknown that are plain now: as other ops."""
        now, before = _appended(prompt), _appended(answer.state)
        if len(now) == len(before):  # an empty text that is known now was not appended
            self._twins.update(zip(now, before, strict=True))

    def _here(self) -> Location | None:
        """The user's line, for a new op; what a run repeats of the regions around has its place already."""
        return None if len(self._builder.numbered) in self._earlier else user_location()

    def _result(self, value: Any) -> str | Op | None:
        """A text or an answer in the results; None for what is neither."""
        if type(value) in (Unread, SymbolicText):
            return value.op
        return self._text(self.markers.parts(value)) if type(value) is str else None

    def _text(self, parts: tuple[Part, ...]) -> str | Op:
        """A plain string where nothing in it is open."""
        return "".join(cast("tuple[str, ...]", parts)) if _literal(parts) else self._builder.format(parts)

    def _go_on(self) -> None:
        """Nothing goes on after a question, even where the body swallowed it."""
        if self._question is not None or self._differs_at is not None or self._refused is not None:
            raise Stopped

    def _next_is(self, kind: type[Numbered]) -> None:
        self._go_on()
        if not isinstance(self._earlier.get(len(self._builder.numbered)), kind | None):
            self._differ()

    def _differ(self) -> NoReturn:
        self._differs_at = user_location() or start_of(self._function)
        raise Stopped

    def _fixed(self, text: str | None, what: str) -> None:
        """A setting is a plain text: where it is made of others, the run goes on when they are known."""
        parts = () if text is None else self.markers.parts(text)
        if not _literal(parts):
            self._stop_for(self._leaves.unknown(parts), what)

    def _same(self, op: P, *attributes: Any) -> P:
        """An op that was recorded before must be what the body asks for now."""
        if self._earlier.get(op.number) is op:
            if isinstance(op, Gen):
                before: tuple[Any, ...] = (op.name, op.sampling, op.constraint)
            elif isinstance(op, Select):
                before = (op.name, op.method)
            else:
                before = (op.function.partition("#")[0],)
            if before != attributes:
                self._differ()
        self._repeated()
        self._doubt(op)
        return op

    def _doubt(self, op: Primitive) -> None:
        """Notes what the body may have looked at by means of markers before it came to this step."""
        if self.markers.in_doubt and op.number not in self._earlier:
            self._doubted[op.number] = len(self._behind_markers())

    def _behind_markers(self) -> dict[int, None]:
        """The answers that markers stand for so far."""
        new = self.markers.in_doubt[self._counted :]
        self._counted += len(new)
        self._behind.update((op.number, None) for op in answers_below(new))
        return self._behind

    def _repeated(self) -> None:
        """After the last of what is repeated the run is watched."""
        if len(self._builder.numbered) == len(self._earlier):
            self._watch_on()

    def _answered(self, state: Gen | Select, name: str | None) -> Answered:
        return Answered(state, self._answer(state, name), (self._builder.read(state, loc=self._here()),))

    def _answer(self, state: Gen | Select, name: str | None) -> Any:
        read = self._builder.read(state, loc=self._here())
        what = "the answer of an unnamed gen" if name is None else f"s[{name!r}]"
        if self._known.plain and state.number not in self._known.values:
            return Unread(self, state.number, read, what)
        return self.leaf(state.number, read, what)

    def read(self, value: Any) -> Any:
        """A variable as the body sees it. A list is the body's own, to be changed in place."""
        seen: set[int] = set()
        stack = [value]
        while stack:
            item = stack.pop()
            if type(item) is Unread:
                item.read()  # what is not known ends the run
            elif type(item) is list and id(cast("Any", item)) not in seen:
                seen.add(id(cast("Any", item)))
                stack.extend(cast("list[Any]", item))
        return value

    def _text_op(self, text: Any) -> Op:
        return self._own(text) if is_symbolic(text) else self._builder.format(self.pieces(text), loc=self._here())

    # -- what is watched

    @contextmanager
    def _watching(self, files: bool) -> Generator[None]:
        """Watches the body for what a trace must not do: draw, read a clock, or go on after an exception that may be
        there only because a text is symbolic."""
        first = not self._known.values and not self._known.tests  # once a program
        with self.watch.ended(), self._impurities.watched(lines=first or files, also=stop_at):
            if not self._earlier:
                self._watch_on()
            yield

    def _watch_on(self) -> None:
        """From here on. (What a run repeats of the regions around was watched before.)"""
        if not self._known.plain:
            self.watch.begin()

    def _on_exception(self, frame: FrameType, kind: type[BaseException], error: Any, trace: TracebackType) -> None:
        """Stops the run at a suspicious exception, before the body catches it. With the real strings it may go well, so the
        run goes on only where they are known."""
        markers = bool(self.markers.in_doubt)
        if self._question is not None or not (self._given or markers):
            return
        if may_be_of_symbols(kind, frame, trace, markers=markers):
            self._question = self._all_leaves(self._why(error), user_location())
            self._seen = error
            raise Stopped


class Unread:
    """An answer that a plain run has not read yet: reading stops the run, giving it back does not."""

    __slots__ = ("_leaf", "_name", "_recording", "op")

    def __init__(self, recording: _Recording, leaf: Leaf, op: Op, name: str) -> None:
        self._recording = recording
        self._leaf = leaf
        self.op = op
        self._name = name

    def read(self) -> Any:
        return self._recording.leaf(self._leaf, self.op, self._name)


def _appended(state: Op) -> list[Op]:
    """A state and those before it, up to the answer before them."""
    states: list[Op] = []
    for before in prompts(state):
        states.append(before)
        if not isinstance(before, Append):
            break
    return states


def _literal(parts: Sequence[Part]) -> bool:
    return all(isinstance(part, str) for part in parts)

"""What the sections share: the table of rows, the ways to run a program, and what several of them run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import sglc
import sglc as sgl
from sglc.runtime.scripted import Question

Answer = Callable[[Question], str]


@dataclass
class Ran:
    """A run on a scripted model, and what was asked, in order."""

    result: Any = None
    prompts: list[str] = field(default_factory=list)
    choices: list[tuple[str, ...]] = field(default_factory=list)
    samplings: list[Any] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)

    def keep(self, question: Question) -> None:
        self.prompts.append(question.prompt)
        self.choices.append(question.choices)
        self.samplings.append(question.sampling)
        self.seeds.append(question.seed)


def ran(program: Any, *args: Any, says: str | list[str] | Answer = "ok", **kwargs: Any) -> Ran:
    """Runs a program, or a bare body, on a model that says one text, or one after the other, or a function's."""
    seen = Ran()
    texts = iter(says if isinstance(says, list) else [])

    def answer(question: Question) -> str:
        seen.keep(question)
        if isinstance(says, list):
            return next(texts)
        return says if isinstance(says, str) else says(question)

    with sgl.Scripted(answer) as backend:
        run = program.run if isinstance(program, sgl.SglFunction) else sgl.function(program).run
        seen.result = run(*args, backend=backend, **kwargs)
        seen.result.sync()
    return seen


def of(*expressions: Any) -> sgl.SglFunction:
    """A program that appends expressions."""

    def appended(s):
        for expression in expressions:
            s += expression

    return sgl.function(appended)


Row = Callable[..., None]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Keeps the check of a row; its parameters, but for those with a default, are fixtures: `engine`, the embedded one."""

    def keep(check: Row) -> Row:
        assert name not in ROWS
        ROWS[name] = check
        return check

    return keep


GREEDY: dict[str, Any] = {"temperature": 0, "max_tokens": 8}
PROMPT = "The old"


def said(engine: sglc.Engine, run: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The result of one gen, `a`, on the engine."""
    result = of(PROMPT, sgl.gen("a", **settings)).run(backend=engine, **{"seed": 1, **(run or {})})
    assert result.error() is None
    return result


def tokens(result: Any) -> int:
    return result.get_meta_info("a")["completion_tokens"]


def ended(result: Any) -> str:
    return result.get_meta_info("a")["finish_reason"]["type"]


def settings_of(program: sgl.SglFunction) -> dict[str, Any]:
    """What a program was made with, besides its body and its bound arguments."""
    return {name: value for name, value in vars(program).items() if name not in ("bind_arguments", "kept")}


@sgl.function
def echo(s, a, b="B"):
    s += a + b + sgl.gen("x")
    return [a, b]


MODES = ("compiled", "interpret")


def in_both(body: Callable[..., Any], says: str | list[str] | Answer = "ok") -> Any:
    """The result of a body, the same in both modes."""
    compiled, interpreted = (ran(body, says=says, mode=mode).result for mode in MODES)
    assert compiled.error() is None
    assert interpreted.error() is None
    assert (compiled.text(), compiled.ret_value) == (interpreted.text(), interpreted.ret_value)
    assert compiled.variables == interpreted.variables
    assert compiled.meta.keys() == interpreted.meta.keys()
    return compiled


class Broken(Exception):
    """What the model's side raises."""


def broken(question: Question) -> str:
    if "bad" in question.prompt:
        raise Broken("no answer")
    return "ok"


def refused(run: Callable[[], Any]) -> Exception | None:
    """The error of a run, raised or kept."""
    try:
        return run().error()
    except sglc.SglcError as error:
        return error

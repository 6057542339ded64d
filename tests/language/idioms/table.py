"""The table of idioms, and what their bodies share."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sglc as sgl

Says = str | Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclasses.dataclass(frozen=True)
class Idiom:
    """A body and its cases.

    says: case by case what the model says: all answers to one question, one after the other (the last one again when
    they are used up), by the name of the question; a text alone answers all questions. given: case by case the
    arguments besides the row. plain: whether plain Python without sglc can run the body (it can run no program inside
    of a program). late: whether no trace can see what the body looks at, so that a run may have to be done again.
    refused: what the refusal says of a body that cannot be compiled; "" for all others.
    """

    body: Callable[..., Any]
    says: tuple[Says, ...]
    given: tuple[Mapping[str, Any], ...]
    plain: bool
    late: bool
    refused: str

    @property
    def name(self) -> str:
        return self.body.__name__

    def rows(self) -> list[dict[str, Any]]:
        """The arguments of each case, fresh ones in every call."""
        return [{"row": f"{self.name}#{i}", **copy.deepcopy(given)} for i, given in enumerate(self.given)]


IDIOMS: dict[str, Idiom] = {}


def idiom(
    *says: Says, given: Sequence[Mapping[str, Any]] = (), plain: bool = True, late: bool = False, refused: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keeps a body as an idiom. given: the arguments of each case, in turns; none where there are none."""

    def keep(body: Callable[..., Any]) -> Callable[..., Any]:
        assert body.__name__ not in IDIOMS
        arguments = tuple(itertools.islice(itertools.cycle(given or [{}]), len(says)))
        IDIOMS[body.__name__] = Idiom(body, says, arguments, plain, late, refused)
        return body

    return keep


def said(prompt: str, choices: Sequence[str] = ()) -> str:
    """What the model says after a prompt: it begins with `name#case` and ends with the name of the question.

    Of a select, the answer's first letter may be enough."""
    name, _, case = prompt.partition("\n")[0].rpartition("#")
    says = IDIOMS[name].says[int(case)]
    question = prompt[prompt.rindex("\n") : prompt.rindex("=") + 1]
    of_question = says.get(question[1:-1], "") if isinstance(says, Mapping) else says
    answers = [of_question] if isinstance(of_question, str) else list(of_question)
    answer = answers[min(prompt.count(question), len(answers)) - 1]
    return next(choice for choice in choices if choice.startswith(answer[:1])) if choices else answer


def ask(s: Any, name: str) -> Any:
    s += f"\n{name}=" + sgl.gen(name)
    return s[name]


def start(s: Any, row: Any) -> Any:
    s += row
    return ask(s, "a")


WORDS = ("so", "no", "yes", "", "YES ", "naïve – ok")
NUMBERS = ("7", "12", "x", "", "-3", " 4 ", "٣", "1_000", "2.5")
MIXED = ("so", "12", "", '{"k": "v"}', "é√9", "no\nyes")
JSONS = ('{"k": "v"}', "[1, 2]", "no", "", '"text"', "3", "null", '{"k": {"n": [true]}}', '{"k": ')


@dataclasses.dataclass(order=True, frozen=True)
class Verdict:
    word: str
    weight: int = 1

    @property
    def positive(self) -> bool:
        return self.word.startswith("y")

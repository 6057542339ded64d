"""The programs of the evaluation: a held-out document as a question to the model, in the form it has.

What the examples do is asked through the examples themselves (`evaluate.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from unittest.mock import patch

import sglc as sgl
from models.document import Document, message_text
from models.examples import FOLDER as EXAMPLES
from sglc.command.program_file import load_program
from sglc.runtime.runner import Runner

LONGEST = 160
"""Tokens of an answer at most."""


@sgl.function
def ask(s: sgl.ProgramState, system: str, question: str) -> None:
    if system:
        s += sgl.system(system)
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=LONGEST, temperature=0))


@sgl.function
def choose(s: sgl.ProgramState, system: str, question: str, choices: list[str]) -> None:
    if system:
        s += sgl.system(system)
    s += sgl.user(question)
    s += sgl.assistant(sgl.select("answer", choices=choices))


@sgl.function
def go_on(s: sgl.ProgramState, prompt: str) -> None:
    s += prompt
    s += sgl.gen("answer", max_tokens=LONGEST, stop="\n", temperature=0)


@sgl.function
def choose_after(s: sgl.ProgramState, prompt: str, choices: list[str]) -> None:
    s += prompt
    s += sgl.select("answer", choices=choices)


def checked(result: sgl.Result) -> sgl.Result:
    """The result; what failed in it is raised."""
    if (error := result.error()) is not None:
        raise error
    return result


def finished(backend: Runner, questions: Sequence[str], book: Mapping[str, str]) -> list[str]:
    """What `examples/react.py` finishes with for each question, with these entries in its book beside its own."""
    program = load_program(str(EXAMPLES / "react.py"))
    with patch.dict(program.func.__globals__["BOOK"], book):
        results = program.run_batch([{"question": question} for question in questions], backend=backend)
    return [str(checked(result)["answer"]) for result in results]


def question_of(document: Document) -> tuple[sgl.SglFunction, dict[str, object]]:
    """The program that asks for the last answer of a document, and its arguments."""
    answer = document.answers[-1]
    choices = {"choices": list(answer.choices)} if answer.choices else {}
    if document.messages[0].role is None:
        program = choose_after if choices else go_on
        return program, {"prompt": document.prompt, **choices}
    *before, user, _ = document.messages
    if len(before) > 1 or user.role != "user":
        raise ValueError(f"{document.task}: a chat of one turn is wanted")
    system = message_text(before[0]) if before else ""
    return (choose if choices else ask), {"system": system, "question": message_text(user), **choices}

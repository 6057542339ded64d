"""Documents: what the model reads in training, and what it is asked in the evaluation.

A document is a list of messages. A message has a role, or none where a program writes plain text, and consists of
texts and answers: an `Answer` is what the model is to write there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

RoleName: TypeAlias = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Answer:
    """choices: it is one of these, by a select; else a gen writes it, up to the end of the line or of the message."""

    text: str
    choices: tuple[str, ...] = ()


Piece: TypeAlias = "str | Answer"


@dataclass(frozen=True)
class Message:
    role: RoleName | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class Document:
    """task: what it practises, such as "facts.capital"; the word before the dot is its category.
    pattern: where the form of the last answer counts and not its words, a regex that it has to match."""

    task: str
    messages: tuple[Message, ...]
    pattern: str = ""

    @property
    def answers(self) -> list[Answer]:
        return [piece for message in self.messages for piece in message.pieces if isinstance(piece, Answer)]

    @property
    def prompt(self) -> str:
        """All texts before the last answer, without the roles: what tells documents apart."""
        text = "\n".join(message_text(message) for message in self.messages)
        return text.rstrip("\n").removesuffix(self.answers[-1].text)


def message_text(message: Message) -> str:
    return "".join(piece if isinstance(piece, str) else piece.text for piece in message.pieces)


def chat(task: str, system: str, *turns: tuple[str, Answer | str], pattern: str = "") -> Document:
    """A conversation: for each turn what the user says and what the model answers. system: may be empty."""
    messages = [Message("system", (system,))] if system else []
    for question, answer in turns:
        said = answer if isinstance(answer, Answer) else Answer(answer)
        messages += [Message("user", (question,)), Message("assistant", (said,))]
    return Document(task, tuple(messages), pattern)


def plain(task: str, *pieces: Piece) -> Document:
    """A text without roles. The text after an answer begins with a line end."""
    return Document(task, (Message(None, pieces),))


def joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbouring texts as one, none of them empty; what follows the last answer is a line end."""
    found: list[Piece] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, str) and isinstance(last, str):
            found[-1] = last + piece
        elif piece != "":
            found.append(piece)
    if isinstance(found[-1], str):
        found[-1] = "\n"
    return found


def rendered(document: Document) -> Iterator[tuple[str, Answer | None]]:
    """The document as the chat template writes it: pieces of text, each with the answer that it is or None."""
    if document.messages[0].role is not None:
        yield BEGIN, None
    for message in document.messages:
        if message.role is not None:
            yield f"<|{message.role}|>\n", None
        for piece in message.pieces:
            yield (piece, None) if isinstance(piece, str) else (piece.text, piece)
        if message.role is not None:
            yield f"{TURN_END}\n", None


BEGIN, END, TURN_END = "<|begin|>", "<|end|>", "<|turn_end|>"
SPECIALS = (BEGIN, END, "<|system|>", "<|user|>", "<|assistant|>", TURN_END)

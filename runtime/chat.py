"""Chat templates as edges: the text that a model's own Jinja template puts around each message.

A program writes a conversation piece by piece, so the template is rendered with placeholders for the contents, and the
text between two placeholders is divided into the end of one message and the beginning of the next. What was written
stays written: the end of a message is only the text that follows it in every continuation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jinja2

from sglc.ir.errors import ModelError

Messages: TypeAlias = list[dict[str, str]]
Renderer: TypeAlias = Callable[[Messages, bool], str]
"""Renders messages, with or without the generation prompt after them: transformers' `apply_chat_template`."""

GIVE_ONE = "give one: Engine(chat_template=...) or --chat-template FILE"

# What may follow a message. The pairs are for templates that merge a system message into the user's (Llama 2) and
# check the order of roles as a whole.
_CONTINUATIONS: tuple[tuple[str, ...], ...] = ((), ("user",), ("assistant",), ("user", "assistant"))


class ChatTemplate:
    """The edges of messages, by the roles of the conversation so far. Edges are computed once for each such tuple."""

    def __init__(self, render: Renderer) -> None:
        self._render = render
        self._begins: dict[tuple[str, ...], str] = {}
        self._ends: dict[tuple[str, ...], str] = {}
        self._gaps: dict[tuple[str, ...], str] = {}
        self._written: dict[tuple[str, ...], tuple[str, ...]] = {(): ()}

    def begin(self, roles: tuple[str, ...]) -> str:
        """The text between the end of the message before and the content of the last of `roles`.

        For an assistant this is the template's generation prompt. Where the template has none, it is the text before
        the content without the white space at its end (`gap`), which the model writes itself.

        Raises `ModelError` where the template refuses the roles, leaves a message out, or is not incremental.
        """
        if roles not in self._begins:
            self._begins[roles] = self._find_begin(roles)
        return self._begins[roles]

    def end(self, roles: tuple[str, ...]) -> str:
        """The text after the content of the last of `roles`, as far as it does not depend on what follows."""
        if roles not in self._ends:
            self._ends[roles] = _common_beginning([texts[len(roles)] for texts in self._renderings(roles)])
        return self._ends[roles]

    def gap(self, roles: tuple[str, ...]) -> str:
        """White space that the template puts between the beginning of an assistant's message and literal content."""
        if roles not in self._gaps:
            before = (self.end(roles[:-1]) if len(roles) > 1 else "") + self.begin(roles)
            gaps = {texts[len(roles) - 1].removeprefix(before) for texts in self._renderings(roles)}
            gap = gaps.pop()
            self._gaps[roles] = gap if gap.isspace() and not gaps else ""
        return self._gaps[roles]

    def _find_begin(self, roles: tuple[str, ...]) -> str:
        before, last = roles[:-1], len(roles) - 1
        renderings = self._renderings(roles)
        self._check_incremental(roles, renderings)
        written = self.end(before) if before else ""
        edges = {texts[last] for texts in renderings}
        if roles[-1] == "assistant" and before:
            prompted, plain = self._texts(before, True), self._texts(before, False)
            if isinstance(prompted, list) and prompted != plain:
                edges = {prompted[last]}
            else:
                edges = {written + edge.removeprefix(written).rstrip() for edge in edges}
        edge = edges.pop()
        if edges or not edge.startswith(written):
            raise self._not_incremental(roles, last)
        return edge.removeprefix(written)

    def _check_incremental(self, roles: tuple[str, ...], renderings: list[list[str]]) -> None:
        """Refuses a template that changes what stands before an earlier message.

        The text before an assistant's content is exempt: there a template may render a finished answer differently
        from the prompt for one (empty or dropped thinking), and what was prompted stays.
        """
        for index, text in enumerate(self._edges_written(roles[:-1])):
            if roles[index] != "assistant" and any(texts[index] != text for texts in renderings):
                raise self._not_incremental(roles, index)

    def _edges_written(self, roles: tuple[str, ...]) -> tuple[str, ...]:
        """The text before each message as `begin` and `end` gave it."""
        for length in range(1, len(roles) + 1):
            head = roles[:length]
            if head not in self._written:
                end = self.end(head[:-1]) if length > 1 else ""
                self._written[head] = (*self._written[head[:-1]], end + self.begin(head))
        return self._written[roles]

    def _renderings(self, roles: tuple[str, ...]) -> list[list[str]]:
        """The texts around the contents of `roles` in every continuation that the template accepts."""
        results = [self._texts(roles, True)]
        results += [self._texts(roles + more, False) for more in _CONTINUATIONS]
        accepted = [result for result in results if isinstance(result, list)]
        if not accepted and isinstance(refusal := results[1], ModelError):
            raise refusal
        return accepted

    def _texts(self, roles: tuple[str, ...], generation_prompt: bool) -> list[str] | ModelError:
        """The texts before, between and after the contents, or why there are none."""
        contents = [f"[content {index} of {len(roles)}]" for index in range(len(roles))]
        messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
        try:
            text = self._render(messages, generation_prompt)
        except jinja2.TemplateSyntaxError as error:
            return ModelError(
                f"the chat template is not valid Jinja: {error.message}",
                where=f"chat template, line {error.lineno}",
                hint=f"correct it, or {GIVE_ONE}",
            )
        except (jinja2.TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            return ModelError(f"the chat template refuses the roles {_listed(roles)}: {error}", hint=_ORDER_HINT)
        texts: list[str] = []
        for role, content in zip(roles, contents, strict=True):
            before, found, text = text.partition(content)
            if not found:
                what = f"the chat template leaves out, or moves, the text of a {role} message among {_listed(roles)}"
                return ModelError(what, hint=_ORDER_HINT)
            texts.append(before)
        return [*texts, text]

    def _not_incremental(self, roles: tuple[str, ...], index: int) -> ModelError:
        what = f"the chat template changes the text before message {index + 1} ({roles[index]}) when more follows"
        return ModelError(f"{what}; roles: {_listed(roles)}", hint=f"use a template that only adds; {GIVE_ONE}")


_ORDER_HINT = f"use the roles in the order the model knows, or another template; {GIVE_ONE}"


def _common_beginning(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    return next((first[:n] for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), first)


def _listed(roles: tuple[str, ...]) -> str:
    return ", ".join(roles)

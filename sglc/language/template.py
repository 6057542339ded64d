"""`template`: literal text and gens as one constrained gen.

`template("age: ", gen("age", dtype=int), ".")` is a gen with the regex `age: ([-+]?[0-9]+)\\.`, whose groups are the
variables. So the text between the fields is forced, a field ends where the model writes what follows, and the whole
takes one request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn

from sglc.ir.errors import ProgramError
from sglc.ir.ops import Constraint, Sampling
from sglc.ir.values import MAX_CONSTRAINT
from sglc.language.expressions import Expression, GenExpression, SelectExpression, TrustedExpression, checked_name
from sglc.language.settings import DTYPE_REGEX, checked_n, checked_sampling
from sglc.language.symbolic import user_location


@dataclass(frozen=True, eq=False)
class TemplateExpression(Expression):
    """gen: of the whole, constrained by a regex. fields: the variables, each with the number of its group."""

    gen: GenExpression
    fields: tuple[tuple[str, int], ...]


_NUMBERS = {DTYPE_REGEX[name]: DTYPE_REGEX[name].removesuffix(r"[ \n]*") for name in ("int", "float")}
"""In a template no white space follows a number: what follows says that it has ended."""

_NUMBER_STOPS = Sampling(stop=(" ", "\n"))
"""What a gen of a number has by itself."""

_ESCAPES = {ord(character): f"\\{character}" for character in r"\.^$*+?{}[]|()"}

_WORDS = {
    "ImageExpression": "an image",
    "ReasoningExpression": "separate_reasoning",
    "RoleEdge": "a role",
    "TemplateExpression": "a template",
    "TrustedExpression": "a trusted text",
    "VideoExpression": "a video",
}

_TOKENS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?<?[=!]|[\^$]", re.DOTALL)
"""Of a regex: what is escaped, classes, and what looks around."""

_LOOKS = re.compile(r"[\^$(]|\\[AbBZ]")

_FLAGS = re.compile(r"\s*\(\?([aimsux]+)\)")


def template(
    *parts: Any,
    name: str | None = None,
    max_tokens: int | None = None,
    n: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    seed: int | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    finish_in_time: bool = True,
) -> Expression:
    """Texts and gens as one gen: `template('{"name": "', gen("name", regex="[A-Z][a-z]+"), '", "age": ', gen("age",
    dtype=int), "}")`. The texts are forced; a gen ends where the model writes the text after it, and not by an end of
    its own.

    parts: texts, gens with a regex, a dtype, choices or nothing, and selects. A gen without a constraint is any text up
    to where the next text begins first. Where a field could end in several places, it ends as in Python's `re`: as late
    as its own regex and the rest allow. A select is drawn like the rest, and not scored.

    name: of the variable for the whole text. The settings are those of `gen` and hold for the whole: max_tokens counts
    the texts too, and with finish_in_time the whole is complete within it. The stops of a run do not end it. The meta
    info of each variable is that of the whole.

    Raises `ProgramError` at the caller's line for a part that cannot be in a template, or has settings of its own.
    """
    items = [item for part in parts for item in (part.items() if isinstance(part, Expression) else (part,))]
    regex, found = _composed(items)
    sampling = checked_sampling(
        max_tokens=max_tokens,
        min_tokens=0,
        stop=(),
        stop_token_ids=(),
        stop_regex=(),
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        seed=seed,
        return_logprob=return_logprob,
        logprob_start_len=logprob_start_len,
        top_logprobs_num=top_logprobs_num,
        return_text_in_logprobs=return_text_in_logprobs,
        finish_in_time=finish_in_time,
    )
    names = [each for each, _ in found] + ([] if checked_name("template", name) is None else [name])
    if twice := [each for each in names if names.count(each) > 1]:
        _refuse(f"a template has two variables {twice[0]!r}", "give each gen a name of its own")
    return TemplateExpression(GenExpression(name, sampling, Constraint("regex", regex), checked_n(n)), tuple(found))


def _composed(items: Sequence[Any]) -> tuple[str, list[tuple[str, int]]]:
    """The regex of the whole, and its variables with the numbers of their groups."""
    regex, found, groups, any_gen = "", list[tuple[str, int]](), 0, False
    for place, item in enumerate(items):
        if isinstance(item, str):
            regex = regex + item.translate(_ESCAPES)  # of a text that is not known yet it asks for the characters
            continue
        if not isinstance(item, GenExpression | SelectExpression):
            _refuse(
                f"a template cannot hold {_described(item)}",
                "a template holds texts, gens and selects; append the rest around it",
            )
        any_gen = True
        body = _of_select(item) if isinstance(item, SelectExpression) else _of_gen(item, items[place + 1 :])
        if len(regex) + len(body) > MAX_CONSTRAINT["regex"]:
            _refuse(
                f"the template is too long: its regex has more than {MAX_CONSTRAINT['regex']:,} characters", "split it"
            )
        regex = f"{regex}({body})"
        if item.name is not None:
            found.append((item.name, groups + 1))
        groups += 1 + re.compile(body).groups
    if not any_gen:
        _refuse("a template has no gen", 'template("age: ", gen("age", dtype=int))')
    return regex, found


def _of_select(item: SelectExpression) -> str:
    texts = [choice.text if isinstance(choice, TrustedExpression) else choice for choice in item.choices]
    return "|".join(text.translate(_ESCAPES) for text in texts)


def _of_gen(item: GenExpression, rest: Sequence[Any]) -> str:
    """The regex of a gen, the items `rest` after it."""
    which = "a gen" if item.name is None else f"the gen {item.name!r}"
    constraint = item.constraint
    number = constraint is not None and constraint.text in _NUMBERS and item.sampling == _NUMBER_STOPS
    given = [each.name for each in fields(Sampling) if getattr(item.sampling, each.name) is not None]
    given += [] if item.n is None else ["n"]
    if given and not number:
        hint = f"give it to the whole: template(..., {given[0]}=...)"
        if given[0] in ("stop", "stop_token_ids", "stop_regex", "min_tokens", "ignore_eos"):
            hint = "say with a regex where it ends"
        _refuse(f"{which} has {given[0]} of its own, and a template is drawn as one", hint)
    if constraint is None:
        return _up_to(which, rest)
    if constraint.kind != "regex":
        kind = {"ebnf": "an ebnf", "json_schema": "a json_schema"}[constraint.kind]
        _refuse(f"{which} has {kind}, which a template cannot hold", "give a regex, or gen it on its own")
    return _inside(which, _NUMBERS.get(constraint.text, constraint.text))


def _up_to(which: str, rest: Sequence[Any]) -> str:
    """Any text up to where the text of `rest` begins first."""
    if not rest:
        return "(?s:.*)"
    after = ""
    for item in rest:
        if not isinstance(item, str):
            break
        after = after + item
    if not after:
        _refuse(f"nothing says where {which} ends", "put a text after it, or give it a regex")
    return f"(?s:(?:(?!{after.translate(_ESCAPES)}).)*)"


def _inside(which: str, regex: str) -> str:
    """A regex as a part of another: its flags hold in it alone, and it is matched wherever it stands."""
    try:
        compiled = re.compile(regex)
    except re.error:  # what we take and Python does not, and fields are found by Python's groups
        _refuse(f"{which} has a regex with a property (\\p), which a template cannot hold", "write its characters out")
    if compiled.groupindex:
        name = next(iter(compiled.groupindex))
        _refuse(f"{which} has a regex with a group named {name!r}", "leave the name out: (...)")
    body, scope = regex, ""
    while flags := _FLAGS.match(body):
        body, scope = body[flags.end() :], scope + flags[1]
    if scope:
        end = "\n" if compiled.flags & re.VERBOSE else ""  # a comment may be open
        body = f"(?{''.join(sorted(set(scope)))}:{body}{end})"
    if looks := [found for found in _TOKENS.findall(regex) if _LOOKS.match(found)]:
        _refuse(
            f"{which} has a regex that looks around, by {looks[0]}",
            "leave it out: the field is matched in full anyway, and what comes after it is the template's",
        )
    return body


def _described(item: Any) -> str:
    if isinstance(item, Expression):
        return _WORDS.get(type(item).__name__, "this")
    return f"a value of type {type(item).__name__}"


def _refuse(what: str, hint: str) -> NoReturn:
    raise ProgramError(what, where=user_location(), hint=hint)

"""How much KV a run may take after its first prompt, as far as it can be told before it begins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sglc.ir.builder import flattened
from sglc.ir.ops import Append, Gen, Op, Param, Primitive, Read, Role, Root, Sampling, Trusted, token_bound
from sglc.ir.tokens import Text, Tokenizer

EDGE = 3
"""Tokens of one edge of a message: the chat templates of Llama 3, Qwen and Gemma take about five for both of them."""

SAMPLE = 2_000
"""Characters of a program's texts that say how many tokens a character has."""


class Appended(NamedTuple):
    """What one op appends. characters: of the program's own text. edges: of messages. params: the names of arguments, each as
    often as it is appended; what else is appended, a host function's text for one, is not known. made_of: the arguments that
    the prompt is made of up to here, None where anything else is in it."""

    characters: int
    edges: int
    params: tuple[str, ...]
    made_of: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Growth:
    """decoded: tokens at most. sample: the beginning of the program's own text that is appended. rough: about how many tokens it
    is, whatever the arguments."""

    decoded: int = 0
    appended: tuple[Appended, ...] = ()
    sample: str = ""
    rough: int = 0

    def then(self, more: Growth) -> Growth:
        """This one, and more behind it."""
        sample = (self.sample + more.sample)[:SAMPLE]
        return Growth(self.decoded + more.decoded, self.appended + more.appended, sample, self.rough + more.rough)

    def tokens(self, texts: Mapping[str, str], before: Mapping[str, str], per_character: float) -> int:
        """With the texts of a run's arguments. before: those of another run, which has computed what is made of arguments
        that are equal in both."""
        edges = characters = 0
        for one in self.appended:
            if one.made_of is None or any(texts[name] != before.get(name) for name in one.made_of):
                edges += one.edges
                characters += one.characters + sum(len(texts[name]) for name in one.params)
        return self.decoded + EDGE * edges + math.ceil(per_character * characters)

    def per_character(self, texts: Mapping[str, str], tokenizer: Tokenizer) -> float:
        """Tokens a character of such texts."""
        params = dict.fromkeys(name for one in self.appended for name in one.params)
        shown = "".join([self.sample[: SAMPLE // 2], *(texts[name][:SAMPLE] for name in params)])[:SAMPLE]
        shown = shown.encode(errors="replace").decode()  # half a character is the run's error, and not the estimate's
        return len(tokenizer.encode((Text(shown, trusted=False),))) / len(shown) if shown else 0.0


class Growing:
    """Measures parts of a program, with these settings where its own say nothing. longest: the tokens of each step's longest
    answer, where that is known."""

    def __init__(self, sampling: Sampling, longest: Mapping[Primitive, int | None]) -> None:
        self._sampling = sampling
        self._longest = longest
        self._made_of: dict[Op, frozenset[str] | None] = {}

    def of(self, steps: Iterable[Primitive], appends: Iterable[Append]) -> Growth:
        """The growth by steps, and by what is appended for them."""
        decoded = sum(self._most(step) for step in steps if isinstance(step, Gen))
        appended: list[Appended] = []
        literals: list[str] = []
        for append in appends:
            edges, params, own = 0, list[str](), list[str]()
            for part in flattened(append.parts):
                match part.text if isinstance(part, Trusted) else part:
                    case str(literal):
                        own.append(literal)
                    case Role():
                        edges += 1
                    case Param(name=name):
                        params.append(name)
                    case Read(state=Gen() as gen):
                        decoded += self._most(gen)
                    case _:
                        pass
            literals += own
            appended.append(Appended(sum(map(len, own)), edges, tuple(params), self._made_up_of(append)))
        rough = decoded + sum(EDGE * one.edges + one.characters // 4 + 25 * len(one.params) for one in appended)
        return Growth(decoded, tuple(appended), "".join(literals)[:SAMPLE], rough)

    def _most(self, gen: Gen) -> int:
        return token_bound(gen, self._longest.get(gen), self._sampling)

    def _made_up_of(self, append: Append) -> frozenset[str] | None:
        """`Appended.made_of`."""
        known, state = self._made_of, append
        chain: list[Append] = []
        while isinstance(state, Append) and state not in known:
            chain.append(state)
            state = state.state
        found = frozenset[str]() if isinstance(state, Root) else known.get(state)
        for op in reversed(chain):
            parts = [part.text if isinstance(part, Trusted) else part for part in flattened(op.parts)]
            own = {part.name for part in parts if isinstance(part, Param)}
            told = all(isinstance(part, str | Role | Param) for part in parts)
            found = known[op] = found | own if found is not None and told else None
        return known[append]

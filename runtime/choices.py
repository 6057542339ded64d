"""How a select compares its choices: SGLang's three methods, on the log probabilities of the choices' tokens.

A choice without a token of its own counts as impossible. Ties go to the first choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from sglc.ir.ops import ChoicesMethod
from sglc.runtime.engine.request import Score

Scores: TypeAlias = Sequence[Sequence[Score]]
"""[choices][tokens]"""

Entry: TypeAlias = tuple[float | None, int, None]
"""(log probability, id, no text), as SGLang has it."""


def choose(method: ChoicesMethod, scores: Scores, alone: Scores) -> tuple[int, dict[str, Any]]:
    """The index of the likeliest choice, and how it was found: the keys of SGLang's meta.

    scores: of the choices' tokens behind the prompt. alone: where the method wants them, of the tokens of each choice
    that has several, without a prompt and from the second token on.
    """
    rows = [[score.logprob for score in row] for row in scores]
    means = [_mean(row) for row in rows]
    meta: dict[str, Any] = {
        "normalized_prompt_logprobs": means,
        "input_token_logprobs": [list(map(_entry, row)) for row in scores],
        "output_token_logprobs": [[] for _ in scores],
    }
    if method == "greedy_token_selection":
        matrix = _padded(rows)
        return _last_left(matrix), {**meta, "greedy_logprob_matrix": matrix}
    if method == "unconditional_likelihood_normalized":
        entries = _without_prompt(scores, alone)
        gains = [
            _mean([a - (b or 0.0) for a, (b, _, _) in zip(*two, strict=True)])
            for two in zip(rows, entries, strict=True)
        ]
        more = {"unconditional_token_logprobs": entries, "normalized_unconditional_prompt_logprobs": gains}
        return _highest(gains), {**meta, **more}
    return _highest(means), meta


def _padded(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """[choices, tokens of the longest]; short choices go on with their own mean."""
    columns = max(map(len, rows))
    return [[*row, *[_mean(row)] * (columns - len(row))] for row in rows]


def _last_left(matrix: Sequence[Sequence[float]]) -> int:
    """The choice that is left when, token by token, only those with the highest log probability stay."""
    left = list(range(len(matrix)))
    for column in range(len(matrix[0])):
        highest = max(matrix[row][column] for row in left)
        left = [row for row in left if matrix[row][column] == highest]
    return left[0]


def _without_prompt(scores: Scores, alone: Scores) -> list[list[Entry]]:
    """For each choice its tokens without a prompt; the first has no log probability."""
    rest = iter(alone)
    entries: list[list[Entry]] = []
    for row in scores:
        first: Iterable[Entry] = [(None, score.id, None) for score in row[:1]]
        entries.append([*first, *map(_entry, next(rest) if len(row) > 1 else ())])
    return entries


def _entry(score: Score) -> Entry:
    return score.logprob, score.id, None


def _highest(values: Sequence[float]) -> int:
    return max(range(len(values)), key=lambda index: (values[index], -index))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("-inf")

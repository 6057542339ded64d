"""Documents as tensors: each step's documents, cut into batches of about the same length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.document import Document
from models.mixture import documents
from models.tokenizer import encoded


@dataclass(frozen=True)
class Example:
    """spans: where the answers are, (first, behind the last), each with the token that ends it."""

    ids: list[int]
    spans: list[tuple[int, int]]
    task: str = ""


@dataclass(frozen=True)
class Batch:
    """ids: [rows, length], padded at the end. positions: of the flattened rows, where an answer's next token is
    foretold. targets: what it is. answers: for each position the number of its answer in the batch. tasks: of each
    answer."""

    ids: Tensor
    positions: Tensor
    targets: Tensor
    answers: Tensor
    tasks: list[str]

    def to(self, device: str) -> Batch:
        ids, positions = self.ids.to(device), self.positions.to(device)
        return Batch(ids, positions, self.targets.to(device), self.answers.to(device), self.tasks)


def example(tokenizer: Tokenizer, document: Document, *, longest: int = 4096) -> Example:
    """The document as ids; what is beyond `longest` is cut off."""
    ids, spans = encoded(tokenizer, document)
    ids = ids[:longest]
    return Example(ids, [(first, min(end, len(ids))) for first, end in spans if first < len(ids)], document.task)


def of_step(tokenizer: Tokenizer, seed: int, step: int, tokens: int) -> list[Example]:
    """The documents of one step: they depend on the seed and the step alone, so a run can go on anywhere."""
    found: list[Example] = []
    count = 0
    for document in documents(f"{seed}/{step}", step=step):
        found.append(example(tokenizer, document))
        count += len(found[-1].ids)
        if count >= tokens:
            return found
    raise AssertionError("documents come without end")


def batches(examples: Iterable[Example], tokens: int) -> Iterator[Batch]:
    """The examples by length, in batches of at most `tokens` padded tokens, or of one example.

    A batch that is not too small ends early where its shortest row would need more than a fifth of padding.
    """
    rows: list[Example] = []
    for one in sorted(examples, key=lambda one: len(one.ids)):
        length, count = len(one.ids), len(rows)
        uneven = rows and length > 1.25 * len(rows[0].ids) and count * length > tokens / 4
        if uneven or (rows and (count + 1) * length > tokens):
            yield batch(rows)
            rows = []
        rows.append(one)
    if rows:
        yield batch(rows)


def batch(rows: Sequence[Example]) -> Batch:
    length = max(len(one.ids) for one in rows)
    ids = torch.zeros((len(rows), length), dtype=torch.int64)
    positions: list[int] = []
    targets: list[int] = []
    answers: list[int] = []
    tasks: list[str] = []
    for row, one in enumerate(rows):
        ids[row, : len(one.ids)] = torch.tensor(one.ids)
        for first, end in one.spans:
            positions += range(row * length + first - 1, row * length + end - 1)
            targets += one.ids[first:end]
            answers += [len(tasks)] * (end - first)
            tasks.append(one.task)
    tensor = partial(torch.tensor, dtype=torch.int64)
    return Batch(ids, tensor(positions), tensor(targets), tensor(answers), tasks)

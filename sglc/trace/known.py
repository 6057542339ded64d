"""What a run of a body is given, and what it may stop at to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from sglc.ir.errors import Location
from sglc.ir.ops import Op, Test
from sglc.language.symbolic import new_nonce

Leaf: TypeAlias = "str | int"
"""Where a text is from: the path of an argument, or the number of a gen, select, call, meta or render."""


@dataclass(frozen=True)
class Known:
    """What a run of the body is given.

    values: of leaves. tests: answers to questions, also about leaves that became known later. plain: the body sees no
    symbolic text at all: where it reads an answer that is not known, the run stops. nonce: of the markers; the same for
    all runs of one program, so that what a body makes of a marker's characters is no new question each time.
    """

    values: Mapping[Leaf, Any] = field(default_factory=dict["Leaf", Any])
    tests: Mapping[Test, bool] = field(default_factory=dict["Test", bool])
    plain: bool = False
    nonce: str = field(default_factory=new_nonce)

    def with_test(self, test: Test, answer: bool) -> Known:
        return replace(self, tests={**self.tests, test: answer})

    def with_values(self, values: Mapping[Leaf, Any]) -> Known:
        return replace(self, values={**self.values, **values})


@dataclass(frozen=True)
class Question:
    """What a run stopped at. Either `test`, or the values of `leaves`, which `ops` are.

    final: the program's prompt so far. why: what the body did, in words.
    """

    why: str
    loc: Location | None
    test: Test | None = None
    leaves: tuple[Leaf, ...] = ()
    ops: tuple[Op, ...] = ()

    @property
    def subjects(self) -> tuple[Op, ...]:
        return self.ops if self.test is None else (self.test,)

    def answered(self, known: Known, values: Sequence[Any]) -> Known:
        """What is known after the answer; `values` in the order of `subjects`."""
        if self.test is not None:
            return known.with_test(self.test, bool(values[0]))
        return known.with_values(dict(zip(self.leaves, values, strict=True)))


class AskedOtherwise(Exception):
    """The body asked something else than the regions around, which it was to repeat: it is not repeatable, or what it
    saw when they were recorded misled it, such as a placeholder in a plain string."""

    def __init__(self, where: Location) -> None:
        super().__init__(str(where))
        self.where = where

"""What a run of a body ends with: its variables and what it returns, as plain data with ops in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from sglc.ir.errors import Location
from sglc.ir.graph import End, Tree
from sglc.ir.ops import Op
from sglc.ir.values import what_is_wrong
from sglc.language.arguments import is_record, kind_of
from sglc.language.state import ProgramState
from sglc.trace.untraceable import Untraceable


def end_of(state: ProgramState, result_of: Callable[[Any], str | Op | None], start: Location) -> End:
    """The end of a run whose state is `state`.

    result_of: what a text or an answer is in a graph; None for what is neither. start: of the body, for errors. Raises
    `Untraceable` for what is no plain data.
    """
    results = _Results(result_of, start)
    try:
        variables = {name: results.tree(value, f"variable {name!r}") for name, value in state.variables.items()}
        # The text and the variables of a state that is returned are the result.
        value = None if isinstance(state.ret_value, ProgramState) else state.ret_value
        return End(state.prompt, variables, results.tree(value, "the returned value"), state.answers)
    except RecursionError:
        raise Untraceable(
            "a variable or the returned value nests too deeply, or holds itself", where=start, hint="give plain data"
        ) from None


class _Results:
    def __init__(self, result_of: Callable[[Any], str | Op | None], start: Location) -> None:
        self._result_of = result_of
        self._start = start

    def tree(self, value: Any, what: str) -> Tree:
        """what: for errors."""
        if (result := self._result_of(value)) is not None:
            return result
        if value is None or isinstance(value, bool | int | float):
            if (problem := what_is_wrong(value)) is not None:
                raise Untraceable(f"{what} is no plain data: {problem}", where=self._start, hint="give the text of it")
            return value
        kind = cast("type[Any]", type(value))
        if kind in (list, tuple):
            items = [self.tree(item, what) for item in cast("Sequence[Any]", value)]
            return items if kind is list else tuple(items)
        if kind is dict and is_record(value):
            return {key: self.tree(item, what) for key, item in value.items()}
        raise Untraceable(
            f"{what} is {kind_of(value)}, which a compiled program cannot give back",
            where=self._start,
            hint="give text, numbers, lists, tuples or dicts",
        )

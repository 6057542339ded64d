"""What a run gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from sglc.ir.errors import ProgramError
from sglc.language.symbolic import user_location

if TYPE_CHECKING:
    from sglc.runtime.jobs import Outcome


class _NoState(ProgramError, AttributeError):
    """What a run gives is its result. An `AttributeError` too, so that `hasattr` can ask."""


_OF_STATES = frozenset(
    ("fork", "copy", "user", "system", "assistant", "join", "var_scope", "set_meta_info", "begin_debug_region")
)  # fmt: skip


class Result:
    """The end of one run, read like the state of the program: `result["score"]`, `result.text()`.

    Where the run failed, `error()` is the cause, and reading a variable it never gave, or the text, raises it.
    """

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def text(self) -> str:
        """All text of the program's prompt, with the chat template's own."""
        self._raise_error()
        return self._outcome.text

    def messages(self) -> list[dict[str, str]]:
        """The chat messages in OpenAI's form."""
        self._raise_error()
        return self._outcome.messages

    def text_iter(self, var_name: str | None = None) -> Iterator[str]:
        """The text, or a variable's, in pieces as they come; of a run without `stream=True` in one piece."""
        yield self.text() if var_name is None else self[var_name]

    async def text_async_iter(self, var_name: str | None = None, return_meta_data: bool = False) -> AsyncIterator[Any]:
        """The same for asyncio; with return_meta_data pairs of a piece and the variable's meta info, None before its answer is
        complete."""
        for piece in Result.text_iter(self, var_name):
            yield (piece, self.get_meta_info(var_name or "")) if return_meta_data else piece

    def error(self) -> Exception | None:
        return self._outcome.error

    @property
    def ret_value(self) -> Any:
        """What the Python function returned."""
        self._raise_error()
        return self._outcome.value

    @property
    def variables(self) -> dict[str, Any]:
        """All variables; of a failed run those that were known."""
        return self._outcome.variables

    @property
    def meta(self) -> dict[str, Any]:
        """For each variable that a gen or select filled: prompt_tokens, cached_tokens, completion_tokens and
        finish_reason; a list of them for the variables of joined forks."""
        return self._outcome.meta

    def get_meta_info(self, name: str) -> Any:
        """`meta[name]`, None where there is none."""
        return self._outcome.meta.get(name)

    def get_var(self, name: str) -> Any:
        return self[name]

    def sync(self) -> None:
        """Nothing: a result is complete. Kept for programs written for SGLang."""

    def set_var(self, name: str, value: Any) -> None:
        """Gives a variable of the result another value. The run is over: its text stays."""
        self.variables[name] = value

    __setitem__ = set_var

    def __iadd__(self, other: Any) -> Result:
        raise self._no_state("+=")

    def __getattr__(self, name: str) -> Any:
        if name in _OF_STATES:
            raise self._no_state(f".{name}")
        return object.__getattribute__(self, name)  # raises what Python raises

    @staticmethod
    def _no_state(what: str) -> _NoState:
        return _NoState(
            f"{what} of a result: the run is over",
            where=user_location(),
            hint="do it in the body, or give result.messages() or result.text() to another program",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Without its backend, and without a stream that is over: to be kept, or sent to another process."""
        self.sync()
        return Result, (self._outcome.rendered(),)

    def __getitem__(self, name: str) -> Any:
        if name not in self._outcome.variables:
            self._raise_error()
            raise KeyError(name)
        return self._outcome.variables[name]

    def __contains__(self, name: str) -> bool:
        return name in self._outcome.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._outcome.variables)

    def __repr__(self) -> str:
        return f"Result({self._outcome.variables!r})" if self.error() is None else f"Result(error={self.error()!r})"

    def _raise_error(self) -> None:
        error = self._outcome.error
        if error is not None:
            raise error

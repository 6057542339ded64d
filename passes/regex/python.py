r"""What Python's own `re` says of a pattern, asked in bounded time: its flags, or what is wrong with it.

A pattern is refused by its size before `re` sees it, and `re` sees only those whose answer is not plain.
"""

from __future__ import annotations

import re
import warnings

from sglc.ir.errors import ConstraintError
from sglc.ir.values import MAX_CONSTRAINT
from sglc.passes.regex.plain import is_plain
from sglc.passes.regular.source import Source

MAX_OPERATORS = 10_000  # characters with a meaning: braces, stars, backslashes ...

_PROPERTY = re.compile(r"\\(?:[pP]\{\w*\}|.)", re.DOTALL)


def refusal(pattern: str, span: tuple[int, int], what: str, hint: str) -> ConstraintError:
    """An error that shows a part of the pattern with a caret under it."""
    return Source("regex", pattern).refusal(span, what, hint)


def python_flags(pattern: str) -> int:
    """The flags of the whole pattern.

    Raises `ConstraintError` where the pattern is too large, and, caused by an `re.error`, where Python does not accept it.
    """
    most = MAX_CONSTRAINT["regex"]
    if len(pattern) > most:
        what = f"the regex is too long: {len(pattern):,} characters, at most {most:,}"
        raise refusal(pattern, (most, most + 1), what, "split the answer into several gens")
    if (operators := sum(map(pattern.count, "\\.*+?{[|("))) > MAX_OPERATORS:
        what = f"the regex is too complex: {operators:,} operators, at most {MAX_OPERATORS:,}"
        raise refusal(pattern, (0, 1), what, "split the answer into several gens")
    if is_plain(pattern):
        return int(re.UNICODE)
    # re folds the case of every character of a range one by one, up to 25 ms for each range
    if re.search(r"\(\?[aLmsux]*i", pattern) and len(re.findall(r"-(\\[uU]|[^\x00-\x7f])", pattern)) > 32:
        raise ConstraintError("the regex has more than 32 large ranges under (?i)", hint="write both cases out")
    known = pattern
    if "\\p" in pattern or "\\P" in pattern:  # Python is shown a class of its own, of the same length
        known = _PROPERTY.sub(lambda found: "\\w" if len(found[0]) > 2 else found[0], pattern)
    try:
        with warnings.catch_warnings(action="ignore"):  # what may mean something else in a future Python means this now
            return re.compile(known).flags
    except re.error as error:
        at = _place(pattern, error.pos or 0)
        hint = r"a property is written \p{L}" if "escape \\p" in error.msg.lower() else "see Python's re module"
        raise refusal(pattern, (at, at + 1), f"not a valid regex: {error.msg}", hint) from error
    except RecursionError as error:  # from whatever depth we are called at
        raise ConstraintError("the regex is nested too deeply", hint="use fewer groups in one another") from error
    except OverflowError as error:
        raise ConstraintError(
            "the regex repeats a part more often than can be counted", hint="make it smaller"
        ) from error


def _place(pattern: str, at: int) -> int:
    """Where in the pattern a place is that Python counted with two characters for each property."""
    for found in _PROPERTY.finditer(pattern):
        if len(found[0]) > 2 and found.start() < at:
            at += len(found[0]) - 2
    return at

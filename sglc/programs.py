"""Compiles a program for the shapes of its arguments, as rows come; what was compiled is kept (`sglc.kept`)."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

from sglc.compiler import compile_graph
from sglc.guards import Guard
from sglc.ir.errors import ENDS_ALL, SglcError, in_words
from sglc.kept import Kept
from sglc.language.arguments import PLAIN_DATA, Arguments, containers
from sglc.live import LiveProgram, warn_of_python
from sglc.trace.confirm import confirmed_trace
from sglc.trace.effects import no_effects
from sglc.trace.explore import Traced, explore, untraced
from sglc.trace.repeatable import start_of
from sglc.trace.untraceable import Untraceable, refuse_own_tools

MANY = 64
"""Programs of one function, after which its user hears of it."""


def program_for(
    function: Callable[..., Any], kept: Kept, row: Arguments, n: int | None = None
) -> LiveProgram | Exception:
    """The compiled program for a row's shape: a known one, where all that its trace read is as it was."""
    outside = _of_outside(function, kept, row)
    key = (row.shape, n, outside)
    guard, known = kept.programs.get(key, (None, None))
    if known is not None and known.may_be_kept and (guard is None or guard.holds()):
        return known
    if known is not None and known.refusal is not None:
        kept.refuse(key, Guard(function, classes=row.classes), known.refusal)
    refused = kept.refused.get(key)
    if refused is not None and refused[0].holds():
        return refused[1]  # what it did outside of it may not show a second time
    guard = Guard(function, classes=row.classes)
    by_identity = any(is_dataclass(cls) and cls.__eq__ is object.__eq__ for cls in row.classes)
    if (guard.compares_identity or by_identity) and (kept.identity is None or not kept.identity.holds()):
        kept.identity = guard
        return program_for(function, kept, row, n)
    try:
        traced = _traced_for(function, kept, row, n, guard, known, outside)
        guard = Guard(function, traced.tools, row.classes) if traced.tools else guard
        is_witnessed = known is not None and known.is_witnessed
        program = LiveProgram(function, row, traced, compile_graph(traced.graph), n, guard, is_witnessed)
    except SglcError as error:
        kept.refuse(key, Guard(function, classes=row.classes), error)
        return error
    program.warn_of_files()
    changed_by_tools = known is not None and known.changed_by_tools
    kept.keep(key, None if changed_by_tools else guard, program)
    if len(kept.programs) >= MANY and not kept.warned:
        kept.warned = True
        _warn_of_many(function, kept)
    return program


def _traced_for(
    function: Callable[..., Any],
    kept: Kept,
    row: Arguments,
    n: int | None,
    guard: Guard,
    known: LiveProgram | None,
    outside: str | None,
) -> Traced:
    """The trace for a row's shape. known: what there was for it, of which something is not so any more. outside: see
    `_of_outside`."""
    try:
        if outside is not None:
            what = f"{function.__name__} reaches argument {outside} by another way too, and asks with `is` what is the same object"
            raise Untraceable(what, where=start_of(function), hint="compare with ==, or by a name")
        if known is not None and known.changed_by_tools:
            return untraced(function, row, "its host functions change what it reads")
        if row.opaque:
            what = f"{function.__name__}: {row.opaque}, which a trace cannot hold"
            raise Untraceable(what, where=start_of(function), hint=PLAIN_DATA)
        with no_effects(function, guard):
            if known is None or not known.distrusted:
                return confirmed_trace(function, row, kept.bounds, n, guard, for_row=True)
            traced = explore(function, row, kept.bounds, n, plain=True, names_files=guard.names_files, for_row=True)
            refuse_own_tools(function, guard, traced.graph.ops, traced.hosts)
            return traced
    except Untraceable as error:
        warn_of_python(error)
        return untraced(function, row, error.what)
    except (SglcError, *ENDS_ALL):
        raise
    except BaseException as error:  # noqa: BLE001 - of the body: plain Python raises it again, after what comes before it
        return untraced(function, row, f"it raises {in_words(error)}")


def _of_outside(function: Callable[..., Any], kept: Kept, row: Arguments) -> str | None:
    """The name of an argument with an object that the function reaches outside of its arguments too, where that may matter: a
    trace has objects of its own for arguments."""
    if (guard := kept.identity) is None or row.opaque:  # which is plain Python's anyway, and may hold itself
        return None
    return next(
        (
            name
            for name, value, is_given in containers(function, row)
            if guard.is_compared(value) or (is_given and guard.knows(value))
        ),
        None,
    )


def _warn_of_many(function: Callable[..., Any], kept: Kept) -> None:
    """Says what it costs that each row has another shape, and which arguments make it so."""
    statics = [program.statics for _, program in kept.programs.values()]
    names = dict.fromkeys(name for each in statics for name in each)
    apart = [name for name in names if len({repr(each.get(name)) for each in statics}) > len(statics) // 2]
    why, hint = "the lengths of lists", "give lists of one length, or their texts as one"
    if apart:
        why, hint = ", ".join(apart), f"give {apart[0]} as a text, str({apart[0]})"
    warnings.warn(
        f"{start_of(function)}: {len(statics)} programs have been compiled for {function.__name__}, one for each value of {why}, "
        f"which takes longer than to run them; {hint}, where nothing is decided by it",
        RuntimeWarning,
        stacklevel=4,
    )

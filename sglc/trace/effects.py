"""What a body does in the world while it is traced: stopped before it happens, so that it happens once, in the run.

A body runs several times while it is traced, on texts that nobody has written. What it does with them to files, databases,
processes, the network and people is seen by a profiler, as a call of one of Python's own functions; how a file is opened by an audit
hook. The profiler watches the first run along each path, and where the code has a name of such things, or reaches something
that is open, all of them. The hook is there once anything opens a file: every step of Python's is a little slower for it.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import Any

from sglc.guards import Guard
from sglc.guards.classes import is_standard_stream
from sglc.guards.used_up import Used
from sglc.ir.errors import Location
from sglc.language.symbolic import FOREIGN, PYTHON, user_location
from sglc.trace.repeatable import imports, in_turn, is_ours, start_of
from sglc.trace.streams import StandIns
from sglc.trace.untraceable import Untraceable

_FILES = (
    "write", "writev", "pwrite", "pwritev", "remove", "unlink", "rmdir", "rename", "replace", "mkdir", "truncate", "ftruncate", "link", "symlink", "sendfile", "chmod",
    "fchmod", "chown", "utime", "mkfifo",
)  # fmt: skip
_PROCESSES = ("system", "posix_spawn", "posix_spawnp", "fork", "forkpty", "execv", "execve", "kill", "killpg")

_DOES: Mapping[tuple[str, str], str] = {
    **{("posix", name): "changes files" for name in _FILES},
    **{("posix", name): "starts a process" for name in _PROCESSES},
    ("posix", "chdir"): "changes the working folder",
    ("_posixsubprocess", "fork_exec"): "starts a process",
    **{("_thread", name): "starts a thread" for name in ("start_new_thread", "start_joinable_thread")},
    ("sqlite3", "connect"): "opens a database",
    ("_sqlite3", "connect"): "opens a database",
    ("builtins", "input"): "asks a person",
    ("time", "sleep"): "waits",
    **{("_socket", name): "uses the network" for name in ("connect", "connect_ex", "bind", "sendto", "sendmsg")},
}
"""module and name of a function, or of a method's class and its name -> in words"""

_PRINTS = "prints"

_STREAM = {"read": "reads", "readline": "reads", "readlines": "reads", "write": _PRINTS, "writelines": _PRINTS}
"""method of a standard stream -> in words"""

_NAMES = frozenset((*(name for _, name in _DOES), "open", "warn", *_STREAM))

_WRITERS = frozenset(("print", "writer", "dump"))
"""Builtins that may write to an open file that they are given, which nobody can see."""

_STREAMS = ("IOWrapper", "Writer", "Random", "IO", "FileWrapper")
"""How the names of classes of open files end."""

_HANDLES = logging.Handler.handle.__code__

_OPENS = frozenset((io.open, os.open))

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


_TAKES = ", and each use takes something of it"


class _Stopped(GeneratorExit):
    """Not an `Exception`: no body swallows it. (Where one does, what was found is told at the end.)"""


class _Watch(threading.local):
    """Of this thread. found: what was stopped first, and its line; None outside of a trace. things: see `Guard.changing`.
    used_up: see `Guard.used_up`; frames: of the generators among these, by id, in words."""

    found: list[tuple[str, Location | None]] | None = None
    things: Mapping[int, str] = {}
    used_up: Sequence[Used] = ()
    frames: Mapping[int, str] = {}


_watch = _Watch()
_installed = threading.Lock()


def _takes_print() -> bool:
    if _watch.found is None:
        return False
    _watch.found.append((_PRINTS, user_location()))
    return True


_stand_ins = StandIns(_takes_print)


@contextmanager
def no_effects(function: Callable[..., Any], guard: Guard | None, *, first: bool = False) -> Generator[None]:
    """For traces and replays of a body. guard: of the function. first: the body has not run along this path. Raises
    `Untraceable` for what it would do outside of Python."""
    outer = _watch.found, _watch.things, _watch.used_up, _watch.frames
    found = _watch.found = list[tuple[str, Location | None]]()
    _watch.things = {} if guard is None else guard.changing
    _watch.used_up = () if guard is None else guard.used_up()
    _watch.frames = {id(used.frame): used.words for used in _watch.used_up if used.frame is not None}
    watches = first or (guard is not None and (bool(_watch.things or _watch.frames) or guard.names_effects))
    try:
        with _stand_ins, profiled() if watches else nullcontext():
            yield
    finally:
        _note_uses(function)
        _watch.found, _watch.things, _watch.used_up, _watch.frames = outer
        if found:
            what, where = found[0]
            raise Untraceable(
                f"{function.__name__} {what}, and a body may run several times",
                where=where,
                hint="put that into a host function (@sglc.host)",
            )


def end_at_effect(function: Callable[..., Any]) -> None:
    """To be called after each run of the body: ends the trace where it has printed, or taken something of what is used up, before
    another run takes more."""
    _note_uses(function)
    if _watch.found:
        raise _Stopped


def _note_uses(function: Callable[..., Any]) -> None:
    for used in _watch.used_up:
        if _watch.found is not None and used.has_been_used():
            used.put_back()
            _watch.found.append((_takes(used.words), start_of(function)))


def _takes(words: str) -> str:
    return f"uses {words}{_TAKES}"


@contextmanager
def profiled() -> Generator[None]:
    """For what is inside."""
    profiler = sys.getprofile()
    sys.setprofile(in_turn(profiler, stop_at))
    try:
        yield
    finally:
        sys.setprofile(profiler)


def stop_at(frame: FrameType, event: str, given: Any) -> None:
    """A profiler that stops a body before it does something outside of Python."""
    if event not in ("c_call", "call") or _watch.found is None:  # it is called very often
        return
    if event == "call" and id(frame) in _watch.frames:  # to stop it here would end it
        _watch.found.append((_takes(_watch.frames[id(frame)]), user_location()))
        return
    if event == "c_call":
        if given.__name__ not in _NAMES and not _watch.things:
            return
        if given in _OPENS and not is_ours(frame) and not imports(frame) and _installed.acquire(blocking=False):
            sys.addaudithook(_on_event)  # once, and for good: hooks cannot be taken away
        what = _warns(frame) if given is warnings.warn else _what_it_does(given)
    elif frame.f_code is _HANDLES:
        what = _what_it_logs_to(frame.f_locals["self"])
    elif _watch.things and frame.f_code.co_filename.startswith(PYTHON) and frame.f_code.co_argcount:
        what = _use_of(frame.f_locals.get(frame.f_code.co_varnames[0]))
    else:
        return
    if what is not None:
        _stop(what, frame)


def _what_it_does(function: Any) -> str | None:
    name, owner = function.__name__, getattr(function, "__self__", None)
    if name in _NAMES:
        module = getattr(function, "__module__", None)
        homes = (module,) if isinstance(module, str) else (cls.__module__ for cls in type(owner).__mro__)
        if (what := next((_DOES[home, name] for home in homes if (home, name) in _DOES), None)) is not None:
            return what
        if name in _STREAM and is_standard_stream(owner):
            return _STREAM[name]
    if name in _WRITERS and function.__module__ in ("builtins", "_csv", "_pickle"):
        return next((f"uses {words}" for words in _watch.things.values() if words.endswith(_STREAMS)), None)
    return _use_of(owner)


def _warns(frame: FrameType) -> str | None:
    """Of the user's own warnings. Those of libraries may be due to a text that nobody has written."""
    first = warnings.filters[0] if warnings.filters else None
    is_ignored = first is not None and first[0] == "ignore" and first[2] is Warning
    return None if is_ignored or frame.f_code.co_filename.startswith(FOREIGN) else "warns"


def _what_it_logs_to(handler: logging.Handler) -> str | None:
    return None if isinstance(handler, logging.NullHandler) else f"logs by a {type(handler).__name__}"


def _use_of(thing: object) -> str | None:
    words = _watch.things.get(id(thing))
    return None if words is None else f"uses {words}"


def _on_event(event: str, given: tuple[Any, ...]) -> None:
    if event == "open" and _watch.found is not None:
        _, mode, flags = given
        if any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool(flags & _WRITING):
            _stop("writes to a file", sys._getframe(1))  # pyright: ignore[reportPrivateUsage]: the only way to the caller


def _stop(what: str, frame: FrameType) -> None:
    if _watch.found is not None and not is_ours(frame) and not imports(frame):
        _watch.found.append((what, user_location()))
        raise _Stopped(what)

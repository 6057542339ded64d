"""The watch over exceptions inside a body: what is called aside changes nothing about the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

import pytest

from sglc.trace.raised import Watch

Seen = list[type[BaseException]]


@pytest.fixture
def seen() -> Seen:
    return []


@pytest.fixture
def watch(seen: Seen) -> Iterator[Watch]:
    def note(frame: FrameType, kind: type[BaseException], error: Any, trace: TracebackType) -> None:
        seen.append(kind)

    watch = Watch(note, note.__code__)
    with watch.ended():
        yield watch


def fails(kind: type[Exception]) -> None:
    try:
        raise kind
    except kind:
        pass


def test_what_comes_before_and_after_is_watched(watch: Watch, seen: Seen) -> None:
    fails(KeyError)
    watch.begin()
    fails(TypeError)
    assert watch.aside(max, 3, 4) == 4
    fails(ValueError)
    assert seen == [TypeError, ValueError]


def test_an_exception_that_comes_out_of_it_is_seen_where_it_arrives(watch: Watch, seen: Seen) -> None:
    watch.begin()
    with pytest.raises(ZeroDivisionError):
        watch.aside(divmod, 1, 0)
    fails(ValueError)
    assert seen[0] is ZeroDivisionError
    assert seen[-1] is ValueError


def test_it_may_begin_inside(watch: Watch, seen: Seen) -> None:
    watch.aside(watch.begin)
    fails(ValueError)
    assert seen == [ValueError]


def test_a_debugger_stays(watch: Watch) -> None:
    def debugger(frame: FrameType, event: str, given: Any) -> None:
        pass

    watch.begin()
    sys.settrace(debugger)
    watch.aside(max, 3, 4)
    assert sys.gettrace() is debugger

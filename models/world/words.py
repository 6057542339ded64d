"""Lists of words, written as they are read."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())


def lines(text: str) -> tuple[str, ...]:
    """Each line of a text."""
    return tuple(text.splitlines())

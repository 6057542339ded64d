r"""A tree of regular operations to a grammar in llguidance's Lark syntax: one terminal, whose regex is written from the
tree, so that it means what our parser read and not what another one reads.

    ([a-z]{1,4}x){2,}  =>  start: T
                           T: /(?:(?:[\x{61}-\x{7a}]){1,4}x){2,}/

Every character but letters and digits is written by its code point in a class: nothing of the user's syntax is in it.
"""

from __future__ import annotations

from sglc.passes.regular.charset import CharSet
from sglc.passes.regular.source import NotRegular, Place, Source
from sglc.passes.regular.tree import Atomic, Both, Chars, Choice, Look, Not, Regular, Repeat, Sequence

MAX_COUNT = 100_000  # that a repeat may have; the library keeps 32 bits


def lark_of_tree(tree: Regular, source: Source) -> str:
    """Raises `NotRegular` where the library's terminals have no such operation: looking around, and atomic groups."""
    terminals: list[str] = []
    terminals.append(f"T: {_Writer(terminals, source).expression(tree)}")
    return "\n".join(["start: T", *terminals])


def regex_of(tree: Regular, source: Source) -> str:
    """The regex of a tree without intersections and complements. Raises `NotRegular` as `lark_of_tree`."""
    return _Writer([], source).regex(tree)


class _Writer:
    """terminals: those that others are made of, as lines; `&` and `~` stand between terminals only."""

    def __init__(self, terminals: list[str], source: Source) -> None:
        self._terminals = terminals
        self._source = source

    def expression(self, tree: Regular) -> str:
        """The right side of a terminal."""
        match tree:
            case Both(parts):
                return " & ".join(map(self._name, parts))
            case Not(body):
                return f"~{self._name(body)}"
            case Sequence(parts) if _operates(tree):
                return " ".join(map(self._name, parts))
            case Choice(parts) if _operates(tree):
                return " | ".join(map(self._name, parts))
            case Repeat(body, least, most) if _operates(tree):
                return self._name(body) + self._counts(least, most, tree.span)
            case _:
                return f"/{self.regex(tree)}/"

    def _name(self, tree: Regular) -> str:
        """The name of a new terminal for a tree."""
        expression = self.expression(tree)
        self._terminals.append(f"T{len(self._terminals)}: {expression}")
        return self._terminals[-1].partition(":")[0]

    def regex(self, tree: Regular) -> str:
        match tree:
            case Chars(chars):
                return class_of(chars)
            case Sequence(parts):
                return "".join(map(self.regex, parts)) or "(?:)"
            case Choice(parts):
                return f"(?:{'|'.join(map(self.regex, parts))})" if parts else class_of(())
            case Repeat(body, least, most):
                return f"(?:{self.regex(body)}){self._counts(least, most, tree.span)}"
            case Look() | Atomic():
                raise self._refusal(tree.span, "no grammar has lookarounds or atomic groups")
            case _:
                raise AssertionError("it stands in no regex")

    def _counts(self, least: int, most: int | None, span: Place) -> str:
        if (least, most) in ((0, None), (1, None), (0, 1)):
            return {(0, None): "*", (1, None): "+", (0, 1): "?"}[least, most]
        if max(least, most or 0) > MAX_COUNT:
            raise self._refusal(span, f"a grammar repeats at most {MAX_COUNT:,} times")
        return f"{{{least},{'' if most is None else most}}}"

    def _refusal(self, span: Place, what: str) -> Exception:
        return self._source.refusal(span, what, "make it simpler", NotRegular)


def _operates(tree: Regular) -> bool:
    """Whether `&` or `~` is in a tree."""
    match tree:
        case Both() | Not():
            return True
        case Sequence(parts) | Choice(parts):
            return any(map(_operates, parts))
        case Repeat(body):
            return _operates(body)
        case _:
            return False


def class_of(chars: CharSet) -> str:
    """The class of some characters; of none, a class that matches nothing. A letter or digit is itself."""
    if not chars:
        return r"[^\x{0}-\x{10ffff}]"
    if len(chars) == 1 and chars[0][0] == chars[0][1] < 0x80 and chr(chars[0][0]).isalnum():
        return chr(chars[0][0])
    return "[" + "".join(f"\\x{{{a:x}}}" + (f"-\\x{{{b:x}}}" if b > a else "") for a, b in _spanning(chars)) + "]"


def _spanning(chars: CharSet) -> CharSet:
    """The ranges, those on both sides of the surrogates as one: they are no characters, and no part of a class."""
    joined: list[tuple[int, int]] = []
    for first, last in chars:
        if joined and (joined[-1][1], first) == (0xD7FF, 0xE000):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    return tuple(joined)

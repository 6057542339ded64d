"""Whether a line of a body does nothing with the text of an f-string but append it, or hand it to a word of the language.

`s += f"Q: {q}"` does, so the placeholder in that string decides nothing; `line = f"Q: {q}"` may be looked at later. Read off
the syntax of the line, and off what its names stand for while it runs. What is not plainly so is not.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import linecache
from types import CodeType, FrameType, FunctionType, MethodType
from typing import Any

from sglc.ir.functions import METHODS
from sglc.language import expressions, template
from sglc.language.host import call
from sglc.language.host_function import host_of
from sglc.language.state import ProgramState, ProgramStateGroup
from sglc.language.symbolic import PACKAGE, is_symbolic

_WORDS = frozenset(
    (
        expressions.gen, expressions.gen_int, expressions.gen_string, expressions.select, expressions.system, expressions.user,
        expressions.assistant, expressions.trusted, expressions.unordered, expressions.separate_reasoning, template.template,
        ProgramState.system, ProgramState.user, ProgramState.assistant, call,
    )
)  # fmt: skip
"""What takes texts as they are, and gives none of them back."""

_QUIET = frozenset((abs, bool, float, int, isinstance, len, range, round))
"""Builtins that format nothing, and take nothing from an iterator, which may format what it gives."""

_OF_TEXTS = frozenset(name for name in dir(str) if not name.startswith("_")) - {"format", "format_map", "join"}
"""Methods of `str` that format nothing, and take nothing from an iterator."""

_OF_CONTAINERS = frozenset({"append", "copy", "count", "get", "index", "insert", "pop", "remove", "setdefault"})
"""The same of lists, tuples, sets and dicts."""

_AS_IT_IS = (-1, ord("s"))
"""Conversions in an f-string that change no text."""

_MAX_CACHED = 4096


def only_appends(frame: FrameType) -> bool:
    """Whether the statement that a frame is in only appends what it formats."""
    statements = _statements(frame.f_code, frame.f_lineno)
    line = _Line(frame)
    return bool(statements) and all(map(line.only_appends, statements))


@functools.lru_cache(_MAX_CACHED)
def _statements(code: CodeType, line: int) -> tuple[ast.stmt, ...]:
    """What stands at a line; () where the source is not known, or not what the code was made of: the file has changed since,
    or was changed as it was loaded."""
    tree, codes = _parsed("".join(linecache.getlines(code.co_filename)))
    return tuple(dict.fromkeys(_at(tree, line))) if code in codes else ()


@functools.lru_cache(8)
def _parsed(source: str) -> tuple[ast.Module, frozenset[CodeType]]:
    """The syntax of a file, and the codes that Python makes of it."""
    try:
        tree = ast.parse(source)
        waiting, codes = [compile(tree, "", "exec", dont_inherit=True)], set[CodeType]()
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], []), frozenset()
    while waiting:
        code = waiting.pop()
        codes.add(code)
        waiting.extend(constant for constant in code.co_consts if isinstance(constant, CodeType))
    return tree, frozenset(codes)


def _at(tree: ast.AST, line: int, around: ast.stmt | None = None) -> list[ast.stmt]:
    """The statements with something of their own at a line, each as often as it has parts there: more than one where a
    semicolon parts them, or where what a statement begins with (`if ...:`) stands before its body."""
    found: list[ast.stmt] = []
    for child in ast.iter_child_nodes(tree):
        if not _covers(child, line):
            continue
        if isinstance(child, ast.stmt):
            found += _at(child, line, child) or [child]
        elif not isinstance(child, ast.expr):
            found += _at(child, line, around)
        elif around is not None:
            found.append(around)
    return found


def _covers(node: ast.AST, line: int) -> bool:
    begin, end = getattr(node, "lineno", None), getattr(node, "end_lineno", None)
    return begin is None or end is None or begin <= line <= end


@functools.lru_cache(_MAX_CACHED)
def _calls(node: ast.AST) -> tuple[ast.Call, ...] | None:
    """The calls in an expression, those in their arguments aside; None where its syntax alone may format a text."""
    match node:
        case ast.JoinedStr() | ast.NamedExpr() | ast.Await() | ast.Yield() | ast.YieldFrom():
            return None
        case ast.Starred() | ast.comprehension() | ast.In() | ast.NotIn():  # take from iterators
            return None
        case ast.BinOp(op=ast.Mod(), right=right) if not (
            isinstance(right, ast.Constant) and isinstance(right.value, int)
        ):
            return None
        case ast.Call():
            return (node,)
        case _:
            found: list[ast.Call] = []
            for child in ast.iter_child_nodes(node):
                calls = _calls(child)
                if calls is None:
                    return None
                found += calls
            return tuple(found)


class _Line:
    def __init__(self, frame: FrameType) -> None:
        self._frame = frame
        self._locals = frame.f_locals  # a call of its own: Python copies them

    def only_appends(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.AugAssign(target=target, op=ast.Add(), value=ast.Lambda(body=body)):
                # the lambda is running: only a group of forks calls it from inside of this package
                back = self._frame.f_back
                return back is not None and back.f_code.co_filename.startswith(PACKAGE) and self._passes_on(body)
            case ast.AugAssign(target=target, op=ast.Add(), value=value):
                return self._is_state(target) and self._passes_on(value)
            case ast.Expr(value=value):
                return self._is_quiet(value)
            case ast.Assign(targets=targets, value=value):
                return all(map(self._is_quiet, [*targets, value]))
            case _:
                return False

    def _passes_on(self, node: ast.expr) -> bool:
        """Whether the texts that are formatted in an expression are in its value as they are, or nowhere."""
        match node:
            case ast.JoinedStr(values=values):
                return all(map(self._passes_on, values))
            case ast.FormattedValue(value=value, conversion=conversion, format_spec=None):
                return (conversion in _AS_IT_IS and self._passes_on(value)) or (
                    conversion == ord("r") and self._is_quiet(value)
                )
            case ast.FormattedValue(value=value, conversion=-1, format_spec=ast.JoinedStr(values=[ast.Constant()])):
                return self._is_quiet(value)  # of a text that is made here, the width would be that of its placeholder
            case ast.FormattedValue():
                return False
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                parts = (left, right)
                return self._is_quiet(node) or (all(map(self._is_joined, parts)) and all(map(self._passes_on, parts)))
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._is_quiet(test) and self._passes_on(body) and self._passes_on(orelse)
            case _:
                return self._is_quiet(node)

    def _is_joined(self, node: ast.expr) -> bool:
        """Whether an expression has no operator of the user's own, which would look at what `+` joins it to."""
        match node:
            case ast.JoinedStr():
                return True
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._is_joined(left) and self._is_joined(right)
            case ast.IfExp(body=body, orelse=orelse):
                return self._is_joined(body) and self._is_joined(orelse)
            case ast.Call(func=function) if self._is_word(function):
                return True
            case _:
                return self._is_text(node) or isinstance(self._value(node), expressions.Expression)

    def _is_quiet(self, node: ast.AST) -> bool:
        """Whether nothing in an expression formats a text but for a word of the language."""
        calls = _calls(node)
        return calls is not None and all(map(self._is_quiet_call, calls))

    def _is_quiet_call(self, node: ast.Call) -> bool:
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if self._is_word(node.func):
            return all(map(self._is_given, given))
        return self._formats_nothing(node.func) and all(map(self._is_quiet, given))

    def _is_given(self, node: ast.expr) -> bool:
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return all(map(self._is_given, items))
            case _:
                return self._passes_on(node)

    def _is_word(self, node: ast.expr) -> bool:
        value = self._value(node)
        if isinstance(value, MethodType):
            value = value.__func__
        if not isinstance(value, FunctionType):
            return False
        return value in _WORDS or host_of(value) is not None

    def _formats_nothing(self, node: ast.expr) -> bool:
        """Whether a call does not format in C. (Python's own lines are looked at when they run.)"""
        if isinstance(node, ast.Attribute):
            if self._is_text(node.value):
                return node.attr in _OF_TEXTS and self._is_quiet(node.value)
            if type(self._value(node.value)) in (list, tuple, set, dict):
                return node.attr in _OF_CONTAINERS
        value = self._value(node)
        if isinstance(value, FunctionType | MethodType) or isinstance(
            _static(value, "func"), FunctionType
        ):  # a program
            return True
        try:
            return value in _QUIET
        except TypeError:
            return False

    def _is_text(self, node: ast.expr) -> bool:
        """Whether an expression is a text, whatever it says: a literal, a variable of a state, a name, a method of these."""
        match node:
            case ast.Constant(value=str()):
                return True
            case ast.Subscript(value=owner, slice=ast.Constant(value=str(name))):
                state = self._value(owner)
                return isinstance(state, ProgramState) and _is_plain_text(state.variables.get(name))
            case ast.Call(func=ast.Attribute(value=owner, attr=attribute)):
                return attribute in METHODS and self._is_text(owner)
            case _:
                return _is_plain_text(self._value(node))

    def _is_state(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript):
            return isinstance(self._value(node.value), ProgramStateGroup) and self._is_quiet(node.slice)
        return isinstance(self._value(node), ProgramState | ProgramStateGroup)

    def _value(self, node: ast.expr) -> Any:
        """What a name, or an attribute of what a name stands for, is; None where that takes a call. Nothing runs here."""
        if isinstance(node, ast.Name):
            for names in (self._locals, self._frame.f_globals, vars(builtins)):
                if node.id in names:
                    return names[node.id]
        elif isinstance(node, ast.Attribute):
            return _static(self._value(node.value), node.attr)
        return None


def _is_plain_text(value: Any) -> bool:
    """Whether a value is a text without methods of the user's own."""
    return type(value) is str or is_symbolic(value)


def _static(owner: Any, name: str) -> Any:
    """An attribute as it is kept: of a property, and of a method in C, what makes them."""
    found: Any = None if owner is None else inspect.getattr_static(owner, name, None)
    return getattr(found, "__func__") if type(found) in (staticmethod, classmethod) else found  # noqa: B009 - its type

"""Changes of a program that must not change what comes of it.

Each is a function of the program's source, and gives None where it does not apply. What is compared is the compiled
program with the compiled changed one, on answers that do not depend on the numbers of gens.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

Change = Callable[[ast.Module], bool]
"""Changes the tree of a program. Whether it did."""


def changed(source: str, relation: str) -> str | None:
    """The source after a change of `CHANGES`; None where it does not apply."""
    tree = ast.parse(source)
    if not CHANGES[relation](tree):
        return None
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _main(tree: ast.Module) -> ast.FunctionDef:
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main")


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """All lists of statements below a node."""
    for inside in ast.walk(node):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(inside, name, None)
            if isinstance(block, list):
                yield block


def _appends(node: ast.AST) -> Iterator[tuple[list[ast.stmt], int, ast.AugAssign]]:
    """Each `state += ...`, with the list of statements that it is in, and its place there."""
    for block in list(_blocks(node)):
        for place, statement in reversed(list(enumerate(block))):
            if isinstance(statement, ast.AugAssign) and _first(statement.value) is not None:
                yield block, place, statement


def _first(value: ast.expr) -> ast.Constant | None:
    """The literal text that an expression begins with."""
    while isinstance(value, ast.BinOp):
        value = value.left
    return value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def _harmless(value: ast.expr) -> bool:
    """Literals and answers without a name: appending them in several steps is the same, whatever fails around it."""
    if isinstance(value, ast.BinOp):
        return _harmless(value.left) and _harmless(value.right)
    if isinstance(value, ast.Constant):
        return True
    if not isinstance(value, ast.Call) or ast.unparse(value.func) not in ("sgl.gen", "sgl.select"):
        return False
    given = [*value.args, *(keyword.value for keyword in value.keywords)]
    return all(isinstance(node, ast.Constant | ast.List | ast.Load) for one in given for node in ast.walk(one))


def _named(value: ast.expr) -> bool:
    return any(isinstance(node, ast.Call) and node.args for node in ast.walk(value))


def _split(tree: ast.Module) -> bool:
    """`s += "ab"` as `s += "a"; s += "b"`."""
    done = False
    for block, place, statement in _appends(tree):
        first = _first(statement.value)
        text = str(first.value) if first is not None else ""
        if first is None or not _harmless(statement.value) or len(text) < 2:
            continue
        half = len(text) // 2
        block.insert(place, ast.AugAssign(statement.target, ast.Add(), ast.Constant(text[:half])))
        first.value = text[half:]
        done = True
    return done


def _outline(tree: ast.Module) -> bool:
    """`s += x` as a call of a function that does it."""
    made: list[ast.stmt] = []
    for block, place, statement in _appends(tree):
        own = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} - _global_names(tree)
        bound = {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
        bound |= {n.id for n in ast.walk(statement.value) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        names = sorted(own - bound)
        name, target = f"outlined{len(made)}", ast.unparse(statement.target)
        text = f"def {name}({', '.join(['state', *names])}):\n    state += {ast.unparse(statement.value)}"
        made += ast.parse(text).body
        block[place] = ast.parse(f"{name}({', '.join([target, *names])})").body[0]
    tree.body[:0] = made
    return bool(made)


def _global_names(tree: ast.Module) -> set[str]:
    """What is no local: all that no function of the program binds."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.MatchAs | ast.FunctionDef) and node.name and node not in tree.body:
            bound.add(node.name)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return used - bound


def _forked(tree: ast.Module) -> bool:
    """`s += x` in a fork of one, the text of which is appended."""
    done = False
    for block, place, statement in _appends(tree):
        if _harmless(statement.value) and not _named(statement.value):
            name, target = f"around{place}", ast.unparse(statement.target)
            lines = (
                f"{name} = {target}.fork(1)",
                f"{name}[0] += {ast.unparse(statement.value)}",
                f'{name}.join("concate_and_append")',
            )
            block[place : place + 1] = ast.parse("\n".join(lines)).body
            done = True
    return done


def _aside(tree: ast.Module) -> bool:
    """A copy before each `s += x`, of which nothing is left."""
    done = False
    for block, place, statement in _appends(tree):
        target = ast.unparse(statement.target)
        text = f'with {target}.copy() as aside:\n    aside += "Aside: " + sgl.gen(temperature=0)'
        block[place:place] = ast.parse(text).body
        done = True
    return done


def _permuted(tree: ast.Module) -> bool:
    """The children of a fork, which do not know each other, in the opposite order."""
    done = False
    for node in ast.walk(tree):
        if isinstance(node, ast.For) and _is_over_children(node):
            node.iter = ast.parse(f"reversed({ast.unparse(node.iter)})", mode="eval").body
            done = True
    return done


def _is_over_children(loop: ast.For) -> bool:
    """Whether a loop goes through the states of a fork and works on nothing else."""
    item, over = ast.unparse(loop.target), ast.unparse(loop.iter)
    if loop.orelse or not re.fullmatch(r"range\(\d+\)|g\d+", over):
        return False
    child = re.compile(rf"(with )?(g\d+\[{item}\]|{item if over[0] == 'g' else '$'})[.\[ ]")
    for block in _blocks(ast.Module(loop.body, [])):
        for statement in block:
            if isinstance(statement, ast.Pass | ast.If):
                continue
            if not isinstance(statement, ast.AugAssign | ast.Expr | ast.Assign | ast.With):
                return False
            if not child.match(ast.unparse(statement)):
                return False
    return True


def _argument(tree: ast.Module) -> bool:
    """The first literal of an append as an argument of the program."""
    main = _main(tree)
    for block, place, statement in _appends(main):
        first = _first(statement.value)
        if first is None or not _harmless(statement.value):
            continue
        main.args.args.append(ast.arg("literal"))
        main.args.defaults.append(ast.Constant(first.value))
        text = f"{ast.unparse(statement.target)} += literal"
        rest = ast.unparse(statement.value)
        block[place] = ast.parse(text + rest[len(ast.unparse(first)) :]).body[0]
        return True
    return False


def _bounds(text: str) -> Change:
    def change(tree: ast.Module) -> bool:
        _main(tree).decorator_list = [ast.parse(f"sgl.function({text})", mode="eval").body]
        return True

    return change


CHANGES: dict[str, Change] = {
    "split literals": _split,
    "outlined": _outline,
    "forks of one": _forked,
    "copies aside": _aside,
    "children reversed": _permuted,
    "a literal as an argument": _argument,
    "one path": _bounds("max_paths=1"),
    "no depth": _bounds("max_depth=0"),
    "many paths": _bounds("max_paths=200, max_depth=60"),
}
"""By name."""

BATCH = "a batch of 64"
"""The one relation that changes no source."""

RELATIONS: Sequence[str] = (*CHANGES, BATCH)

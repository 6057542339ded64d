"""The builder: what it drops, dissolves, shares and numbers."""

from __future__ import annotations

import pytest

from sglc.ir.builder import Builder, flattened
from sglc.ir.errors import Location
from sglc.ir.ops import Append, Constraint, Format, Gen, Image, Numbered, Op, Param, Part, Read, Role, Trusted
from sglc.ir.printer import print_graph
from sglc.ir.verify import verify

A, B = Param(name="a"), Param(name="b")
INNER = Format(parts=("x", A, "", Trusted(B)))
OUTER = Format(parts=(INNER, "y", INNER))
USER = Role("user", "begin")
MARK = Trusted(A)


@pytest.mark.parametrize(
    ("parts", "flat"),
    [
        ([], ()),
        (["", ""], ()),
        (["a", "", "b", A, USER, MARK], ("a", "b", A, USER, MARK)),
        ([Format(parts=())], ()),
        (["<", INNER, ">"], ("<", "x", A, "t:b", ">")),
        ([OUTER], ("x", A, "t:b", "y", "x", A, "t:b")),
        ([Trusted(OUTER), A], ("x", "t:a", "t:b", "y", "x", "t:a", "t:b", A)),
        ([Trusted(Format(parts=()))], ()),
    ],
)
def test_formats_give_way_to_their_parts(parts: list[Part], flat: tuple[object, ...]) -> None:
    found = [
        f"t:{p.text.name}" if isinstance(p, Trusted) and isinstance(p.text, Param) else p for p in flattened(parts)
    ]
    wanted = [f"t:{p.text.name}" if isinstance(p, Trusted) and isinstance(p.text, Param) else p for p in flat]
    assert found == wanted


def test_deep_formats_do_not_recurse() -> None:
    text = Format(parts=("x",))
    for _ in range(20_000):
        text = Format(parts=(text,))
    assert list(flattened([text])) == ["x"]


def test_appending_nothing_is_the_state_itself() -> None:
    builder = Builder("p")
    root = builder.root()
    assert builder.append(root, []) is root
    assert builder.append(root, ["", builder.format([""])]) is root


def test_a_state_is_read_once() -> None:
    builder = Builder("p")
    gen = builder.gen(builder.root())
    assert builder.read(gen) is builder.read(gen)
    assert sum(isinstance(op, Read) for op in builder.finish(gen).body) == 1


def test_what_is_answered_is_numbered_in_order() -> None:
    builder = Builder("p")
    root = builder.root()
    gen = builder.gen(root)
    select = builder.select(gen, [["x"]])
    ops = [gen, select, builder.call("f", ()), builder.meta(gen), builder.render(select, root), builder.gen(root)]
    assert [op for op in builder.finish(root).body if isinstance(op, Numbered)] == ops
    assert [op.number for op in ops] == [0, 1, 2, 3, 4, 5]
    assert builder.numbered == dict(enumerate(ops))


def test_a_program_that_is_run_again_says_nothing_twice() -> None:
    def program(builder: Builder, known: bool) -> list[Op]:
        """The program up to a question, or beyond it."""
        state = builder.append(builder.root(), ["a", Trusted(A), USER])
        gen = builder.gen(state, name="x")
        ops: list[Op] = [state, gen, builder.read(gen), builder.method("strip", (builder.read(gen),))]
        ops.append(builder.append(gen, ["b", ops[-1]]))
        ops += [builder.call("f", (1, ops[-2])), builder.render(ops[4], gen), builder.image("cat.png", 2)]
        return [*ops, builder.append(gen, ["c"]), builder.gen(ops[4])] if known else ops

    first = Builder("p")
    before = program(first, known=False)
    again = Builder("p", first.numbered)
    after = program(again, known=True)
    beyond = [before.index(op) for op in before if op not in after]
    assert [type(before[i]) for i in beyond] == [Image]  # no answer was made from it
    assert [type(op) for op in again.body] == [Format, Image, Append, Gen]
    assert list(again.numbered.values()) == [*first.numbered.values(), after[-1]]


def test_other_content_is_another_op() -> None:
    first = Builder("p")
    state = first.append(first.root(), ["a", A])
    first.gen(first.append(state, [first.method("replace", (A, "x", "1"))]))
    others: tuple[list[Part], ...] = (["a", B], ["a", MARK], ["aa", A], ["a", A, ""], ["a", A, USER])
    again = Builder("p", first.numbered)
    assert [again.append(again.root(), parts) is state for parts in others] == [False, False, False, True, False]
    assert again.method("replace", (A, "x", "1")) not in again.body
    assert again.method("replace", (A, "x", 1)) in again.body


def test_a_program_that_does_something_else_when_it_is_run_again() -> None:
    first = Builder("p")
    first.gen(first.root())
    again = Builder("p", first.numbered)
    with pytest.raises(TypeError, match="number 0 is a Gen, and now a Select"):
        again.select(again.root(), [["x"]])


def test_a_whole_program() -> None:
    builder = Builder("p")
    essay = builder.param("essay", "none", loc=Location("p.py", 1))
    state = builder.append(builder.root(), [USER, essay, builder.image("cat.png")], loc=Location("p.py", 2))
    gen = builder.gen(state, name="x", constraint=Constraint("regex", "a"))
    read = builder.read(gen)
    graph = builder.finish(gen, {"x": read}, [read, 1], {"n": 2})
    verify(graph)
    assert print_graph(graph) == (
        "program p {\n"
        '  %essay = param "essay" {default="none"} @ "p.py":1\n'
        "  %0 = root\n"
        '  %1 = format ["cat.png"]\n'
        "  %2 = image %1\n"
        '  %3 = append %0, [<user>, %essay, %2] @ "p.py":2\n'
        '  %4 = gen %3 {name="x", regex="a", number=0}\n'
        "  %5 = read %4\n"
        '  static "n" = 2\n'
        "  final %4\n"
        '  variable "x" = %5\n'
        "  return [%5, 1]\n"
        "}\n"
    )

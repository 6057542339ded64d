"""Section 1.5 of the reference: fork and join."""

from __future__ import annotations

import sglc
import sglc as sgl
from tests.language.api.rows import GREEDY, MODES, in_both, ran, refused, row


@row("1.5 fork copies variables, text, messages and the open role")
def fork_copies() -> None:
    def body(s):
        s += sgl.user("x")
        s += sgl.assistant_begin()
        s += "A" + sgl.gen("a")
        forks = s.fork(2)
        for number, fork in enumerate(forks):
            fork += f"{number}{fork['a']}"  # noqa: PLW2901 - appends in place
            fork += sgl.assistant_end()  # noqa: PLW2901 - appends in place
        s += sgl.assistant_end()
        return [forks[0].text(), forks[1].messages(), s.text()]

    first, messages, parent = in_both(body).ret_value
    assert first == parent.replace("Aok", "Aok0ok")
    assert messages == [{"role": "user", "content": "x"}, {"role": "assistant", "content": "Aok1ok"}]


@row("1.5 fork: position_ids_offset, and one state")
def fork_of_one() -> None:
    def body(s):
        forks = s.fork(1, position_ids_offset=[7])
        forks += sgl.gen("a")
        forks.join()
        return [len(forks), len(s.fork()), s["a"]]

    assert in_both(body).ret_value == [1, 1, ["ok"]]


@row("1.5 group: indexed, iterated, += of functions, expressions and lists")
def group_append() -> None:
    def body(s):
        forks = s.fork(2)
        forks += lambda i: f"{i}"
        forks += "-" + sgl.gen("a")
        forks += ["x", sgl.gen("b")]
        forks += ("y", "z")
        return [forks[0].text(), forks[1].text(), [fork["a"] for fork in forks]]

    assert in_both(body).ret_value == ["0-okxy", "1-okokz", ["ok", "ok"]]


@row("1.5 group += of anything else is refused")
def group_append_refused() -> None:
    for mistake in ("x", 5, None):

        def body(s, mistake=mistake):
            forks = s.fork(2)
            forks += mistake

        for mode in MODES:
            assert "Invalid value" in str(refused(lambda mode=mode, body=body: ran(body, mode=mode).result))


@row("1.5 join gathers new names")
def join_gathers() -> None:
    def body(s):
        s += "x" + sgl.gen("kept")
        forks = s.fork(2)
        forks += lambda i: f"{i}" + sgl.gen("a")
        forks.join()

    result = in_both(body)
    assert (result.text(), result.variables) == ("xok", {"kept": "ok", "a": ["ok", "ok"]})


@row("1.5 join: an overwritten name is not lost")
def join_overwritten() -> None:
    def body(s):
        s["a"] = "parent"
        forks = s.fork(2)
        forks[1]["a"] = "child"
        forks.join()
        return s["a"]

    assert in_both(body).ret_value == ["parent", "child"]


@row("1.5 join gathers meta infos")
def join_gathers_meta() -> None:
    def body(s):
        forks = s.fork(2)
        forks += sgl.gen("a")
        forks.join()
        return len(s.get_meta_info("a"))

    result = in_both(body)
    assert result.ret_value == 2
    assert [meta["finish_reason"]["type"] for meta in result.get_meta_info("a")] == ["stop", "stop"]


@row("1.5 meta infos stay with a variable that the body changes in place")
def meta_of_a_changed_list() -> None:
    def body(s):
        forks = s.fork(2)
        forks += sgl.gen("a")
        forks.join()
        s += sgl.gen("b", n=2)
        s["a"].append("more")
        s["b"][0] = "other"

    result = in_both(body)
    assert [len(result.get_meta_info(name)) for name in "ab"] == [2, 2]


@row("1.5 join: concate_and_append")
def join_concatenates() -> None:
    def body(s):
        s += "x"
        forks = s.fork(2)
        forks += lambda i: f"<{i}>" + sgl.gen("a")
        forks.join("concate_and_append")
        s += "!" + sgl.gen("b")

    assert in_both(body).text() == "x<0>ok<1>ok!ok"


@row("1.5 join: concate_and_append on the engine")
def join_concatenates_on_the_engine(engine: sglc.Engine) -> None:
    @sgl.function
    def program(s):
        s += "x"
        forks = s.fork(2)
        forks += lambda i: f"<{i}>" + sgl.gen("a", **GREEDY)
        forks.join("concate_and_append")
        s += "!" + sgl.gen("b", **GREEDY)
        return [fork["a"] for fork in forks]

    result = program.run(backend=engine)
    first, second = result.ret_value
    assert result.text() == f"x<0>{first}<1>{second}!{result['b']}"

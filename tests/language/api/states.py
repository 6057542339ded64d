"""Section 1.4 of the reference: the state of a program, in both modes."""

from __future__ import annotations

import sglc as sgl
from tests.language.api.rows import GREEDY, MODES, echo, in_both, of, ran, refused, row


@row("1.4 +=")
def state_append() -> None:
    def body(s):
        s += "x"
        s += sgl.gen("a") + "y"
        s += s["a"]

    assert in_both(body).text() == "xokyok"


@row("1.4 += None is refused")
def state_append_none() -> None:
    for mode in MODES:
        error = ran(of("x", None), mode=mode).result.error()
        assert "Tried to append None to state." in str(error)
        assert isinstance(error.__cause__, ValueError)


@row("1.4 s[name], get_var, s[name]=, set_var, in")
def state_variables() -> None:
    def body(s):
        s += sgl.gen("a")
        s["b"] = [s["a"], 1]
        s.set_var("c", s.get_var("a") + "!")
        return ["a" in s, "b" in s, "d" in s, s["b"], s["c"]]

    result = in_both(body)
    assert result.ret_value == [True, True, False, ["ok", 1], "ok!"]
    assert result.variables == {"a": "ok", "b": ["ok", 1], "c": "ok!"}
    assert ("b" in result, "d" in result, result.get_var("b")) == (True, False, ["ok", 1])


@row("1.4 get_meta_info")
def state_meta() -> None:
    def body(s):
        s += sgl.gen("a")
        return [s.get_meta_info("a")["finish_reason"]["type"], s.get_meta_info("b")]

    result = in_both(body)
    assert result.ret_value == ["stop", None]
    assert result.get_meta_info("a")["finish_reason"]["type"] == "stop"
    assert result.get_meta_info("b") is None


@row("1.4 text")
def state_text() -> None:
    def body(s):
        s += "x" + sgl.gen("a")
        before = s.text()
        s += sgl.user("y")
        return [before, s.text() == before]

    assert in_both(body).ret_value == ["xok", False]


@row("1.4 messages")
def state_messages() -> None:
    def body(s):
        s += sgl.user("x")
        s += sgl.assistant(sgl.gen("a"))
        return s.messages()

    result = in_both(body)
    assert result.ret_value == result.messages()
    assert result.messages() == [{"role": "user", "content": "x"}, {"role": "assistant", "content": "ok"}]


@row("1.4 sync, error")
def state_sync_and_error() -> None:
    def body(s):
        s += sgl.gen("a")
        s.sync()
        return s.error()

    result = in_both(body)
    assert (result.ret_value, result.sync(), result.error()) == (None, None, None)


@row("1.4 text_iter, of the state and of the result")
def text_iter() -> None:
    def body(s):
        s += "x" + sgl.gen("a")
        return ["".join(s.text_iter()), "".join(s.text_iter("a"))]

    result = in_both(body)
    assert result.ret_value == ["xok", "ok"]
    assert list(result.text_iter()) == ["xok"]
    assert "".join(result.text_iter("a")) == "ok"


@row("1.4 user, assistant, system: called")
def state_roles_called() -> None:
    def body(s):
        s.system("S")
        s.user("U" + sgl.gen("u"))
        s.assistant(sgl.gen("a"))

    assert [(m["role"], m["content"]) for m in in_both(body).messages()] == [
        ("system", "S"),
        ("user", "Uok"),
        ("assistant", "ok"),
    ]


@row("1.4 user, assistant, system: with")
def state_roles_with() -> None:
    def body(s):
        for name in ("system", "user", "assistant"):
            with getattr(s, name)():
                s += name[0]
        return s.messages()

    assert in_both(body).ret_value == [{"role": r, "content": r[0]} for r in ("system", "user", "assistant")]


@row("1.4 roles do not nest")
def state_roles_nested() -> None:
    def body(s):
        with s.user():
            s += sgl.assistant("x")

    for mode in MODES:
        assert "inside a user message" in str(refused(lambda mode=mode: ran(body, mode=mode).result))


@row("1.4 the template's default system prompt")
def default_system_prompt() -> None:
    template = (
        "{% if messages[0].role != 'system' %}[system]Default.{% endif %}"
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    with sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine:
        asked = of(sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
        own = of(sgl.system("S"), sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
    assert asked.text() == "[system]Default.[user]U[assistant]" + asked["a"]
    assert own.text() == "[system]S[user]U[assistant]" + own["a"]


@row("1.4 var_scope")
def var_scope() -> None:
    def body(s):
        s += "x"
        with s.var_scope("v"):
            s += "y" + sgl.gen("a")
        s += "z"
        return s["v"]

    assert in_both(body).ret_value == "yok"


@row("1.4 copy")
def state_copy() -> None:
    def body(s):
        s += "x"
        with s.copy(position_ids_offset=[3]) as aside:
            aside += "y" + sgl.gen("a")  # noqa: PLW2901 - appends in place
        s += "z"
        return s["a"]

    result = in_both(body)
    assert (result.text(), result.ret_value) == ("xz", ["ok"])


@row("1.4 ret_value")
def ret_value() -> None:
    assert ran(echo, "1").result.ret_value == ["1", "B"]
    assert ran(of("x")).result.ret_value is None

"""Section 1.7 of the reference: chat templates."""

from __future__ import annotations

import re

import pytest

import sglc
import sglc as sgl
from tests.language.api.rows import GREEDY, of, row


@row("1.7 the model's own template")
def own_template(engine: sglc.Engine) -> None:
    result = of(sgl.system("S"), sgl.user("U"), sgl.assistant(sgl.gen("a", **GREEDY))).run(backend=engine)
    head, _, tail = result.text().partition("U")
    assert re.search(r"<\|system\|>\s*S<\|turn_end\|>\s*<\|user\|>\s*$", head)
    assert re.match(r"<\|turn_end\|>\s*<\|assistant\|>\s*", tail)
    assert result["a"] in tail


@row("1.7 a template in the place of the model's")
def other_template() -> None:
    template = (
        "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}ASSISTANT: {% endif %}"
    )
    with sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine:
        result = of(sgl.user("Hi"), sgl.assistant(sgl.gen("a", **GREEDY, stop="\n"))).run(backend=engine)
    assert result.text().startswith("USER: Hi\nASSISTANT: " + result["a"])


@row("1.7 a template that is none is refused")
def broken_template() -> None:
    for template, said_of_it in (
        ("{% for %}", "not valid Jinja"),
        ("none", "not Jinja"),
        ("{{ 1 }}", "leaves out"),
        ("", "no chat template"),
    ):
        with (
            pytest.raises(sglc.ModelError, match=said_of_it) as caught,
            sgl.Engine(device="cpu", max_kv_tokens=512, chat_template=template) as engine,
        ):
            of(sgl.user("U"), sgl.gen("a")).run(backend=engine).text()
        assert "chat_template=" in caught.value.hint

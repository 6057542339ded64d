"""Edges of messages out of chat templates, and what is said of templates that have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.ir.errors import ModelError
from sglc.ir.ops import Role
from sglc.ir.tokens import Piece, Text
from sglc.runtime.chat import ChatTemplate
from sglc.runtime.tokenizer import ModelTokenizer, load_tokenizer
from tests.tokenizers import tokenizer_folder
from tests.tokens.conftest import Load


def edges(load: Load, chat: str) -> ChatTemplate:
    _, oracle = load("llama3", chat)
    return ChatTemplate(
        lambda messages, prompt: str(oracle.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt))
    )


@pytest.mark.parametrize(
    ("chat", "roles", "begin", "end"),
    [
        ("chatml", ("system",), "<|im_start|>system\n", "<|im_end|>\n"),
        ("chatml", ("system", "user"), "<|im_start|>user\n", "<|im_end|>\n"),
        ("chatml", ("user", "assistant"), "<|im_start|>assistant\n", "<|im_end|>\n"),
        ("default-system", ("system",), "<|im_start|>system\n", "<|im_end|>\n"),
        (
            "default-system",
            ("user",),
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n",
            "<|im_end|>\n",
        ),
        ("llama3", ("user",), "<|begin|><|start_header_id|>user<|end_header_id|>\n\n", "<|eot_id|>"),
        ("gemma", ("user",), "<|begin|><start_of_turn>user\n", "<end_of_turn>\n"),
        ("gemma", ("user", "assistant"), "<start_of_turn>model\n", "<end_of_turn>\n"),
        ("mistral", ("user",), "<|begin|>[INST] ", " [/INST]"),
        ("mistral", ("user", "assistant"), "", "<|end|>"),
        ("llama2", ("system",), "<|begin|>[INST] <<SYS>>\n", "\n<</SYS>>\n\n"),
        ("llama2", ("system", "user"), "", " [/INST]"),
        ("llama2", ("user", "assistant"), "", " <|end|>"),
    ],
)
def test_edges(load: Load, chat: str, roles: tuple[str, ...], begin: str, end: str) -> None:
    template = edges(load, chat)
    assert (template.begin(roles), template.end(roles)) == (begin, end)


def test_the_gap_before_a_literal_answer(load: Load) -> None:
    assert edges(load, "llama2").gap(("user", "assistant")) == " "
    assert edges(load, "chatml").gap(("user", "assistant")) == ""
    ours, _ = load("llama3", "llama2")
    question: list[Piece] = [Role("user", "begin"), Text("q", True), Role("user", "end"), Role("assistant", "begin")]
    assert ours.render(question) == "<|begin|>[INST] q [/INST]"
    assert ours.render([*question, Text("", True), Text("a", True)]) == "<|begin|>[INST] q [/INST] a"


@pytest.mark.parametrize(
    ("chat", "roles", "what"),
    [
        ("gemma", ("system",), "the chat template refuses the roles system: System role not supported"),
        ("mistral", ("user", "user"), "refuses the roles user, user: Conversation roles must alternate"),
        ("mistral", ("user", "assistant", "assistant"), "refuses the roles user, assistant, assistant: Conversation"),
    ],
)
def test_refused_roles(load: Load, chat: str, roles: tuple[str, ...], what: str) -> None:
    with pytest.raises(ModelError) as caught:
        edges(load, chat).begin(roles)
    assert what in caught.value.what
    assert "--chat-template FILE" in caught.value.hint


def with_template(tmp_path: Path, template: str | None) -> ModelTokenizer:
    folder = tokenizer_folder("llama3", tmp_path)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return load_tokenizer(str(folder), template)


def rendered(tokenizer: ModelTokenizer, *roles: str) -> str:
    prompt: list[Piece] = []
    for number, role in enumerate(roles):
        prompt += [Role(role, "begin"), Text(f"text{number}", False), Role(role, "end")]
    return tokenizer.render(prompt)


def test_no_template(tmp_path: Path) -> None:
    tokenizer = with_template(tmp_path, None)
    with pytest.raises(ModelError, match="the model has no chat template") as caught:
        tokenizer.encode([Role("user", "begin"), Text("a", True)])
    assert caught.value.hint == "give one: Engine(chat_template=...) or --chat-template FILE"
    assert tokenizer.render([Text("a", True)]) == "a"


LOOP = "{% for message in messages %}"


def test_a_template_that_moves_the_system_message_is_refused(tmp_path: Path) -> None:
    """Mistral's newer templates put it in front of the last user message."""
    template = (
        "{% if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}"
        "{% else %}{% set system = '' %}{% set rest = messages %}{% endif %}"
        "{% for m in rest %}{% if m.role == 'user' %}[INST]{% if loop.last %}{{ system }} {% endif %}{{ m.content }}[/INST]"
        "{% else %}{{ m.content }}{% endif %}{% endfor %}"
    )
    tokenizer = with_template(tmp_path, template)
    assert rendered(tokenizer, "system", "user") == "[INST]text0 text1[/INST]"
    with pytest.raises(ModelError, match="leaves out, or moves, the text of a system message"):
        rendered(tokenizer, "system", "user", "assistant", "user")


def test_a_template_that_rewrites_what_stands_is_refused(tmp_path: Path) -> None:
    template = LOOP + "{{ loop.length }} {{ message.role }}: {{ message.content }}\n{% endfor %}"
    with pytest.raises(ModelError, match=r"changes the text before message 1 \(user\) when more follows"):
        rendered(with_template(tmp_path, template), "user", "assistant")


def test_text_after_a_message_waits_until_it_is_certain(tmp_path: Path) -> None:
    template = LOOP + "[{{ message.role }}]{{ message.content }}{{ '' if loop.last else '; ' }}{% endfor %}"
    tokenizer = with_template(tmp_path, template)
    assert rendered(tokenizer, "user") == "[user]text0"
    assert rendered(tokenizer, "user", "system", "user") == "[user]text0; [system]text1; [user]text2"


def test_finished_answers_may_be_rendered_without_their_thinking(tmp_path: Path) -> None:
    """What was prompted stays, as Qwen's and DeepSeek's templates need it."""
    template = (
        LOOP
        + "{% if message.role == 'assistant' %}A:{% if loop.last %}<think></think>{% endif %}{{ message.content }}."
        "{% else %}U:{{ message.content }}.{% endif %}{% endfor %}{% if add_generation_prompt %}A:<think>{% endif %}"
    )
    tokenizer = with_template(tmp_path, template)
    assert rendered(tokenizer, "user", "assistant", "user") == "U:text0.A:<think>text1.U:text2."


def test_messages_of_broken_templates(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the chat template is not valid Jinja") as caught:
        rendered(with_template(tmp_path, "{{ bos_token }}\n{% for %}"), "user")
    assert caught.value.where == "chat template, line 2"
    with pytest.raises(ModelError, match="leaves out, or moves, the text of a user message"):
        rendered(with_template(tmp_path, "{{ 'nothing' }}"), "user")
    with pytest.raises(ModelError, match="refuses the roles user: 'knobs' is undefined"):
        rendered(with_template(tmp_path, LOOP + "{{ knobs.x }}{% endfor %}"), "user")
    with pytest.raises(ModelError, match="refuses the roles user"):
        rendered(with_template(tmp_path, LOOP + "{{ message.__class__.__mro__ }}{% endfor %}"), "user")


@pytest.mark.parametrize("template", ["llama-2-chat", "templates/chat.jinja"])
def test_a_name_or_a_path_is_no_template(tmp_path: Path, template: str) -> None:
    with pytest.raises(ModelError, match=f"the chat template '{template}' is not Jinja") as caught:
        with_template(tmp_path, template)
    assert "read_text()" in caught.value.hint


def test_templates_of_other_places_and_kinds(tmp_path: Path) -> None:
    template = LOOP + "{% generation %}<{{ message.role }}>{{ message.content }}{% endgeneration %}{% endfor %}"
    folder = tokenizer_folder("llama3", tmp_path / "a")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    (folder / "chat_template.jinja").write_text(template)
    assert rendered(load_tokenizer(str(folder)), "user") == "<user>text0"
    named = [{"name": "default", "template": template}, {"name": "rag", "template": "?"}]
    folder = tokenizer_folder("llama3", tmp_path / "b", chat_template=named)
    assert rendered(load_tokenizer(str(folder)), "user") == "<user>text0"
    assert rendered(load_tokenizer(str(folder), "{{ messages[0].content }}!"), "user") == "text0!"
    folder = tokenizer_folder("llama3", tmp_path / "c", chat_template=named[1:])
    with pytest.raises(ModelError, match="the model has no chat template"):
        rendered(load_tokenizer(str(folder)), "user")


def test_a_long_conversation(load: Load) -> None:
    ours, _ = load("llama3")
    text = rendered(ours, *("user", "assistant") * 60)
    assert text.count("<|im_start|>") == 120

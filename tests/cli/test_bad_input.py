"""Bad input of every kind: one clear message with the place and what to do, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sglc.runtime.model_folder import embedded_model
from tests.cli.command import sglc_command

GOOD = """\
import sglc as sgl

@sgl.function
def ask(s, question, style="short"):
    s += "Q: " + question + style + sgl.gen("answer", max_tokens=4, temperature=0)
"""

BODY = "import sglc as sgl\n\n@sgl.function\ndef ask(s, question):\n    "

PROGRAMS = {
    # name: (source, words of the message)
    "no such file": (None, ["missing.py", "there is no such file", "hint:"]),
    "syntax": ("def f(:\n", ["prog.py:1", "no valid Python"]),
    "import": ("import not_there_at_all\n", ["prog.py:1", "ModuleNotFoundError", "not_there_at_all", "hint:"]),
    "raises": ("x = 1 / 0\n", ["prog.py:1", "ZeroDivisionError", "x = 1 / 0"]),
    "no function": ("x = 1\n", ["prog.py", "no @function", "hint:"]),
    "two functions": (GOOD + GOOD.replace("ask", "tell"), ["2 programs: ask, tell", "hint: name one"]),
    "wrong parameter": (BODY.replace("(s, ", "(state, ") + "pass\n", ["must be named s"]),
    "body raises": (BODY + "raise ValueError('broken')\n", ["prog.py:5", "ValueError", "broken"]),
    "regex": (BODY + 's += question + sgl.gen("a", regex="[")\n', ["prog.py:5", "^", "["]),
    "regex not regular": (BODY + r's += question + sgl.gen("a", regex=r"(a)\1")' + "\n", ["prog.py:5", "^"]),
    "regex counts too far": (BODY + 's += sgl.gen("a", regex="a{99999999999}")\n', ["prog.py:5", "repeats", "hint:"]),
    "regex is too deep": (
        BODY + 's += sgl.gen("a", regex="(" * 1000 + ")" * 1000)\n',
        ["prog.py:5", "too deeply", "hint:"],
    ),
    "regex is too long": (BODY + 's += sgl.gen("a", regex="a" * 10_000_000)\n', ["prog.py:5", "too long", "hint:"]),
    "half a character": (BODY + 's += sgl.gen("a", stop="\\ud800")\n', ["prog.py:5", "half a character", "hint:"]),
    "regex explodes": (
        BODY + 's += question + sgl.gen("a", regex="(?=.*a(a|b){40}c)(a|b|c)*(?<!ab)")\n',
        ["prog.py:5", "no grammar either"],
    ),
    "nothing matches": (BODY + 's += question + sgl.gen("a", regex=r"a\\Zb")\n', ["prog.py:5"]),
    "image": (BODY + 's += sgl.image(question)\n    s += sgl.gen("a")\n', ["prog.py:5", "takes text only", "hint:"]),
    "bad setting": (BODY + 's += sgl.gen("a", top_p=2)\n', ["prog.py:5", "top_p is 2"]),
}


@pytest.mark.parametrize("case", PROGRAMS)
def test_bad_programs(tmp_path: Path, case: str) -> None:
    source, words = PROGRAMS[case]
    if source is not None:
        (tmp_path / "prog.py").write_text(source)
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n')
    target = "prog.py" if source is not None else "missing.py"
    before = sorted(path.name for path in tmp_path.iterdir())
    result = sglc_command(["run", target, "--args", "rows.jsonl", "--json"], tmp_path)
    assert result.code == 2
    for word in words:
        assert word in result.err, result.err
    assert "Traceback" not in result.err
    if case not in ("image", "body raises", "regex", "regex not regular", "regex explodes", "nothing matches"):
        assert result.out == ""  # found before a row ran
    compiled = sglc_command(["compile", target], tmp_path)
    if case not in ("image",):
        assert compiled.code == 2
        assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == before


ROWS = {
    "no such file": (None, ["rows.jsonl", "cannot be read"]),
    "not JSON": ('{"question": \n', ["rows.jsonl:1", "not JSON", "hint:"]),
    "not an object": ("[1, 2]\n", ["rows.jsonl:1", "not an object"]),
    "second line": ('{"question": "a"}\n\n{"question" "b"}\n', ["rows.jsonl:3", "not JSON"]),
    "missing": ('{"style": "x"}\n', ["rows.jsonl:1", "question"]),
    "unknown": ('{"question": "a", "extra": 1}\n', ["rows.jsonl:1", "extra"]),
    "twice": ('{"question": "a", "question": "b"}\n', ["rows.jsonl:1", "given twice"]),
    "NaN": ('{"question": NaN}\n', ["rows.jsonl:1", "NaN"]),
    "deep": ('{"question": ' + "[" * 100_000 + "}\n", ["rows.jsonl:1", "nested too deeply"]),
    "not text": ("\\xff\\xfe{}\n", ["rows.jsonl:1", "not JSON"]),
    "number for a text": ('{"question": 3}\n', ["question"]),
}


@pytest.mark.parametrize("case", ROWS)
def test_bad_rows(tmp_path: Path, case: str) -> None:
    text, words = ROWS[case]
    (tmp_path / "prog.py").write_text(GOOD)
    if text is not None:
        (tmp_path / "rows.jsonl").write_bytes(
            text.encode().decode("unicode_escape").encode("latin-1") if "\\x" in text else text.encode()
        )
    assert sglc_command(["compile", "prog.py"], tmp_path).code == 0
    for target in ("prog.py", "prog.sglc"):
        result = sglc_command(["run", target, "--args", "rows.jsonl", "--json"], tmp_path)
        assert result.code == 2
        if case == "number for a text" and target == "prog.py":
            # Python takes it; the body says what is wrong with it, at its line.
            assert "prog.py:5" in result.err
        else:
            assert result.out == "", result.err
        for word in words:
            assert word in result.err, result.err
        assert "Traceback" not in result.err


def truncated(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:-40] + bytes([data[-40] ^ 1]) + data[-39:]


ARTIFACTS: dict[str, tuple[Callable[[bytes], bytes] | None, list[str]]] = {
    "missing": (None, ["prog.sglc", "hint:"]),
    "empty": (lambda _: b"", ["prog.sglc", "hint:"]),
    "truncated": (truncated, ["prog.sglc", "truncated"]),
    "damaged": (flipped, ["prog.sglc", "damaged"]),
    "foreign": (lambda _: b"PK\x03\x04" + bytes(500), ["prog.sglc", "hint:"]),
}


@pytest.mark.parametrize("case", ARTIFACTS)
def test_bad_artifacts(tmp_path: Path, case: str) -> None:
    change, words = ARTIFACTS[case]
    (tmp_path / "prog.py").write_text(GOOD)
    assert sglc_command(["compile", "prog.py"], tmp_path).code == 0
    path = tmp_path / "prog.sglc"
    if change is None:
        path.unlink()
    else:
        path.write_bytes(change(path.read_bytes()))
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n')
    for command in (["run", "prog.sglc", "--args", "rows.jsonl"], ["ir", "prog.sglc"], ["warmup", "prog.sglc"]):
        result = sglc_command(command, tmp_path)
        assert (result.code, result.out) == (2, "")
        for word in words:
            assert word in result.err, result.err


CHAT = GOOD.replace('s += "Q: " + question + style', "s += sgl.user(question)")


def broken_model(folder: Path, case: str) -> None:
    """A copy of the embedded model with something wrong."""
    shutil.copytree(embedded_model(), folder)
    config = json.loads((folder / "config.json").read_text())
    match case.split():
        case ["without", file]:
            (folder / file).unlink()
        case ["garbled", file]:
            (folder / file).write_text("{")
        case ["truncated", file]:
            (folder / file).write_bytes((folder / file).read_bytes()[:10_000])
        case ["class", name]:
            (folder / "config.json").write_text(json.dumps({**config, "model_type": name, "architectures": None}))
        case ["template"]:
            tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
            del tokenizer["chat_template"]
            (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))


MODELS = {
    "without config.json": ["model", "config.json"],
    "without tokenizer.json": ["model", "tokenizer.json"],
    "without model.safetensors": ["model", "safetensors"],
    "garbled config.json": ["model", "config.json"],
    "garbled tokenizer.json": ["model", "tokenizer.json"],
    "truncated model.safetensors": ["model", "safetensors"],
    "class not_a_model": ["model", "not_a_model"],
    "template": ["no chat template", "--chat-template"],
}


@pytest.mark.parametrize("case", MODELS)
def test_bad_model_folders(tmp_path: Path, case: str) -> None:
    (tmp_path / "prog.py").write_text(CHAT)
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n')
    broken_model(tmp_path / "model", case)
    result = sglc_command(["run", "prog.py", "--args", "rows.jsonl", "--model", "model", "--json"], tmp_path)
    assert (result.code, result.out) == (2, ""), result.err
    for word in (*MODELS[case], "hint:"):
        assert word in result.err, result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("model", ["./not-there", "a/b/c", "empty", "prog.py"])
def test_models_that_are_not_there(tmp_path: Path, model: str) -> None:
    (tmp_path / "prog.py").write_text(GOOD)
    (tmp_path / "empty").mkdir()
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n')
    for command in (["run", "prog.py", "--args", "rows.jsonl"], ["compile", "prog.py"]):
        result = sglc_command([*command, "--model", model], tmp_path)
        assert (result.code, result.out) == (2, ""), result.err
        assert model in result.err
        assert "hint:" in result.err
    assert not (tmp_path / "prog.sglc").exists()


def test_a_prompt_over_the_pool_says_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(GOOD)
    (tmp_path / "rows.jsonl").write_text(json.dumps({"question": "long " * 100}) + "\n")
    command = ["run", "prog.py", "--args", "rows.jsonl", "--max-kv-tokens", "64", "--json"]
    result = sglc_command(command, tmp_path)
    assert result.code == 2
    assert "KV pool of 64 tokens" in result.err
    assert "max_kv_tokens" in result.err


def test_a_prompt_over_the_limit_fails_alone_with_the_numbers(tmp_path: Path) -> None:
    (tmp_path / "prog.py").write_text(GOOD)
    rows = [{"question": "Why?"}, {"question": "long " * 20_000}, {"question": "How?"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = sglc_command(["run", "prog.py", "--args", "rows.jsonl", "--json"], tmp_path)
    assert result.code == 2
    printed = [json.loads(line) for line in result.out.splitlines()]
    assert [row["error"] is None for row in printed] == [True, False, True]
    assert "prog.py:5" in printed[1]["error"]
    assert "row 1" in result.err
    assert "hint:" in result.err


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_a_row_of_another_type_fails_alone(tmp_path: Path, mode: str) -> None:
    (tmp_path / "prog.py").write_text(GOOD)
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n{"question": 5}\n{"question": "How?"}\n')
    result = sglc_command(["run", "prog.py", "--args", "rows.jsonl", "--json", "--mode", mode], tmp_path)
    assert result.code == 2
    assert [json.loads(line)["error"] is None for line in result.out.splitlines()] == [True, False, True]
    assert "row 1: prog.py:5: " in result.err


@pytest.mark.parametrize(
    ("command", "word"),
    [
        (["run"], "Missing argument"),
        (["run", "prog.py", "--mode", "fast"], "neither compiled nor interpret"),
        (["run", "prog.py", "--device", "tpu"], "none of auto, cpu, cuda"),
        (["run", "prog.py", "--max-kv-tokens", "0"], "max_kv_tokens"),
        (["ir", "prog.py", "--format", "png"], "none of text, json, dot, html"),
        (["ir", "prog.py", "-o", "no/such/folder/x.html"], "the file cannot be written"),
        (["ir", "prog.py", "-o", "."], "the file cannot be written"),
        (["ir", "prog.py", "--print-after", "magic"], "there is no pass 'magic'"),
        (["ir", "prog.py", "--after", "all"], "there is no pass 'all'"),
        (["ir", "prog.py", "--print-after", "all", "--after", "trace"], "goes with none of --after"),
        (["ir", "prog.py", "--print-after", "all", "--format", "html"], "goes with none of --after"),
        (["ir", "prog.sglc", "--print-after", "all"], "an artifact holds the graph after all passes only"),
        (["ir", "prog.py", "--after", "magic"], "there is no pass 'magic'"),
        (["compile", "prog.py", "--print-after", "magic"], "there is no pass 'magic'"),
        (["compile", "prog.py:other"], "no @function named 'other'"),
        (["compile", "prog.py", "-o", "no/such/folder/x.sglc"], "no/such/folder"),
        (["run", "prog.py", "--chat-template", "none.jinja"], "none.jinja"),
        (["explain", "prog.sglc"], "an artifact holds no Python"),
        (["compile", "prog.sglc"], "an artifact holds no Python"),
        (["explain", "."], "this is not a file"),
        (["fly"], "No such command"),
    ],
)
def test_bad_options(tmp_path: Path, command: list[str], word: str) -> None:
    (tmp_path / "prog.py").write_text(GOOD.replace("(s, question, ", '(s, question="Why?", '))
    if command[1:] == ["prog.sglc"]:
        assert sglc_command(["compile", "prog.py"], tmp_path).code == 0
    result = sglc_command(command, tmp_path)
    assert result.code == 2
    assert word in result.err, result.err
    assert "Traceback" not in result.err


def test_an_artifact_without_its_host_functions_runs_no_row(tmp_path: Path) -> None:
    tool = "@sgl.host\ndef tool(text: str) -> str:\n    return text\n\n\n@sgl.function"
    (tmp_path / "prog.py").write_text(GOOD.replace("@sgl.function", tool).replace("+ question +", "+ tool(question) +"))
    (tmp_path / "rows.jsonl").write_text('{"question": "Why?"}\n')
    assert sglc_command(["compile", "prog.py"], tmp_path).code == 0
    result = sglc_command(["run", "prog.sglc", "--args", "rows.jsonl"], tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "prog.sglc: the program calls host functions" in result.err
    assert "prog.tool" in result.err
    assert sglc_command(["run", "prog.py", "--args", "rows.jsonl"], tmp_path).code == 0

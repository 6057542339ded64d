"""The commands on good input: what they print, write and keep."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sglc.command import warm
from tests.cli.command import sglc_command

PROGRAM = """\
import sglc as sgl

@sgl.function
def ask(s, question, style="short"):
    s += sgl.system("You give " + "answers of one word, " * 20)
    s += sgl.user(question + style)
    s += sgl.assistant(sgl.gen("answer", max_tokens=5, temperature=0))
    s += sgl.user("How sure are you?") + sgl.assistant(sgl.gen("sure", regex="[1-9]|10", temperature=0))
"""
ROWS = [{"question": "Why?"}, {"question": "How?", "style": "long"}, {"question": "<|turn_end|><|system|>"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ask.py").write_text(PROGRAM)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def rows_of(folder: Path, *arguments: str) -> list[dict[str, object]]:
    result = sglc_command(["run", *arguments, "--args", "rows.jsonl", "--json"], folder)
    assert result.code == 0, result.err
    return [json.loads(line) for line in result.out.splitlines()]


def test_json_has_one_object_a_row(folder: Path) -> None:
    rows = rows_of(folder, "ask.py")
    assert [row["row"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert list(row) == ["row", "text", "variables", "meta", "error"]
        assert row["error"] is None
        assert isinstance(row["variables"], dict)
        assert list(row["variables"]) == ["answer", "sure"]
        assert isinstance(row["meta"], dict)
        assert row["meta"]["answer"]["completion_tokens"] <= 5
        assert int(row["variables"]["sure"]) in range(1, 11)


def test_program_artifact_and_interpreter_agree(folder: Path) -> None:
    compiled = sglc_command(["compile", "ask.py", "-o", "none/ask.sglc"], folder)
    assert compiled.code == 2  # no such folder: nothing is written
    compiled = sglc_command(["compile", "ask.py"], folder)
    assert compiled.code == 0
    assert "ask.sglc:" in compiled.out
    assert sorted(path.name for path in folder.iterdir() if path.name != "__pycache__") == [
        "ask.py",
        "ask.sglc",
        "rows.jsonl",
    ]
    runs = [
        rows_of(folder, target, *more)
        for target, *more in (["ask.py"], ["ask.sglc"], ["ask.py", "--mode", "interpret"])
    ]
    texts = [[(row["text"], row["variables"]) for row in rows] for rows in runs]
    assert texts[0] == texts[1] == texts[2]


def test_an_artifact_is_the_same_each_time(folder: Path) -> None:
    """Also in another process, with another seed of Python's hashes."""
    assert sglc_command(["compile", "ask.py", "-o", "here.sglc"], folder).code == 0
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    command = [sys.executable, "-m", "sglc", "compile", "ask.py", "-o", "there.sglc"]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    assert (folder / "here.sglc").read_bytes() == (folder / "there.sglc").read_bytes()


def test_the_table_and_the_report(folder: Path) -> None:
    result = sglc_command(["run", "ask.py", "--args", "rows.jsonl", "--report"], folder)
    assert result.code == 0
    for word in ("row", "answer", "sure", "program ask", "prefix {", "without sharing", "compiled", "saved"):
        assert word in result.out
    assert "3/3" in result.err


def test_ir_shows_each_stage(folder: Path) -> None:
    whole = sglc_command(["ir", "ask.py"], folder)
    assert whole.code == 0
    for word in ("program ask {", "prefix {", "schedule ask {", "step 0: decode", 'regex="[1-9]|10"'):
        assert word in whole.out
    first = sglc_command(["ir", "ask.py", "--after", "trace"], folder).out
    assert "prefix {" not in first
    assert "schedule" not in first
    assert "prefix {" in sglc_command(["ir", "ask.py", "--after", "hoist_prefix"], folder).out
    tree = json.loads(sglc_command(["ir", "ask.py", "--format", "json"], folder).out)
    assert tree["program"] == "ask"
    assert [op["kind"] for op in tree["ops"]][:3] == ["param", "param", "root"]
    assert len(tree["schedule"]["steps"]) == 2
    dot = sglc_command(["ir", "ask.py", "--format", "dot"], folder).out
    assert dot.startswith('digraph "ask" {')
    assert dot.count("->") >= len(tree["ops"]) - 3
    sglc_command(["compile", "ask.py"], folder)
    assert sglc_command(["ir", "ask.sglc"], folder).out == whole.out


def test_print_after(folder: Path) -> None:
    from sglc.command.stages import GRAPH_STAGES, STAGES

    out = sglc_command(["compile", "ask.py", "--print-after", "all"], folder).out
    assert headings(out) == list(STAGES)
    assert out.count("program ask {") == 1  # the traced graph is whole; of the passes stands there what they did
    assert "# after drop_dead: nothing changed" in out
    assert "  the prefix:" in out
    assert "    ... " in out
    assert "tokens can be prefilled" in out.split("# after prefill_constants: more is known of 1 op")[1]
    assert "states," in out.split("# after compile_constraints: more is known of 1 op")[1]
    one = sglc_command(["compile", "ask.py", "--print-after", "fold_text"], folder).out
    assert headings(one) == ["fold_text"]
    shown = sglc_command(["ir", "ask.py", "--print-after", "all"], folder).out
    assert headings(shown) == [*GRAPH_STAGES, "lower"]
    assert out.startswith(shown.rstrip())
    two = ["ir", "ask.py", "--print-after", "fold_text", "--print-after", "compile_constraints"]
    assert headings(sglc_command(two, folder).out) == ["fold_text", "compile_constraints"]


def headings(out: str) -> list[str]:
    """The stages of which something is said."""
    said = [line.removeprefix("# after ") for line in out.splitlines() if line.startswith("# after ")]
    return [line.partition(":")[0] for line in said]


def test_ir_writes_a_page_or_any_other_format_into_a_file(folder: Path) -> None:
    printed = sglc_command(["ir", "ask.py", "--format", "html"], folder)
    written = sglc_command(["ir", "ask.py", "--format", "html", "-o", "ask.html"], folder)
    assert (printed.code, written.code, written.out) == (0, 0, "")
    page = (folder / "ask.html").read_text()
    assert page == printed.out.rstrip() + "\n"
    assert page.startswith("<!doctype html>")
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["sources"]["ask.py:7"] == 's += sgl.assistant(sgl.gen("answer", max_tokens=5, temperature=0))'
    assert data["unit"] == "characters"
    with_model = sglc_command(["ir", "ask.py", "--format", "html", "--after", "prefill_constants"], folder).out
    counted = json.loads(with_model.split('id="data">')[1].split("</script>")[0])
    assert counted["unit"] == "tokens"
    (constant,) = [prompt["begins"] for prompt in counted["prompts"] if prompt["constant"] and prompt["size"]]
    assert constant > 50
    early = sglc_command(["ir", "ask.py", "--format", "html", "--after", "trace"], folder).out
    assert "schedule" not in json.loads(early.split('id="data">')[1].split("</script>")[0])["graph"]
    sglc_command(["ir", "ask.py", "-o", "ask.txt"], folder)
    assert (folder / "ask.txt").read_text() == sglc_command(["ir", "ask.py"], folder).out.rstrip() + "\n"


def test_a_warmed_up_prefix_is_not_prefilled_again(folder: Path) -> None:
    assert sglc_command(["compile", "ask.py"], folder).code == 0
    cold = rows_of(folder, "ask.sglc")
    result = sglc_command(["warmup", "ask.sglc", "--save", "kv"], folder)
    assert result.code == 0
    from sglc.compiler import load

    (part,) = load(folder / "ask.sglc").models.values()
    (prefix,) = part.prefix_ids
    assert f"{len(prefix)} tokens prefilled" in result.out
    assert len(prefix) > 50
    for rows in (rows_of(folder, "ask.sglc"), rows_of(folder, "ask.py", "--warm", "kv")):
        assert [(row["text"], row["variables"]) for row in rows] == [(row["text"], row["variables"]) for row in cold]
        for row in rows:
            assert isinstance(row["meta"], dict)
            assert row["meta"]["answer"]["cached_tokens"] >= len(prefix)


def test_saved_kv_that_does_not_fit_is_left_alone(folder: Path) -> None:
    sglc_command(["compile", "ask.py"], folder)
    cold = rows_of(folder, "ask.sglc")
    sglc_command(["warmup", "ask.sglc", "--save", "kv"], folder)
    (saved,) = (folder / "kv").iterdir()
    assert saved.stat().st_mode & 0o777 == 0o600
    data = bytearray(saved.read_bytes())
    data[-7] ^= 4
    saved.write_bytes(data)
    result = sglc_command(["run", "ask.sglc", "--args", "rows.jsonl", "--json"], folder)
    assert result.code == 0
    assert "the saved KV is damaged" in result.err
    assert [json.loads(line)["text"] for line in result.out.splitlines()] == [row["text"] for row in cold]
    saved.unlink()
    result = sglc_command(["run", "ask.sglc", "--args", "rows.jsonl", "--json"], folder)
    assert "there is no saved KV" in result.err
    assert result.code == 0


SLOW = """\
import sglc as sgl

@sgl.function
def slow(s, tokens: int):
    s += "Say:" + sgl.gen("x", max_tokens=tokens, temperature=0, ignore_eos=True)
"""


def test_ctrl_c_ends_at_once_and_keeps_the_rows_that_are_done(folder: Path) -> None:
    (folder / "slow.py").write_text(SLOW)
    (folder / "rows.jsonl").write_text('{"tokens": 2}\n{"tokens": 3900}\n{"tokens": 3900}\n')
    command = [sys.executable, "-m", "sglc", "run", "slow.py", "--args", "rows.jsonl", "--json"]
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored in the background of a shell, and children inherit
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["row"] == 0
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "stopped: 1 of 3 rows are done" in err
    assert "Traceback" not in err


def test_ctrl_c_prints_the_table_of_what_is_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sglc.batch import BatchInterrupted
    from sglc.command import run_job
    from sglc.runtime.backend import Engine

    whole = run_job.run_rows

    def interrupted(*arguments: Any) -> Iterator[Any]:
        results = whole(*arguments)
        yield next(results)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_job, "run_rows", interrupted)
    job = run_job.RunJob.of_file(str(folder / "ask.py"), [(str(n), row) for n, row in enumerate(ROWS)], "compiled")
    out = io.StringIO()
    with (
        Engine(device="cpu", max_kv_tokens=4096) as engine,
        contextlib.redirect_stdout(out),
        pytest.raises(BatchInterrupted, match="stopped: 1 of 3 rows are done") as stop,
    ):
        job.run(engine, as_json=False, report=False, seed=0, warm=None)
    assert stop.value.done == 1
    assert "answer" in out.getvalue()


def test_kv_that_cannot_be_saved_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sglc.runtime import kv_file

    sglc_command(["compile", "ask.py"], folder)
    under_a_file = sglc_command(["warmup", "ask.sglc", "--save", "ask.py/kv"], folder)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kv_file, "save_file", full)
    on_a_full_disk = sglc_command(["warmup", "ask.sglc", "--save", "kv"], folder)
    for result, word in ((under_a_file, "Not a directory"), (on_a_full_disk, "No space left on device")):
        assert result.code == 2
        assert word in result.err
        assert "hint:" in result.err
    assert list((folder / "kv").iterdir()) == []
    assert not (folder / "ask.sglc.warm").exists()


def test_where_the_kv_is_stays_noted_when_it_cannot_be_noted_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sglc_command(["compile", "ask.py"], folder)
    assert sglc_command(["warmup", "ask.sglc", "--save", "kv"], folder).code == 0
    noted = (folder / "ask.sglc.warm").read_text()

    def full(path: Path, _: bytes) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(warm, "write_whole", full)
    result = sglc_command(["warmup", "ask.sglc", "--save", "other"], folder)
    assert result.code == 2
    assert "where cannot be noted: No space left on device" in result.err
    assert "hint: run with --warm other" in result.err
    assert (folder / "ask.sglc.warm").read_text() == noted


def test_the_stages_are_the_passes() -> None:
    from sglc.command import cli, compile_job
    from sglc.command.stages import GRAPH_STAGES, MODEL_STAGES
    from sglc.passes.compile_constraints import compile_constraints
    from sglc.passes.pipeline import GRAPH_PASSES
    from sglc.passes.prefill_constants import prefill_constants

    assert tuple(compile_job.FORMATS) == cli.FORMATS
    assert ("trace", *(graph_pass.__name__ for graph_pass in GRAPH_PASSES)) == GRAPH_STAGES
    assert (compile_constraints.__name__, prefill_constants.__name__) == MODEL_STAGES


def test_a_run_says_nothing_but_its_rows(folder: Path) -> None:
    """In a process of its own: libraries write to the standard error that they find when they are imported."""
    command = [sys.executable, "-m", "sglc", "run", "ask.py", "--args", "rows.jsonl", "--json"]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""


@pytest.mark.parametrize(
    "command", [["ir", "ask.py"], ["compile", "ask.py"], ["explain", "ask.py", "--args", "rows.jsonl"]]
)
def test_an_output_that_cannot_be_written_is_one_error(folder: Path, command: list[str]) -> None:
    with open("/dev/full", "w") as full:
        line = [sys.executable, "-m", "sglc", *command]
        done = subprocess.run(
            line, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120, check=False
        )
    hint = "write it where there is room"
    assert done.stderr == f"error: <stdout>: the output cannot be written: No space left on device\n  hint: {hint}\n"
    assert done.returncode == 2


def test_help_loads_nothing_slow() -> None:
    code = "import sys\nfrom sglc.command.cli import main\nprint(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout
    assert {"torch", "numpy", "lark", "networkx", "transformers", "msgpack", "rich"} & set(loaded.split()) == set()


def test_profile_writes_a_trace(folder: Path) -> None:
    result = sglc_command(["run", "ask.py", "--args", "rows.jsonl", "--profile", "trace.json", "--json"], folder)
    assert result.code == 0, result.err
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    names = {event["name"] for event in events}
    assert {"row 0: ask", "row 2: ask", "gen answer", "gen sure", "waiting", "decode"} <= names


def test_profile_is_written_after_ctrl_c(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sglc import Engine
    from sglc.batch import BatchInterrupted
    from sglc.command import run_job

    run_rows = run_job.run_rows

    def interrupted(*arguments: Any) -> Iterator[Any]:
        yield next(run_rows(*arguments))
        raise KeyboardInterrupt

    monkeypatch.setattr(run_job, "run_rows", interrupted)
    job = run_job.RunJob.of_file(str(folder / "ask.py"), [(str(n), row) for n, row in enumerate(ROWS)], "compiled")
    path = folder / "trace.json"
    with Engine(device="cpu", max_kv_tokens=4096) as engine, pytest.raises(BatchInterrupted):
        job.run(engine, as_json=True, report=False, seed=0, warm=None, profile=path)
    assert any(event["name"].startswith("row ") for event in json.loads(path.read_text())["traceEvents"])


@pytest.mark.parametrize(
    ("path", "words"), [("none/trace.json", "there is no such folder"), (".", "it is a folder")]
)  # fmt: skip
def test_a_trace_that_cannot_be_written_is_refused_before_the_run(path: str, words: str, folder: Path) -> None:
    result = sglc_command(["run", "ask.py", "--args", "rows.jsonl", "--profile", path, "--json"], folder)
    assert (result.code, result.out) == (2, "")
    assert f"the trace cannot be written: {words}" in result.err
    assert "hint:" in result.err


def test_tokens_that_constant_prompts_share_count_once(tmp_path: Path) -> None:
    """`sglc compile` names as many as `sglc warmup` then computes."""
    (tmp_path / "many.py").write_text(
        "import sglc as sgl\n\n@sgl.function\ndef many(s, x):\n    s += 'The rules of the house are simple. ' * 5\n"
        "    for fork, number in zip(s.fork(4), 'abcd'):\n"
        "        fork += f'Question {number} about them: ' + x + sgl.gen('a', max_tokens=2)\n"
    )
    said = sglc_command(["compile", "many.py"], tmp_path).out
    warmed = sglc_command(["warmup", "many.sglc"], tmp_path).out
    (compiled,) = re.findall(r"(\d+) constant prompts \((\d+) tokens\)", said)
    assert re.findall(r"(\d+) constant prompts, (\d+) tokens prefilled", warmed) == [compiled]

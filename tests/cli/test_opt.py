"""`sglc opt` and `sglc repro`: passes on the text of graphs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from sglc.command import opt_job
from sglc.ir.graph import Graph
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from tests.cli.command import Result, sglc_command
from tests.passes import goldens

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "judge.py"
PROGRAM = """\
# a comment

program p {
  %x = param "x"
  %0 = root
  %1 = append %0, ["Judge ", "this: "]
  %2 = append %1, [%x]

  %3 = gen %2 {number=0}
  final %3
}
"""
FOLDED = """\
program p {
  %x = param "x"
  %0 = root
  %1 = append %0, ["Judge this: ", %x]
  %2 = gen %1 {number=0}
  final %2
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.sglcir").write_text(PROGRAM)
    return tmp_path


@pytest.mark.parametrize("name", opt_job.PASSES)
def test_a_pass_on_its_goldens(tmp_path: Path, name: str) -> None:
    for case in goldens.read(name):
        (tmp_path / "g.sglcir").write_text(case.before, encoding="utf-8")
        result = sglc_command(["opt", "g.sglcir", "-p", name], tmp_path)
        assert (result.code, result.out, result.err) == (0, case.after, "")


def test_passes_run_in_the_order_given(folder: Path) -> None:
    assert sglc_command(["opt", "p.sglcir", "-p", "fold_text"], folder).out == FOLDED
    (folder / "two.sglcir").write_text(PROGRAM.replace("  final", "  %4 = gen %2 {number=1}\n  final"))
    for passes, forks in (("detect_forks", 1), ("detect_forks, fold_text", 0), ("fold_text,detect_forks,", 1)):
        out = sglc_command(["opt", "two.sglcir", "--passes", passes], folder).out
        assert out.count("  fork ") == forks  # a rewrite drops what describes the graph before it
    assert sglc_command(["opt", "p.sglcir", "-p", ""], folder).out == print_graph(parse_graph(PROGRAM))


def test_standard_input_and_a_file_for_the_output(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(PROGRAM.encode())))
    result = sglc_command(["opt", "-", "-p", "fold_text", "-o", "out.sglcir"], folder)
    assert (result.code, result.out) == (0, "")
    assert (folder / "out.sglcir").read_text() == FOLDED


def test_what_ir_prints_can_be_optimised(tmp_path: Path) -> None:
    (tmp_path / "t.sglcir").write_text(sglc_command(["ir", str(EXAMPLE), "--after", "trace"], tmp_path).out)
    optimised = sglc_command(["opt", "t.sglcir"], tmp_path).out
    shown = sglc_command(["ir", str(EXAMPLE), "--after", opt_job.GRAPH_PASSES[-1].__name__], tmp_path).out
    assert optimised == print_graph(parse_graph(shown))


BAD: dict[str, tuple[str | bytes | None, list[str]]] = {
    "missing": (None, ["bad.sglcir: the file cannot be read: No such file", "hint: name a file"]),
    "bytes": (b"sglc\r\n\x1a\n\xff", ["bad.sglcir: the file is no text in UTF-8: byte 8 is 0xff", "`sglc ir` prints"]),
    "empty": ("", ["bad.sglcir:1:1: the text has no program"]),
    "unparsable": (PROGRAM.replace("gen", "gem"), ["bad.sglcir:9:8: unexpected 'gem'", "^^^", "`gen`"]),
    "cut": (PROGRAM[:60], ["bad.sglcir:6:7: the line ends too early"]),
    "an op": (PROGRAM.replace("%3 = gen %2", "%3 = read %2"), ["bad.sglcir:9", "^"]),
    "read of an append": (PROGRAM.replace("gen %2 {number=0}", "read %2"), ["bad.sglcir:9: read of a state", "hint:"]),
    "final": (PROGRAM.replace("final %3", "final %x"), ["bad.sglcir:10: the program's text is of a state"]),
    "a variable": (PROGRAM.replace("}\n", '  variable "v" = %2\n}\n', 2), ["bad.sglcir", "^"]),
    "return": (PROGRAM.replace("final %3", "final %3\n  return %2"), ["bad.sglcir:11: a result is not a text"]),
    "fork": (PROGRAM.replace("final", "fork %3: %3\n  final"), ["bad.sglcir:10: a fork's member does not extend"]),
    "switch": (
        PROGRAM.replace("final %3", "final %3\n  exit %2 {number=0}"),
        ["bad.sglcir:11: a switch is on a state"],
    ),
    "case": (
        PROGRAM.replace("final %3", "final %3\n  switch %x {number=0}\n  case 3 {\n    final %3\n  }"),
        ["bad.sglcir:12: a case's value is a int"],
    ),
    "a case that is missing": (
        PROGRAM.replace("final %3", 'final %3\n  switch %x {number=0}\n  case "a" {\n    final %3\n  }'),
        ["bad.sglcir:11: a switch on a text that can be anything", "switch %x", "hint: a case for each value"],
    ),
    "names of the file": (
        PROGRAM.replace("%2 = append %1, [%x]", "%12 = append %1, [%1]").replace("gen %2", "gen %12"),
        ["bad.sglcir:7: append takes text or image", "%12 = append %1, [%1]\n" + " " * 24 + "^^"],
    ),
    "a place of the file": (
        PROGRAM.replace("gen %2 {number=0}", "gen  %2  {number=0,  max_tokens=-1}"),
        ["bad.sglcir:9: max_tokens is -1", "gen  %2  {number=0,  max_tokens=-1}\n" + " " * 32 + "^^^^^^^^^^^"],
    ),
    "inside a case": (
        PROGRAM.replace("final %3", 'final %3\n  switch %x {number=0}\n  case "a" {\n    final %x\n  }\n  else exit'),
        ["bad.sglcir:13: the program's text"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_text_is_one_error_with_its_line(tmp_path: Path, case: str) -> None:
    content, words = BAD[case]
    if content is not None:
        (tmp_path / "bad.sglcir").write_bytes(content.encode() if isinstance(content, str) else content)
    expect_error(sglc_command(["opt", "bad.sglcir", "-o", "out"], tmp_path), words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["-p", "fold_text,magic"],
            ["there is no pass 'magic' on graphs", "the passes are: drop_dead, reorder_parts, fold_text"],
        ),
        (
            ["-p", "fold_text,,drop_dead"],
            ["a name is missing between the commas of 'fold_text,,drop_dead'", "the passes"],
        ),
        (["-p", ","], ["a name is missing between the commas of ','"]),
        (["-p", "lower"], ["there is no pass 'lower' on graphs"]),
        (["-o", "no/such/folder"], ["no/such/folder: the graph cannot be written: No such file or directory"]),
    ],
)
def test_bad_options(folder: Path, arguments: list[str], words: list[str]) -> None:
    expect_error(sglc_command(["opt", "p.sglcir", *arguments], folder), words)
    assert [path.name for path in folder.iterdir()] == ["p.sglcir"]


def expect_error(result: Result, words: list[str]) -> None:
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    for word in words:
        assert word in result.err


@pytest.fixture
def broken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """`fold_text` is broken by what is under "fold_text"; reproducers are written to failures/."""

    def fold_text(graph: Graph) -> Graph:
        raise bug[0]

    bug: list[Exception] = [KeyError("x")]
    whole = opt_job.PASSES["fold_text"]
    monkeypatch.setenv("SGLC_REPRO_DIR", str(folder / "failures"))
    monkeypatch.setitem(opt_job.PASSES, "fold_text", fold_text)
    return {"bug": bug, "mend": lambda: monkeypatch.setitem(opt_job.PASSES, "fold_text", whole)}


def test_a_pass_that_fails_leaves_a_file_that_fails_again(folder: Path, broken: dict[str, Any]) -> None:
    expect_error(
        sglc_command(["opt", "p.sglcir", "-p", "drop_dead,fold_text"], folder),
        ["p.sglcir: the pass fold_text failed: KeyError: 'x'", "hint: please report this with the file", "sglc repro"],
    )
    (file,) = (folder / "failures").iterdir()
    again = sglc_command(["repro", str(file)], folder)
    assert (again.code, again.out) == (1, "fold_text still fails: KeyError: 'x'\n")
    assert "raise bug[0]" in again.err  # where it happens
    broken["bug"][0] = ValueError("y")
    other = sglc_command(["repro", str(file)], folder)
    assert (other.code, other.out) == (1, "fold_text still fails: ValueError: y\nbut it was: KeyError: 'x'\n")
    broken["mend"]()
    mended = sglc_command(["repro", str(file)], folder)
    assert (mended.code, mended.out, mended.err) == (0, "fold_text does not fail any more; it was: KeyError: 'x'\n", "")


HEADER = '# sglc reproducer 1: x\n# pass "PASS"\n# error "E: e"\n# made with "m"\n'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PROGRAM, ["f:1: this is no reproducer", "hint: its first line begins with"]),
        (HEADER + PROGRAM, ["f:2: this sglc has no pass 'PASS'", "it has lower, drop_dead"]),
        (HEADER.replace("PASS", "lower") + PROGRAM.replace("gen", "gem"), ["f:13:8: unexpected 'gem'"]),
        (HEADER.replace("PASS", "lower") + PROGRAM.replace("final %3", "final %x"), ["f:14: the program's text"]),
    ],
)
def test_what_is_no_reproducer(folder: Path, content: str, words: list[str]) -> None:
    (folder / "f").write_text(content)
    expect_error(sglc_command(["repro", "f"], folder), words)
    expect_error(sglc_command(["repro", "g"], folder), ["g: the file cannot be read"])


def test_lowering_is_repeated_too(folder: Path) -> None:
    (folder / "f").write_text(HEADER.replace("PASS", "lower") + PROGRAM)
    result = sglc_command(["repro", "f"], folder)
    assert (result.code, result.out) == (0, "lower does not fail any more; it was: E: e\n")

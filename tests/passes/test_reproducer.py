"""A pass that fails leaves one file, from which it fails again."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sglc.compiler import compile_graph
from sglc.ir.errors import IRError
from sglc.ir.graph import Graph
from sglc.ir.parser import parse_graph
from sglc.ir.printer import print_graph
from sglc.passes import pipeline, reproducer
from sglc.passes.pipeline import optimise
from sglc.passes.reproducer import KEPT, Reproducer

GRAPH = parse_graph('program p {\n  %x = param "x"\n  %0 = root\n  %1 = append %0, ["\\u2028é", %x]\n  final %1\n}')


def breaks(graph: Graph) -> Graph:
    raise KeyError(graph.name, "two\nlines", '"')


def warning_of(graph: Graph, graph_pass: Callable[[Graph], Graph] = breaks) -> str:
    with pytest.warns(RuntimeWarning) as caught:
        assert optimise(graph, passes=(graph_pass,)) is graph
    (warning,) = caught
    return str(warning.message)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "not there" / "yet"
    monkeypatch.setenv("SGLC_REPRO_DIR", str(folder))
    return folder


def test_the_warning_names_a_file_with_everything(folder: Path) -> None:
    message = warning_of(GRAPH)
    (file,) = folder.iterdir()
    assert f"please report this with the file {file} (`sglc repro` runs it again)" in message
    assert "the pass breaks is left out, because it failed on this program: KeyError" in message
    text = file.read_text(encoding="utf-8")
    found = Reproducer.parsed(text, str(file))
    assert found == Reproducer(
        "breaks", str.format("KeyError: {}", KeyError("p", "two\nlines", '"')), print_graph(GRAPH)
    )
    assert print_graph(parse_graph(text)) == print_graph(GRAPH)  # the header is comments
    assert re.search(r'# made with "sglc [^,]+, Python 3[^,]+, \w+, PYTHONHASHSEED=\w+"\n', text)


def test_only_the_user_can_read_it(folder: Path) -> None:
    before = os.umask(0)
    try:
        warning_of(GRAPH)
    finally:
        os.umask(before)
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_same_failure_is_one_file(folder: Path) -> None:
    def breaks_elsewhere(graph: Graph) -> Graph:
        raise KeyError(object())  # its message holds an address

    for _ in range(3):
        warning_of(GRAPH)
        warning_of(replace(GRAPH, name="other"))
        warning_of(GRAPH, breaks_elsewhere)
    assert len(list(folder.iterdir())) == 3


def test_the_oldest_files_go(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "mine.sglcir").touch()
    (folder / "breaks-0123456789abcdef.txt").touch()
    for number in range(KEPT + 5):
        old = folder / f"breaks-{number:016x}.sglcir"
        old.touch()
        os.utime(old, (number, number))
    warning_of(GRAPH)
    left = {path.name for path in folder.iterdir()}
    assert {"mine.sglcir", "breaks-0123456789abcdef.txt"} < left  # what is not ours stays
    assert len(left) == KEPT + 2
    assert f"breaks-{5:016x}.sglcir" not in left
    assert f"breaks-{6:016x}.sglcir" in left


def test_a_link_in_its_place_is_not_followed(folder: Path) -> None:
    warning_of(GRAPH)
    (file,) = folder.iterdir()
    other = folder.parent / "other"
    other.write_text("kept")
    file.unlink()
    file.symlink_to(other)
    warning_of(GRAPH)
    assert other.read_text() == "kept"
    assert not file.is_symlink()


@pytest.mark.parametrize("place", ["under a file", "full disk", "a name with a null", "no home"])
def test_where_no_file_can_be_written_the_warning_holds_the_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("no home") if place == "no home" else OSError(28, "No space left on device")

    monkeypatch.setenv("SGLC_REPRO_DIR", str(tmp_path))
    match place:
        case "under a file":
            (tmp_path / "file").touch()
            monkeypatch.setenv("SGLC_REPRO_DIR", str(tmp_path / "file" / "folder"))
        case "full disk":
            monkeypatch.setattr(reproducer, "write_whole", fails)
        case "a name with a null":
            monkeypatch.setattr(reproducer, "_folder", lambda: tmp_path / "a\0b")
        case _:
            monkeypatch.delenv("SGLC_REPRO_DIR")
            monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
            monkeypatch.setattr(Path, "home", fails)
    assert warning_of(GRAPH).endswith("please report this with the graph before the pass:\n" + print_graph(GRAPH))
    assert [path.name for path in tmp_path.iterdir()] == (["file"] if place == "under a file" else [])


def test_the_default_folder_is_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SGLC_REPRO_DIR")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for cache, expected in ((str(tmp_path / "xdg"), "xdg"), ("relative", "home/.cache"), ("", "home/.cache")):
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
        warning_of(GRAPH)
        assert len(list((tmp_path / expected / "sglc" / "failures").iterdir())) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "xdg"]


def test_a_failed_lowering_has_one_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "lower", breaks)
    with pytest.raises(IRError, match="lowering failed on this program: KeyError") as raised:
        compile_graph(GRAPH)
    (file,) = folder.iterdir()
    assert str(file) in raised.value.hint
    assert Reproducer.parsed(file.read_text(), "f").step == "lower"


BAD = {
    "": "f:1: this is no reproducer",
    "program p {\n": "f:1: this is no reproducer",
    "# sglc reproducer 1: x\n": 'f:2: the line is not `# pass "..."`',
    '# sglc reproducer 1: x\n# pass "a"\n# error 3\n': 'f:3: the line is not `# error "..."`',
    '# sglc reproducer 1: x\n# pass "a"\n# error "b"\n# made "c"\n': 'f:4: the line is not `# made with "..."`',
    '# sglc reproducer 1: x\n# pass "a"\n# error "b"': "f:3: the reproducer ends before its program",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_reproducer_is_said_with_its_line(text: str) -> None:
    with pytest.raises(IRError) as raised:
        Reproducer.parsed(text, "f")
    assert str(raised.value).splitlines()[0] == BAD[text]

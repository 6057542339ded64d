"""What a body does outside of Python, and host functions that it makes itself: done once a run, with the real texts, as plain
Python does it, and never while the body is traced; and the warning names the line."""

from __future__ import annotations

import concurrent.futures
import configparser
import csv
import functools
import http.server
import io
import itertools
import logging
import os
import pathlib
import queue
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy
import pytest

import sglc as sgl

MODES = ("interpret", "compiled")


@pytest.fixture
def backend() -> Iterator[sgl.Scripted]:
    with sgl.Scripted(lambda question: "yes") as backend:
        yield backend


class World:
    """What the bodies below reach: made anew for each run of a test."""

    log = io.StringIO()
    lines: queue.Queue[str] = queue.Queue()
    simple: queue.SimpleQueue[str] = queue.SimpleQueue()
    table = sqlite3.connect(":memory:")
    flag = threading.Event()
    settings = configparser.ConfigParser()

    @classmethod
    def begin(cls) -> None:
        cls.log = open("open.log", "a")  # noqa: SIM115 - it stays open, as in programs that log
        cls.lines, cls.simple = queue.Queue(), queue.SimpleQueue()
        cls.table = sqlite3.connect("table.db")
        cls.table.execute("create table answers (a)")
        cls.table.commit()
        cls.flag = threading.Event()
        cls.settings = configparser.ConfigParser()
        cls.settings.read_string("[a]\nk=old")
        RANDOM[0] = random.Random(3)

    @classmethod
    def seen(cls) -> list[Any]:
        cls.log.flush()
        files = {path.name: path.read_bytes() for path in pathlib.Path().iterdir() if path.suffix in (".log", ".txt")}
        rows = cls.table.execute("select a from answers").fetchall()
        return [files, sorted(os.listdir()), rows, cls.lines.qsize(), cls.simple.qsize(), cls.flag.is_set()]


def writes_a_file(s, q):
    s += q + sgl.gen("a")
    with open("a.log", "a") as file:
        file.write(f"{q}: {s['a']}\n")


def writes_a_path(s, q):
    s += q + sgl.gen("a")
    pathlib.Path(f"{q}.txt").write_text(s["a"])


def opens_by_the_system(s, q):
    s += q + sgl.gen("a")
    file = os.open("b.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(file, b"x")
    os.close(file)


def writes_on_one_path(s, q):
    s += q + sgl.gen("a")
    if s["a"] == "yes":
        with open("a.log", "a") as file:
            file.write("seen\n")
    s += sgl.gen("b")


def writes_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        with open("a.log", "a") as file:
            file.write("seen\n")
    s += sgl.gen("b")


def writes_and_swallows(s, q):
    s += q + sgl.gen("a")
    try:
        with open("a.log", "a") as file:
            file.write("seen\n")
    except:  # noqa: E722 - a body may do so
        s += "failed"


def writes_to_what_is_open(s, q):
    s += q + sgl.gen("a")
    World.log.write(str(s["a"]) + "\n")


def writes_to_what_is_open_as_csv(s, q):
    s += q + sgl.gen("a")
    csv.writer(World.log).writerow([str(q), str(s["a"])])


def prints_to_what_is_open(s, q):
    s += q + sgl.gen("a")
    print(str(s["a"]), file=World.log)


def inserts(s, q):
    s += q + sgl.gen("a")
    World.table.execute("insert into answers values (?)", (str(s["a"]),))


def puts(s, q):
    s += q + sgl.gen("a")
    World.lines.put(str(s["a"]))


def puts_simply(s, q):
    World.simple.put("x")
    s += q + sgl.gen("a")


def sets_a_flag(s, q):
    World.flag.set()
    s += q + sgl.gen("a")


def removes(s, q):
    s += q + sgl.gen("a")
    pathlib.Path("made.txt").touch()
    os.remove("made.txt")


def makes_folders(s, q):
    s += q + sgl.gen("a")
    os.makedirs(f"{q}/deep", exist_ok=True)


def copies(s, q):
    s += q + sgl.gen("a")
    shutil.copy("open.log", "copy.log")


def starts_a_process(s, q):
    s += q + subprocess.run([sys.executable, "-c", "open('p.log', 'a').write('x')"], check=True).args[0] + sgl.gen("a")


LOGGER = logging.getLogger("sglc.tests.effects")


def logs_to_a_file(s, q):
    s += q + sgl.gen("a")
    LOGGER.warning("%s: %s", q, s["a"])


def logs_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        LOGGER.error(s["a"])
    s += sgl.gen("b")


def write_it(text: str) -> None:
    with open("thread.log", "a") as file:
        file.write(text)


def starts_a_thread(s, q):
    s += q + sgl.gen("a")
    thread = threading.Thread(target=write_it, args=(str(s["a"]),))
    thread.start()
    thread.join()


def starts_threads_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(write_it, [s["a"]]))
    s += sgl.gen("b")


def reads_settings(s, q):
    s += q + World.settings["a"]["k"] + sgl.gen("a")
    World.settings.set("a", "k", World.settings["a"]["k"] + "+")


def asks_a_person(s, q):
    s += q + sgl.gen("a")
    s += input("Send it? ") + sgl.gen("b")


def reads_standard_input(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        s += sys.stdin.readline() + sgl.gen("b")


def prints(s, q):
    print("asking", q)
    s += q + sgl.gen("a")


def logs_to_where_people_see_it(s, q):
    LOUD.warning("asking %s", q)
    s += q + sgl.gen("a")


LOUD = logging.getLogger("sglc.tests.loud")


def prints_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) == 3:
        sys.stdout.write(f"{s['a']}\n")
    s += sgl.gen("b")


def waits(s, q):
    for attempt in range(3):
        s += q + sgl.gen("a")
        if s["a"] == "no":
            break
        time.sleep(0.001 * 2**attempt)


RANDOM = [random.Random(3)]


def draws_from_what_is_outside(s, q):
    s += q + ("rare" if RANDOM[0].random() < 0.5 else "") + sgl.gen("a")


EFFECTS: dict[Callable[..., Any], str] = {
    draws_from_what_is_outside: "of type Random",
    asks_a_person: "asks a person",
    reads_standard_input: "reads",
    prints: "prints",
    logs_to_where_people_see_it: "logs by a StreamHandler",
    prints_behind_an_exit: "prints",
    waits: "waits",
    writes_a_file: "writes to a file",
    writes_a_path: "writes to a file",
    opens_by_the_system: "writes to a file",
    writes_on_one_path: "writes to a file",
    writes_behind_an_exit: "writes to a file",
    writes_and_swallows: "writes to a file",
    writes_to_what_is_open: "of type TextIOWrapper",
    prints_to_what_is_open: "of type TextIOWrapper",
    writes_to_what_is_open_as_csv: "of type TextIOWrapper",
    inserts: "of type Connection",
    puts: "of type Queue",
    puts_simply: "of type SimpleQueue",
    sets_a_flag: "of type Event",
    removes: "changes files",
    makes_folders: "changes files",
    copies: "writes to a file",
    logs_to_a_file: "logs by a FileHandler",
    logs_behind_an_exit: "logs by a FileHandler",
    starts_a_thread: "starts a thread",
    starts_threads_behind_an_exit: "starts a thread",
    starts_a_process: "starts a process",
    reads_settings: "of type ConfigParser",
}
"""a body, and what the warning says"""


@pytest.mark.parametrize("body", EFFECTS, ids=lambda body: body.__name__)
def test_effects_happen_once_a_run(
    body: Callable[..., Any],
    backend: sgl.Scripted,
    tmp_path: pathlib.Path,
    monkeypatch: Any,
    recwarn: Any,
    capsys: Any,
) -> None:
    found: list[Any] = []
    for mode in MODES:
        folder = tmp_path / mode
        folder.mkdir()
        monkeypatch.chdir(folder)
        World.begin()
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"line {number}\n" for number in range(9))))
        LOUD.handlers[:], LOUD.propagate = [logging.StreamHandler(sys.stderr)], False
        handler = logging.FileHandler("logger.log")
        LOGGER.handlers[:], LOGGER.propagate = [handler], False
        program = sgl.function(body)
        results = [program.run(q=q, backend=backend, mode=mode) for q in ("one", "two")]
        results += program.run_batch([{"q": "three"}, {"q": "four"}], backend=backend, mode=mode)
        handler.close()
        found.append([[result.text() for result in results], World.seen(), sys.stdin.read(), capsys.readouterr()])
    assert found[0] == found[1]
    said = {str(warning.message) for warning in recwarn if "plain Python" in str(warning.message)}
    assert said
    assert all(EFFECTS[body] in each and "test_effects.py:" in each for each in said)


NUMBERS = itertools.count()
LINES = (str(number) for number in range(100))
DICE = numpy.random.default_rng(3)


def takes_the_next_number(s, q):
    s += f"{next(NUMBERS)}" + sgl.gen("a")
    return int(s.text().removesuffix("yes"))


def takes_the_next_line(s, q):
    s += sgl.gen("a")
    for line in LINES:
        return int(line)
    return None


def takes_one_behind_an_exit(s, q):
    s += sgl.gen("a")
    return next(NUMBERS) if len(s["a"]) == 3 else None


@pytest.mark.parametrize("body", [takes_the_next_number, takes_the_next_line, takes_one_behind_an_exit])
def test_what_is_used_up_is_used_once_a_run(body: Any, backend: sgl.Scripted, recwarn: Any) -> None:
    program = sgl.function(body)
    first = program.run(q="q", backend=backend).ret_value
    numbers = [program.run(q="q", backend=backend).ret_value for _ in range(3)]
    assert numbers == [first + 1, first + 2, first + 3]
    said = {str(warning.message) for warning in recwarn if "plain Python" in str(warning.message)}
    assert said
    assert all("and each use takes something of it" in each for each in said)


def rolls(s, q):
    s += q + ("rare" if DICE.random() < 0.1 else "") + sgl.gen("a")


def test_a_generator_of_numpys_is_drawn_from_in_each_run(backend: sgl.Scripted, recwarn: Any) -> None:
    program = sgl.function(rolls)
    rare = ["rare" in program.run(q="q", backend=backend).text() for _ in range(100)]
    assert 2 < sum(rare) < 25
    assert any("each use takes something" in str(warning.message) for warning in recwarn)


def test_what_is_read_from_the_network_is_read_at_each_run(backend: sgl.Scripted, recwarn: Any) -> None:
    price, asked = ["1"], [0]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked[0] += 1
            self.send_response(200)
            self.end_headers()
            self.wfile.write(price[0].encode())

        def log_message(self, *given: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"

        @sgl.function
        def body(s):
            s += urllib.request.urlopen(address).read().decode() + sgl.gen("a")

        for price[0] in "12":
            assert body.run(backend=backend).text() == price[0] + "yes"
        server.shutdown()
    assert asked == [2]
    assert "uses the network" in str(recwarn.pop(RuntimeWarning).message)


def test_a_mock_is_called_once(backend: sgl.Scripted) -> None:
    for mode in MODES:
        with mock.patch(f"{__name__}.joined", return_value="mocked") as fake:
            assert sgl.function(calls_a_helper).run(q="q", backend=backend, mode=mode).text() == "mockedyes"
        fake.assert_called_once_with("word", "q")


def calls_a_helper(s, q):
    s += joined("word", q) + sgl.gen("a")


def reads_and_makes_texts(s, q):
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["a", "b"])
    own: queue.Queue[str] = queue.Queue()
    own.put("c")
    s += q + buffer.getvalue() + own.get() + sgl.gen("a")
    print("seen", file=buffer)
    LOGGER.debug("at a level that nobody hears")


def test_what_the_body_makes_itself_is_its_own(backend: sgl.Scripted, recwarn: Any) -> None:
    assert sgl.function(reads_and_makes_texts).run(q="q", backend=backend).text() == "qa,b\r\ncyes"
    assert not recwarn.list


# --- host functions that the body makes


class Tool:
    def __init__(self, word: str) -> None:
        self.word = word
        self.asked: list[str] = []

    def look(self, x: str) -> str:
        self.asked.append(x)
        return f"{self.word}:{len(self.asked)}:{x}"


def joined(word: str, x: str) -> str:
    return f"{word}:{x}"


def closure_over_a_format(s, q):
    s += q + sgl.gen("a")
    key = f"{q}-1"
    s += sgl.call(lambda x: key + x, s["a"])


def closure_over_an_argument(s, q):
    s += q + sgl.gen("a")
    s += sgl.call(lambda x: x + q, "!")


def closure_over_a_list(s, q):
    words = [q]
    s += q + sgl.gen("a")
    s += sgl.call(lambda x: "+".join(words) + x, s["a"])


def closure_that_keeps(s, q):
    seen: list[str] = []
    s += q + sgl.gen("a")
    s += sgl.call(lambda x: seen.append(x) or "ok", s["a"])
    s += str(seen)


def closure_that_counts(s, q):
    count = 0

    def counted(x: str) -> str:
        nonlocal count
        count += 1
        return x + str(count)

    s += q + sgl.gen("a")
    s += sgl.call(counted, "x")
    s += sgl.call(counted, "y") + str(count)


def closures_of_a_loop(s, q):
    s += q + sgl.gen("a")
    for word in ("u", "v"):
        s += sgl.call(lambda x: x + word, s["a"])  # noqa: B023 - what it is about


def closure_over_the_state(s, q):
    s += q + sgl.gen("a")
    s += sgl.call(lambda x: x + s["a"], "!")


def default_of_the_run(s, q):
    s += q + sgl.gen("a")

    def look(x: str, word: str = q) -> str:
        return word + x

    s += sgl.call(look, s["a"])


def default_of_a_format(s, q):
    s += q + sgl.gen("a")

    def look(x: str, word: str = f"{q}!") -> str:
        return word + x

    s += sgl.call(look, s["a"])


def method_of_an_object(s, q):
    tool = Tool(q)
    s += q + sgl.gen("a")
    s += sgl.call(tool.look, s["a"])
    s += sgl.call(tool.look, q)


def partial_of_the_run(s, q):
    s += q + sgl.gen("a")
    s += sgl.call(functools.partial(joined, q), s["a"])


def method_of_a_text(s, q):
    s += q + sgl.gen("a")
    s += sgl.call(f"{q}".upper)


MADE_INSIDE = [
    *(closure_over_a_format, closure_over_an_argument, closure_over_a_list, closure_that_keeps, closure_that_counts),
    *(closures_of_a_loop, closure_over_the_state, default_of_the_run, default_of_a_format, method_of_an_object),
    *(partial_of_the_run, method_of_a_text),
]


@pytest.mark.parametrize("body", MADE_INSIDE, ids=lambda body: body.__name__)
def test_host_functions_of_one_run_are_plain_pythons(
    body: Callable[..., Any], backend: sgl.Scripted, recwarn: Any
) -> None:
    program = sgl.function(body)
    texts = [
        [program.run(q=q, backend=backend, mode=mode).text() for q in ("one", "two", "one", "three")] for mode in MODES
    ]
    assert texts[0] == texts[1]
    said = [str(warning.message) for warning in recwarn]
    assert said
    assert all("makes the host function" in each and "test_effects.py:" in each for each in said)


TOOL = Tool("outer")
TOOLS = {"look": Tool("kept").look, "upper": str.upper, "joined": functools.partial(joined, "kept")}


def made(word: str) -> Callable[[str], str]:
    def look(x: str) -> str:
        return f"{word}{x}"

    return look


LOOK = made("made")
HOST = sgl.host(made("host"))


def tools_from_outside(s, q):
    def alone(x: str) -> str:
        return x * 2

    s += q + sgl.gen("a")
    for tool in (LOOK, HOST, str.upper, joined.__get__("bound"), alone):
        s += sgl.call(tool, s["a"])
    s += sgl.call(TOOL.look, s["a"]) + sgl.call(TOOLS["look"], q) + sgl.call(TOOLS["upper"], q)
    s += sgl.call(TOOLS["joined"], q) + HOST(q)


def test_host_functions_from_outside_are_compiled(backend: sgl.Scripted, recwarn: Any) -> None:
    program = sgl.function(tools_from_outside)
    for q in ("one", "two"):
        TOOL.asked.clear()
        TOOLS["look"].__self__.asked.clear()  # type: ignore[attr-defined]
        compiled = program.run(q=q, backend=backend).text()
        TOOL.asked.clear()
        TOOLS["look"].__self__.asked.clear()  # type: ignore[attr-defined]
        assert program.run(q=q, backend=backend, mode="interpret").text() == compiled
    assert not [warning for warning in recwarn if "makes the host function" in str(warning.message)]
    assert program.compile().calls


FRESH = """
import os, sys
import numpy as np
import sglc as sgl

@sgl.function
def saves(s, q):
    s += q + sgl.gen("a")
    np.savez(s["a"] + ".npz", a=np.zeros(1))

@sgl.function
def saves_behind_an_exit(s, q):
    s += q + sgl.gen("a")
    if len(s["a"]) > 1:
        np.arange(3).tofile(s["a"] + ".bin")

os.chdir(sys.argv[1])
with sgl.Scripted(lambda question: "ok") as backend:
    for program in (saves, saves_behind_an_exit):
        program.run(q="q", backend=backend)
print(sorted(os.listdir(".")))
"""


def test_what_a_library_writes_is_stopped_in_a_fresh_process(tmp_path: pathlib.Path) -> None:
    """No hook is there before the first file is opened."""
    (tmp_path / "files").mkdir()
    (tmp_path / "fresh.py").write_text(FRESH)
    command = [sys.executable, str(tmp_path / "fresh.py"), str(tmp_path / "files")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=pathlib.Path(__file__).parents[2])
    assert done.stdout == "['ok.bin', 'ok.npz']\n"
    assert "writes to a file" in done.stderr

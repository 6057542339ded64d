"""Artifacts: what is saved is loaded, and whatever else a file holds is one clear line."""

from __future__ import annotations

import os
import stat
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any, cast

import msgpack
import numpy as np
import pytest

from sglc.ir import artifact as module
from sglc.ir.artifact import MAGIC, MAX_BYTES, VERSION, Artifact, dump_bytes, load, load_bytes, save
from sglc.ir.errors import ArtifactError, IRError
from sglc.ir.grammar import CompiledConstraint, Grammar
from sglc.ir.ops import Constraint
from sglc.ir.printer import print_graph
from sglc.ir.schedule import Schedule
from sglc.ir.terms import check_same_meaning
from sglc.ir.tokens import TokenAutomaton
from sglc.passes.lower import lower
from tests.graphs import changed, random_compiled_graph, same
from tests.ir.artifacts import TEXT, automaton, branching, sample, smallest, with_grammar, without_models


def pack(content: object) -> bytes:
    return cast(bytes, msgpack.packb(content))


AGAIN = "compile the program again with `sglc compile`"
HEADER = 52


def arrays(automaton: TokenAutomaton) -> list[Any]:
    return [getattr(automaton, field.name) for field in fields(automaton) if field.init]


def equal(one: Artifact, two: Artifact) -> bool:
    def equal_automata(a: CompiledConstraint, b: CompiledConstraint) -> bool:
        if isinstance(a, Grammar) or isinstance(b, Grammar):
            return a == b
        return all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(arrays(a), arrays(b), strict=True))

    return (
        same(one.graph, two.graph)
        and one.schedule == two.schedule
        and one.models.keys() == two.models.keys()
        and all(
            a.fingerprint == b.fingerprint
            and a.prefix_ids == b.prefix_ids
            and a.automata.keys() == b.automata.keys()
            and all(equal_automata(a.automata[regex], b.automata[regex]) for regex in a.automata)
            for a, b in ((part, two.models[key]) for key, part in one.models.items())
        )
    )


@pytest.mark.parametrize("make", [sample, branching, without_models, smallest, with_grammar])
def test_what_is_saved_is_loaded(make: Callable[[], Artifact], tmp_path: Path) -> None:
    path = tmp_path / "out.sglc"
    save(make(), path)
    loaded = load(path)
    assert equal(loaded, make())
    save(loaded, path)
    assert path.read_bytes() == dump_bytes(make())
    assert os.listdir(tmp_path) == ["out.sglc"]


def test_compiled_random_graphs_are_loaded() -> None:
    rng = Random(5)
    for _ in range(40):
        graph = random_compiled_graph(rng, 25)
        artifact = Artifact(graph, lower(graph), {})
        loaded = load_bytes(dump_bytes(artifact))
        assert same(loaded.graph, graph)
        assert loaded.schedule == artifact.schedule


def test_bytes_do_not_depend_on_the_order_of_models() -> None:
    one = sample()
    two = replace(one, models=dict(reversed(one.models.items())))
    assert list(one.models) != list(two.models)
    assert dump_bytes(one) == dump_bytes(two)


def test_loaded_arrays_may_be_written_to() -> None:
    loaded = load_bytes(dump_bytes(sample())).models["a1"].automata[Constraint("regex", "[ab]")]
    assert isinstance(loaded, TokenAutomaton)
    assert all(array.flags.writeable for array in arrays(loaded))


def test_the_file_has_the_mode_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "usual").write_bytes(b"")
    save(smallest(), tmp_path / "out.sglc")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "out.sglc")}
    assert len(modes) == 1


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target.sglc", tmp_path / "link.sglc"
    link.symlink_to(target)
    save(smallest(), link)
    assert link.is_symlink()
    assert load(target).graph.name == "p"


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_save_leaves_what_was_there(
    call: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.sglc"
    save(smallest(), path)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(module.os, call, fail)
    with pytest.raises((ArtifactError, KeyboardInterrupt)) as caught:
        save(sample(), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.sglc"]
    if isinstance(caught.value, ArtifactError):
        assert caught.value.what == "the artifact cannot be written: No space left on device"


def test_saving_where_no_folder_is(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        save(smallest(), tmp_path / "none" / "out.sglc")
    assert caught.value.what == "the artifact cannot be written: No such file or directory"
    assert caught.value.hint == "name a file in a folder that you may write to"


def test_nothing_is_saved_that_would_not_load() -> None:
    with pytest.raises(IRError, match="the steps are not the gens, selects and calls"):
        dump_bytes(replace(sample(), schedule=Schedule((), (), ())))
    with pytest.raises(IRError, match="half a character"):
        dump_bytes(replace(smallest(), graph=changed(smallest().graph, variables={"x": "\ud800"})))
    wrong = replace(sample().models["a1"], prefix_ids=())
    with pytest.raises(ArtifactError, match="the prefixes' ids are not those of the schedule"):
        dump_bytes(replace(sample(), models={"a1": wrong}))
    with pytest.raises(ArtifactError, match="a model is not under its fingerprint"):
        dump_bytes(replace(sample(), models={"b": sample().models["a1"]}))


GOOD = dump_bytes(sample())
BAD_FILES = {
    "empty": (b"", "the artifact is truncated: it has 0 bytes", AGAIN),
    "half a magic": (MAGIC[:5], "the artifact is truncated: it has 5 bytes", AGAIN),
    "half a header": (GOOD[:40], "the artifact is truncated: it has 40 bytes", AGAIN),
    "half": (GOOD[:600], f"the artifact is truncated: it has 600 of {len(GOOD):,} bytes", AGAIN),
    "one less": (GOOD[:-1], f"the artifact is truncated: it has {len(GOOD) - 1:,} of {len(GOOD):,} bytes", AGAIN),
    "one more": (GOOD + b"\0", "the artifact is damaged: its digest does not fit", AGAIN),
    "one bit": (GOOD[:-1] + bytes([GOOD[-1] ^ 1]), "the artifact is damaged: its digest does not fit", AGAIN),
    "foreign": (b"%PDF-1.7\n" + b"x" * 100, "this is no sglc artifact", "name a file of `sglc compile`"),
    "text mode": (GOOD.replace(b"\r\n", b"\n"), "this is no sglc artifact", "name a file of `sglc compile`"),
    "future": (
        MAGIC + (VERSION + 1).to_bytes(4, "little") + GOOD[12:],
        f"the artifact has format version {VERSION + 1}, this sglc reads version {VERSION}; a newer sglc wrote it",
        AGAIN,
    ),
    "past": (
        MAGIC + bytes(4) + GOOD[12:],
        f"the artifact has format version 0, this sglc reads version {VERSION}",
        AGAIN,
    ),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files_are_one_line_each(case: str, tmp_path: Path) -> None:
    data, message, hint = BAD_FILES[case]
    path = tmp_path / "bad.sglc"
    path.write_bytes(data)
    with pytest.raises(ArtifactError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {message}\n  hint: {hint}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.sglc"
    with open(huge, "wb") as file:
        file.truncate(MAX_BYTES + 1)
    for path, message in (
        (tmp_path / "none.sglc", "there is no such file"),
        (tmp_path, "the artifact cannot be read: Is a directory"),
        (tmp_path / ("z" * 300), "the artifact cannot be read: File name too long"),
        (Path("/dev/zero"), "this is not a file"),
        (huge, "the file has over 256 MiB, more than any artifact"),
    ):
        with pytest.raises(ArtifactError) as caught:
            load(path)
        assert caught.value.what == message
        assert caught.value.where == str(path)
        assert caught.value.hint


def signed(payload: bytes) -> bytes:
    """A file with a right digest, whatever it holds."""
    start = MAGIC + VERSION.to_bytes(4, "little") + len(payload).to_bytes(8, "little")
    return start + module._digest(start, payload) + payload


def forged(change: Callable[[Any], object]) -> bytes:
    """The sample's file with its content changed and a right digest."""
    content = msgpack.unpackb(GOOD[HEADER:])
    change(content)
    return signed(pack(content))


def model(content: Any) -> Any:
    return content["models"]["a1"]


def to_grammar(**changed: Any) -> Callable[[Any], None]:
    """The automaton becomes a grammar with changed fields."""
    return set_to(AUTOMATON, {"grammar": "start: T", "why": "too large", **changed})


def part(content: Any) -> Any:
    return model(content)["automata"]["regex None [ab]"]


def set_to(path: str, value: object) -> Callable[[Any], None]:
    """A change of the field at a path like `schedule.steps`."""

    def change(content: Any) -> None:
        *folders, name = path.split(".")
        for folder in folders:
            content = content[folder]
        content[name] = value

    return change


def small(field: str, values: Any, high: int) -> Callable[[Any], None]:
    """A change of a small array of the automaton; numbers need not be below `high`."""

    def change(content: Any) -> None:
        part(content)[field] = packed_small(np.array(values), high)

    return change


def packed_small(array: Any, high: int) -> bytes:
    dtype = np.uint8 if high <= 256 else np.uint16 if high <= 65536 else np.uint32
    letter = {np.uint8: b"B", np.uint16: b"H", np.uint32: b"I"}[dtype]
    shape = b"".join(n.to_bytes(8, "little") for n in array.shape)
    return letter + bytes([array.ndim]) + shape + zlib.compress(array.astype(dtype).tobytes(), 1)


def sparse(states: list[int], steps: list[int], lengths: list[int]) -> Callable[[Any], None]:
    """The moves of the automaton in the other form."""

    def change(content: Any) -> None:
        fields = part(content)
        fields.pop("next")
        fields["states"] = packed_small(np.array(states), 256)
        fields["steps"] = packed_small(np.array(steps), 3)
        fields["lengths"] = packed_small(np.array(lengths), 3)

    return change


def packed(array: Any) -> bytes:
    letter = {"int32": b"i", "int64": b"q", "bool": b"?"}[str(array.dtype)]
    shape = b"".join(n.to_bytes(8, "little") for n in array.shape)
    return letter + bytes([array.ndim]) + shape + array.tobytes()


def edit_step(step: int, column: int, value: int) -> Callable[[Any], None]:
    """A change of one number of a step."""
    return edit("steps", 8, step, column, value)


def edit(name: str, columns: int, row: int, column: int, value: int) -> Callable[[Any], None]:
    """A change of one number of one of the schedule's arrays."""

    def change(content: Any) -> None:
        rows = np.frombuffer(content["schedule"][name], np.int64, offset=18).reshape(-1, columns).copy()
        rows[row, column] = value
        content["schedule"][name] = packed(rows)

    return change


AUTOMATON = "models.a1.automata.regex None [ab]"
BAD_CONTENT = {
    "no map": (lambda c: None, "the payload is no map of names"),  # the content is replaced below
    "field missing": (lambda c: c.pop("graph"), "the payload has not the fields graph, schedule, models"),
    "field too many": (set_to("more", 1), "the payload has not the fields graph, schedule, models"),
    "graph of bytes": (set_to("graph", b"x"), "the graph is no text"),
    "graph no text form": (set_to("graph", "x"), "unexpected 'x'"),
    "graph not valid": (set_to("graph", TEXT.replace("final %6", "final %4")), "the program's text is of a state of the graph"),
    "graph of another schedule": (set_to("graph", print_graph(smallest().graph)), "a prefix is no constant state"),
    "schedule missing": (set_to("schedule", None), "the schedule is no map of names"),
    "kind of a call": (edit_step(0, 1, 2), "step 0 is of the wrong kind"),
    "region of a step": (edit_step(1, 6, 1), "step 1 is not in its region"),
    "region before all": (edit_step(1, 6, -1), "step 1 is not in its region"),
    "steps missing": (lambda c: c["schedule"].pop("steps"), "the schedule has not the fields prefixes, params, steps"),
    "steps of text": (set_to("schedule.steps", "x"), "steps is no array"),
    "steps of int32": (set_to("schedule.steps", packed(np.zeros((2, 8), np.int32))), "steps is an array of another type"),
    "steps flat": (set_to("schedule.steps", packed(np.zeros(12, np.int64))), "steps is an array of another type"),
    "steps' columns": (set_to("schedule.steps", packed(np.zeros((2, 7), np.int64))), "steps has not 8 columns"),
    "steps' kind": (edit_step(0, 1, 3), "a step is of no known kind"),
    "steps' numbers": (set_to("schedule.steps", packed(np.ones((2, 8), np.int64))), "lengths do not add up"),
    "prefix's scope": (edit("prefixes", 4, 1, 2, 3), "a prefix is of no known scope"),
    "prefix's params": (edit("prefixes", 4, 1, 3, 1), "lengths do not add up"),
    "params": (set_to("schedule.params", packed(np.zeros(1, np.int64))), "lengths do not add up"),
    "fork's state": (edit("forks", 3, 0, 0, 2), "fork 0 is not that of the graph"),
    "fork in itself": (edit("forks", 3, 0, 2, 0), "fork 0 is not in the one around it"),
    "members": (set_to("schedule.members", packed(np.array([1], np.int64))), "fork 0 is not that of the graph"),
    "longest answer": (edit_step(0, 7, -2), "step 0 has a longest answer that is none"),
    "after": (set_to("schedule.after", packed(np.array([1], np.int64))), "step 1 waits for a step that is not before it"),
    "after too long": (set_to("schedule.after", packed(np.zeros(2, np.int64))), "lengths do not add up"),
    "last": (set_to("schedule.last", packed(np.array([0, 7], np.int64))), "a lifetime ends with a step that is none"),
    "short array": (set_to("schedule.after", b"q\1\1"), "after is no array"),
    "array's size": (set_to("schedule.after", b"q\1" + (2).to_bytes(8, "little") + bytes(8)), "after has another size than its shape"),
    "array's shape": (
        set_to("schedule.prefixes", b"q\2" + bytes(8) + (2**63).to_bytes(8, "little")),
        "prefixes has another size than its shape",
    ),
    "models a list": (set_to("models", []), "it has a list"),
    "models none": (set_to("models", None), "models is no map of names"),
    "model's name": (set_to("models", {b"a1": {}}), "models is no map of names"),
    "model empty": (set_to("models.a1", {}), "a model has not the fields ids, lengths, automata"),
    "ids negative": (set_to("models.b2.ids", packed(np.array([1, 2, -3], np.int32))), "an id of a prefix is no id"),
    "ids short": (set_to("models.b2.ids", packed(np.array([1, 2], np.int32))), "lengths do not add up"),
    "lengths": (set_to("models.b2.lengths", packed(np.array([3, 0]))), "the prefixes' ids are not those of the schedule"),
    "lengths negative": (set_to("models.b2.lengths", packed(np.array([-1]))), "lengths do not add up"),
    "automaton missing": (set_to("models.a1.automata", {}), "the automata are not those of the graph's constraints"),
    "other regex": (lambda c: model(c)["automata"].update(x=part(c)), "the automata are not those of the graph's constraints"),
    "no automaton": (set_to(AUTOMATON, 1), "an automaton is no map of names"),
    "a field of an automaton": (lambda c: part(c).pop("ends"), "an automaton has not the fields class_of, classes, accept"),
    "both forms": (lambda c: part(c).update(steps=b""), "an automaton has not the fields class_of, classes, accept"),
    "a grammar's fields": (to_grammar(more=1), "a grammar has not the fields grammar, why"),
    "a grammar of bytes": (to_grammar(grammar=b"start: T"), "the text of a grammar is no text"),
    "a grammar's reason": (to_grammar(why=1), "the reason of a grammar is no text"),
    "a reason of two lines": (to_grammar(why="a\nb"), "the reason of a grammar is not one line"),
    "a long reason": (to_grammar(why="a" * 4097), "the reason of a grammar is not one line"),
    "an empty grammar": (to_grammar(grammar=""), "the text of a grammar has not 1 to 1,048,576 characters"),
    "a long grammar": (to_grammar(grammar="a" * (1 << 20) + "b"), "the text of a grammar has not 1 to 1,048,576 characters"),
    "accept's type": (set_to(f"{AUTOMATON}.accept", packed(np.zeros(2, bool))), "accept is an array of another type"),
    "accept's size": (set_to(f"{AUTOMATON}.accept", b"B\1" + (3).to_bytes(8, "little") + zlib.compress(bytes(2))), "accept has another size than its shape"),
    "accept longer": (set_to(f"{AUTOMATON}.accept", b"B\1" + (1).to_bytes(8, "little") + zlib.compress(bytes(2))), "accept has another size than its shape"),
    "more behind": (set_to(f"{AUTOMATON}.accept", packed_small(np.zeros(2), 2) + b"x"), "accept has another size than its shape"),
    "accept cut": (set_to(f"{AUTOMATON}.accept", packed_small(np.zeros(2), 2)[:-1]), "accept has another size than its shape"),
    "accept damaged": (set_to(f"{AUTOMATON}.accept", packed_small(np.zeros(2), 2)[:10] + b"xxxx"), "accept cannot be inflated"),
    "accept flat": (small("accept", [[0, 1]], 2), "accept is an array of another type"),
    "accept of two": (small("accept", [0, 2], 2), "accept has a number that is not below 2"),
    "a bomb": (set_to(f"{AUTOMATON}.accept", b"B\1" + ((1 << 30) + 1).to_bytes(8, "little") + zlib.compress(bytes(1 << 20))), "its arrays take more than 1024 MiB"),
    "many classes": (small("classes", [1 << 30], 1 << 31), "class_of is an array of another type"),
    "classes of two": (small("classes", [2, 2], 1 << 31), "classes is not one number"),
    "no classes": (small("classes", [0], 1 << 31), "an automaton has no states, or no classes"),
    "no states": (small("accept", np.zeros(0), 2), "an automaton has no states, or no classes"),
    "no tokens": (small("class_of", np.zeros(0), 2), "an automaton has no tokens"),
    "class beyond": (small("class_of", [2] * 256, 2), "class_of has a number that is not below 2"),
    "class without tokens": (small("class_of", [0] * 256, 2), "an automaton has a class without tokens"),
    "fewer tokens than classes": (small("classes", [255], 1 << 31), "an automaton has a class without tokens"),
    "end beyond": (small("ends", [0, 256], 257), "ends is an array of another type"),
    "ends twice": (small("ends", [0, 0], 256), "an automaton's end ids are not in order"),
    "end in a class": (small("ends", [97], 256), "an automaton's end id is a token of a class"),
    "bytes of other states": (small("moves", [[0, 2]], 3), "an automaton's moves are not of its states and bytes"),
    "a byte without a class": (small("byte_class", [2] * 256, 256), "an automaton's moves are not of its states and bytes"),
    "bytes missing": (small("byte_class", [0] * 255, 256), "an automaton's moves are not of its states and bytes"),
    "no byte classes": (small("moves", [[], []], 3), "an automaton's moves are not of its states and bytes"),
    "move beyond": (small("moves", [[0, 3], [0, 0]], 3), "moves has a number that is not below 3"),
    "next beyond": (small("next", [[0, 0], [3, 0]], 3), "next has a number that is not below 3"),
    "next of other states": (small("next", [[0, 0]], 3), "an automaton's next is not of its classes and states"),
    "tokens without a class": (small("next", [[2, 0], [2, 0]], 3), "an automaton allows tokens that have no class"),
    "stuck": (small("next", [[0, 0], [1, 0]], 3), "an automaton is stuck"),
    "stuck at once": (small("next", [[0, 0], [0, 0]], 3), "an automaton is stuck"),
    "sparse beyond": (sparse([2], [2], [0, 1]), "an automaton's next is not of its classes and states"),
    "sparse in no order": (sparse([1, 255], [2, 2], [0, 2]), "an automaton's next is not in order"),
    "sparse twice": (sparse([1, 0], [2, 2], [0, 2]), "an automaton's next is not in order"),
    "sparse to nowhere": (sparse([0], [0], [0, 1]), "an automaton's next leads to no state"),
    "sparse classes": (sparse([0], [2], [0, 1, 0]), "an automaton's next is not of its classes and states"),
    "sparse lengths": (sparse([0], [2], [0, 2]), "an automaton's next is not of its classes and states"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_CONTENT)
def test_wrong_content_is_named(case: str) -> None:
    change, message = BAD_CONTENT[case]
    data = forged(change) if case != "no map" else signed(pack("x"))
    with pytest.raises(ArtifactError) as caught:
        load_bytes(data, "bad.sglc")
    assert caught.value.what.startswith(f"the artifact's content is wrong: {message}")
    assert "\n" not in caught.value.what
    assert (caught.value.where, caught.value.hint) == ("bad.sglc", AGAIN)


def test_arrays_are_packed_as_the_tests_pack_them() -> None:
    fields = part(msgpack.unpackb(GOOD[HEADER:]))
    assert fields["next"] == packed_small(np.array([[0, 0], [2, 0]]), 3)
    assert fields["classes"] == packed_small(np.array([2]), 1 << 31)
    assert fields["class_of"] == packed_small(automaton().class_of, 2)


def test_both_forms_of_the_moves_are_read() -> None:
    loaded = load_bytes(forged(sparse([0], [2], [0, 1])))
    assert equal(loaded, sample())


MEGABYTE = 1 << 20
BOMBS = {
    "empty lists": b"\xdd" + (5 * MEGABYTE).to_bytes(4, "big") + b"\x90" * (5 * MEGABYTE),
    "empty maps": b"\xdf" + (MEGABYTE).to_bytes(4, "big") + b"".join(b"\xce%s\x80" % i.to_bytes(4, "big") for i in range(MEGABYTE)),
    "maps of names": b"\xdf" + (MEGABYTE).to_bytes(4, "big") + b"".join(b"\xa4%4x\x80" % (i % 65536) for i in range(MEGABYTE)),
    "many small maps": b"\x81\xa1a" * 600_000 + b"\x80",
    "deep lists": b"\x91" * (5 * MEGABYTE),
    "same key": b"\x82" + b"\xa5graph\xa0" * 2,
    "not a number": b"\x81\xa5graph\xcb\x7f\xf8\0\0\0\0\0\0",
    "long list": b"\xdd\xff\xff\xff\xff" + bytes(100),
    "long map": b"\xdf\xff\xff\xff\xff" + bytes(100),
    "long text": b"\xdb\xff\xff\xff\xff" + bytes(100),
    "long binary": b"\xc6\xff\xff\xff\xff" + bytes(100),
    "extension": b"\xc7\x08\x05" + bytes(8),
    "timestamp": b"\x81\xa5graph\xd6\xff\0\0\0\0",
    "two payloads": pack({}) * 2,
    "not UTF-8": b"\x81\xa5graph\xa2\xff\xfe",
    "reserved byte": b"\xc1",
    "nested text": pack({"graph": "program p {\n return " + "[" * (5 * MEGABYTE), "schedule": 0, "models": 0}),
    "lines": pack({"graph": "program p {\n" + "\n" * (5 * MEGABYTE), "schedule": 0, "models": 0}),
}  # fmt: skip


@pytest.mark.timeout(10)
@pytest.mark.parametrize("case", BOMBS)
def test_bombs_cost_little_memory(case: str) -> None:
    data = signed(BOMBS[case])
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="the artifact's content is wrong: "):
            load_bytes(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(data) + 100_000


def mutated(data: bytes, rng: Random, others: list[bytes]) -> bytes:
    """Flipped, overwritten, cut, doubled, or spliced with another file, in one to three places."""
    new = bytearray(data)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(new) + 1)
        match rng.randrange(7):
            case 0 | 1:
                if at < len(new):
                    new[at] ^= 1 << rng.randrange(8)
            case 2:
                new[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                del new[at:]
            case 4:
                del new[at : at + rng.choice((1, 2, 4, 8, 100))]
            case 5:
                other = rng.choice(others)
                start = rng.randrange(len(other))
                new[at:at] = other[start : start + rng.choice((1, 2, 8, 100))]
            case _:
                other = rng.choice(others)
                size = rng.choice((1, 4, 8, 60))
                start = rng.randrange(len(other))
                new[at : at + size] = other[start : start + size]
    return bytes(new)


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_goes_unseen(seed: int) -> None:
    rng = Random(seed)
    files = [dump_bytes(make()) for make in (sample, branching, smallest)]
    undamaged = 0
    for _ in range(120_000):
        data = mutated(rng.choice(files), rng, files)
        if data in files:
            undamaged += 1
        else:
            assert refusal(data) is not None
    assert undamaged < 12_000


def refusal(data: bytes) -> ArtifactError | None:
    try:
        load_bytes(data)
    except ArtifactError as error:
        return error
    return None


@pytest.mark.parametrize("seed", range(3))
def test_forged_files_are_refused_or_valid(seed: int) -> None:
    """With a right digest over wrong content: one line, or an artifact that is as good as any."""
    rng = Random(seed)
    payloads = [dump_bytes(make())[HEADER:] for make in (sample, branching, smallest)]
    accepted, reasons = 0, set[str]()
    for _ in range(5_000):
        data = signed(mutated(rng.choice(payloads), rng, payloads))
        error = refusal(data)
        if error is None:
            accepted += 1
            loaded = load_bytes(data)
            again = load_bytes(dump_bytes(loaded))
            assert equal(loaded, again)
            check_same_meaning(loaded.graph, again.graph)
        else:
            assert "\n" not in error.what
            reasons.add(error.what)
    assert 30 < accepted < 4_000
    assert len(reasons) > 50


def test_loading_executes_nothing() -> None:
    """No import, no compiled code, no file and no process while a file is loaded, be it right or wrong."""
    seen: list[str] = []
    watching = False  # the hook cannot be removed, so it is made to watch this test only

    def hook(event: str, _: object) -> None:
        if watching and event.split(".", maxsplit=1)[0] in (
            "exec",
            "compile",
            "import",
            "os",
            "subprocess",
            "socket",
            "pickle",
            "open",
        ):
            seen.append(event)

    load_bytes(GOOD)  # what is imported and compiled once
    sys.addaudithook(hook)
    watching = True
    load_bytes(GOOD)
    refusal(forged(set_to("graph", "x")))
    refusal(GOOD[:-1])
    watching = False
    assert seen == []

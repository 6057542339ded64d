"""Guards of cached traces: what changes the meaning of a body is noticed and named, and nothing else is."""

from __future__ import annotations

import builtins
import copy
import gc
import importlib
import json
import os
import random
import sys
import textwrap
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sglc import guards
from sglc.guards import Guard, findings

FOLDER = Path(__file__).parent / "guard_cases"
UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Case:
    title: str
    judge: str
    prompts: str | None
    change: str
    changed: str | None = None

    def __str__(self) -> str:
        return self.title


def cases(file: str) -> list[Case]:
    """Those of a file of `guard_cases/`. A case: its title, the source of judge.py with a `body()`, after --- the source of
    prompts.py where it has one, after >>> what happens then, and what the guard says has changed (but for `unchanged`)."""
    found: list[Case] = []
    for block in (FOLDER / f"{file}.txt").read_text(encoding="utf-8").strip().removeprefix("== ").split("\n\n== "):
        source, _, rest = block.partition("\n>>> ")
        *change, changed = rest.split("\n") if file != UNCHANGED else [*rest.split("\n"), ""]
        title, _, judge = source.partition("\n")
        judge, divider, prompts = judge.partition("\n---")
        found.append(Case(title, judge, prompts.strip() if divider else None, "\n".join(change), changed or None))
    return found


HOLDS = cases(UNCHANGED)
CHANGES = [case for file in sorted(FOLDER.glob("*.txt")) if file.stem != UNCHANGED for case in cases(file.stem)]


def made(name: str, source: str) -> Any:
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    sys.modules[name] = module
    run(module, source)
    return module


def run(module: ModuleType, source: str) -> None:
    exec(compile(source, f"{module.__name__}.py", "exec", dont_inherit=True), vars(module))


def loaded(case: Case) -> Any:
    if case.prompts is not None:
        made("prompts", case.prompts)
    return made("judge", case.judge)


def happens(case: Case, judge: ModuleType) -> None:
    vars(judge)["made"] = made
    run(judge, case.change)


def outcome(body: Callable[[], Any]) -> str:
    """What a body does: the witness that a change is one."""
    try:
        return repr(body())
    except Exception as error:  # noqa: BLE001 - an outcome like others
        return repr(error)


@pytest.fixture(autouse=True)
def _the_world_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    modules, names = dict(sys.modules), dict(vars(builtins))
    monkeypatch.setattr(os, "environ", os.environ)
    monkeypatch.setenv("SGLC_TEST_STYLE", "plain")
    monkeypatch.delenv("SGLC_TEST_NEW", raising=False)
    yield
    for name in sys.modules.keys() - modules.keys():
        if sys.modules[name].__spec__ is None or name.startswith("sglc_test_"):  # not numpy, which loads only once
            del sys.modules[name]
    os.environ.pop("SGLC_TEST_NEW", None)
    for name, value in names.items():
        setattr(builtins, name, value)
    for name in vars(builtins).keys() - names.keys():
        delattr(builtins, name)


@pytest.mark.parametrize("case", CHANGES, ids=str)
def test_a_change_is_noticed_and_named(case: Case) -> None:
    judge = loaded(case)
    body, before = judge.body, outcome(judge.body)
    guard = Guard(body)
    assert guard.changed() is None
    assert guard.holds()
    happens(case, judge)
    assert outcome(body) != before
    assert not guard.holds()
    assert guard.changed() == case.changed
    assert not guard.holds()
    assert Guard(body).holds()


@pytest.mark.parametrize("case", HOLDS, ids=str)
def test_what_changes_nothing_is_not(case: Case) -> None:
    judge = loaded(case)
    guard, asked = Guard(judge.body), Guard(judge.body)
    before = outcome(judge.body) if "first time" not in case.title else None
    happens(case, judge)
    assert asked.changed() is None
    assert guard.holds()
    gc.collect()
    assert guard.holds()
    assert before in (None, outcome(judge.body))
    assert guard.changed() is None


@pytest.mark.parametrize("case", [*CHANGES, *HOLDS], ids=str)
def test_where_nothing_happens_nothing_is_walked(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(loaded(case).body)
    monkeypatch.setattr(guards, "walked", None)
    assert guard.holds()


def test_a_guard_holds_again_when_the_change_is_undone() -> None:
    judge = made("judge", "STYLE, SHOTS = 'a', [1]\ndef body(): return STYLE, SHOTS")
    guard = Guard(judge.body)
    judge.STYLE = "b"
    judge.SHOTS.append(2)
    assert guard.changed() == "global STYLE of judge.py"
    judge.STYLE = "a"
    assert guard.changed() == "global SHOTS of judge.py"
    judge.SHOTS.pop()
    assert guard.holds()


def test_a_program_is_guarded_like_its_function() -> None:
    judge = made("judge", "import sglc as sgl\nX = 1\n@sgl.function\ndef body(s, a, k=2): s += f'{X}{k}' + a")
    guards_ = [Guard(judge.body), Guard(judge.body.func), Guard(judge.body.bind(a="b"))]
    assert all(guard.holds() for guard in guards_)
    judge.X = 2
    assert [guard.changed() for guard in guards_] == ["global X of judge.py"] * 3


def test_a_function_of_a_library_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = made("judge", "import json\ndef body(): return json.dumps([1])")
    guard = Guard(judge.body)
    monkeypatch.setattr(json, "dumps", lambda value: "?")
    assert guard.changed() == "attribute dumps of module json"


def package(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, source in {"__init__": "", **files}.items():
        (folder / name / f"{file}.py").write_text(textwrap.dedent(source))


@pytest.mark.parametrize(
    "form", ["from . import prompts", "from .prompts import STYLE", "import sglc_test_pack.prompts as prompts"]
)
def test_an_import_in_the_body(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_source = f"""
        def body():
            {form}
            return {"STYLE" if form.endswith("STYLE") else "prompts.STYLE"}
    """
    package(tmp_path, "sglc_test_pack", judge=judge_source, prompts="STYLE = 'plain'")
    monkeypatch.syspath_prepend(tmp_path)
    judge = importlib.import_module("sglc_test_pack.judge")
    guard = Guard(judge.body)
    assert judge.body() == "plain"
    assert guard.changed() is None, "to import a module for the first time is no change"
    prompts: Any = importlib.import_module("sglc_test_pack.prompts")
    prompts.STYLE = "terse"
    assert judge.body() == "terse"
    assert guard.changed() == "attribute STYLE of module sglc_test_pack.prompts"


def test_an_installed_program_is_walked_and_its_libraries_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages"
    library = """
        Y = 1
        def call(): return Y
        def __getattr__(name):
            if name.startswith("_"): raise AttributeError(name)
            globals()[name] = 5
            return 5
        def decorate(function):
            calls = []
            def decorated():
                calls.append(1)
                return function()
            return decorated
    """
    program = """
        import sglc_test_library as library
        X = Z = 1
        def helper(): return X
        @library.decorate
        def decorated(): return Z
        def body(): return helper(), decorated(), library.call(), library.LATE
    """
    package(installed, "sglc_test_library", __init__=library)
    package(installed, "sglc_test_program", __init__=program)
    monkeypatch.syspath_prepend(installed)
    judge: Any = importlib.import_module("sglc_test_program")
    guard = Guard(judge.body)
    assert judge.body() == (1, 1, 1, 5)
    assert guard.changed() is None, "a library may add to itself, and count"
    judge.library.Y = 2
    assert guard.holds(), "what a library's code reads is not looked at"
    judge.library.LATE = 6
    assert guard.changed() == "attribute LATE of module sglc_test_library"
    judge.library.LATE = 5
    judge.X = 2
    assert guard.changed() == "global X of __init__.py"
    judge.X, judge.Z = 1, 2
    assert guard.changed() == "global Z of __init__.py"
    judge.Z = 1
    judge.library.call = lambda: 3
    assert guard.changed() == "attribute call of module sglc_test_library"


def test_beyond_the_limit_identity_and_length_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MAX_ITEMS", 50)
    judge = made("judge", "LARGE = [[0] for _ in range(100)]\nSMALL = [1]\ndef body(): return LARGE, SMALL")
    guard = Guard(judge.body)
    judge.LARGE[0] = [1]
    assert guard.holds(), "the documented limit"
    judge.LARGE.append([0])
    assert guard.changed() == "global LARGE of judge.py"
    judge.LARGE.pop()
    assert guard.holds()
    judge.LARGE = list(judge.LARGE)
    assert guard.changed() == "global LARGE of judge.py"
    assert Guard(judge.body).holds()
    guard = Guard(judge.body)
    assert guard.holds()
    judge.SMALL[0] = 2
    assert guard.changed() == "global SMALL of judge.py"


def test_an_instance_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MAX_ITEMS", 50)
    source = """
        class Table:
            def __init__(self): self.__dict__.update((f"x{i}", i) for i in range(100))
        TABLE = Table()
        def body(): return TABLE
    """
    judge = made("judge", textwrap.dedent(source))
    guard = Guard(judge.body)
    assert guard.holds()
    judge.TABLE = judge.Table()
    assert guard.changed() == "global TABLE of judge.py"


def test_no_user_code_runs_in_a_guard() -> None:
    source = """
        class Loud:
            def __getattribute__(self, name): raise AssertionError(name)
            def __eq__(self, other): raise AssertionError("==")
            def __hash__(self): return 1
            def __repr__(self): raise AssertionError("repr")
            def __len__(self): raise AssertionError("len")
        class LoudList(list):
            def __iter__(self): raise AssertionError("iter")
            def __len__(self): raise AssertionError("len")
            def __eq__(self, other): raise AssertionError("==")
        class LoudDict(dict):
            __iter__ = __len__ = keys = values = items = __getitem__ = LoudList.__iter__
        class Lying:
            __class__ = property(lambda self: dict)
        THINGS = [Loud(), LoudList([Loud()]), LoudDict(a=Loud()), {Loud(): 1}, {Loud()}, Lying()]
        def body(): return THINGS[0]
    """
    judge = made("judge", textwrap.dedent(source))
    guard = Guard(judge.body)
    assert guard.holds()
    assert guard.changed() is None
    list.append(judge.THINGS[1], 1)
    assert guard.changed() == "global THINGS of judge.py"


@dataclass
class Record:
    content: Any
    name: Any = "x"


def grown(draw: random.Random, depth: int = 3) -> Any:
    if depth == 0 or draw.random() < 0.2:
        return draw.choice([0, 1, True, 1.0, 0.0, -0.0, None, "a", "b", b"a", float("nan"), 10**20])
    items = [grown(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    keys = draw.sample(["a", "b", 1, 2.5, None], len(items))
    makers: list[Callable[[], Any]] = [
        lambda: items,
        lambda: tuple(items),
        lambda: deque(items, 9),
        lambda: dict(zip(keys, items, strict=True)),
        lambda: set(keys),
        lambda: Record(items),
        lambda: SimpleNamespace(content=items),
    ]
    return draw.choice(makers)()


def changeable(value: Any) -> Iterator[Any]:
    """The objects inside of a value that can be changed."""
    if isinstance(value, list | deque | dict | set | Record | SimpleNamespace):
        yield value
    inside: Any = value.values() if isinstance(value, dict) else [] if isinstance(value, str | bytes) else value
    if isinstance(value, Record | SimpleNamespace):
        inside = vars(value).values()
    for item in inside if hasattr(inside, "__iter__") else ():
        yield from changeable(item)


def change_somewhere(draw: random.Random, data: list[Any]) -> None:
    target, new = draw.choice(list(changeable(data))), grown(draw, 1)
    match target:
        case list() | deque():
            if target and draw.random() < 0.8:
                at = draw.randrange(len(target))
                target[at] = draw.choice([new, copy.deepcopy(target[at])])
            else:
                target.append(new)
        case dict():
            key = draw.choice([*target, "new"])
            target[key] = draw.choice([new, copy.deepcopy(target.get(key))])
        case set():
            target.symmetric_difference_update([draw.choice(["a", "c", 1, True])])
        case _:
            target.content = draw.choice([new, copy.deepcopy(target.content)])


def described(value: Any) -> str:
    """A value with its types, whatever the order of sets."""
    kind = type(value).__name__
    if isinstance(value, set):
        return f"{kind}{sorted(map(described, value))}"
    if isinstance(value, dict):
        return f"{kind}{[(described(key), described(item)) for key, item in value.items()]}"
    if isinstance(value, list | tuple | deque):
        return f"{kind}{[described(item) for item in value]}"
    if isinstance(value, Record | SimpleNamespace):
        return f"{kind}{described(vars(value))}"
    return f"{kind}:{value!r}"


@pytest.mark.parametrize("seed", range(8))
def test_random_data(seed: int) -> None:
    draw = random.Random(seed)
    verdicts: set[bool] = set()
    for _ in range(40):
        data = [grown(draw) for _ in range(3)]

        def body(data: list[Any] = data) -> str:
            return described(data)

        guard, before = Guard(body), body()
        for _ in range(5):
            change_somewhere(draw, data)
            same = body() == before
            assert guard.holds() == same, (before, body())
            verdicts.add(same)
    assert verdicts == {True, False}

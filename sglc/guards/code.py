"""Code: the names that it reads."""

from __future__ import annotations

import dis
import functools
import importlib.util
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

_GLOBAL_READS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_BY_STRING = frozenset({"getattr", "hasattr", "attrgetter", "methodcaller", "vars", "globals", "__dict__"})
_IMPORTERS = frozenset({"import_module", "__import__"})
ENVIRONMENT = frozenset({"environ", "environb", "getenv", "getenvb", "expandvars", "expanduser"})
ENVIRONMENT_READERS: tuple[object, ...] = (os.getenv, os.getenvb, os.path.expandvars, os.path.expanduser)
FILES = frozenset(
    (
        "open", "read_text", "read_bytes", "exists", "lexists", "is_file", "is_dir", "isfile", "isdir", "getmtime", "getsize",
        "stat", "lstat", "access", "listdir", "scandir", "iterdir", "glob", "iglob", "rglob", "walk", "samefile",
    )
)  # fmt: skip
"""Names that may read a file, or ask what files there are."""
EFFECTS = frozenset(
    (
        "write_text", "write_bytes", "touch", "mkstemp", "mkdtemp", "NamedTemporaryFile", "unlink", "rename", "mkdir", "makedirs",
        "rmdir", "rmtree", "shutil", "symlink", "chmod", "chdir", "sqlite3", "subprocess", "Popen", "popen", "urlopen",
        "urlretrieve", "urllib", "urllib3", "logging", "getLogger", "Thread", "ThreadPoolExecutor", "ProcessPoolExecutor", "requests", "httpx", "aiohttp", "socket", "smtplib", "ftplib",
        "input", "stdin", "sleep", "print", "stdout", "stderr", "warn",
    )
)  # fmt: skip
"""Names that may change files, start processes, use a database or the network, print, ask a person, or wait."""
WHOLE_GLOBALS = frozenset({"globals", "eval", "exec"})
WHOLE_MODULES = frozenset({"vars", "dir", "eval", "exec"})


@dataclass(frozen=True, slots=True)
class Reads:
    """What code reads by name. globals: outside of functions. names: those and attributes. imports: module, level.
    values: the globals of which it does more than read an attribute. identity: what it asks for with `is`, or "" for
    what is no global."""

    globals: tuple[str, ...]
    names: frozenset[str]
    imports: tuple[tuple[str, int], ...]
    values: frozenset[str]
    identity: frozenset[str]


@functools.lru_cache(1024)
def reads_of(code: CodeType) -> Reads:
    """Of the code and all functions, comprehensions and classes inside."""
    found: dict[str, None] = {}
    names: set[str] = set()
    imports: dict[tuple[str, int], None] = {}
    values: set[str] = set()
    identity: set[str] = set()
    for each in _nested(code):
        own = set(each.co_names)
        texts = [constant for constant in each.co_consts if isinstance(constant, str)]
        if own & _BY_STRING:
            own.update(texts)
        if own & _IMPORTERS:
            imports.update(((text, 0), None) for text in texts)
        names |= own
        instructions = list(dis.get_instructions(each))
        values.update(_values(instructions))
        identity.update(_identities(instructions))
        before: list[Any] = [None, None]  # the arguments of the last two instructions: level and names of an import
        for instruction in instructions:
            if instruction.opname in _GLOBAL_READS:
                found[instruction.argval] = None
            elif instruction.opname == "IMPORT_NAME":
                imports[instruction.argval, before[-2] if isinstance(before[-2], int) else 0] = None
            if instruction.opname != "EXTENDED_ARG":
                before = [before[-1], instruction.argval]
    return Reads(tuple(found), frozenset(names), tuple(imports), frozenset(values), frozenset(identity))


def _values(instructions: Sequence[dis.Instruction]) -> Iterator[str]:
    """The globals that are used as values, as a module is that is given to `getattr`."""
    for one, after in itertools.pairwise(instructions):
        if one.opname in _GLOBAL_READS and after.opname not in ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR"):
            yield one.argval


def _identities(instructions: Sequence[dis.Instruction]) -> Iterator[str]:
    """What stands behind `is`: the name of a global, "" for a variable, an item or an attribute that may be any object. No
    constants, no classes, and no attributes of globals (`Color.RED`)."""
    for place, step in enumerate(instructions):
        if step.opname == "IS_OP":
            one, other = instructions[place - 2], instructions[place - 1]
            if other.opname in _GLOBAL_READS:
                yield other.argval
            elif other.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "BINARY_SUBSCR")) or (
                other.opname == "LOAD_ATTR" and other.argval != "__class__" and one.opname not in _GLOBAL_READS
            ):
                yield ""


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)


def module_names(name: str, level: int, namespace: Mapping[str, Any]) -> list[str]:
    """A module that is imported and those around it, by full name."""
    if level:
        package = namespace.get("__package__") or ""
        try:
            name = importlib.util.resolve_name("." * level + name, package)
        except ImportError:  # the import itself will say so
            return []
    parts = name.split(".")
    return [".".join(parts[: end + 1]) for end in range(len(parts))]

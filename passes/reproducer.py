"""A file with all that is needed to see a pass fail again: `sglc repro FILE` runs it.

    # sglc reproducer 1: run it again with `sglc repro FILE`
    # pass "share_prefix"
    # error "KeyError: 'x'"
    # made with "sglc 0.1.0, Python 3.12.4, linux, PYTHONHASHSEED=0"
    program judge {
      %essay = param "essay"
      ...

The program is the graph before the pass, in the text form: `sglc opt` reads the file too. What is known of the inputs is
in it: the params are the texts among the arguments, the statics are the structure and all other arguments. Nobody's
texts or answers are; the program's own prompts are, so only the user can read the file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sglc.ir.errors import IRError
from sglc.ir.files import write_whole
from sglc.ir.printer import quoted

FOLDER = "SGLC_REPRO_DIR"
"""The environment variable that names the folder. Empty: no file is written."""

KEPT = 50
"""Files in the folder; the oldest go first."""

TITLE = "# sglc reproducer 1:"
FILE_NAME = re.compile(r"\w+-[0-9a-f]{16}\.sglcir")


@dataclass(frozen=True)
class Reproducer:
    """step: the name of the pass, or "lower". error: its type and its message. graph: the text of the graph before it."""

    step: str
    error: str
    graph: str

    @property
    def name(self) -> str:
        """Of the file: the same for the same failure, whatever addresses its message holds."""
        step, kind = re.sub(r"\W+", "_", self.step), self.error.partition(":")[0]
        digest = hashlib.sha256("\0".join((self.step, kind, self.graph)).encode("utf-8", "surrogatepass"))
        return f"{step}-{digest.hexdigest()[:16]}.sglcir"

    def __str__(self) -> str:
        header = (
            f"{TITLE} run it again with `sglc repro FILE`",
            f"# pass {quoted(self.step)}",
            f"# error {quoted(self.error)}",
            f"# made with {quoted(_made_with())}",
        )
        return "\n".join((*header, self.graph))

    def save(self) -> Path | None:
        """The file, written now; None where it cannot be (no home, a full disk ...) or is not wanted. Never raises for
        that: a pass that fails costs speed only, and so must the report."""
        try:
            folder = _folder()
            if folder is None:
                return None
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / self.name
            write_whole(path, str(self).encode(), mode=0o600)
        except (OSError, RuntimeError, ValueError):  # RuntimeError: nobody knows the home folder
            return None
        with contextlib.suppress(OSError):  # another process may tidy up too
            _drop_oldest(folder)
        return path

    @classmethod
    def parsed(cls, text: str, file: str) -> Reproducer:
        """Raises `IRError` where the text does not begin as a reproducer does."""
        if not text.startswith(TITLE):
            raise IRError("this is no reproducer", where=f"{file}:1", hint=f"its first line begins with `{TITLE}`")
        header, graph = text.split("\n", 4)[1:4], text.split("\n", 4)[4:]
        values: list[str] = []
        for number, (line, word) in enumerate(zip(header, ("pass", "error", "made with"), strict=False), start=2):
            values.append(_value(line, word, f"{file}:{number}"))
        if not graph:
            raise IRError("the reproducer ends before its program", where=f"{file}:{text.count(chr(10)) + 1}")
        return cls(values[0], values[1], graph[0])


def _value(line: str, word: str, where: str) -> str:
    """The text in a line of the header."""
    with contextlib.suppress(ValueError, RecursionError):
        if line.startswith(f"# {word} ") and isinstance(value := json.loads(line[len(word) + 3 :]), str):
            return value
    raise IRError(f'the line is not `# {word} "..."`', where=where, hint="give the file as sglc wrote it")


def _folder() -> Path | None:
    given = os.environ.get(FOLDER)
    if given is not None:
        return Path(given).absolute() if given else None
    cache = os.environ.get("XDG_CACHE_HOME", "")
    above = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"  # a relative one does not count, XDG says
    return above / "sglc" / "failures"


def _drop_oldest(folder: Path) -> None:
    ours = [path for path in folder.iterdir() if FILE_NAME.fullmatch(path.name)]
    for path in sorted(ours, key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
        path.unlink(missing_ok=True)


def _made_with() -> str:
    try:
        sglc = version("sglc")
    except PackageNotFoundError:
        sglc = "(not installed)"
    seed = os.environ.get("PYTHONHASHSEED", "random")
    return f"sglc {sglc}, Python {platform.python_version()}, {sys.platform}, PYTHONHASHSEED={seed}"

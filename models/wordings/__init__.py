r"""The tables that the tasks' documents are made of: wordings, sentences, things. A TOML file for each module of tasks.

A text of several lines is a table of its lines, in which \n stands for the end of a line. Held-out wordings, which only the
evaluation may use, are apart: a table or a key that ends in `held_out`, or a constant of the module.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any, cast


def table(task: str, name: str) -> Any:
    """A table of a file, as tuples; a dict of them where the file has a section."""
    return _frozen(_file(task)[name])


@functools.cache
def _file(task: str) -> dict[str, Any]:
    return tomllib.loads((Path(__file__).parent / f"{task}.toml").read_text(encoding="utf-8"))


def _frozen(value: Any) -> Any:
    match value:
        case str():
            return tuple(line.replace("\\n", "\n") for line in value.splitlines())
        case list():
            items = cast("list[Any]", value)
            return tuple(item if isinstance(item, str) else _frozen(item) for item in items)
        case dict():
            return {key: _frozen(item) for key, item in cast("dict[str, Any]", value).items()}
        case _:
            raise TypeError(f"a table holds texts, lists and sections, and not {value!r}")

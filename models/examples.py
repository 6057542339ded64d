"""What the examples' prompts say, read from the examples: one place for each text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from sglc.command.program_file import load_program

FOLDER = Path(__file__).resolve().parent.parent / "examples"


@cache
def constant(example: str, name: str) -> Any:
    """A constant of an example's file."""
    program = f"{FOLDER / example}.py:{example}"
    return load_program(program).func.__globals__[name]

"""Runs the command line inside this process: what a person sees, without starting an interpreter each time."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from sglc.command.cli import main


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


def sglc_command(arguments: Sequence[str], folder: Path) -> Result:
    """`sglc ARGUMENTS` in a folder."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    before, path, modules = os.getcwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    try:
        with (
            patch.object(sys, "argv", ["sglc", *arguments]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    finally:
        os.chdir(before)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
    return Result(code, out.getvalue(), err.getvalue())

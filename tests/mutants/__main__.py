"""Plants each bug in a copy of the engine and looks how long the random episodes take to find it.

    python -m tests.mutants [PART OF A NAME]

Exits with 1 if a bug is not found within a minute, or if the text that it replaces is no longer there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants.bugs import BUGS, Bug

ROOT = Path(__file__).parents[2]
SECONDS = 60
EPISODES = 100_000


def plant(bug: Bug | None, folder: Path) -> None:
    """Makes an importable copy of the engine with the bug in it, or none."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "ir", folder / "sglc" / "ir")
    shutil.copytree(ROOT / "runtime" / "engine", folder / "sglc" / "runtime" / "engine")
    (folder / "sglc" / "__init__.py").touch()
    if bug is not None:
        target = folder / "sglc" / "runtime" / "engine" / bug.file
        target.write_text(mutate(bug, target.read_text()))


def mutate(bug: Bug, source: str) -> str:
    """Raises ValueError unless the text to be replaced stands there exactly once."""
    if source.count(bug.before) != 1:
        raise ValueError(f"{bug.name}: {bug.file} has {source.count(bug.before)} times {bug.before!r}")
    return source.replace(bug.before, bug.after)


def hunt(folder: Path, episodes: int) -> str | None:
    """Runs episodes in a process of its own. Answers what the first failure says, None where there is none in time."""
    command = [sys.executable, "-m", "tests.engine.episodes", "0", str(episodes)]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    failures = [line for line in run.stderr.splitlines() if line.startswith("AssertionError: seed ")]
    if run.returncode and not failures:
        raise RuntimeError(f"the episodes did not run:\n{run.stderr}")
    return failures[-1].removeprefix("AssertionError: ") if failures else None


def main(part: str = "") -> int:
    missed = 0
    with TemporaryDirectory() as name:
        folder = Path(name) / "engine"
        plant(None, folder)
        if failure := hunt(folder, 1_000):  # without it every bug would seem to be found
            print(f"the engine itself fails: {failure}")
            return 1
        for bug in BUGS:
            if part not in bug.name:
                continue
            plant(bug, folder)
            start = time.perf_counter()
            failure = hunt(folder, EPISODES)
            seconds = time.perf_counter() - start
            missed += failure is None
            print(
                f"{bug.name:44} {'found' if failure else 'MISSED':6} {seconds:5.1f} s  {(failure or '')[:90]}",
                flush=True,
            )
    print(f"{missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

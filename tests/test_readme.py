"""The README's program does what the README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_first_program_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "judge.py").write_text(code, encoding="utf-8")
    ran = subprocess.run([sys.executable, "judge.py"], cwd=tmp_path, check=True, capture_output=True, text=True)
    verdicts = [line.split()[0] for line in ran.stdout.splitlines()]
    assert len(verdicts) == 3
    assert set(verdicts) <= {"accept", "reject"}

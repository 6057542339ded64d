"""The wheel holds everything: it runs a program outside of the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """\
import sglc

@sglc.function
def ask(s, question):
    s += sglc.user(question) + sglc.assistant(sglc.gen("score", regex="[1-9]|10", temperature=0))
"""


def test_a_wheel_runs_a_program_in_a_clean_environment(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("sglc-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"sglc", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    for needed in (
        "sglc/ir/grammar.lark",
        "sglc/ir/page/page.html",
        "sglc/runtime/embedded/model.safetensors",
        "sglc/py.typed",
    ):
        assert needed in names
    clean = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", str(clean)], check=True)
    python = clean / "bin" / "python"
    subprocess.run([str(python), *pip[1:], "install", "--no-deps", str(wheel)], check=True)
    # Only the dependencies come from outside, by a path entry, which does not follow the checkout's editable install.
    (site,) = clean.glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (tmp_path / "ask.py").write_text(PROGRAM)
    (tmp_path / "rows.jsonl").write_text('{"question": "How are you?"}\n')
    command = [str(clean / "bin" / "sglc"), "run", "ask.py", "--args", "rows.jsonl", "--json"]
    ran = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert int(json.loads(ran.stdout)["variables"]["score"]) in range(1, 11)
    where = [str(python), "-c", "import sglc, sglc.ir.ops; print(sglc.__file__, sglc.ir.ops.__file__)"]
    printed = subprocess.run(where, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.split()
    assert all(path.startswith(str(clean)) for path in printed)

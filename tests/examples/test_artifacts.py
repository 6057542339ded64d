"""The artifacts of all examples are the same bytes, whatever the process that compiles them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "examples"

SCRIPT = """
import hashlib, sys
from sglc.command.program_file import load_program, load_rows
from sglc.ir.artifact import Artifact, dump_bytes
from sglc.compiler import compile_graph
from sglc.runtime.model_folder import embedded_model
from sglc.runtime.tokenizer import load_tokenizer

tokenizer = load_tokenizer(embedded_model())
for name in sys.argv[1:]:
    (_, row), *_ = load_rows(name + ".jsonl")
    compiled = compile_graph(load_program(name + ".py").trace(**row))
    compiled.for_model(tokenizer)
    data = dump_bytes(Artifact(compiled.graph, compiled.schedule, compiled.models))
    print(name, hashlib.sha256(data).hexdigest())
"""


def test_the_hash_seed_and_the_order_of_compiles_change_no_byte() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.py"))
    assert len(names) >= 11
    digests = [
        _digests(seed, order) for seed, order in (("0", names), ("1", names[::-1]), ("4711", names[3:] + names[:3]))
    ]
    assert sorted(digests[0]) == names
    assert digests[0] == digests[1] == digests[2]


def _digests(seed: str, names: list[str]) -> dict[str, str]:
    """name -> the digest of its artifact, of a new process with this seed of Python's hashes."""
    command = [sys.executable, "-c", SCRIPT, *names]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, check=False, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())

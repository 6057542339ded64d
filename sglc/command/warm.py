"""Where warmed-up KV lies: a folder the user names, and a pointer beside the artifact, so that later runs find it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from sglc.ir.errors import ArtifactError
from sglc.ir.files import write_whole
from sglc.runtime.backend import Engine


def save_warm(engine: Engine, prefixes: Sequence[Sequence[int]], artifact: Path, folder: Path) -> Path:
    """Saves the KV of warm prompts into the folder, and notes the folder beside the artifact."""
    path = _file(engine, prefixes, folder)
    engine.save_kv(prefixes, path)
    try:
        write_whole(_pointer(artifact), (json.dumps({"folder": str(folder.resolve())}) + "\n").encode())
    except OSError as error:
        raise ArtifactError(
            f"the KV is saved, but where cannot be noted: {error.strerror or error}",
            where=str(_pointer(artifact)),
            hint=f"run with --warm {folder}",
        ) from None
    return path


def load_warm(engine: Engine, prefixes: Sequence[Sequence[int]], folder: Path) -> None:
    """Puts the saved KV of these prompts into the cache. A file that does not fit is said so and left alone."""
    path = _file(engine, prefixes, folder)
    if not any(prefixes):
        return
    try:
        engine.load_kv(path)
    except ArtifactError as error:
        print(f"note: prefilling the constant prompts again: {error}", file=sys.stderr)


def pointed_folder(artifact: Path) -> Path | None:
    """The folder that the artifact's last `warmup --save` wrote to."""
    try:
        note = json.loads(_pointer(artifact).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        print(f"note: {_pointer(artifact)} cannot be read: {error}", file=sys.stderr)
        return None
    folder = note.get("folder") if isinstance(note, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return Path(folder) if isinstance(folder, str) else None


def _pointer(artifact: Path) -> Path:
    return artifact.with_name(artifact.name + ".warm")


def _file(engine: Engine, prefixes: Sequence[Sequence[int]], folder: Path) -> Path:
    """One file for each set of prompts and tokenizer; the header tells the rest."""
    prompts = json.dumps([engine.tokenizer.vocabulary.fingerprint, [list(ids) for ids in prefixes]])
    return folder / f"{hashlib.sha256(prompts.encode()).hexdigest()[:16]}.safetensors"

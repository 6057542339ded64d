"""Saved KV of constant prompts: a safetensors file that is bound to what it was computed with.

The prompts are in order, and the tensors of each hold its tokens behind what the prompt before it has, too. The header names the format, the digests of weights, tokenizer and layout, and the digest of the prompts and tensors: a
file of another model is refused with the reason, and damage is found before anything is used.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from sglc.ir.errors import ArtifactError
from sglc.ir.prompt_tree import as_tree
from sglc.runtime.engine.core import EngineCore

FORMAT = "sglc-kv-3"

_REASONS = {
    "weights": "other model weights",
    "tokenizer": "another tokenizer or chat template",
    "layout": "another model layout or dtype",
}


class KVDevice(Protocol):
    """Reads and writes the KV of pages; a name -> a tensor whose first axis is the pages."""

    def export_pages(self, pages: Sequence[int]) -> dict[str, torch.Tensor]: ...

    def import_pages(self, pages: Sequence[int], tensors: Mapping[str, torch.Tensor]) -> None: ...


def save(
    path: Path, core: EngineCore, device: KVDevice, identity: Mapping[str, str], prefixes: Sequence[Sequence[int]]
) -> None:
    """Writes the KV of prompts that are in the cache: to the side, then renamed."""
    tensors: dict[str, torch.Tensor] = {}
    tree = as_tree(prefixes)
    for number, (ids, shared) in enumerate(tree):
        for name, tensor in core.read_cached(ids, lambda pages, own=shared: device.export_pages(pages[own:])).items():
            tensors[f"{number}.{name}"] = tensor.contiguous().cpu()
    ids = json.dumps([list(ids) for ids, _ in tree])
    header = {**identity, "format": FORMAT, "ids": ids, "digest": _digest(ids, tensors)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.tmp.")  # mode 0600: it holds prompts
    except OSError as error:
        raise ArtifactError(
            f"the KV cannot be saved: {error.strerror}",
            where=str(path.parent),
            hint="give a folder that you may write to",
        ) from None
    os.close(handle)
    try:
        save_file(tensors, name, metadata=header)
        os.chmod(name, 0o600)
        with open(name, "rb") as file:
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException as error:
        os.unlink(name)
        if isinstance(error, OSError | SafetensorError):
            raise ArtifactError(
                f"the KV cannot be saved: {error}",
                where=str(path),
                hint="give a folder with room that you may write to",
            ) from None
        raise


def load(path: Path, core: EngineCore, device: KVDevice, identity: Mapping[str, str]) -> int:
    """Puts the file's KV into the cache; how many tokens were not there. Raises `ArtifactError`."""
    hint = "warm up again: sglc warmup ... --save"
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except FileNotFoundError:
        raise ArtifactError("there is no saved KV", where=str(path), hint=hint) from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"the saved KV cannot be read: {error}", where=str(path), hint=hint) from None
    if header.get("format") != FORMAT:
        raise ArtifactError(f"this is no saved KV of {FORMAT}", where=str(path), hint=hint)
    for key, reason in _REASONS.items():
        if header.get(key) != identity[key]:
            raise ArtifactError(f"the KV was saved with {reason}", where=str(path), hint=hint)
    prompts = header.get("ids", "")
    if header.get("digest") != _digest(prompts, tensors):
        raise ArtifactError("the saved KV is damaged", where=str(path), hint=hint)
    loaded = 0
    for number, (ids, shared) in enumerate(as_tree(json.loads(prompts))):
        own = {name.partition(".")[2]: tensor for name, tensor in tensors.items() if name.startswith(f"{number}.")}

        def write(start: int, pages: Sequence[int], shared: int = shared, own: dict[str, torch.Tensor] = own) -> None:
            assert start >= shared  # the prompt before it has just been put in, and begins with these
            device.import_pages(pages, {name: tensor[start - shared :] for name, tensor in own.items()})

        loaded += core.write_cached(ids, write)
    return loaded


def _digest(prompts: str, tensors: Mapping[str, torch.Tensor]) -> str:
    """Of the prompts' ids, as they are written, and of all tensors."""
    digest = hashlib.sha256(f"{len(prompts)} {prompts}".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().view(torch.uint8).numpy())
    return digest.hexdigest()

"""A compiled program as a file.

    offset  bytes  little-endian
    0       8      magic
    8       4      format version
    12      8      length of the payload
    20      32     SHA-256 of all before it and of the payload
    52             the payload (msgpack, see payload.py)

Nothing of the payload is looked at before the digest fits, so damage never becomes another program. The digest is no
protection against an author of bad files: against those every field is checked, and nothing in a file is executed.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path

from sglc.ir.arrays import ContentError
from sglc.ir.errors import ArtifactError, SglcError
from sglc.ir.files import write_whole
from sglc.ir.payload import Artifact, ModelPart, pack, unpack

__all__ = ["Artifact", "ModelPart", "dump_bytes", "load", "load_bytes", "save"]

MAGIC = b"sglc\r\n\x1a\n"
VERSION = 5
MAX_BYTES = 256 << 20
AGAIN = "compile the program again with `sglc compile`"

_START = struct.Struct("<8sIQ")
_DIGEST = hashlib.sha256().digest_size
_HEADER = _START.size + _DIGEST


def save(artifact: Artifact, path: Path) -> None:
    """Writes the file whole or not at all: what stood there stays until the new one is on the disk."""
    data = dump_bytes(artifact)
    try:
        write_whole(Path(os.path.realpath(path)), data)  # a link stays one
    except OSError as error:
        what = f"the artifact cannot be written: {error.strerror or error}"
        raise ArtifactError(what, where=str(path), hint="name a file in a folder that you may write to") from error


def load(path: Path) -> Artifact:
    """Raises `ArtifactError` with one line for any file that is no artifact of this version, whole and right."""
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ArtifactError("this is not a file", where=str(path), hint="name a file of `sglc compile`")
            if status.st_size > MAX_BYTES:
                what = f"the file has over {MAX_BYTES >> 20} MiB, more than any artifact"
                raise ArtifactError(what, where=str(path), hint=AGAIN)
            data = file.read(MAX_BYTES)
    except FileNotFoundError:
        raise ArtifactError("there is no such file", where=str(path), hint="name a file of `sglc compile`") from None
    except OSError as error:
        what = f"the artifact cannot be read: {error.strerror or error}"
        raise ArtifactError(what, where=str(path), hint="name a file that you may read") from error
    return load_bytes(data, str(path))


def dump_bytes(artifact: Artifact) -> bytes:
    """The file's bytes; equal artifacts have equal bytes.

    Raises `ArtifactError` or `IRError` for what could not be loaded again.
    """
    try:
        payload = pack(artifact)
    except ContentError as problem:
        raise ArtifactError(f"the artifact's content is wrong: {problem}", hint="please report this") from None
    if _HEADER + len(payload) > MAX_BYTES:
        what = f"the artifact would have {_HEADER + len(payload):,} bytes, over {MAX_BYTES >> 20} MiB"
        raise ArtifactError(what, hint="save it with fewer models or smaller regexes")
    start = _START.pack(MAGIC, VERSION, len(payload))
    return start + _digest(start, payload) + payload


def load_bytes(data: bytes, where: str = "<artifact>") -> Artifact:
    """`load` for the bytes of a file; `where` is its name in messages."""

    def error(what: str, hint: str = AGAIN) -> ArtifactError:
        return ArtifactError(what, where=where, hint=hint)

    if len(data) < len(MAGIC) and MAGIC.startswith(data):
        raise error(f"the artifact is truncated: it has {len(data)} bytes")
    if not data.startswith(MAGIC):
        raise error("this is no sglc artifact", "name a file of `sglc compile`")
    if len(data) < _HEADER:
        raise error(f"the artifact is truncated: it has {len(data)} bytes")
    _, version, length = _START.unpack_from(data)
    if version != VERSION:
        newer = "; a newer sglc wrote it" if version > VERSION else ""
        raise error(f"the artifact has format version {version}, this sglc reads version {VERSION}{newer}")
    payload = memoryview(data)[_HEADER:]
    if len(payload) < length:
        raise error(f"the artifact is truncated: it has {len(data):,} of {_HEADER + length:,} bytes")
    if len(payload) > length or data[_START.size : _HEADER] != _digest(data[: _START.size], payload):
        raise error("the artifact is damaged: its digest does not fit")
    try:
        return unpack(payload)
    except ContentError as problem:
        raise error(f"the artifact's content is wrong: {problem}") from None
    except SglcError as problem:
        raise error(f"the artifact's content is wrong: {problem.what.splitlines()[0]}") from None


def _digest(start: bytes, payload: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(start)
    digest.update(payload)
    return digest.digest()

"""Arrays as bytes, for the payload of an artifact, and the checks of what is read.

A plain array: its dtype's letter, the number of its dimensions, the dimensions as uint64, its elements. A small one:
whole numbers in the smallest unsigned type that has room for all that may stand there, and the elements compressed
(zlib). All is little-endian.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

Map: TypeAlias = dict[str, Any]

INT64 = np.dtype("<i8")
INT32 = np.dtype("<i4")
UNSIGNED = (np.dtype("u1"), np.dtype("<u2"), np.dtype("<u4"))
LETTERS = {INT64: b"q", INT32: b"i", UNSIGNED[0]: b"B", UNSIGNED[1]: b"H", UNSIGNED[2]: b"I"}


class ContentError(ValueError):
    """What is wrong with a payload, in a few words."""


class Room:
    """Memory that a payload may still take, so that a small file of large arrays is refused before they are made."""

    def __init__(self, size: int) -> None:
        self._left = self._size = size

    def take(self, size: int) -> None:
        """Raises `ContentError` where no room is left. size: bytes."""
        self._left -= size
        check(self._left >= 0, f"its arrays take more than {self._size >> 20} MiB")


def small_type(high: int) -> np.dtype[Any]:
    """The smallest unsigned type for 0 .. high - 1."""
    return next(dtype for dtype in UNSIGNED if high <= 1 << (8 * dtype.itemsize))


def pack_array(values: Any, dtype: np.dtype[Any]) -> bytes:
    array = np.ascontiguousarray(values, dtype)
    return _header(array.shape, dtype) + array.tobytes()


def pack_small(values: Any, high: int) -> bytes:
    """A small array of numbers 0 .. high - 1. Raises `ContentError` for others."""
    values = np.asarray(values)
    check(within(values, 0, high), f"a number is not in 0 .. {high - 1}")
    array = np.ascontiguousarray(values, small_type(high))
    return _header(array.shape, array.dtype) + zlib.compress(array.tobytes(), 1)


def unpack_array(
    packed: object, name: str, dtype: np.dtype[Any], dimensions: int, columns: int | None = None
) -> NDArray[Any]:
    """Raises `ContentError` for what is no such array."""
    shape, data = _opened(packed, name, dtype, dimensions)
    check(math.prod(shape) * dtype.itemsize == len(data), f"{name} has another size than its shape")
    check(columns is None or shape[1] == columns, f"{name} has not {columns} columns")
    return np.frombuffer(data, dtype).reshape(shape).copy()


def unpack_small(packed: object, name: str, high: int, dimensions: int, room: Room) -> NDArray[Any]:
    """An array that `pack_small` made with the same `high`; all its numbers are below. Raises `ContentError`."""
    dtype = small_type(high)
    shape, data = _opened(packed, name, dtype, dimensions)
    size = math.prod(shape) * dtype.itemsize
    room.take(size)
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, size + 1)
    except zlib.error:
        raise ContentError(f"{name} cannot be inflated") from None
    whole = len(inflated) == size and inflater.eof and not inflater.unused_data
    check(whole, f"{name} has another size than its shape")
    array = np.frombuffer(inflated, dtype).reshape(shape)
    check(not array.size or int(array.max()) < high, f"{name} has a number that is not below {high}")
    return array


def integers(rows: Iterable[object], columns: int | None = None) -> bytes:
    values = np.array(list(rows), INT64)
    return pack_array(values if columns is None else values.reshape(-1, columns), INT64)


def split(values: NDArray[Any], lengths: NDArray[Any]) -> list[tuple[int, ...]]:
    check(within(lengths, 0, len(values) + 1) and sum(lengths.tolist()) == len(values), "lengths do not add up")
    ends = np.cumsum(lengths).tolist()
    items = values.tolist()
    return [tuple(items[end - length : end]) for end, length in zip(ends, lengths.tolist(), strict=True)]


def within(values: NDArray[Any], low: int, high: int) -> bool:
    return not values.size or bool(low <= values.min() and values.max() < high)


def fields(packed: object, what: str, *names: str) -> Map:
    found = named(packed, what)
    check(found.keys() == set(names), f"{what} has not the fields {', '.join(names)}")
    return found


def named(packed: object, what: str) -> Map:
    if not isinstance(packed, dict) or not all(type(key) is str for key in cast(Mapping[object, object], packed)):
        raise ContentError(f"{what} is no map of names")
    return cast(Map, packed)


def check(holds: bool, what: str) -> None:
    if not holds:
        raise ContentError(what)


def _header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    return struct.pack(f"<cB{len(shape)}Q", LETTERS[dtype], len(shape), *shape)


def _opened(packed: object, name: str, dtype: np.dtype[Any], dimensions: int) -> tuple[tuple[int, ...], memoryview]:
    header = struct.Struct(f"<cB{dimensions}Q")
    if type(packed) is not bytes or len(packed) < header.size:
        raise ContentError(f"{name} is no array")
    letter, count, *shape = header.unpack_from(packed)
    check(LETTERS[dtype] == letter and count == dimensions, f"{name} is an array of another type")
    check(max(shape) < 2**31, f"{name} has another size than its shape")  # numpy checks it, and raises its own errors
    return tuple(shape), memoryview(packed)[header.size :]

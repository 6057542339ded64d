"""A token automaton as fields of small arrays (`arrays.py`).

    {"class_of": [size], "classes": their number in an array of one,
     "accept": [states] of 0 and 1, "ends": [end ids],
     "byte_class": [256], "moves": [states, byte classes],
     "next": dense, or the three arrays of a sparse one,
     "own_ids": only where there are some}

What follows from these is computed again, so no file can contradict itself. A move is kept as a difference of states,
which counted repeats have in common: 0 for none, else 1 + (next state - state) modulo the number of states. A dense
"next" is [classes, states] of moves. A sparse one has, class by class, the "states" where a class is allowed, as
differences to the one before (modulo the type), the moves there ("steps"), and how many there are ("lengths"). It is
sparse where that has fewer bytes before compression.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sglc.ir.arrays import ContentError, Map, Room, check, fields, named, pack_small, small_type, unpack_small
from sglc.ir.automaton import complete, stuck_state
from sglc.ir.tokens import TokenAutomaton

_MOST = 1 << 31
_FIELDS = ("class_of", "classes", "accept", "ends", "byte_class", "moves")
_SPARSE = ("states", "steps", "lengths")


def pack_automaton(automaton: TokenAutomaton) -> Map:
    count, classes = automaton.next.shape
    return {
        "class_of": pack_small(automaton.class_of, classes),
        "classes": pack_small([classes], _MOST),
        "accept": pack_small(automaton.accept, 2),
        "ends": pack_small(automaton.ends, automaton.size),
        "byte_class": pack_small(automaton.byte_class, 256),
        "moves": pack_small(_to_steps(automaton.moves, np.arange(count)[:, None], count), count + 1),
        **_pack_next(np.ascontiguousarray(automaton.next.T)),
        **({"own_ids": pack_small(automaton.own_ids, automaton.size)} if len(automaton.own_ids) else {}),
    }


def unpack_automaton(packed: object, room: Room) -> TokenAutomaton:
    """Every index in it is in range, and every state that tokens lead to has a way to acceptance. Raises
    `ContentError` for whatever `pack_automaton` does not write."""
    given = named(packed, "an automaton")
    sparse, own = "next" not in given, "own_ids" in given
    names = (*_FIELDS, *(_SPARSE if sparse else ("next",)), *(("own_ids",) if own else ()))
    found = fields(packed, "an automaton", *names)
    classes = int(_only(unpack_small(found["classes"], "classes", _MOST, 1, room)))
    accept = unpack_small(found["accept"], "accept", 2, 1, room).astype(np.bool_)
    count = len(accept)
    check(count > 0 and classes > 0, "an automaton has no states, or no classes")
    class_of = unpack_small(found["class_of"], "class_of", classes, 1, room).astype(np.int32)
    check(len(class_of) > 0, "an automaton has no tokens")
    sizes = np.bincount(class_of, minlength=classes) if classes <= len(class_of) + 1 else np.zeros(2)
    check(bool(np.all(sizes[1:] > 0)), "an automaton has a class without tokens")
    ends = unpack_small(found["ends"], "ends", len(class_of), 1, room).astype(np.int32)
    check(bool(np.all(np.diff(ends) > 0)), "an automaton's end ids are not in order")
    check(not np.any(class_of[ends]), "an automaton's end id is a token of a class")
    byte_class = unpack_small(found["byte_class"], "byte_class", 256, 1, room).copy()
    steps = unpack_small(found["moves"], "moves", count + 1, 2, room)
    check(len(byte_class) == 256 and steps.shape[0] == count, "an automaton's moves are not of its states and bytes")
    check(int(byte_class.max()) < steps.shape[1], "an automaton's moves are not of its states and bytes")
    own_ids = np.empty(0, dtype=np.int32)
    if own:
        own_ids = unpack_small(found["own_ids"], "own_ids", len(class_of), 1, room).astype(np.int32)
        check(len(own_ids) > 0 and bool(np.all(np.diff(own_ids) > 0)), "an automaton's own ids are not in order")
        check(bool(np.all(class_of[own_ids])), "an automaton's own id has no class")
    room.take(8 * count * classes)  # `next` in int32, what it is made of, and what follows from it
    return _checked(
        complete(
            class_of=class_of,
            next_state=(_unpack_sparse if sparse else _unpack_dense)(found, classes, count, room).T,
            accept=accept,
            ends=ends,
            byte_class=byte_class,
            moves=_from_steps(steps, np.arange(count, dtype=np.int32)[:, None], count),
            own_ids=own_ids,
        )
    )


def _checked(automaton: TokenAutomaton) -> TokenAutomaton:
    check(not np.any(automaton.next[:, 0] >= 0), "an automaton allows tokens that have no class")
    check(stuck_state(automaton) is None, "an automaton is stuck")
    return automaton


def _pack_next(by_class: NDArray[np.int32]) -> Map:
    classes, count = by_class.shape
    cells = np.flatnonzero(by_class >= 0)
    size, step = small_type(count).itemsize, small_type(count + 1).itemsize
    if len(cells) * (size + step) + 4 * classes >= by_class.size * step:
        return {"next": pack_small(_to_steps(by_class, np.arange(count), count), count + 1)}
    numbers, states = np.divmod(cells, count)
    high = 1 << (8 * size)
    return {
        "states": pack_small(np.diff(states, prepend=0) % high, high),
        "steps": pack_small(_to_steps(by_class.reshape(-1)[cells], states, count), count + 1),
        "lengths": pack_small(np.bincount(numbers, minlength=classes), count + 1),
    }


def _unpack_dense(found: Map, classes: int, count: int, room: Room) -> NDArray[np.int32]:
    steps = unpack_small(found["next"], "next", count + 1, 2, room)
    check(steps.shape == (classes, count), "an automaton's next is not of its classes and states")
    return _from_steps(steps, np.arange(count, dtype=np.int32), count)


def _unpack_sparse(found: Map, classes: int, count: int, room: Room) -> NDArray[np.int32]:
    dtype = small_type(count)
    gaps = unpack_small(found["states"], "states", 1 << (8 * dtype.itemsize), 1, room)
    states = np.cumsum(gaps, dtype=dtype).astype(np.int32)
    steps = unpack_small(found["steps"], "steps", count + 1, 1, room)
    lengths = unpack_small(found["lengths"], "lengths", count + 1, 1, room).astype(np.int64)
    fits = len(lengths) == classes and len(steps) == len(states) == lengths.sum()
    check(
        fits and (not len(states) or int(states.max()) < count), "an automaton's next is not of its classes and states"
    )
    cells = np.repeat(np.arange(classes) * count, lengths) + states
    check(bool(np.all(np.diff(cells) > 0)), "an automaton's next is not in order")
    check(bool(np.all(steps > 0)), "an automaton's next leads to no state")
    by_class = np.full((classes, count), -1, dtype=np.int32)
    by_class.reshape(-1)[cells] = _from_steps(steps, states, count)
    return by_class


def _to_steps(targets: NDArray[np.int32], states: NDArray[np.integer], count: int) -> NDArray[Any]:
    return np.where(targets < 0, 0, 1 + (targets - states) % count)


def _from_steps(steps: NDArray[Any], states: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    targets = steps.astype(np.int32)
    targets += states - 1
    targets[targets >= count] -= count
    targets[steps == 0] = -1
    return targets


def _only(array: NDArray[Any]) -> Any:
    if len(array) != 1:
        raise ContentError("classes is not one number")
    return array[0]

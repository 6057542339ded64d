from array import array

import numpy as np
from numpy.typing import NDArray

_Numbers = NDArray[np.int32]

def subsets(
    free_begin: array[int],
    free_end: array[int],
    free_to: array[int],
    step_set: array[int],
    step_to: array[int],
    masks: _Numbers,
    words: int,
    first: int,
    max_states: int,
    work: int,
    /,
) -> tuple[bytearray, bytearray, bytearray, bytearray, bytearray, int] | None: ...
def smallest(
    counts: _Numbers,
    letters: NDArray[np.bool_],
    count: int,
    sets: _Numbers,
    targets: _Numbers,
    accept: NDArray[np.bool_],
    work: int,
    /,
) -> tuple[bytearray, bytearray, int] | None: ...
def walk(
    letter_of: NDArray[np.uint8],
    columns: _Numbers,
    letters: int,
    asked: _Numbers,
    byte: NDArray[np.uint8],
    parent: _Numbers,
    first: _Numbers,
    ids: _Numbers,
    first_id: _Numbers,
    node: _Numbers,
    size: int,
    work: int,
    most: int,
    /,
) -> tuple[bytearray, bytearray] | None: ...
def masks(
    by_class: _Numbers, class_of: _Numbers, ends: NDArray[np.bool_], classes: int, end_count: int, end: int, /
) -> tuple[bytearray, bytearray, bytearray, bytearray, bytearray, bytearray, bytearray]: ...

"""What tokens do to an automaton: each is a partial function from states to states.

All tokens are walked at once, down the trie of the vocabulary, level by level. Nodes whose bytes do the same to the
automaton have the same function, and a function is followed by a byte once, however many nodes ask for it. There are
few functions (hundreds for a vocabulary of 128,000), so the work hardly depends on the number of states.

Functions are told apart by a hash of 128 bits: two sums, over the places where a function is defined, of products of
random numbers for the place and for the image. Two functions have the same sums by accident with a probability of about
2 ** -120, so they are not compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sglc.ir.automaton import random_words
from sglc.ir.distances import ranges
from sglc.ir.native import native
from sglc.ir.trie import Trie

Ints = NDArray[np.int64]
_UNKNOWN, _ASKED = -1, -2
_LONG = 400  # pairs of a function from which on it is followed alone
_DENSE = 4  # a level is walked whole where one in so many of the nodes before it is live
_MOST_IN_C = 1 << 16  # states: two numbers of them are one of 32 bits there


class TooMuchWork(Exception):
    """More than `limit` pairs of a state and its image were looked at, or there are too many functions."""


class Functions:
    """Partial functions, one after another in flat arrays: ascending places where they are defined, and their images.

    Function 0 is defined nowhere, function 1 is where all begin. `states` and `images` are int32 and have room to grow;
    function f has the pairs starts[f] .. starts[f] + lengths[f] - 1.

    columns: int32 [letters, states]; the next state, -1 where a letter is not allowed. asked: int32; the states that the
    functions are asked of. A place is an index of it.
    """

    def __init__(self, columns: NDArray[np.int32], asked: NDArray[np.int32], limit: int) -> None:
        count = len(asked)
        self.states = np.arange(count, dtype=np.int32)
        self.images = asked.copy()
        self.starts = np.zeros(2, dtype=np.int64)
        self.lengths = np.array([0, count])
        self._columns = columns
        self._pairs = count
        self._left = limit
        salts = random_words(4, columns.shape[1] + 1)
        salts[2:, -1] = 0  # image -1: a place where a function is not defined adds nothing
        self._salts = (salts[0], salts[1], salts[2], salts[3])
        self._numbers = {(0, 0): 0}

    def __len__(self) -> int:
        return len(self.starts)

    def after(self, functions: Ints, letters: Ints) -> Ints:
        """The number of each function (none is 0) followed by a letter; new ones are kept. Raises `TooMuchWork`."""
        lengths = self.lengths[functions]
        self._left -= int(lengths.sum())
        if self._left < 0:
            raise TooMuchWork
        numbers = np.empty(len(functions), dtype=np.int64)
        long = lengths > _LONG
        for index in np.flatnonzero(long).tolist():
            numbers[index] = self._one(int(functions[index]), int(letters[index]))
        short = np.flatnonzero(~long)
        if len(short):
            numbers[short] = self._many(functions[short], letters[short], lengths[short])
        return numbers

    def _one(self, function: int, letter: int) -> int:
        """`after` for a long function: without flat indices to make, an element costs a third."""
        begin = int(self.starts[function])
        states, images = (a[begin : begin + int(self.lengths[function])] for a in (self.states, self.images))
        images = self._columns[letter].take(images)
        place, place2, image, image2 = self._salts
        key = (
            int(np.dot(place.take(states), image.take(images))),
            int(np.dot(place2.take(states), image2.take(images))),
        )
        number = self._numbers.setdefault(key, len(self))
        if number == len(self):
            defined = images >= 0
            states = states[defined]
            self._keep(states, images[defined], np.array([len(states)]))
        return number

    def _many(self, functions: Ints, letters: Ints, lengths: Ints) -> list[int]:
        at = ranges(self.starts[functions], lengths)
        states = self.states[at]
        offsets = np.repeat(letters * self._columns.shape[1], lengths)
        offsets += self.images[at]
        images = self._columns.reshape(-1).take(offsets)
        place, place2, image, image2 = self._salts
        starts = np.cumsum(lengths) - lengths
        one = np.add.reduceat(place.take(states) * image.take(images), starts).tolist()
        two = np.add.reduceat(place2.take(states) * image2.take(images), starts).tolist()
        before, numbers, new = len(self), list[int](), list[int]()
        for index, key in enumerate(zip(one, two, strict=True)):
            number = self._numbers.setdefault(key, before + len(new))
            if number == before + len(new):
                new.append(index)
            numbers.append(number)
        if new:
            kept = ranges(starts[new], lengths[new])
            states, images = states[kept], images[kept]
            defined = images >= 0
            starts = np.cumsum(lengths[new]) - lengths[new]
            counts = np.add.reduceat(defined, starts, dtype=np.int64)
            self._keep(states[defined], images[defined], counts)
        return numbers

    def _keep(self, states: NDArray[np.int32], images: NDArray[np.int32], lengths: Ints) -> None:
        begin, end = self._pairs, self._pairs + len(states)
        if end > len(self.states):
            self.states, self.images = (_longer(array, 2 * end) for array in (self.states, self.images))
        self.states[begin:end], self.images[begin:end] = states, images
        self.starts = np.concatenate([self.starts, begin + np.cumsum(lengths) - lengths])
        self.lengths = np.concatenate([self.lengths, lengths])
        self._pairs = end


def walk(
    letter_of: NDArray[np.uint8],
    columns: NDArray[np.int32],
    trie: Trie,
    limit: int,
    most: int,
    asked: NDArray[np.int32] | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The class of each id, int32 [ids], and the state after a token of each class, int32 [classes, states]; -1 where it is
    not allowed. Classes are in the order of their first ids; class 0 is of tokens that no state allows.

    letter_of: uint8 [256]; bytes that the automaton does not tell apart have one letter. columns: int32 [letters, states];
    the next state, -1 where a letter is not allowed. asked: int32, as `states` above; None for all of them. Raises
    `TooMuchWork` where more than `limit` pairs of a state and its image are looked at, and where there are more than `most`
    functions.
    """
    columns = np.ascontiguousarray(columns)
    if asked is None:
        asked = np.arange(columns.shape[1], dtype=np.int32)
    if native is None or columns.shape[1] > _MOST_IN_C:
        return _by_class(*_walked(letter_of, columns, trie, limit, most, asked), len(asked))
    nodes = trie.byte, trie.parent, trie.first, trie.ids, trie.first_id, trie.node
    found = native.walk(letter_of, columns, len(columns), asked, *nodes, trie.size, limit, most)
    if found is None:
        raise TooMuchWork
    class_of, after = (np.frombuffer(part, dtype=np.int32) for part in found)
    return class_of, after.reshape(-1, len(asked))


def _by_class(functions: Functions, function_of: Ints, asked: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What `walk` returns, of the functions and the function of each id. asked: how many states."""
    first = np.full(len(functions), len(function_of))
    first[function_of[::-1]] = np.arange(len(function_of))[::-1]  # the last that is written stays
    first[0] = -1
    used = np.flatnonzero(first < len(function_of))
    numbers = used[np.argsort(first[used])]
    class_of = np.zeros(len(functions), dtype=np.int32)
    class_of[numbers] = np.arange(len(numbers))
    after = np.full((len(numbers), asked), -1, dtype=np.int32)
    lengths = functions.lengths[numbers]
    at = ranges(functions.starts[numbers], lengths)
    after[np.repeat(np.arange(len(numbers)), lengths), functions.states[at]] = functions.images[at]
    return class_of.take(function_of), after


def _walked(
    letter_of: NDArray[np.uint8],
    columns: NDArray[np.int32],
    trie: Trie,
    limit: int,
    most: int,
    asked: NDArray[np.int32],
) -> tuple[Functions, Ints]:
    """The functions, and the number of each id's; 0 for an id without bytes."""
    shift = (len(columns) - 1).bit_length()  # a function and a letter are one key: function << shift | letter
    functions = Functions(columns, asked, limit)
    after = np.full(16 << shift, _UNKNOWN, dtype=np.int64)  # key -> the key of what follows and letter 0
    after[: 1 << shift] = 0
    value = np.zeros(len(trie.byte), dtype=np.int64)  # of a node: the key of its function and letter 0
    value[0] = 1 << shift
    letter_at = np.frombuffer(trie.byte.tobytes().translate(letter_of.tobytes()), dtype=np.uint8)
    begin, end = 0, 1
    live = np.zeros(1, dtype=np.int64)
    while len(live):
        dense = len(live) * _DENSE > end - begin
        begin, end = int(trie.first[begin]), int(trie.first[end])  # the next level
        if dense:
            keys = value.take(trie.parent[begin:end])
            keys += letter_at[begin:end]
            value[begin:end] = found = _followed(keys, after, functions, shift)
            live = np.flatnonzero(found) + begin
        else:
            children = trie.first[live + 1] - trie.first[live]
            nodes = ranges(trie.first[live].astype(np.int64), children)
            keys = np.repeat(value[live], children)
            keys += letter_at[nodes]
            value[nodes] = found = _followed(keys, after, functions, shift)
            live = nodes[found > 0]
        if len(functions) > most:
            raise TooMuchWork
        if len(functions) << shift > len(after):
            more = np.full((2 * len(functions) << shift) - len(after), _UNKNOWN, dtype=np.int64)
            after = np.concatenate([after, more])
    function_of = np.zeros(trie.size, dtype=np.int64)
    function_of[trie.ids] = value[trie.node] >> shift
    return functions, function_of


def _followed(keys: Ints, after: Ints, functions: Functions, shift: int) -> Ints:
    """after[keys]; what is not known there yet is found out, each key once."""
    found = after.take(keys)
    if len(found) and found.min() < 0:
        unknown = np.flatnonzero(found < 0)
        after[keys[unknown]] = _ASKED
        new = np.flatnonzero(after == _ASKED)
        after[new] = functions.after(new >> shift, new & ((1 << shift) - 1)) << shift
        found[unknown] = after[keys[unknown]]
    return found


def _longer(array: NDArray[np.int32], size: int) -> NDArray[np.int32]:
    longer = np.empty(size, dtype=np.int32)
    longer[: len(array)] = array
    return longer

"""Stop strings, text and endings of an answer, against a brute-force oracle that sees the whole text at once."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.runtime.engine.answer import Answer
from sglc.runtime.engine.request import Request
from tests.engine.support import END, VOCABULARY, Bytes, words


def feed(request: Request, tokens: list[int], vocabulary: tuple[bytes | None, ...] = VOCABULARY) -> Answer:
    """The answer after as many of the ids as it takes."""
    answer = Answer(request, Bytes(vocabulary))
    for token in tokens:
        if answer.reason is not None:
            break
        answer.take(token)
    return answer


def split(text: bytes, random: Random) -> tuple[bytes | None, ...]:
    """The text in random pieces, with control tokens and empty pieces in between."""
    pieces: list[bytes | None] = []
    while text:
        size = random.randint(0, 4)
        pieces.append(text[:size] if random.random() < 0.9 else None)
        text = text[size:] if pieces[-1] is not None else text
    return tuple(pieces)


def cut(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """The text before the stop string that is completed first, the longest of those; one character after the other."""
    for end in range(1, len(text) + 1):
        for stop in sorted(stops, key=len, reverse=True):
            if text[:end].endswith(stop):
                return text[: end - len(stop)], stop
    return text, None


@pytest.mark.parametrize("seed", range(4))
def test_stop_strings_do_not_depend_on_the_split(seed: int) -> None:
    random = Random(seed)
    stopped = 0
    for _ in range(5_000):
        text = "".join(random.choices("aab€é", k=random.randint(0, 14)))
        stops = tuple({"".join(random.choices("aab€", k=random.randint(1, 4))) for _ in range(random.randint(1, 3))})
        pieces = split(text.encode(), random)
        answer = feed(Request(ids=[0], max_tokens=len(pieces), stop=stops), list(range(len(pieces))), pieces)
        wanted, stop = cut(text, stops)
        ids, got = answer.result() if pieces else ((), "")
        assert (got, answer.stop) == (wanted, stop), (text, stops, pieces)
        before = len(wanted.encode())
        whole = [n for n in range(len(ids) + 2) if len(b"".join(p or b"" for p in pieces[:n])) <= before]
        assert len(ids) == min(whole[-1], len(pieces)), "the ids whose text is wholly within the answer"
        stopped += stop is not None
    assert 1_000 < stopped < 4_900


@given(st.lists(st.binary(max_size=3), max_size=12))
def test_the_text_is_the_whole_decode(pieces: list[bytes]) -> None:
    answer = feed(Request(ids=[0], max_tokens=len(pieces), stop=("\0" * 40,)), [*range(len(pieces))], tuple(pieces))
    assert answer.result() == (tuple(range(len(pieces))), b"".join(pieces).decode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("request_", "tokens", "ids", "text", "reason", "stop"),
    [
        (Request(ids=[9], max_tokens=3), [2, 3, 4], (2, 3, 4), "abc", "length", None),
        (Request(ids=[9], max_tokens=3, end_ids=frozenset({END})), [2, END], (2,), "a", "stop", END),
        (Request(ids=[9], max_tokens=3, end_ids=frozenset({END})), [END], (), "", "stop", END),
        (Request(ids=[9], max_tokens=3), [2, END, 3], (2, END, 3), "ab", "length", None),
        # A stop string within an id: its text counts, the id does not.
        (Request(ids=[9], max_tokens=3, stop=("b",)), [2, 7], (2,), "aa", "stop", "b"),
        (Request(ids=[9], max_tokens=3, stop=("b",)), [3], (), "", "stop", "b"),
        # What was completed before `min_tokens` ids counts no more; what reaches over them does.
        (
            Request(ids=[9], max_tokens=4, min_tokens=3, stop=("ab",)),
            [2, 3, 4, 2],
            (2, 3, 4, 2),
            "abca",
            "length",
            None,
        ),
        (Request(ids=[9], max_tokens=4, min_tokens=3, stop=("bc",)), [2, 3, 4, 2], (2,), "a", "stop", "bc"),
        # The first completed, then the longest.
        (Request(ids=[9], max_tokens=4, stop=("abc", "b")), [7], (), "a", "stop", "b"),
        (Request(ids=[9], max_tokens=4, stop=("c", "bc")), [7], (), "a", "stop", "bc"),
        # Patterns: the character that completes the first match ends the answer, and the match is cut.
        (Request(ids=[9], max_tokens=4, stop_regex=("b+c",)), [2, 3, 3, 4], (2,), "a", "stop", "b+c"),
        (Request(ids=[9], max_tokens=4, stop_regex=("b+",)), [2, 3, 3, 4], (2,), "a", "stop", "b+"),
        (Request(ids=[9], max_tokens=3, stop_regex=("c$",)), [2, 7], (2,), "aab", "stop", "c$"),
        (Request(ids=[9], max_tokens=3, stop_regex=("b$",)), [7], (), "a", "stop", "b$"),
        (Request(ids=[9], max_tokens=4, stop_regex=("z", "€.")), [11, 12, 13, 14], (), "", "stop", "€."),
        (Request(ids=[9], max_tokens=4, stop_regex=("a(?=bc)",)), [3, 2, 3, 4], (3,), "b", "stop", "a(?=bc)"),
        (
            Request(ids=[9], max_tokens=4, min_tokens=3, stop_regex=("ab",)),
            [2, 3, 4, 2],
            (2, 3, 4, 2),
            "abca",
            "length",
            None,
        ),
        (Request(ids=[9], max_tokens=4, min_tokens=3, stop_regex=("b?c",)), [2, 3, 4], (2,), "a", "stop", "b?c"),
        (Request(ids=[9], max_tokens=4, stop=("c",), stop_regex=("b.",)), [2, 3, 4], (2,), "a", "stop", "b."),
        (Request(ids=[9], max_tokens=4, stop=("bc",), stop_regex=("b.",)), [2, 3, 4], (2,), "a", "stop", "bc"),
        (Request(ids=[9], max_tokens=4, stop=("c",), stop_regex=("b",)), [2, 7], (2,), "aa", "stop", "b"),
        (Request(ids=[9], max_tokens=9, stop_regex=("aa$",), constraint=words("aaaa")), [], (), "", "stop", "aa$"),
        # An unfinished character is not there yet, and in the end is a replacement character.
        (Request(ids=[9], max_tokens=2, stop=("\ufffd",)), [2, 15], (2, 15), "a\ufffd", "length", None),
        (Request(ids=[9], max_tokens=3, stop=("\ufffd",)), [12, 2, 2], (), "", "stop", "\ufffd"),
        (Request(ids=[9], max_tokens=4, stop=("€",)), [2, 12, 13, 14], (2,), "a", "stop", "€"),
        (Request(ids=[9], max_tokens=4, stop=("a",)), [12, 13, 14, 2], (12, 13, 14), "€", "stop", "a"),
        # The constraint: forced ids come by themselves, and the end of them is an ending.
        (Request(ids=[9], max_tokens=9, constraint=words("aaaa")), [], (2, 2, 2, 2), "aaaa", "match", None),
        (Request(ids=[9], max_tokens=4, constraint=words("aaaa")), [], (2, 2, 2, 2), "aaaa", "match", None),
        (Request(ids=[9], max_tokens=3, constraint=words("aaaa")), [], (2, 2, 2), "aaa", "length", None),
        (Request(ids=[9], max_tokens=9, stop=("aa",), constraint=words("aaaa")), [], (), "", "stop", "aa"),
        (Request(ids=[9], max_tokens=9, constraint=words("ca", "b")), [4], (4, 2), "ca", "match", None),
        (Request(ids=[9], max_tokens=9, constraint=words("ca", "c")), [4, END], (4,), "c", "stop", END),
        (Request(ids=[9], max_tokens=0), [], (), "", "length", None),
    ],
)
def test_endings(
    request_: Request, tokens: list[int], ids: tuple[int, ...], text: str, reason: str, stop: str | int | None
) -> None:
    answer = feed(request_, tokens)
    assert (*answer.result(), answer.reason, answer.stop) == (ids, text, reason, stop)


@pytest.mark.parametrize(
    ("request_", "tokens", "news"),
    [
        (Request(ids=[9], max_tokens=9, stream=True), [2, 3, 10, 5], ["a", "b", "", "ab"]),
        (Request(ids=[9], max_tokens=9, stream=True), [12, 13, 14, 15, 2], ["", "", "€", "", "\ufffda"]),
        (Request(ids=[9], max_tokens=9, stream=True, stop=("abc",)), [5, 2, 3, 3], ["", "ab", "", "abb"]),
        (Request(ids=[9], max_tokens=9, stream=True, stop_regex=("b+ ",)), [2, 3, 3, 4], ["a", "", "", "bbc"]),
        (Request(ids=[9], max_tokens=9, stream=True, stop_regex=(r"(.)\1",)), [2, 3, 4], ["", "", ""]),
        # What is left in the end comes with the result.
        (Request(ids=[9], max_tokens=2, stream=True), [2, 3], ["a", ""]),
        (Request(ids=[9], max_tokens=9, stream=True, stop=("c",)), [2, 7], ["a", ""]),
        (Request(ids=[9], max_tokens=9, stream=True, constraint=words("aaab", "aaac")), [5], [""]),
    ],
)
def test_news(request_: Request, tokens: list[int], news: list[str]) -> None:
    answer = Answer(request_, Bytes())
    told: list[str] = []
    for token in tokens:
        answer.take(token)
        told.append(answer.news())
    assert told == news


def test_forced_text_is_news() -> None:
    answer = Answer(Request(ids=[9], max_tokens=9, stream=True, constraint=words("aaab", "aaac")), Bytes())
    assert (answer.news(), answer.news()) == ("aa", "")


def test_the_work_for_an_id_does_not_grow_with_the_answer() -> None:
    answer = feed(Request(ids=[9], max_tokens=10**6, stop=("bbb", "a€")), [3, 4, 11] * 10_000)
    assert answer._stops is not None
    assert len(answer._stops._tail) == 2, "what is searched again"
    assert answer.reason is None
    answer.take(2)
    answer.take(11)
    assert len(answer.result()[0]) == 30_000

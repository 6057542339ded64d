"""A model that knows the examples: for each of them a function that answers by looking at the prompt.

Prompts are texts with roles as tags: `<user>...</user>`. The answers are chosen so that the programs take their
interesting ways: tools that fail, votes that are not unanimous, an answer that is cut off.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable

from sglc.runtime.scripted import Question

PLACES = (
    "Mont Blanc", "Ben Nevis", "Kilimanjaro", "Denali", "Olympus Mons",
    "Nile", "Rhine", "Danube", "Thames", "Big Ben", "Eiffel Tower",
)  # fmt: skip
ENDINGS = (
    "reels it in", "puts on thick", "pull their", "follows her", "trims the", "hide behind", "begins to", "looks for",
)  # fmt: skip
LETTERS = {
    "Which gas": "C",
    "At which temperature": "A",
    "What is the sum": "C",
    "Which part": "B",
    "A fair coin": "D",
    "Why is": "B",
    "Which of": "C",
    "What does": "A",
    "Which metal": "B",
    "How long": "C",
    "What is the derivative": "B",
    "Where do": "D",
}
"""The first words of a question -> the letter of its answer."""

NUMBERS = {
    "A shop sells": "34",
    "A tank holds": "40",
    "Tom is": "16",
    "A train leaves": "240",
    "Of 60 pupils": "30",
    "A rectangle": "192",
    "Ben reads": "252",
    "A ticket": "49",
    "A farmer": "12",
    "A film": "30",
    "Three friends": "42",
    "A snail": "4",
    "A recipe": "750",
    "A rope": "6",
}
"""The first words of a problem -> its answer."""


def judge(question: Question) -> str:
    if question.choices:
        scores = [int(score) for score in re.findall(r": (\d+) of 10", question.prompt)]
        mean = sum(scores) / len(scores)
        return "accept" if mean > 6 else "revise" if mean > 5 else "reject"
    subject = re.findall(r"Judge its (\w+)", question.prompt)[-1]
    if question.prompt.endswith("Score: "):
        return str(1 + _hash(question.prompt) % 10)
    return f"The {subject} is decided in the {_hash(question.prompt) % 5 + 1}. sentence."


def mmlu(question: Question) -> str:
    asked = _after(question.prompt, "Question: ")
    return next(letter for words, letter in LETTERS.items() if asked.startswith(words))


def hellaswag(question: Question) -> str:
    return next(choice for choice in question.choices if choice.startswith(ENDINGS))


def react(question: Question) -> str:
    """Looks up each place of the question, calculates with the first number of each entry, and finishes; never stops
    looking for a place that is not in the book. One question begins with an action that there is not."""
    task = _after(question.prompt, "Question: ")
    asked, *_ = task.splitlines()
    entries = re.findall(r"Observation: (.*)", task)
    if question.prompt.endswith("Thought: "):
        return f"I have seen {len(entries)} observations."
    if asked.startswith("How many Eiffel Towers") and not entries:
        return "Guess[19]"
    places = [place for place in PLACES if place in asked]
    known = [entry for entry in entries if re.search(r" is a ", entry)]
    if len(known) < len(places):
        return f"  Look up[{places[len(known)]}]"
    numbers = [_number_of(entry, finished="finished" in asked) for entry in known]
    if "In which country" in asked:
        return f"Finish[{known[0].removesuffix('.').rpartition(' in ')[2]}]"
    if entries[-1] in known:
        return f"Calculate[{_expression(asked, numbers)}]"
    return f"Finish[{entries[-1]}]"


def _number_of(entry: str, *, finished: bool) -> str:
    return re.findall(r"\d+", entry)[-1 if finished else 0]


def _expression(asked: str, numbers: list[str]) -> str:
    first, second = sorted(numbers, key=int, reverse=True)
    if "together" in asked:
        return f"{first} + {second}"
    if "mean" in asked:
        return f"({first} + {second}) / 2"
    return f"{first} / {second}" if "times as long" in asked or "as high as" in asked else f"{first} - {second}"


def generative_agents(question: Question) -> str:
    last = question.prompt.splitlines()[-1]
    if question.choices:
        (importance,) = re.findall(r"turn in life\? (\d)", question.prompt)
        return "react" if int(importance) > 5 else "carry on"
    if last.startswith("How much"):
        return str(1 + _hash(question.prompt) % 9)
    if last.startswith("The chronicle"):
        return f" {question.prompt.count('in mind')} people will remember it."
    return f" go and see, and tell the others of it ({_hash(question.prompt) % 1000})."


def tree_of_thought(question: Question) -> str:
    last = question.prompt.splitlines()[-1]
    if last.startswith("The answer is"):
        return _solution(question.prompt)
    if last.startswith("Is this step"):
        return str(1 + _hash(question.prompt) % 10)
    return f" I try way number {question.seed % 1000}."


def skeleton_of_thought(question: Question) -> str:
    points = ("Begin with little", "Ask who knows", "Keep at it, every day", "Look back and change what fails")
    message = question.prompt.rpartition("<assistant>")[2]
    if message:
        return points[int(message.splitlines()[-1][0]) - 1]
    point = re.findall(r"Work out point \d, (.+?), in one", question.prompt)[-1]
    return f"{point}: that is easier than it sounds."


def json_extraction(question: Question) -> str:
    message = re.findall(r"<user>(.*)</user>", question.prompt)[-1]
    counts = [int(digits) for digits in re.findall(r"\d+", message)] or [1]
    order = {
        "customer": message.rstrip(".").rpartition(". ")[2][:30],
        "items": [{"article": f"article {number}", "count": count} for number, count in enumerate(counts)],
        "delivery": "express" if "fast" in message or "tomorrow" in message else "standard",
        "gift": "birthday" in message or "present" in message,
    }
    return json.dumps(order)[:20] if "!" in message else json.dumps(order)


def multi_turn_chat(question: Question) -> str:
    asked = re.findall(r"<user>(.*?)</user>", question.prompt)
    subject = asked[-1].rstrip("?")
    return subject if "few words" in question.prompt else f"You ask '{subject}', your {len(asked)}. question."


def retrieval(question: Question) -> str:
    asked = re.findall(r"<user>(.*)", question.prompt)[0]
    if question.choices:
        return "no" if "do not say" in question.prompt else "yes"
    if question.prompt.endswith("Search: "):
        return " ".join(asked.rstrip("?").split()[-3:])
    if "cost" in asked or "protein" in asked:
        return "The passages do not say."
    return re.findall(r"^- (.*)", question.prompt, re.MULTILINE)[0]


def self_consistency(question: Question) -> str:
    """Right three times out of five, or so: it depends on the draw of the thought."""
    if question.prompt.endswith("Thought:"):
        return f" I have counted {question.seed % 5} times."
    counted = int(re.findall(r"counted (\d)", question.prompt)[-1])
    return _solution(question.prompt) if counted < 3 else str(counted)


def map_reduce_summary(question: Question) -> str:
    message = re.findall(r"<user>(.*?)</user>", question.prompt, re.DOTALL)[-1]
    if question.prompt.endswith("Summary: "):
        return " ".join(note.split(".")[0] + "." for note in message.split("\n- ")[1:])
    if question.prompt.endswith("Headline: "):
        return re.findall(r"report '(.*)'", question.prompt)[0]
    return ".".join(message.split(".")[:2]) + "."


def _after(prompt: str, words: str) -> str:
    return prompt.rpartition(words)[2]


def _solution(prompt: str) -> str:
    problem = _after(prompt, "Problem: ")
    return next(number for words, number in NUMBERS.items() if problem.startswith(words))


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())


ANSWERS: dict[str, Callable[[Question], str]] = {
    answer.__name__: answer
    for answer in (
        mmlu,
        hellaswag,
        react,
        generative_agents,
        tree_of_thought,
        skeleton_of_thought,
        judge,
        json_extraction,
        multi_turn_chat,
        retrieval,
        self_consistency,
        map_reduce_summary,
    )
}
"""By the name of the example."""

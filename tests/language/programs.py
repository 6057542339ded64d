"""Programs that the tests of the language trace, compile and interpret."""

from __future__ import annotations

from typing import Any

import sglc as sgl

GREEDY: dict[str, Any] = {"temperature": 0}


@sgl.function
def plain(s, topic):
    s += "A word about " + topic + ":" + sgl.gen("word", max_tokens=6, **GREEDY)


@sgl.function
def formatted(s, name, count: int = 2):
    s += f"{name} has {count} apples." + " %s eats one." % name  # noqa: UP031 - the old way is what is tested
    s += "{} smiles.".format("So " + name) + sgl.gen("next", max_tokens=5, **GREEDY)


@sgl.function
def chat(s, question):
    s += sgl.system("Answer in one word.")
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("first", max_tokens=8, stop=["\n", "."], **GREEDY))
    with s.user():
        s += "Are you sure about " + s["first"] + "?"
    s += sgl.assistant_begin()
    s += sgl.gen("second", max_tokens=8, temperature=0.8, top_p=0.9)
    s += sgl.assistant_end()
    return {"first": s["first"], "both": [s["first"], s["second"]], "count": 2}


@sgl.function
def forks(s, subject):
    s += "On " + subject + ".\n"
    group = s.fork(3)
    group += lambda i: f"Point {i + 1}:"
    group += sgl.gen("point", max_tokens=6, temperature=1.0)
    for i in range(3):
        group[i] += " Score:" + sgl.gen("score", regex="[1-9]|10", **GREEDY)
    group.join()
    for point, score in zip(s["point"], s["score"], strict=True):
        s += f"- {point} ({score})\n"
    s += "Verdict: " + sgl.select("verdict", choices=["good", "bad", "neither of the two"])


@sgl.function
def concatenated(s, subject):
    s += "About " + subject + ":"
    group = s.fork(2)
    group += [" one", " two"]
    group += sgl.gen("part", max_tokens=4, **GREEDY)
    group.join("concate_and_append")
    s += " End." + sgl.gen("end", max_tokens=3, **GREEDY)


@sgl.function
def summary(s, text):
    s += "Sum up: " + text + "\nSummary:" + sgl.gen("summary", max_tokens=6, stop="\n", **GREEDY)


@sgl.function
def nested(s, first, second):
    one = summary(text=first)
    two = summary.run(text=second, max_new_tokens=3)
    s += f"1. {one['summary']}\n2. {two['summary']}\nTogether:" + sgl.gen("together", max_tokens=5, **GREEDY)


@sgl.function
def loop(s, docs, short: bool = False):
    for number, doc in enumerate(docs):
        s += f"[{number}] {doc}\n"
        if not short:
            s += "Note:" + sgl.gen(f"note{number}", max_tokens=4, **GREEDY) + "\n"
    s.set_var("titles", list(docs))
    s += "All:" + sgl.gen("all", max_tokens=4, **GREEDY)


@sgl.function
def typed(s):
    s += "A number: " + sgl.gen("number", dtype=int, max_tokens=4, **GREEDY)
    s += " A truth: " + sgl.gen("truth", dtype=bool, **GREEDY)
    s += " A choice: " + sgl.gen("choice", choices=["left", "right"])


@sgl.function
def sampled(s, topic):
    with s.copy() as aside:
        aside += topic + " is" + sgl.gen("aside", max_tokens=5, temperature=1.2, top_k=50)
    s += topic + " was" + sgl.gen("b", max_tokens=5, temperature=1.2, min_p=0.02, frequency_penalty=0.5, seed=7)
    s += sgl.join(", ", [s["b"], topic])


CASES = [
    (plain, {"topic": "rivers"}),
    (formatted, {"name": "Ada"}),
    (formatted, {"name": "Ada", "count": 5}),
    (chat, {"question": "Is water wet?"}),
    (forks, {"subject": "old maps and the people who drew them"}),
    (concatenated, {"subject": "bread"}),
    (nested, {"first": "The sun rose over the hills.", "second": "It rained all day."}),
    (loop, {"docs": ["one", "two"]}),
    (loop, {"docs": ["one", "two", "three"], "short": True}),
    (loop, {"docs": []}),
    (typed, {}),
    (sampled, {"topic": "Tea"}),
]
"""Program and arguments of one call."""

"""Flow: loops, branches, matches."""

from __future__ import annotations

import json

from tests.language.idioms.table import JSONS, WORDS, Verdict, ask, idiom, start


@idiom("yes", ["no", "yes"], ["no", "", "no", "yes"], ["no"], ["é", "yes"])
def while_not_yes(s, row):
    a = start(s, row)
    rounds = 0
    while a != "yes" and rounds < 4:
        rounds += 1
        a = ask(s, "a")
    return rounds


@idiom("yes", "no", ["no", "maybe", "yes"], ["maybe", "no"], "")
def while_true_with_break(s, row):
    s += row
    kept = []
    while True:
        a = ask(s, "a")
        if a == "maybe":
            continue
        kept.append(a)
        if a == "yes" or len(kept) == 3:
            break
    else:
        s += " never"
    return kept


@idiom("x", "a b", "", "b stop a", "stop")
def for_else(s, row):
    a = start(s, row)
    for word in a.split():
        if word == "stop":
            s += " stopped"
            break
        if word == "a":
            continue
        s += f" {word}"
    else:
        s += " all"


@idiom(*WORDS)
def early_return(s, row):
    a = start(s, row)
    if a == "no":
        return None
    s += " more"
    if a.startswith("y"):
        return ask(s, "b")
    s += " end"
    return "end"


@idiom({"a": "x", "b": "y"}, {"a": "a b", "b": "b"}, {"a": "", "b": ""}, {"a": "b c", "b": "c b"})
def nested_loops(s, row):
    a, b = start(s, row), ask(s, "b")
    pairs = [(x, y) for x in a.split() for y in b.split() if x <= y]
    for x in a.split():
        for y in b.split():
            if x == y:
                s += f" {x}"
                break
        else:
            s += f" no {x}"
    return pairs


@idiom(*WORDS)
def match_literals(s, row):
    a = start(s, row)
    match a:
        case "yes":
            s += " one"
        case "no" | "":
            s += " two"
        case str(text) if text.isupper():
            s += " three"
        case other:
            s += f" {other}"


@idiom("x", "go north", "go", "", "take lamp now", "quit")
def match_sequence(s, row):
    a = start(s, row)
    match a.split():
        case ["go", direction]:
            s += f" going {direction}"
        case ["take", thing, *rest]:
            s += f" taking {thing} {len(rest)}"
        case []:
            s += " nothing"
        case [word] if word == "quit":
            return "quit"
        case [first, *_]:
            s += f" what is {first}?"


@idiom(*JSONS)
def match_json(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)
    except ValueError:
        value = ...
    match value:
        case {"k": str(text)}:
            s += f" {text}"
        case {"k": {"n": [bool(flag), *_]}}:
            s += f" {flag}"
        case [int(), int()]:
            s += " two"
        case None | int():
            s += " scalar"
        case _:
            s += " other"


@idiom(*WORDS)
def match_class(s, row):
    a = start(s, row)
    match Verdict(a, len(a)):
        case Verdict("yes", weight):
            s += f" yes {weight}"
        case Verdict(word, 2):
            s += f" two {word}"
        case Verdict(word=word, weight=0):
            s += " empty"
        case _:
            s += " other"


@idiom("x", "b a", "", "a a")
def comprehension_of_gens(s, row):
    a = start(s, row)
    answers = [ask(s, f"{word}_") for word in a.split() if word != "x"]
    return {"answers": answers, "count": len(answers)}


@idiom(
    {"a": "search", "b": "x"},
    {"a": ["search", "finish"], "b": "found"},
    {"a": ["think", "search", "finish"], "b": "y"},
    {"a": "finish"},
    {"a": ""},
)
def agent_loop(s, row):
    a = start(s, row)
    for step in range(3):
        action, _, rest = a.partition(" ")
        if action == "finish":
            return f"finished at {step}"
        if action == "search":
            s += f" observed {ask(s, 'b')}"
        elif not action:
            break
        a = ask(s, "a")
    return "gave up"

"""Forks and copies of the state."""

from __future__ import annotations

from tests.language.idioms.table import ask, idiom, start


@idiom(
    {"a": "x", "b": "1", "c": "2"},
    {"a": "yes", "b": "1", "c": "x"},
    {"a": "", "b": "x", "c": "x"},
    {"a": "yes", "b": "x", "c": "3"},
)
def branches_in_forks(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for name, fork in zip("bc", forks, strict=True):
        answer = ask(fork, name)
        if answer.isdigit():
            fork += f" number {a}"
            fork["score"] = int(answer)
        elif a == "yes":
            fork["score"] = -1
            ask(fork, "d")
    forks.join()
    s += f" {s['score']}" if "score" in s else " no score"
    return [s["b"], s["c"], "d" in s]


@idiom("2", "1", "3", "x", "02")
def forks_by_answer(s, row):
    a = start(s, row)
    try:
        forks = s.fork(int(a))
    except ValueError:
        forks = s.fork(2)
    forks += lambda i: f" {i}:"
    for fork in forks:
        ask(fork, "b")
    forks.join()
    return [len(s["b"]), s["b"] == ["2", "2"]]


@idiom("2", "1", "0", "x", plain=False)
def fork_of_none(s, row):
    a = start(s, row)
    forks = s.fork(int(a) if a.isdigit() else -1)
    return len(forks)


@idiom("x", "yes", "", "no")
def copy_of_the_state(s, row):
    a = start(s, row)
    with s.copy() as aside:
        aside += f" aside {a}"
        if a == "yes":
            ask(aside, "b")
    s += " b" if "b" in s else " no b"
    return s["b"] if "b" in s else None


@idiom("x", "yes", "", "no")
def forks_of_forks(s, row):
    a = start(s, row)
    outer = s.fork(2)
    for i, fork in enumerate(outer):
        fork += f" {i}"
        inner_forks = fork.fork(2)
        for j, state in enumerate(inner_forks):
            if ask(state, "b") == "yes" or j:
                state["place"] = f"{i}{j}{a}"
        inner_forks.join()
        fork += str(fork["place"])
    outer.join()
    return [s["b"], s["place"]]


@idiom({"a": "x", "b": "y"}, {"a": "yes", "b": "y"}, {"a": "", "b": ""}, {"a": "no", "b": "yes"})
def fork_that_goes_on(s, row):
    a = start(s, row)
    forks = s.fork(3)
    s += " parent"
    for i, fork in enumerate(forks):
        if i == 1 and a == "yes":
            continue
        ask(fork, "b")
    forks[0]["a"] = "overwritten" if forks[2]["b"] == "yes" else a
    forks.join()
    s += f" {s['b']}"
    return s["a"]


@idiom("x", "yes", "", "no")
def forks_not_joined(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for fork in forks:
        fork += a
        ask(fork, "b")
    s += " agreed" if forks[0]["b"] == "yes" else " not"
    return [forks[1]["b"], "b" in s, len(forks[1].text())]


@idiom("x", "yes", "", "7")
def fork_names_by_answer(s, row):
    a = start(s, row)
    forks = s.fork(2)
    for i, fork in enumerate(forks):
        ask(fork, f"b{i}{a}")
    forks.join()
    return sorted(name for name in ("b0yes", "b1yes", "b07", "b17", "b0") if name in s)


@idiom("x", "yes", "", "no", plain=False)
def forks_concatenated(s, row):
    a = start(s, row)
    forks = s.fork(2)
    forks += [" one", " two"]
    if a != "no":
        forks[0] += a.upper()
    forks.join("concate_and_append")

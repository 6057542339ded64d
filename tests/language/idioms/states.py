"""What bodies do with the state."""

from __future__ import annotations

import collections

import sglc as sgl
from tests.language.idioms.table import WORDS, ask, idiom, start


@idiom(*WORDS)
def text_in_the_body(s, row):
    start(s, row)
    if s.text().endswith("yes"):
        s += " agreed"
    s += f" ({len(s.text())})"


@idiom(*WORDS)
def messages_in_the_body(s, row):
    s += row
    s += sgl.user("Is it?")
    with s.assistant():
        a = ask(s, "a")
    s += sgl.user("Sure?" if a == "yes" else "Why " + a)
    if len(s.messages()) == 3 and s.messages()[1]["content"].endswith("no"):
        s += sgl.assistant("No.")
    return s.messages()


@idiom(*WORDS)
def meta_in_the_body(s, row):
    a = start(s, row)
    meta = s.get_meta_info("a")
    if meta["finish_reason"]["type"] == "stop" and a != "no":
        s += " stopped"
    return [meta["finish_reason"], s.get_meta_info("nothing")]


@idiom(*WORDS)
def variables_of_the_state(s, row):
    a = start(s, row)
    s["copy"] = a + "!"
    s.set_var("kept", [a, {"k": a}])
    s += s["copy"] + (" b" if "b" in s else " no b")
    if s.get_var("copy") == "yes!":
        ask(s, "b")
    return [s["kept"], "b" in s, "copy" in s]


@idiom(*WORDS)
def list_variable_grows(s, row):
    a = start(s, row)
    s["kept"] = []
    s["kept"].append(a)
    if a == "yes":
        s["kept"].append(ask(s, "b"))
    return s["kept"]


@idiom(*WORDS)
def answers_in_a_list_variable(s, row):
    a = start(s, row)
    s["kept"] = [a, ask(s, "b")]
    return s.get_meta_info("kept")


@idiom(*WORDS)
def aliases_of_the_state(s, row):
    a = start(s, row)
    same = s
    same += " same"
    holder = {"state": s}
    if a == "yes":
        ask(holder["state"], "b")
    return [same is s, same.text() == s.text()]


@idiom("x", "y", "yes", "", "abcdefgh")
def loop_on_the_text(s, row):
    start(s, row)
    before = len(s.text())
    while len(s.text()) < before + 12:
        s += "." + ask(s, "b")
    return s.text()[before:].count(".")


@idiom(*WORDS)
def early_return_in_a_message(s, row):
    s += row
    with s.assistant():
        a = ask(s, "a")
        if a == "yes":
            return "early"
        s += " later"
    return "late"


@idiom(*WORDS)
def expression_by_answer(s, row):
    a = start(s, row)
    expression = "\nb=" + sgl.gen("b") if a == "yes" else "\nb=" + sgl.select("b", choices=["p", a, "so"])
    s += expression
    s += expression
    return s["b"]


@idiom(*WORDS)
def unnamed_answers(s, row):
    s += row
    s += "\na=" + sgl.gen() + "\nb=" + sgl.gen()
    if s.text().endswith("yes"):
        s += " agreed"


@idiom(*WORDS)
def joined_by_sglc(s, row):
    a = start(s, row)
    text = sgl.join(", ", [a, "k", f"{a}!"])
    s += text
    if text == "yes, k, yes!":
        s += " agreed"
    return text


@idiom(*WORDS)
def variable_overwritten(s, row):
    a = start(s, row)
    s["a"] = a.upper()
    if s["a"] == "YES":
        s["a"] = 5
    return s["a"]


@idiom(*WORDS)
def scope_of_a_variable(s, row):
    a = start(s, row)
    with s.var_scope("part"):
        s += f" <{a}"
        if a == "yes":
            ask(s, "b")
        s += ">"
    return [s["part"], len(s["part"])]


@idiom("so", "no", "yes", "", "why")
def roles_by_answer(s, row):
    a = start(s, row)
    if a == "no":
        s += sgl.system("No.")
    s += sgl.user("And " + a) if a else sgl.assistant("Silence.")


@idiom({"a": "x", "b": "y"}, {"a": "yes", "b": "no"}, {"a": "", "b": "yes"}, {"a": "yes", "b": "yes"})
def select_then_branch(s, row):
    start(s, row)
    s += "\nb=" + sgl.select("b", choices=["yes", "no", ""])
    if s["b"] == "yes":
        s += " agreed"
    elif s["a"] == "yes":
        s += " half"
    return {"yes": 1, "no": 2, "": 3}[s["b"]]


@idiom({"a": "x", "b": "x"}, {"a": "p,q", "b": "q"}, {"a": "q,p", "b": "p"}, {"a": "", "b": ""})
def select_of_generated_choices(s, row):
    a = start(s, row)
    choices = a.split(",")
    s += "\nb=" + sgl.select("b", choices=choices)
    return choices.index(s["b"])


@idiom("1", "3", "x", "", "2")
def settings_by_answer(s, row):
    a = start(s, row)
    s += "\nb=" + sgl.gen("b", max_tokens=int(a) if a.isdigit() else 9, stop=a or None)
    return len(s["b"])


@idiom("b", "c", "x", "é", "b")
def name_by_answer(s, row):
    a = start(s, row)
    s += "\nn=" + sgl.gen(f"name_{a}")
    return [s["name_" + a], "name_b" in s]


@idiom("x", "yes", "", "no")
def several_answers(s, row):
    s += row
    s += "\na=" + sgl.gen("a", n=3)
    if s["a"][0] == "yes":
        s += " first"
    return [len(s["a"]), collections.Counter(s["a"]).most_common(1)[0][0]]


@idiom("7", "12", "x", "", "-3")
def typed_gen(s, row):
    s += row
    s += "\na=" + sgl.gen_int("a")
    if s["a"].isdigit() and int(s["a"]) > 10:
        s += " large"

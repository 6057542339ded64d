"""Bodies with f-strings: those whose lines only append them, and those that might look at them. (No test module: pytest
changes the code of those, and then it is not what the source says.)"""

from __future__ import annotations

import functools
import types

import sglc as sgl


@sgl.host
def search(query: str) -> str:
    return f"found {query}"


@sgl.function
def inner(s, q):
    s += q + sgl.gen("i")


def _limited(function):
    @functools.wraps(function)
    def checked(text):
        return function(text) if len(text) < 20 else "too long"

    return checked


checked_search = _limited(search)
PHRASES = types.SimpleNamespace(greeting="Hi {}!".format, shout=lambda text: text.upper())


class Tools:
    @sgl.host
    def find(self, query: str) -> str:
        return f"found {query}"


TOOLS = Tools()


def _shouted(text: str) -> str:
    return text.upper()


TEMPLATE = "Q: %s"


def plain_append(s, q):
    s += f"Q: {q}\nA:" + sgl.gen("a")
    s += f", {s['a']!r} {s['a']:>9}." + "!"


def plain_in_forks(s, q):
    forks = s.fork(2)
    forks += lambda number: f"{q} {number}" + sgl.gen("a")
    for number in range(2):
        forks[number] += f"{q} {number % 2}" + sgl.gen("b")


def plain_roles(s, q):
    s += sgl.user(f"Q: {q}\n")
    s.assistant(f"a {q}" + sgl.gen("a"))
    with s.user():
        s += f"{q}"


def plain_over_lines(s, q):
    s += (
        f"one {q}"
        f" two {q}"
        + sgl.gen("a", max_tokens=5)
        + f"{q if q == 'x' else q.upper()}"
    )  # fmt: skip


def plain_arguments(s, q):
    found = search(f"{q}?")
    s += found + sgl.gen("a", stop="x") + sgl.select("b", choices=[f"{q}1", f"{q}2"])
    s += sgl.unordered(f"{q}") + sgl.trusted(f"{q}")


def plain_beside_programs(s, q):
    s += f"{q}"
    s += inner(q)["i"]


def plain_methods(s, q):
    s += f"{q}" + q.strip().upper().center(9, "*")
    words = ["a"]
    s += PHRASES.shout(q)
    s += f"{q}{words.count('a')}" + f"{q:>9}{q!s}{q!r}"


def plain_tool_of_an_object(s, q):
    s += TOOLS.find(f"{q}?") + sgl.call(TOOLS.find, f"{q}!")


def looks_at_its_length(s, q):
    s += str(len(f"{q}"))


def looks_in_a_set(s, q):
    s += "a" if f"{q}" in {"a"} else "b"


def looks_at_a_slice(s, q):
    s += f"{q}"[:3]


def looks_by_a_method(s, q):
    s += f"{q}".upper()


def looks_inside_another(s, q):
    s += f"{len(f'{q}')}"


def looks_by_a_width(s, q):
    s += f"{q!r:>9}"


def looks_by_a_width_around(s, q):
    s += f"|{f'[{q}]':>12}|"


def looks_by_a_representation_around(s, q):
    s += f"{f'[{q}]'!r}"


def looks_at_what_is_no_ascii(s, q):
    s += f"{q!a}"


def looks_by_a_format_under_another_name(s, q):
    s += "long" if len(PHRASES.greeting(q)) > 20 else "short"


def looks_around_a_host_function(s, q):
    s += checked_search(f"{q}")


class Expands:
    def __add__(self, text):
        return {"(y)": "(yes)"}.get(text, text)

    __radd__ = __add__


EXPANDS = Expands()


def looks_before_a_body_on_the_line(s, q):
    if f"{q}!" in {"yes!"}: s += "known"  # fmt: skip  # noqa: E701


def looks_in_a_loop_on_the_line(s, q):
    for word in [f"{q}!"]: s += word  # fmt: skip  # noqa: E701


def looks_in_a_guard_on_the_line(s, q):
    match s:
        case _ if f"{q}!" == "yes!": s += "known"  # fmt: skip  # noqa: E701


def plain_inside_of_statements(s, q):
    if q == "x":
        s += (
            f"{q} one"
            + f" {q} two"
        )  # fmt: skip
    for number in range(2):
        with s.user():
            s += f"{number} {q}"
    try:
        s += f"{q}"
    except ValueError:
        s += f"{q} wrong"
    else:
        s += f"{q} right"


def looks_by_an_operator(s, q):
    s += EXPANDS + f"({q})"


def looks_by_an_operator_behind(s, q):
    s += sgl.user("x" + f"({q})" + EXPANDS)


def looks_by_the_operator_of_a_variable(s, q):
    s["v"] = EXPANDS
    s += s["v"] + f"({q})"
    s["v"] = "-"


def looks_beside_a_call(s, q):
    s += f"{q}" + inner(q)["i"]


def looks_later_by_a_key(s, q):
    seen = {}
    seen[f"x{q}"] = "known"
    s += seen.get("xy", "new")


def plain_expression_kept(s, q):
    asked = sgl.gen("a")
    words = "in " + "one word: "
    s += words + f"{q} " + asked


def looks_in_a_helper(s, q):
    s += _shouted(f"{q}")


def looks_in_a_program(s, q):
    s += inner(f"{q}")["i"]


def looks_later_at_a_name(s, q):
    text = f"{q}"
    s += text


def looks_later_at_a_text(s, q):
    text = ""
    text += f"{q}"
    s += text


def looks_later_at_a_variable(s, q):
    s["v"] = f"{q}"
    s += s["v"]


def looks_later_at_a_list(s, q):
    texts = [f"{q}"]
    s += texts[0]


def looks_on_the_same_line(s, q):
    s += sgl.gen("a"); text = f"{q}"; s += text  # fmt: skip  # noqa: E702


def looks_by_percent(s, q):
    s += TEMPLATE % q


def looks_by_format(s, q):
    s += "{}".format(q)  # noqa: UP032


def looks_by_str(s, q):
    s += str(q)


def looks_by_join(s, q):
    s += "".join([f"{q}", "x"])


def looks_by_the_join_of_texts(s, q):
    s += sgl.join(" ", [f"{q}"])


def looks_in_a_lambda(s, q):
    s += (lambda text: f"{text}")(q)  # noqa: PLC3002 - what is looked at


def looks_in_a_comprehension(s, q):
    s += sgl.join(" ", [f"{text}" for text in (q, q)])


def looks_by_an_iterator(s, q):
    texts = map(str, [q, q])
    s += "a" if "x" in texts else "b"


def looks_in_a_test(s, q):
    if f"{q}" == "x":
        s += "y"

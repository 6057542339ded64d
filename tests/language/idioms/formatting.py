"""Formatting: f-strings, `%`, `str.format` and their kin."""

from __future__ import annotations

import datetime
import io
import re
import string
import textwrap
import uuid
from decimal import Decimal

from tests.language.idioms.table import MIXED, WORDS, ask, idiom, start


@idiom(*MIXED)
def f_string_width(s, row):
    a = start(s, row)
    s += f"|{a:>8}|{a:*^9}|{a:.2}|{a:<4s}|"


@idiom(*MIXED)
def f_string_conversion(s, row):
    a = start(s, row)
    s += f"{a!r} {a!s} {a!a} {a!r:>12}"


@idiom(*WORDS)
def f_string_compared(s, row):
    a = start(s, row)
    if f"{a}" == "yes":
        s += " agreed"
    elif f"{a}" != "no":
        s += f" neither ({a})"


@idiom(*WORDS)
def f_string_upper(s, row):
    a = start(s, row)
    s += f"<{a}>".upper() + f"{a} b".split(" ")[0]


@idiom(*WORDS)
def f_string_key(s, row):
    a = start(s, row)
    names = {"no": "rejected", "yes": "accepted", "x so": "unknown"}
    s += names.get(f"{a}", "none") + names.get(f"x {a}", "none")
    try:
        s += names[f"{a}"]
    except KeyError as error:
        s += f" no key {error}"


@idiom(*WORDS)
def f_string_in(s, row):
    a = start(s, row)
    s += " short" if len(f"{a}!") < 4 else " long"
    s += " has y" if "y" in f"-{a}" else " has none"
    return f"{a}" in ["yes", "so"]


ANIMALS = [word.lower() for word in ("GNU", "ZEBRA", "OX")]
WANTED = "ZEBRA"


@idiom("so", "zebra", "", "gnu", "ZEBRA", late=True)
def f_string_and_computed_constants(s, row):
    a = start(s, row)
    if f"{a}" == WANTED.lower():
        s += " wanted"
    elif f"{a}" in ANIMALS:
        s += " animal"
    return [f"{a}!" == WANTED + "!", ANIMALS.index(f"{a}") if f"{a}" in ANIMALS else -1]


@idiom("so", "abcdefghijkl", "", "ABC-1234", "eee", "x" * 70)
def f_string_and_conditions_of_all(s, row):
    a = start(s, row)
    text = f"{a}"
    s += " long" if len(text) > 60 else " twelve" if len(text) == 12 else " other"
    s += " code" if re.fullmatch(r"[A-Z]{3}-\d{4}", text) else " none"
    return [text.count("e") >= 3, text > "q", sum(map(ord, text)) % 7, text.isupper(), text[-1:], hash(text) == hash(a)]


@idiom("so", "2024-02-29", "", "x", "17:30", "12345678123456781234567812345678", "1.5")
def f_string_parsed(s, row):
    a = start(s, row)
    found = []
    for parse in (datetime.date.fromisoformat, datetime.time.fromisoformat, uuid.UUID, Decimal, float):
        try:
            found.append(str(parse(f"{a}")))
        except Exception as error:
            found.append(type(error).__name__)
    return found


@idiom("so", "2024-02-29", "", "x", "17:30", "12345678123456781234567812345678", "1.5", "abs")
def swallowed_parsing(s, row):
    a = start(s, row)
    for parse in (datetime.date.fromisoformat, datetime.time.fromisoformat, uuid.UUID, Decimal, bytes.fromhex, eval):
        try:
            s += f" {parse(a)}"
        except Exception:
            s += " no"


@idiom({"a": "so", "b": "x"}, {"a": "x", "b": "x"}, {"a": "", "b": ""}, {"a": "xy", "b": "y"}, late=True)
def f_strings_compared(s, row):
    a, b = start(s, row), ask(s, "b")
    s += " same" if f"{a}." == f"{b}." else " other"
    return [f"{a}" == f"x{b}", f"{a}" < f"{b}", len({f"{a}", f"{b}", a}), f"{b}" in f"{a}-"]


@idiom(*MIXED)
def f_string_nested(s, row):
    a = start(s, row)
    s += f"<{f'[{a}]':>10}|{'yes' if a == 'so' else f'not {a}'}|{a:>{len(a) + 2}}>"


@idiom(*MIXED)
def f_string_debug(s, row):
    a = start(s, row)
    s += f"{a=} {a = !s} {len(a)=}"


@idiom(*MIXED)
def f_string_slice(s, row):
    a = start(s, row)
    text = f"<{a}>"
    s += text[1:3] + text[-1]
    return [text, len(text), text == "<so>"]


@idiom(*MIXED)
def percent(s, row):
    a = start(s, row)
    s += "%s, %5s|%-5s|%r, %.1s" % (a, a, a, a, a) + "%(x)s" % {"x": a} + "%s" % a


@idiom(*MIXED)
def percent_of_the_answer(s, row):
    a = start(s, row)
    s += f"{a}: %s" % 5 + ("%s" + a) % 1


@idiom(*MIXED)
def str_format(s, row):
    a = start(s, row)
    s += "{0:>6}|{0!r}|{1}|{x}".format(a, 3, x=a) + "{[0]}".format([a]) + "{x}".format_map({"x": a})


@idiom("x", "{}", "{0} and {0}", "{", "{x}", "")
def answer_as_format(s, row):
    a = start(s, row)
    try:
        s += a.format("five", x=6)
    except (ValueError, IndexError) as error:
        s += f" {type(error).__name__}"


@idiom(*MIXED)
def format_function(s, row):
    a = start(s, row)
    s += format(a, ">5") + format(a) + str(a) + repr(a) + ascii(a)


@idiom("so", "yes", "", "$y", "${")
def string_template(s, row):
    a = start(s, row)
    s += string.Template("$x and ${x}").substitute(x=a)
    s += string.Template("$x $y").safe_substitute(x=a)
    try:
        s += string.Template(a).substitute(y="Y")
    except ValueError as error:
        s += str(error)


@idiom(*MIXED)
def str_join(s, row):
    a = start(s, row)
    s += ", ".join(["x", a, "y"]) + a.join("123") + "-".join(a)


@idiom(*MIXED)
def concatenation(s, row):
    a = start(s, row)
    text = "x"
    text += a
    text = a + text + a
    s += text * 2 + "-" * len(a)
    return text


@idiom("3.14159", "x", "", "1e3", "nan", "-inf", "7")
def formatted_numbers(s, row):
    a = start(s, row)
    try:
        s += f"{float(a):.2f} {float(a):>10,.1f} {int(float(a)):04d}"
    except ValueError:
        s += " not a number"
    except OverflowError:
        s += " too much"


@idiom("so", "a long line of many words that is wrapped", "", "  indented\n    more", "x\ty")
def text_wrap(s, row):
    a = start(s, row)
    s += "\n".join(textwrap.wrap(a, 12)) + textwrap.shorten(a, 14, placeholder="...")
    s += textwrap.indent(a, "> ") + textwrap.dedent(a)


@idiom(*MIXED)
def string_io(s, row):
    a = start(s, row)
    buffer = io.StringIO()
    print("said", a, sep=":", end=".", file=buffer)
    buffer.write(a)
    s += buffer.getvalue()

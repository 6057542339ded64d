"""Exceptions."""

from __future__ import annotations

import contextlib
import json
import re

from tests.language.idioms.table import JSONS, NUMBERS, WORDS, ask, idiom, start


@idiom(*NUMBERS)
def try_else_finally(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except ValueError:
        s += " bad"
    else:
        s += f" {number}"
        ask(s, "b")
    finally:
        s += " done"


@idiom(*WORDS)
def finally_around_a_branch(s, row):
    a = start(s, row)
    try:
        if a == "yes":
            return "early"
        s += " late"
    finally:
        s += " always"
    return "late"


@idiom(*WORDS)
def return_in_finally(s, row):
    a = start(s, row)
    try:
        if a == "yes":
            s += " agreed"
        int(a)
    finally:
        return "final"


class Refused(Exception):
    """An exception of the user's own."""

    def __init__(self, word: str) -> None:
        super().__init__(f"refused: {word}")
        self.word = word


@idiom(*WORDS)
def custom_exception(s, row):
    a = start(s, row)

    def checked(word: str) -> str:
        if word in ("no", ""):
            raise Refused(word)
        return word.strip()

    try:
        s += checked(a)
    except Refused as error:
        s += f" {error} ({error.word})"


@idiom("so", "yes", "no", "", "x")
def raised_to_the_top(s, row):
    a = start(s, row)
    if a == "no":
        raise Refused(a)
    if not a:
        raise ValueError
    s += " went on"
    if a == "x":
        raise KeyError(a)


@idiom(*NUMBERS)
def raise_from(s, row):
    a = start(s, row)
    try:
        return int(a)
    except ValueError as error:
        raise Refused(a) from error


@idiom(*NUMBERS)
def raise_again(s, row):
    a = start(s, row)
    try:
        return int(a)
    except ValueError:
        s += " noted"
        ask(s, "b")
        raise


@idiom(*NUMBERS)
def bare_except(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except:
        number = -1
    s += f" {number}"


@idiom(*NUMBERS)
def except_base_exception(s, row):
    a = start(s, row)
    try:
        if a == "7":
            s += " seven"
        number = float(a)
    except BaseException as error:
        s += f" {type(error).__name__}"
        number = 0.0
    return number


@idiom(["7"], ["x", "8"], ["", "x", "9"], ["-1", "no"], ["٣"])
def bare_except_until_a_number(s, row):
    a = start(s, row)
    for _ in range(3):
        try:
            return int(a)
        except:
            a = ask(s, "a")
    return None


@idiom(["7"], ["x", "8"], ["", "x", "9"], ["a", "b", "c", "d"])
def retry_until_a_number(s, row):
    a = start(s, row)
    while True:
        try:
            number = int(a)
            break
        except ValueError as error:
            s += f" ({error})"
            a = ask(s, "a")
            if a == "d":
                raise
    return number


@idiom(*NUMBERS)
def suppressed(s, row):
    a = start(s, row)
    number = 0
    with contextlib.suppress(ValueError):
        number = int(a)
        s += " parsed"
    with contextlib.suppress(BaseException):
        s += a[3]
        s += " long"
    return number


@idiom(*JSONS)
def except_by_class(s, row):
    a = start(s, row)
    try:
        s += json.loads(a)["k"]["n"][0] + "!"
    except json.JSONDecodeError:
        s += " no JSON"
    except (KeyError, IndexError):
        s += " no key"
    except TypeError:
        s += " no text"


@idiom(*NUMBERS)
def nested_try(s, row):
    a = start(s, row)
    try:
        try:
            number = int(a)
        except ValueError:
            number = int(float(a))
        finally:
            s += " inner"
    except ValueError:
        number = None
    return number


@idiom(*NUMBERS)
def exception_group(s, row):
    a = start(s, row)
    try:
        if not a.strip().isdigit():
            raise ExceptionGroup("all", [ValueError(a), TypeError("other")])
    except* ValueError as group:
        s += f" {group.exceptions[0]}"
    except* TypeError:
        s += " other"


@idiom(*WORDS)
def assertion(s, row):
    a = start(s, row)
    assert a != "no", f"it said {a!r}"
    s += " fine"


@idiom(*WORDS)
def wrong_types(s, row):
    a = start(s, row)
    said_errors = []
    for mistake in (lambda: a + 1, lambda: a.nothing, lambda: a[1.5], lambda: a(), lambda: -a, lambda: a * "x"):
        try:
            mistake()
        except (TypeError, AttributeError) as error:
            said_errors.append(f"{type(error).__name__}: {error}")
    return said_errors


@idiom(*WORDS)
def except_around_re(s, row):
    a = start(s, row)
    try:
        found = re.search("y", a)
    except Exception:
        found = None
    s += " y" if found else " none"


@idiom({"a": "x", "b": "1"}, {"a": "7", "b": "x"}, {"a": "", "b": "x"}, {"a": "8", "b": "9"})
def except_around_answers(s, row):
    a = start(s, row)
    try:
        s += f" {int(a)}"
        b = ask(s, "b")
        s += f" {int(b)}"
    except Exception as error:
        s += f" [{error}]"

"""Numbers."""

from __future__ import annotations

import contextlib
import datetime
import math
import statistics
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from tests.language.idioms.table import NUMBERS, ask, idiom, start


@idiom(*NUMBERS)
def int_in_try(s, row):
    a = start(s, row)
    try:
        number = int(a)
    except ValueError:
        number = -1
    s += f" {number + 1}"
    return number


@idiom(*NUMBERS)
def int_or_error(s, row):
    a = start(s, row)
    s += f" {int(a) * 2}"
    return int(a) > 5


@idiom("7", "ff", "", "0x1f", "zz", "0b11")
def int_of_a_base(s, row):
    a = start(s, row)
    try:
        return [int(a, 16), int(a, 0)]
    except ValueError as error:
        return str(error)


@idiom(*NUMBERS, "-1e3")
def float_in_try(s, row):
    a = start(s, row)
    try:
        x = float(a)
    except ValueError as error:
        s += str(error)
        return None
    s += " large" if x > 5 else " small"
    return [x * 2, round(x, 1), str(x), math.isnan(x)]


@idiom("7", "1+2j", "x", "", "1/3", "0.1")
def other_numbers(s, row):
    a = start(s, row)
    found: list[Any] = []
    for kind in (complex, Decimal, Fraction):
        try:
            found.append(str(kind(a)))
        except (ValueError, InvalidOperation) as error:
            found.append(type(error).__name__)
    return found


@idiom("7", "0", "x", "-2", "")
def arithmetic(s, row):
    a = start(s, row)
    try:
        s += f" {100 // int(a)} {math.sqrt(int(a)):.2f} {divmod(7, int(a))}"
    except ZeroDivisionError:
        s += " by zero"
    except ValueError as error:
        s += f" {error}"


@idiom("x", "1 2 3", "", "1, 2, x", "10 -4")
def sum_of_numbers(s, row):
    a = start(s, row)
    numbers = [int(part) for part in a.split() if part.lstrip("-").isdigit()]
    s += f" {sum(numbers)} {max(numbers, default=None)}"
    return statistics.mean(numbers) if numbers else None


@idiom("2", "0", "x", "4", "")
def range_of_the_answer(s, row):
    a = start(s, row)
    for i in range(int(a) if a.isdigit() else 1):
        s += f" {i}:" + ask(s, "b")


@idiom("x", "é", "", "ab", "7")
def characters(s, row):
    a = start(s, row)
    try:
        s += chr(ord(a) + 1)
    except TypeError as error:
        s += str(error)
    return [sum(map(ord, a)), [chr(ord(c) ^ 1) for c in a]]


@idiom("1", "2024-02-30", "2024-02-29", "", "2024-02-29T10:11:12+00:00")
def dates(s, row):
    a = start(s, row)
    try:
        day = datetime.datetime.fromisoformat(a)
    except Exception:
        return "no date"
    s += day.strftime(" %d.%m.%Y")
    return [day.year, (day + datetime.timedelta(days=1)).day]


@idiom("1", "29.02.2024", "31.02.2024", "", "1.1.24")
def date_formats(s, row):
    a = start(s, row)
    for pattern in ("%d.%m.%Y", "%d.%m.%y"):
        with contextlib.suppress(ValueError):
            return str(datetime.datetime.strptime(a, pattern).date())
    return None

"""What strings of a format, or with a regex of JavaScript in them, are."""

from __future__ import annotations

import datetime
import ipaddress
import re
import string
import uuid
from typing import Any

SPACES = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
NO_SPACES = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\U0010ffff"
)
UNIT = re.compile(
    r"(?P<pair>\\u([dD][89abAB]..)\\u([dD][c-fC-F]..))|\\u\{(?P<point>[^}]+)\}|(?P<space>\\s)|(?P<other>\\S)|\\k<(?P<same>\w+)>|\\."
    r"|(?P<name>\(\?<(?![=!]))|.",
    re.DOTALL,
)


def in_python(pattern: str) -> str:
    """A regex of JavaScript in Python's syntax, for `re.ASCII`: what differs is the dot, `$`, `\\s`, names and `\\u`."""
    texts: list[str] = []
    in_class = False
    for unit in UNIT.finditer(pattern):
        text = unit[0]
        match unit.lastgroup or text:
            case "pair":
                text = re.escape(bytes.fromhex(unit[2] + unit[3]).decode("utf-16-be"))
            case "point":
                text = re.escape(chr(int(unit["point"], 16)))
            case "space":
                text = SPACES if in_class else f"[{SPACES}]"
            case "other":
                text = NO_SPACES if in_class else f"[{NO_SPACES}]"
            case "same":
                text = f"(?P={unit['same']})"
            case "name":
                text = "(?P<"
            case "[" | "&" | "~" | "|" if in_class:
                text = "\\" + text
            case "[" | "]":
                in_class = text == "["
            case "." if not in_class:
                text = r"[^\n\r\u2028\u2029]"
            case "$" if not in_class:
                text = r"\Z"
            case _:
                pass
        texts.append(text)
    return "".join(texts)


def parses(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    shape = re.fullmatch(r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:[0-5]\d)", text, re.ASCII)
    return shape is not None and parses(datetime.time.fromisoformat, text)


def is_date(text: str) -> bool:
    return len(text) == 10 and text[4::3] == "--" and parses(datetime.date.fromisoformat, text)


def is_email(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    atom = set(string.ascii_letters + string.digits + "!#$%&'*+-/=?^_`{|}~")
    labels = domain.split(".")
    return (
        all(part and set(part) <= atom for part in local.split("."))
        and len(labels) > 1
        and all(0 < len(label) < 64 and "-" not in label[0] + label[-1] for label in labels)
        and set(domain) <= set(string.ascii_letters + string.digits + "-.")
    )


FORMATS = {
    "date": is_date,
    "time": is_time,
    "date-time": lambda text: is_date(text[:10]) and text[10:11] == "T" and is_time(text[11:]),
    "uuid": lambda text: len(text) == 36 and parses(uuid.UUID, text) and str(uuid.UUID(text)) == text.lower(),
    "email": is_email,
    "ipv4": lambda text: parses(ipaddress.IPv4Address, text),
}


ANY_TEXT = ("binary", "password", "path")
"""Formats that say nothing of the text."""


def is_time_of_rfc(text: str) -> bool:
    """With what RFC 3339 allows besides: small letters, and second 60 where UTC ends a day (of which we know offset 0)."""
    text = text.upper()
    return is_time(re.sub(r"^23:59:60(?=[.Z])", "23:59:59", text))


def is_email_of_rfc(text: str) -> bool:
    """With what RFC 5321 allows besides: a local part in quotes, and a domain of one label."""
    local, _, domain = text.rpartition("@")
    quoted = re.fullmatch(r'"(?:[ !#-\[\]-~]|\\[ -~])*"', local) is not None
    return is_email(f"{'a' if quoted else local}@{domain}.a")


WIDER: dict[str, Any] = {
    "time": is_time_of_rfc,
    "date-time": lambda text: is_date(text[:10]) and text[10:11] in ("T", "t") and is_time_of_rfc(text[11:]),
    "email": is_email_of_rfc,
}
"""The formats of which the compiler does not write all texts, as their specification has them."""

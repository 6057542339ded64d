"""JSON and other formats."""

from __future__ import annotations

import ast
import base64
import csv
import hashlib
import html
import io
import json
import re
import shlex
import struct
import unicodedata
import urllib.parse
import uuid
import zlib

from tests.language.idioms.table import JSONS, MIXED, idiom, start


@idiom(*JSONS)
def json_loads(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)
    except json.JSONDecodeError as error:
        s += f" bad at {error.pos}: {error.msg}"
        return None
    s += f" {type(value).__name__}"
    return value


@idiom(*JSONS)
def json_swallowed(s, row):
    a = start(s, row)
    try:
        value = json.loads(a)["k"]
    except Exception as error:
        value = type(error).__name__
    s += str(value)


@idiom("no", "x {} y", "", 'text {"k": [1]} more', "{", "}{")
def json_of_a_part(s, row):
    a = start(s, row)
    begin, end = a.find("{"), a.rfind("}")
    if begin == -1 or end < begin:
        s += " no object"
        return {}
    return json.loads(a[begin : end + 1])


@idiom(*MIXED)
def json_dumps(s, row):
    a = start(s, row)
    s += json.dumps({"said": a, "words": a.split()}, ensure_ascii=False) + json.dumps([a]) + json.dumps(a)


@idiom(*JSONS)
def json_or_regex(s, row):
    a = start(s, row)
    try:
        found = json.loads(a)
    except ValueError:
        try:
            found = re.search(r'"(\w+)"', a).group(1)  # pyright: ignore[reportOptionalMemberAccess]
        except AttributeError:
            found = "nothing"
    return found


@idiom("x", "[1, 'a']", "", "{'k': (1, None)}", "__import__('os')", "1 +", "'é'")
def literal_eval(s, row):
    a = start(s, row)
    try:
        return ast.literal_eval(a)
    except (ValueError, SyntaxError) as error:
        s += f" {type(error).__name__}"
        return None


@idiom("x", "1 + 2", "len('abc')", "a * 2")
def evaluated(s, row):
    a = start(s, row)
    try:
        s += str(eval(a, {"a": a, "len": len}))
    except NameError as error:
        s += str(error)


@idiom("x", "a,b\n1,2", "", 'a,"b, c"', "a\n\nb")
def csv_rows(s, row):
    a = start(s, row)
    return [list(csv.reader(io.StringIO(a))), list(csv.DictReader(a.splitlines()))]


@idiom("x", "a 'b c'", "", "it's", '"q"')
def shell_words(s, row):
    a = start(s, row)
    try:
        return shlex.split(a)
    except ValueError as error:
        return str(error)


@idiom("x", "a b&c=é", "", "http://h:8/p?q=1&q=2#f", "%41")
def urls(s, row):
    a = start(s, row)
    parts = urllib.parse.urlsplit(a)
    s += urllib.parse.quote(a) + urllib.parse.unquote(a)
    return [parts.scheme, parts.path, urllib.parse.parse_qs(parts.query), urllib.parse.urlencode({"q": a})]


@idiom("x", "<b>&", "", "&amp;", "é\u0301")
def escapes(s, row):
    a = start(s, row)
    s += html.escape(a) + html.unescape(a)
    return [unicodedata.normalize("NFC", a), [unicodedata.category(c) for c in a]]


@idiom("x", "eA==", "", "é", "aGk=", "a")
def base64_text(s, row):
    a = start(s, row)
    s += base64.b64encode(a.encode()).decode()
    try:
        return base64.b64decode(a, validate=True).decode("utf-8", "replace")
    except ValueError as error:
        return str(error)


@idiom("x", "y", "", "é")
def hashes(s, row):
    a = start(s, row)
    s += hashlib.sha256(a.encode()).hexdigest()[:8] + str(uuid.uuid5(uuid.NAMESPACE_DNS, a))
    return [zlib.crc32(a.encode()), hashlib.md5(a.encode("utf-16")).hexdigest()]


@idiom("x", "abc", "", "é", "0f")
def bytes_of_text(s, row):
    a = start(s, row)
    data = a.encode()
    try:
        s += bytes.fromhex(a).decode("latin-1")
    except ValueError as error:
        s += str(error)
    return [len(data), list(data), data.decode(), bytes(a, "utf-8") == data, struct.pack("2s", data[:2]).hex()]


@idiom("x", "é", "", "\N{SNOWMAN}")
def encoding_errors(s, row):
    a = start(s, row)
    try:
        a.encode("ascii")
    except UnicodeEncodeError as error:
        s += f" {error.reason} {error.start}"
    return a.encode("ascii", "ignore").decode()

"""Random expressions: texts, conditions, numbers, lists and plain data, as Python source."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.fuzz.scope import Scope
from tests.fuzz.words import PHRASES

Make = Callable[[Scope, int], str]
"""(scope, depth that is left) -> source, in parentheses where it needs them."""

Options = tuple[tuple[int, Make], ...]


def appended(scope: Scope, depth: int = 2) -> str:
    """A text that goes into a prompt as it is."""
    scope.appending = True
    made = text(scope, depth)
    scope.appending = False
    return made


def text(scope: Scope, depth: int = 2) -> str:
    return scope.choices.weighted(_TEXTS if depth > 0 else _TEXTS[:3])(scope, depth)


def condition(scope: Scope, depth: int = 2) -> str:
    with scope.looking():
        return scope.choices.weighted(_CONDITIONS if depth > 0 else _CONDITIONS[:4])(scope, depth)


def number(scope: Scope, depth: int = 1) -> str:
    return scope.choices.weighted(_NUMBERS if depth > 0 else _NUMBERS[:2])(scope, depth)


def texts(scope: Scope, depth: int = 1) -> str:
    with scope.looking():
        return scope.choices.weighted(_LISTS)(scope, depth)


def data(scope: Scope, depth: int = 2) -> str:
    return scope.choices.weighted(_DATA if depth > 0 else _DATA[:3])(scope, depth)


def word(scope: Scope) -> str:
    """A text that programs compare with, as a literal."""
    return repr(scope.choices.pick(scope.shared.palette))


def literal(scope: Scope) -> str:
    """A text that a prompt is written with."""
    return word(scope) if scope.choices.chance(30) else repr(scope.choices.pick(PHRASES))


def known_text(scope: Scope, depth: int = 0) -> str:
    """A text that was there before: most of the time an answer."""
    known = scope.known("text")
    answers = [name for name in known if '"' in name]
    if answers and not scope.choices.chance(40):
        return scope.choices.pick(answers)
    return scope.choices.pick(known[::-1]) if known else word(scope)


def subject(scope: Scope, depth: int = 0) -> str:
    """A text to be looked at: one that was there before, or two of them joined, or a part."""
    way = scope.choices.weighted(((16, "known"), (2, "joined"), (1, "part"), (1, "stripped"), (1, "literal first")))
    known = known_text(scope)
    if way == "joined":
        return f"({known} + {known_text(scope)})"
    return {
        "known": known,
        "part": f"{known}[:3]",
        "stripped": f"{known}.strip()",
        "literal first": f"({word(scope)} + {known})",
    }[way]


def _form(pattern: str, *makes: Make) -> Make:
    """An expression with others in its holes, `{0}` ..."""

    def make(scope: Scope, depth: int) -> str:
        return pattern.format(*(part(scope, depth - 1) for part in makes))

    return make


def _one_of(*patterns: str, makes: Sequence[Make] = ()) -> Make:
    def make(scope: Scope, depth: int) -> str:
        return scope.choices.pick(patterns).format(*(part(scope, depth - 1) for part in makes))

    return make


def _with(feature: str, make: Make) -> Make:
    def noted(scope: Scope, depth: int) -> str:
        scope.has(feature)
        return make(scope, depth)

    return noted


def _word(scope: Scope, depth: int) -> str:
    return word(scope)


def _literal(scope: Scope, depth: int) -> str:
    return literal(scope)


def _known_list(scope: Scope, depth: int) -> str:
    known = scope.known("texts")
    return scope.choices.pick(known[::-1]) if known else f"[{word(scope)}, {known_text(scope)}]"


def _known_data(scope: Scope, depth: int) -> str:
    known = scope.known("data", "texts")
    return scope.choices.pick(known[::-1]) if known else known_text(scope)


def _known_number(scope: Scope, depth: int) -> str:
    known = scope.known("number", "truth", "count")
    return scope.choices.pick(known[::-1]) if known else str(scope.choices.below(4))


def _known_truth(scope: Scope, depth: int) -> str:
    known = scope.known("truth")
    return scope.choices.pick(known[::-1]) if known else f"({known_text(scope)} == {word(scope)})"


def _digit(scope: Scope, depth: int) -> str:
    return str(scope.choices.below(4))


def _state(scope: Scope, depth: int) -> str:
    return scope.state.source


def _name(scope: Scope, depth: int) -> str:
    """A text as an f-string can hold it: no literal, and no double quote."""
    known = scope.known("text")
    return scope.choices.pick(known[::-1]).replace('"', "'") if known else "NAME"


def _closure(scope: Scope, depth: int) -> str:
    known = scope.known("closure")
    with scope.looking():
        return f"{scope.choices.pick(known)}({text(scope, depth - 1)})" if known else known_text(scope)


def _helper(scope: Scope, depth: int) -> str:
    with scope.looking():
        return f"{scope.choices.pick(('polite', 'shortened'))}({text(scope, depth - 1)})"


def _maybe_missing(scope: Scope, depth: int) -> str:
    """A variable that may not be there."""
    return f'{scope.state.source}["{scope.choices.pick(("x", "y", "z", "k"))}"]'


_METHODS = _one_of(
    "{0}.strip()", "{0}.lower()", "{0}.upper()", "{0}.strip().lower()", "{0}.title()", "{0}.capitalize()", "{0}.swapcase()", "{0}.casefold()",
    "{0}[:2]", "{0}[-1:]", "{0}[1:]", "{0}[::-1]", '{0}.replace("y", "z")', '{0}.lstrip("xy ")', "{0}.rstrip()",
    "{0}.zfill(4)", '{0}.center(6, "*")', "{0}.ljust(5)", '{0}.removeprefix("y")', '{0}.removesuffix("o")',
    "{0}.expandtabs(2)", "{0}.rjust(3)",
    makes=(subject,),
)  # fmt: skip
"""What the tracer records."""

_C_METHODS = _one_of(
    '(({0}).split() or [""])[0]', '({0}).partition(":")[2]', '({0}).rpartition(" ")[0]', "({0}) * 2",
    '"".join(c for c in {0} if c.isalpha())', "re.sub(r'[0-9]+', '#', {0})", "json.dumps({0})",
    '", ".join([{0}, "z"])', "(({0}) or 'none')[0]", "({0}).encode().decode()", "str(sorted({0}))",
    "max({0}, 'm')", "(re.findall(r'[a-z]+', {0}) or ['-'])[-1]", '({0}).translate({{121: "Y"}})', "min([{0}, 'b'], key=len)",
    '{0}.center(9, ({0} + "*")[:1])', "textwrap.shorten({0}, 9)", "html.escape({0})", "{0}.format('f', 'g')",
    makes=(subject,),
)  # fmt: skip
"""What needs the characters: an exit."""

_FORMATS = _one_of(
    'f"{{{0}}}"', 'f"<{{{0}}}>"', 'f"{{{0}!s}}."', 'f"{{{0}!r}}"', 'f"{{{0}:>6}}|"', 'f"{{{0}:*^7}}"', '"%s!" % {0}',
    '"%s" % ({0},)', '"{{}};".format({0})', '"{{0}}-{{0}}".format({0})', "str({0})", 'f"{{{0}[:1]}}?"',
    '"%(k)s" % {{"k": {0}}}', '"%r" % ({0},)', '"{{x:<4}}".format(x={0})', 'format({0}, "5")', "repr({0})",
    'f"{{{0}=}}"',
    makes=(_name,),
)  # fmt: skip
"""f-strings and their elders: recorded, or a marker in a plain string."""

_ODD = _one_of(
    'f"{{{0}}}!".upper()', 'str(len(f"{{{0}}}"))', 'f"{{{0}}}"[:3]', '("" + f"{{{0}}}").strip()',
    'str(type({0}).__name__)', 'f"{{{0}}} b".split()[0]', '"in" if "y" in f"{{{0}}}" else "out"',
    'f"{{{0}}}".replace("y", "n")', """f"{{f'''<{{{0}}}>''':>9}}\"""", """f"{{f'''<{{{0}}}>'''!r}}\"""", 'f"{{{0}!a}}"',
    "str(len(PHRASES.greeting({0})))", "PHRASES.greeting({0})[-4:]",
    makes=(_name,),
)  # fmt: skip
"""What Python does with a string that a marker is in: only the check of a run sees that."""


def _odd(scope: Scope, depth: int) -> str:
    scope.shared.odd = True
    return f"({_ODD(scope, depth)})"


def _formatted(scope: Scope, depth: int) -> str:
    """A marker in a plain string is all right where it is appended; elsewhere Python may look at it."""
    if not scope.appending:
        if scope.choices.chance(75):
            return known_text(scope)
        scope.shared.odd = True
    scope.has("format")
    return _FORMATS(scope, depth)


def _shown(scope: Scope, depth: int) -> str:
    """The text of a list or a dict, with the texts in it."""
    if not scope.appending:
        scope.shared.odd = True
    return f"str({_known_data(scope, 0)})"


def _get_var(scope: Scope, depth: int) -> str:
    known = [name for name, kind in scope.state.kinds.items() if kind == "text"]
    return f'{scope.state.source}.get_var("{scope.choices.pick(known)}")' if known else known_text(scope)


def _odd_condition(scope: Scope, depth: int) -> str:
    scope.shared.odd = True
    return f'f"{{{_name(scope, 0)}}}" == {word(scope)}'


_TEXTS: Options = (
    (14, _literal),
    (30, known_text),
    (1, _word),
    (8, _form("({0} + {1})", text, text)),
    (10, _formatted),
    (10, _with("method", _METHODS)),
    (6, _with("method", _form("{0}.strip()", known_text))),
    (4, _with("exit", _C_METHODS)),
    (3, _form("({0} if {1} else {2})", text, condition, text)),
    (2, _form("({0} or {1})", known_text, text)),
    (1, _form("({0} and {1})", known_text, text)),
    (2, _form("str({0})", number)),
    (1, _form("Notes({0}, {1}).add({1}).text()", known_text, known_text)),
    (1, _form("Notes().add({0}).last", text)),
    (1, _form("sgl.join('-', list(pieces({0})))", known_text)),
    (1, _form("next(pieces({0}), 'none')", known_text)),
    (1, _form("format({0}, '03')", number)),
    (2, _form("{0}[0]", _known_list)),
    (1, _form("{0}[-1]", texts)),
    (2, _form('sgl.join(", ", {0})', texts)),
    (1, _form('"/".join({0})', texts)),
    (
        1,
        _one_of(
            "max({0}, key={0}.count)", "Counter({0}).most_common(1)[0][0]", "sorted(set({0}))[0]", makes=(_known_list,)
        ),
    ),
    (1, _get_var),
    (2, _form("TABLE.get({0}, {1})", known_text, _word)),
    (1, _form("TABLE[{0}]", known_text)),
    (1, _shown),
    (2, _with("closure", _closure)),
    (1, _form("str({0})", _known_truth)),
    (2, _with("host", _form("turned({0})", text))),
    (2, _with("host", _form("shouted({0}, times={1})", text, _digit))),
    (1, _with("host", _form("sgl.call(bare, {0}, mark={1})", text, known_text))),
    (1, _with("host", _form("sgl.call(lambda t: t + '!', {0}, timeout=60)", text))),
    (1, _with("host", _form("joined({0})", texts))),
    (1, _with("host", _form("found({0})['text']", text))),
    (1, _with("host", _form("cut({0})[0]", text))),
    (1, _with("host", _form("str(mixed({0}))", text))),
    (1, _with("failing host", _form("flaky({0})", text))),
    (2, _with("state text", _form("{0}.text()", _state))),
    (1, _with("messages", _form("json.dumps({0}.messages(), ensure_ascii=False)", _state))),
    (2, _with("helper", _helper)),
    (1, _with("maybe missing", _maybe_missing)),
    (1, _with("odd", _odd)),
)

_CONDITIONS: Options = (
    (20, _form("{0} == {1}", subject, _word)),
    (5, _form("{0} in {1}", _word, subject)),
    (4, _one_of("{0}", "not {0}", makes=(subject,))),
    (3, _known_truth),
    (5, _one_of("{0} != {1}", "{0} < {1}", "{0} >= {1}", "{1} <= {0}", "{1} > {0}", makes=(subject, _word))),
    (3, _one_of("{0} == {1}", "{0} in {1}", "{0} != {1}", "{0} < {1}", makes=(known_text, known_text))),
    (4, _one_of("{0}.startswith({1})", "{0}.endswith({1})", "{0}.startswith(({1}, 'n'))", makes=(subject, _word))),
    (4, _one_of("{0}.isdigit()", "{0}.isalpha()", "{0}.isspace()", "{0}.isupper()", "{0}.islower()", "{0}.isascii()", makes=(subject,))),
    (8, _one_of("{0}.strip().lower() == {1}", "{0}.strip() == {1}", "{0}.lower() != {1}", makes=(subject, _word))),
    (4, _one_of("{0} in ({1}, 'no')", "{0} in [{1}, 'A']", "{0} in {{{1}, 'B'}}", "{0} in TABLE", "{0} not in ('', {1})", makes=(subject, _word))),
    (3, _one_of("len({0}) > {1}", "{0}.count('y') == {1}", "{0}.find('o') < {1}", "len({0}.split()) > {1}", makes=(subject, _digit))),
    (3, _one_of("({0} and {1})", "({0} or {1})", "(not ({0}) or {1})", makes=(condition, condition))),
    (2, _form("{0} > {1}", number, number)),
    (2, _one_of("re.search(r'[0-9]', {0})", "re.fullmatch('yes|no', {0})", "re.match('[a-y]', {0}) is None", makes=(subject,))),
    (1, _one_of("any(w in {0} for w in ('y', 'A'))", "all(c.isalnum() for c in {0})", "isinstance({0}, str)", "bool({0})", makes=(subject,))),
    (1, _one_of('"x" in {0}', '"q" in {0}', makes=(_state,))),
    (1, _form("{0} == {1} == {2}", known_text, _word, subject)),
    (1, _form("{0} == {1}", texts, texts)),
    (1, _form("'yes' in {0}", _known_list)),
    (1, _odd_condition),
)  # fmt: skip

_NUMBERS: Options = (
    (6, _digit),
    (8, _known_number),
    (5, _form("len({0})", known_text)),
    (2, _form("{0}.count('e')", known_text)),
    (2, _form("{0}.find('y')", known_text)),
    (2, _form("len({0})", texts)),
    (1, _form("len({{{0}, {1}}})", known_text, known_text)),
    (1, _form("len(list(pieces({0}, 3)))", known_text)),
    (1, _form("sum(map(len, {0}))", texts)),
    (2, _with("host", _form("counted({0})", text))),
    (1, _with("failing host", _form("async_flaky({0})", text))),
    (2, _form("({0} + {1})", number, number)),
    (1, _form("(ord({0}[0]) if {0} else 0)", known_text)),
    (2, _form("int({0})", known_text)),
)

_LISTS: Options = (
    (8, _known_list),
    (4, _form("[{0}, {1}]", text, text)),
    (2, _form("[v.strip() for v in {0}]", _known_list)),
    (2, _form("[v for v in {0} if v != 'no']", _known_list)),
    (2, _form("{0}.split()", known_text)),
    (1, _form("{0}.split(',', 1)", known_text)),
    (1, _form("sorted({0})", _known_list)),
    (1, _form("{0}.splitlines()", known_text)),
    (1, _form("re.findall(r'[a-z0-9]', {0})[:3]", known_text)),
    (1, _with("host", _form("cut({0})", text))),
    (1, _form("[*{0}, {1}]", _known_list, text)),
    (1, _form("list({0})[:2]", known_text)),
    (1, _form("[str(i) + v for i, v in enumerate({0})]", _known_list)),
)

_DATA: Options = (
    (10, text),
    (4, _known_data),
    (3, number),
    (3, texts),
    (3, _form("[{0}, {1}]", data, data)),
    (2, _form("({0}, {1})", data, data)),
    (3, _form('{{"a": {0}, "b": {1}}}', data, data)),
    (1, _form("bool({0})", condition)),
    (1, _one_of("None", "True", "1.5", "[]", "{{}}", "()")),
    (1, _with("host", _form("found({0})", text))),
    (1, _with("host", _form("mixed({0})", text))),
    (1, _with("meta", _form('{0}.get_meta_info("x")', _state))),
    (1, _form("{{{0}: {1}}}", known_text, text)),
)

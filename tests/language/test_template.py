"""Templates: what they become, what they refuse, and that what comes out of an engine is what was written."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import pytest

import sglc
import sglc as sgl
from sglc.function import Mode
from sglc.ir.errors import ProgramError
from sglc.ir.notes import summary
from sglc.ir.ops import Constraint, Sampling
from sglc.language.symbolic import shown_path
from sglc.language.template import TemplateExpression

gen = sgl.gen

# parts, the regex of the whole, the variables with their groups
BECOMES: list[tuple[tuple[Any, ...], str, tuple[tuple[str, int], ...]]] = [
    (("a.b(", gen("x", regex="[0-9]+")), r"a\.b\(([0-9]+)", (("x", 1),)),
    ((gen("x", dtype=int), "/", gen("y", dtype=float)), r"([-+]?[0-9]+)/([-+]?[0-9]*\.?[0-9]+)", (("x", 1), ("y", 2))),
    ((gen("x", dtype=bool), ";"), "((True|False));", (("x", 1),)),
    ((sgl.gen_int("x"), gen("y", dtype=str)), r'([-+]?[0-9]+)("[\w\d\s]*")', (("x", 1), ("y", 2))),
    ((gen("x", regex="(a)(b)|c"), gen("y", regex="d|e")), "((a)(b)|c)(d|e)", (("x", 1), ("y", 4))),
    ((gen(regex="a"), gen("y", regex="b")), "(a)(b)", (("y", 2),)),
    ((gen("x", choices=["a|b", "c?"]), sgl.select("y", ["+"])), r"(a\|b|c\?)(\+)", (("x", 1), ("y", 2))),
    ((sgl.select("x", [sgl.trusted("["), "^"]),), r"(\[|\^)", (("x", 1),)),
    (("<", gen("x"), ">."), r"<((?s:(?:(?!>\.).)*))>\.", (("x", 1),)),
    ((gen("x"), "a", "b", gen("y")), "((?s:(?:(?!ab).)*))ab((?s:.*))", (("x", 1), ("y", 2))),
    (("x: " + gen("x", regex="y") + "\n",), "x: (y)\n", (("x", 1),)),
    ((gen("x", regex=r"[^$]\^\$[]^$]|\\b(?:[\]^]|.)"), "C"), r"([^$]\^\$[]^$]|\\b(?:[\]^]|.))C", (("x", 1),)),
    ((gen("x", regex="(?i)ab"), "C"), "((?i:ab))C", (("x", 1),)),
    ((gen("x", regex="(?s)(?i)a."), "C"), "((?is:a.))C", (("x", 1),)),
    ((gen("x", regex="(?x) a b # c"), "d"), "((?x: a b # c\n))d", (("x", 1),)),
]


@pytest.mark.parametrize(("parts", "regex", "variables"), BECOMES, ids=[regex for _, regex, _ in BECOMES])
def test_one_gen_with_one_regex(parts: tuple[Any, ...], regex: str, variables: tuple[tuple[str, int], ...]) -> None:
    template = sgl.template(*parts)
    assert isinstance(template, TemplateExpression)
    assert template.gen.constraint == Constraint("regex", regex)
    assert template.fields == variables
    assert re.compile(regex).groups >= max((number for _, number in variables), default=0)


def test_the_settings_are_those_of_the_whole() -> None:
    template = sgl.template("a", gen("x", regex="b"), name="all", n=2, max_tokens=9, temperature=0, seed=3, top_k=4)
    assert isinstance(template, TemplateExpression)
    assert (template.gen.name, template.gen.n) == ("all", 2)
    assert template.gen.sampling == Sampling(
        max_tokens=9, temperature=0, seed=3, top_k=4, finish_in_time=True, min_tokens=0, stop=(), stop_token_ids=(),
        stop_regex=(),
    )  # fmt: skip


REFUSED: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: sgl.template("a"), "a template has no gen", "template("),
    (sgl.template, "a template has no gen", "template("),
    (lambda: sgl.template(5, gen("x")), "a template cannot hold a value of type int", "append the rest around it"),
    (lambda: sgl.template(sgl.user(gen("x"))), "a template cannot hold a role", "append the rest around it"),
    (lambda: sgl.template(sgl.image("a.png")), "a template cannot hold an image", "append the rest around it"),
    (lambda: sgl.template(gen("x"), gen("y")), "nothing says where the gen 'x' ends", "put a text after it"),
    (lambda: sgl.template(gen("x"), "", gen("y")), "nothing says where the gen 'x' ends", "put a text after it"),
    (
        lambda: sgl.template(gen("x", temperature=0), "."),
        "the gen 'x' has temperature of its own, and a template is drawn as one",
        "give it to the whole: template(..., temperature=...)",
    ),
    (lambda: sgl.template(gen(max_tokens=3), "."), "a gen has max_tokens of its own", "template(..., max_tokens=...)"),
    (lambda: sgl.template(gen("x", n=2), "."), "the gen 'x' has n of its own", "template(..., n=...)"),
    (lambda: sgl.template(gen("x", stop="."), "."), "the gen 'x' has stop of its own", "say with a regex where it ends"),
    (lambda: sgl.template(gen("x", dtype=int, stop=".")), "the gen 'x' has stop of its own", "with a regex"),
    (lambda: sgl.template(gen("x", json_schema="{}")), "the gen 'x' has a json_schema", "give a regex, or gen it"),
    (lambda: sgl.template(gen("x", ebnf="a")), "the gen 'x' has an ebnf", "give a regex, or gen it"),
    (lambda: sgl.template(gen("x", regex="(?P<y>a)")), "has a regex with a group named 'y'", "leave the name out"),
    (lambda: sgl.template(gen("x", regex="^a$")), "has a regex that looks around, by ^", "leave it out"),
    (lambda: sgl.template(gen("x", regex=r"a\$|[$^]$")), "has a regex that looks around, by $", "leave it out"),
    (lambda: sgl.template(gen("x", regex=r"a\b.")), r"has a regex that looks around, by \b", "leave it out"),
    (lambda: sgl.template(gen("x", regex="a(?!b)")), "has a regex that looks around, by (?!", "leave it out"),
    (lambda: sgl.template(gen("x"), ".", gen("x")), "a template has two variables 'x'", "a name of its own"),
    (lambda: sgl.template(gen("x"), name="x"), "a template has two variables 'x'", "a name of its own"),
    (lambda: sgl.template(gen("x"), name=5), "the name of a template is of type int", 'template("x", ...)'),  # pyright: ignore[reportArgumentType]
    (lambda: sgl.template(gen("x"), max_tokens=-1), "max_tokens is -1, not an integer of at least 0", ""),
    (lambda: sgl.template(gen("x"), n=0), "n is 0, not an integer of at least 1", ""),
]  # fmt: skip


@pytest.mark.parametrize(("build", "what", "hint"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_refused_at_the_line(build: Callable[[], Any], what: str, hint: str) -> None:
    with pytest.raises(ProgramError) as caught:
        build()
    assert what in caught.value.what
    assert hint in caught.value.hint
    assert str(caught.value.where).startswith(shown_path(__file__))


# --- on the embedded model

LITERALS = ("{", '"name": "', ", ", ". The end", "é\n", "aab", "[(", " ")
REGEXES = ("[a-c]+", "(yes|no)", "[0-9]{1,3}", "a?b*", "(?i)xy+", "[^\n]{0,5}")


def random_parts(draw: random.Random) -> list[tuple[str, str, Any]]:
    """(kind, what it is made of, the part) from left to right."""
    parts: list[tuple[str, str, Any]] = []
    for number in range(draw.randint(1, 4)):
        name = f"v{number}"
        literal = draw.choice(LITERALS)
        kind = draw.choice(("regex", "free", "choices"))
        if kind == "regex":
            regex = draw.choice(REGEXES)
            parts.append(("regex", regex, gen(name, regex=regex)))
        elif kind == "choices":
            texts = draw.sample(LITERALS, 2)
            parts.append(("choices", "\0".join(texts), sgl.select(name, texts)))
        else:
            parts.append(("free", literal, gen(name)))
        parts.append(("literal", literal, literal))
    return [("literal", "> ", "> "), *parts]


def fits(kind: str, made_of: str, text: str) -> bool:
    """Whether a text is what a part of a template may be; said without the template's regex."""
    if kind == "regex":
        return re.fullmatch(made_of, text) is not None
    if kind == "choices":
        return text in made_of.split("\0")
    return text == made_of if kind == "literal" else (text + made_of).index(made_of) == len(text)


@pytest.mark.parametrize("mode", ["compiled", "interpret"])
def test_each_variable_is_what_was_written_in_its_place(engine: sglc.Engine, mode: Mode) -> None:
    draw = random.Random(4)
    for seed in range(8):
        parts = random_parts(draw)

        def told(s, parts=parts):
            s += "The sun is" + sgl.template(*(part for _, _, part in parts), name="all", max_tokens=48)

        result = sgl.function(told).run(backend=engine, seed=seed, mode=mode)
        assert result.error() is None
        names = iter(range(len(parts)))
        texts = [made_of if kind == "literal" else result[f"v{next(names)}"] for kind, made_of, _ in parts]
        assert "".join(texts) == result["all"]
        assert all(fits(kind, made_of, text) for (kind, made_of, _), text in zip(parts, texts, strict=True))
        assert result.text() == "The sun is" + result["all"]
        assert result.get_meta_info("v0") == result.get_meta_info("all")


def test_a_run_in_either_mode_is_the_same(engine: sglc.Engine) -> None:
    def told(s, who):
        s += "About " + who + ": "
        s += sgl.template("name ", gen("name", regex="[A-Z][a-z]{1,8}"), ", ", gen("ok", choices=["yes", "no"]), ".")
        if s["ok"] == "yes":
            s += " Why?" + gen("why", max_tokens=4)
        return s["name"] + "/" + s["ok"]

    program = sgl.function(told)
    for seed in range(6):
        runs = [program.run(who="Bo", backend=engine, seed=seed, mode=mode) for mode in ("compiled", "interpret")]
        seen = [(run.variables, run.text(), run.ret_value, run.error()) for run in runs]
        assert seen[0] == seen[1]
    assert summary(program.trace()) == "2 paths compiled, no exit"


def test_a_stop_of_the_run_does_not_cut_it(engine: sglc.Engine) -> None:
    def told(s):
        s += "The sun is" + sgl.template(" a: ", gen("x", regex="[0-9]"), ", b: ", gen("y", regex="[0-9]"))

    result = sgl.function(told).run(backend=engine, stop=",", ignore_eos=True)
    assert re.fullmatch("The sun is a: [0-9], b: [0-9]", result.text())
    assert result["x"].isdigit()
    assert result["y"].isdigit()


RECORD = ("name", "city", "state", "reason")


def test_no_more_passes_than_gen_by_gen_and_one_prompt(engine: sglc.Engine) -> None:
    """Keys are forced; and no field has a request, a prompt or an end token of its own."""
    field = "[A-Z][a-z]{3}"

    def one_by_one(s):
        s += "A record: {"
        for key in RECORD:
            s += f'"{key}": "' + gen(key, regex=field + '"')
        s += "}"

    def fused(s):
        parts = [part for key in RECORD for part in (f'"{key}": "', gen(key, regex=field), '"')]
        s += "A record: " + sgl.template("{", *parts, "}")

    stats: list[Any] = []
    texts: list[str] = []
    for body in (one_by_one, fused):
        engine.flush_cache()
        engine.reset_stats()
        texts.append(sgl.function(body).run(backend=engine, temperature=0, mode="interpret").text())
        stats.append(engine.stats())
    assert all(re.fullmatch(r'A record: \{("[a-z]+": "[A-Z][a-z]{3}"){4}\}', text) for text in texts)
    assert stats[1].forward_passes <= stats[0].forward_passes
    assert stats[1].prompt_tokens < stats[0].prompt_tokens / len(RECORD)

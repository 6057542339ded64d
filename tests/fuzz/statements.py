"""Random statements, written into a scope."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.expressions import appended, condition, data, known_text, literal, number, text, texts, word
from tests.fuzz.scope import Inner, Scope, Snapshot, State
from tests.fuzz.words import PHRASES, REGEXES, ROLES

MAX_LEVEL = 3
"""Forks in one another."""

MAX_DEPTH = 5
"""Of indentation."""

MAX_NESTING = 2
"""Programs that call one another."""

Write = Callable[[Scope], None]


def block(scope: Scope, most: int = 4, least: int = 0) -> None:
    """Some statements."""
    for count in range(most):
        if scope.shared.budget <= 0 or (count >= least and not scope.choices.chance(70)):
            return
        statement(scope)


def opening(scope: Scope) -> None:
    """How most programs begin: a prompt, and an answer that what follows can look at."""
    if scope.choices.chance(75):
        free = f" + {_unordered(scope)}" if scope.choices.chance(18) else ""
        scope.line(f"s += {literal(scope)}{free} + {_answer(scope)}")


def statement(scope: Scope) -> None:
    scope.shared.budget -= 1
    scope.choices.weighted(_NESTED if scope.depth < MAX_DEPTH else _FLAT)(scope)


# -- what a state is given


def _append(scope: Scope) -> None:
    scope.line(f"{scope.state.source} += {_expression(scope)}")


def _expression(scope: Scope) -> str:
    """Texts, and sometimes one answer or two."""
    items = [appended(scope) if scope.choices.chance(50) else literal(scope)]
    while len(items) < 4 and scope.choices.chance(45):
        items.append(_answer(scope) if scope.choices.chance(60) else appended(scope))
    if scope.choices.chance(8):
        items.append(_unordered(scope))
    return " + ".join(items)


def _unordered(scope: Scope) -> str:
    scope.has("unordered")
    parts = [literal(scope) if scope.choices.chance(40) else appended(scope) for _ in range(2 + scope.choices.below(2))]
    return f"sgl.unordered({', '.join(parts)})"


def _answer(scope: Scope) -> str:
    return scope.choices.weighted(
        ((8, _gen), (3, _select), (1, _typed_gen), (1, _reasoning), (1, _template))
    )(scope)  # fmt: skip


def _ask(scope: Scope) -> None:
    scope.line(f"{scope.state.source} += {_answer(scope)}")


def _new_name(scope: Scope) -> str:
    return scope.choices.pick(("x", "y", "z", "k"))


def _gen(scope: Scope) -> str:
    choices, given = scope.choices, []
    name = "" if choices.chance(15) else _new_name(scope)
    if name:
        given.append(repr(name))
    if not choices.chance(25):
        given.append("temperature=0")
    several = choices.chance(6)
    if choices.chance(15):
        given.append(f"regex={choices.pick(REGEXES)!r}")
    if choices.chance(12):
        given.append(
            choices.pick(
                ("max_tokens=4", 'stop="\\n"', "top_p=0.5", 'stop=["a", "b"]', "seed=5", "min_tokens=1, max_tokens=9")
            )
        )
    if several:
        scope.has("several answers")
        given.append("n=2")
    if name:
        scope.state.assign(name, "texts" if several else "text")
    return f"sgl.gen({', '.join(given)})"


def _typed_gen(scope: Scope) -> str:
    name = _new_name(scope)
    scope.state.assign(name, "text")
    word_ = scope.choices.pick(("gen_int", "gen_string"))
    return f"sgl.{word_}({name!r}, temperature=0)"


def _reasoning(scope: Scope) -> str:
    name = _new_name(scope)
    scope.has("reasoning")
    scope.state.assign(name, "text")
    scope.state.assign(f"{name}_reasoning_content", "text")
    return f'sgl.separate_reasoning(sgl.gen({name!r}, temperature=0), model_type="qwen3")'


def _template(scope: Scope) -> str:
    """Of shapes that match some of what the model says; where it says something else, its variables are empty."""
    choices, name = scope.choices, _new_name(scope)
    scope.has("template")
    scope.state.assign(name, "text")
    whole = choices.pick(("", "", ", temperature=0", ', name="whole"', ", n=2"))
    if "name" in whole:
        scope.state.assign("whole", "text")
    if "n=2" in whole:
        scope.has("several answers")
        scope.state.assign(name, "texts")
    shape = choices.pick(
        (
            "sgl.gen({0!r}, regex='.*s|[0-9]+'), sgl.gen(regex='[a-z]?')",
            "sgl.gen({0!r}, regex='[^,]*'), sgl.gen(regex='(,.*)?')",
            "sgl.gen({0!r}, choices=['yes', 'no', '']), sgl.gen(regex='[^a-z]*')",
            "sgl.gen({0!r}, dtype=int), sgl.gen(regex='(x| )*')",
            "sgl.gen(), 'e', sgl.gen({0!r})",
            "sgl.gen({0!r}), {1}, sgl.gen()",
        )
    )
    return f"sgl.template({shape.format(name, repr(choices.pick(PHRASES)))}{whole})"


def _select(scope: Scope) -> str:
    scope.has("select")
    options = [
        word(scope) if scope.choices.chance(85) else known_text(scope) for _ in range(2 + scope.choices.below(2))
    ]
    name = "" if scope.choices.chance(10) else _new_name(scope)
    method = ", choices_method=sgl.greedy_token_selection" if scope.choices.chance(5) else ""
    head = f"{name!r}, " if name else ""
    if name:
        scope.state.assign(name, "text")
    if scope.choices.chance(10):
        return f"sgl.gen({head}choices=[{', '.join(options)}])"
    return f"sgl.select({head}choices=[{', '.join(options)}]{method})"


def _role(scope: Scope) -> None:
    state = scope.state
    if state.role:
        _append(scope)
        return
    scope.has("role")
    role = scope.choices.pick(ROLES)
    way = scope.choices.below(4)
    if way == 0:
        scope.line(f"{state.source} += sgl.{role}({_expression(scope)})")
    elif way == 1:
        scope.line(f"{state.source}.{role}({_expression(scope)})")
    elif way == 2:
        state.role = True
        with scope.block(f"with {state.source}.{role}():"):
            block(scope, 2, 1)
        state.role = False
    else:
        state.role = True
        scope.line(f"{state.source} += sgl.{role}_begin()")
        block(scope, 2, 1)
        scope.line(f"{state.source} += sgl.{role}_end()")
        state.role = False


def _var_scope(scope: Scope) -> None:
    scope.has("var_scope")
    name = _new_name(scope)
    with scope.block(f'with {scope.state.source}.var_scope("{name}"):'):
        block(scope, 2, 1)
    scope.state.assign(name, "text")


def _set_variable(scope: Scope) -> None:
    name = _new_name(scope)
    kind, value = _value(scope)
    if scope.choices.chance(30):
        scope.line(f'{scope.state.source}.set_var("{name}", {value})')
    else:
        scope.line(f'{scope.state.source}["{name}"] = {value}')
    scope.state.assign(name, kind)


def _value(scope: Scope) -> tuple[str, str]:
    makes = {"text": text, "number": number, "truth": condition, "texts": texts, "data": data}
    kind = scope.choices.weighted(((8, "text"), (2, "number"), (1, "truth"), (2, "texts"), (2, "data")))
    value = makes[kind](scope)
    return kind, f"bool({value})" if kind == "truth" else value


def _local(scope: Scope) -> None:
    kind, value = _value(scope)
    old = [name for name, its in scope.locals.items() if its == kind and "." not in name]  # no field of an argument
    name = scope.choices.pick(old) if old and scope.choices.chance(25) else scope.fresh("v")
    scope.line(f"{name} = {value}")
    scope.locals[name] = kind


def _collect(scope: Scope) -> None:
    """A list or dict that the body changes in place: its own, an argument's, or a variable of the state."""
    scope.has("collected")
    lists = scope.known("texts")
    if not lists or scope.choices.chance(25):
        name = scope.fresh("v")
        scope.line(f"{name} = []")
        scope.locals[name] = "texts"
        lists = [name]
    one = scope.choices.pick(lists)
    way = scope.choices.pick(
        (
            "{0}.append({1})", "{0}.append({1})", "{0}.insert(0, {1})", "{0}.extend([{1}, 'e'])", "{0}.reverse()",
            "{0}.sort()", "{0}[0] = {1}", "{0}.pop()", "{0}.remove({1})",
        )
    )  # fmt: skip
    scope.line(way.format(one, text(scope, 1)))


def _record(scope: Scope) -> None:
    scope.has("collected")
    name = scope.fresh("v")
    scope.line(f"{name} = {{}}")
    for _ in range(1 + scope.choices.below(2)):
        key = repr(scope.choices.pick(("k", "l"))) if scope.choices.chance(70) else known_text(scope)
        scope.line(f"{name}[{key}] = {data(scope, 1)}")
    scope.locals[name] = "data"


def _number(scope: Scope) -> None:
    name = scope.fresh("n")
    scope.has("number of a text")
    with scope.block("try:"):
        scope.line(f"{name} = {scope.choices.pick(('int', 'float'))}({known_text(scope)})")
    with scope.block(f"except {scope.choices.pick(('ValueError', 'Exception'))}:"):
        scope.line(f"{name} = -1")
        if scope.choices.chance(20):
            before = scope.snapshot()
            block(scope, 1)
            scope.merge([before, scope.snapshot()])
    scope.locals[name] = "number"


def _json(scope: Scope) -> None:
    name = scope.fresh("v")
    scope.has("json")
    with scope.block("try:"):
        scope.line(f"{name} = json.loads({known_text(scope)})")
    with scope.block(f"except {scope.choices.pick(('ValueError', 'Exception'))}:"):
        scope.line(f"{name} = []")
    scope.locals[name] = "data"


def _match_of_pattern(scope: Scope) -> None:
    name = scope.fresh("m")
    scope.has("re")
    pattern = scope.choices.pick(("[0-9]+", "(?P<w>[a-z]+)", "^y", "s$"))
    if scope.choices.chance(25):
        scope.shared.odd = True
        with scope.block("try:"):
            scope.line(f"{name} = re.search({pattern!r}, {known_text(scope)}).group()")
        with scope.block("except Exception:"):
            scope.line(f"{name} = ''")
    else:
        scope.line(f"{name} = re.search({pattern!r}, {known_text(scope)})")
        scope.line(f"{name} = {name}.group() if {name} else ''")
    scope.locals[name] = "text"


# -- branches


def _if(scope: Scope) -> None:
    scope.has("if")
    heads = [f"if {condition(scope)}:"]
    if scope.choices.chance(10):
        name = scope.fresh("v")
        heads = [f"if ({name} := {known_text(scope)}.strip()) == {word(scope)}:"]
        scope.locals[name] = "text"
    while len(heads) < 3 and scope.choices.chance(25):
        heads.append(f"elif {condition(scope)}:")
    if scope.choices.chance(60):
        heads.append("else:")
    _ways(scope, heads, complete=heads[-1] == "else:")


def _ways(scope: Scope, heads: list[str], *, complete: bool) -> None:
    before = scope.snapshot()
    ends = [] if complete else [before]
    for head in heads:
        scope.restore(before)
        with scope.block(head):
            block(scope, 2, 1)
            _leave(scope)
        ends.append(scope.snapshot())
    scope.merge(ends)


def _leave(scope: Scope) -> None:
    """Sometimes out of the loop, or the function."""
    if scope.loops and scope.choices.chance(30):
        scope.has("break")
        scope.line(scope.choices.pick(("break", "continue")))
    elif scope.choices.chance(8):
        _return(scope)
    elif scope.choices.chance(2):
        scope.has("raise")
        scope.line(f"raise ValueError({known_text(scope)})")


def _return(scope: Scope) -> None:
    scope.has("early return")
    scope.early = True
    scope.line(f"return {data(scope)}")


def _match(scope: Scope) -> None:
    scope.has("match")
    scope.line(f"match {known_text(scope)}:")
    scope.depth += 1
    words = [word(scope) for _ in range(1 + scope.choices.below(3))]
    heads = [f"case {one}:" for one in words]
    if scope.choices.chance(25):
        heads[0] = f"case {words[0]} | 'B':"
    elif scope.choices.chance(15):
        heads[-1] = f"case other if {condition(scope, 0)}:"
    if scope.choices.chance(60):
        heads.append("case _:")
    _ways(scope, heads, complete=heads[-1] == "case _:")
    scope.depth -= 1


def _match_of_parts(scope: Scope) -> None:
    """Patterns with names in them."""
    scope.has("match of parts")
    first, rest = scope.fresh("v"), scope.fresh("v")
    scope.line(f"match {known_text(scope)}.split():")
    scope.depth += 1
    before = scope.snapshot()
    ends: list[Snapshot] = []
    kinds = {first: "text", rest: "texts"}
    for head, names in (
        (f"case [{first}]:", (first,)),
        (f"case [{first}, *{rest}]:", (first, rest)),
        ("case _:", ()),
    ):
        scope.restore(before)
        with scope.block(head):
            scope.locals.update({name: kinds[name] for name in names})
            block(scope, 1, 1)
        ends.append(scope.snapshot())
    scope.merge(ends)
    scope.depth -= 1


def _dispatch(scope: Scope) -> None:
    scope.has("dispatch")
    name = scope.fresh("v")
    table = f"{{{word(scope)}: {text(scope, 1)}, {word(scope)}: {text(scope, 1)}}}"
    way = scope.choices.weighted(((4, "get"), (2, "functions"), (3, "try")))
    if way == "functions":
        functions = f"{{{word(scope)}: polite, {word(scope)}: str.upper, 'yes': lambda t: t + {known_text(scope)}}}"
        scope.line(f"{name} = {functions}.get({known_text(scope)}, shortened)({known_text(scope)})")
    elif way == "get":
        scope.line(f"{name} = {table}.get({known_text(scope)}, {word(scope)})")
    else:
        with scope.block("try:"):
            scope.line(f"{name} = {table}[{known_text(scope)}]")
        with scope.block("except KeyError:"):
            scope.line(f"{name} = {word(scope)}")
    scope.locals[name] = "text"


def _try(scope: Scope) -> None:
    """An exception of Python's own, sometimes, in the middle of appends."""
    scope.has("try")
    before = scope.snapshot()
    with scope.block("try:"):
        block(scope, 2, 1)
        scope.line(
            scope.choices.pick(
                (
                    "pass",
                    f"[][len({known_text(scope)})]",
                    f"{{'yes': 1}}[{known_text(scope)}]",
                    f"assert {condition(scope)}",
                )
            )
        )
    after = scope.snapshot()
    scope.restore(before)
    with scope.block(f"except {scope.choices.pick(('LookupError', 'Exception', '(KeyError, AssertionError)'))}:"):
        block(scope, 1)
    caught = scope.snapshot()
    ends = [before, after, caught]
    if scope.choices.chance(20):
        scope.merge(ends)
        with scope.block("finally:"):
            scope.line(f"{scope.state.source} += {literal(scope)}")
    else:
        scope.merge(ends)


# -- loops


def _loop(scope: Scope) -> None:
    scope.has("loop")
    item = scope.fresh("i")
    kind, head = scope.choices.weighted(
        (
            (4, lambda: ("number", f"for {item} in range({1 + scope.choices.below(3)}):")),
            (3, lambda: ("text", f"for {item} in {texts(scope)}[:3]:")),
            (2, lambda: ("text", f"for {item} in ITEMS:")),
            (1, lambda: ("number", f"for {item} in range(min({number(scope)}, 3)):")),
            (1, lambda: ("text", f"for {item} in {known_text(scope)}[:3]:")),
            (1, lambda: ("number", f"for {item}, _ in enumerate({texts(scope)}[:3]):")),
        )
    )()
    _looped(scope, head, item, kind)


def _looped(scope: Scope, head: str, item: str | None, kind: str) -> None:
    before = scope.snapshot()
    with scope.block(head):
        if item is not None:
            scope.locals[item] = kind
        scope.loops += 1
        block(scope, 2, 1)
        if scope.choices.chance(40):
            with scope.block(f"if {condition(scope, 1)}:"):
                scope.has("break")
                scope.line(scope.choices.pick(("break", "continue", "break")))
        scope.loops -= 1
    scope.merge([before, scope.snapshot()])
    if scope.choices.chance(25):
        after = scope.snapshot()
        with scope.block("else:"):
            block(scope, 1, 1)
        scope.merge([after, scope.snapshot()])


def _while(scope: Scope) -> None:
    scope.has("while")
    count = scope.fresh("n")
    scope.line(f"{count} = 0")
    scope.locals[count] = "count"  # no number: nothing else may be assigned to it
    before = scope.snapshot()
    head = f"while {count} < {1 + scope.choices.below(3)} and ({condition(scope)}):"
    with scope.block(head):
        scope.line(f"{count} += 1")
        scope.loops += 1
        block(scope, 2, 1)
        scope.loops -= 1
    scope.merge([before, scope.snapshot()])


# -- forks


def _fork(scope: Scope) -> None:
    parent = scope.state
    if parent.level >= MAX_LEVEL:
        _append(scope)
        return
    scope.has(f"fork {parent.level + 1}")
    group = scope.fresh("g")
    size = 1 + scope.choices.below(3)
    scope.line(f"{group} = {parent.source}.fork({size})")
    children = [parent.child(f"{group}[{index}]") for index in range(size)]
    if scope.choices.chance(40):
        _append_to_all(scope, group, children)
    if scope.choices.chance(60):
        _each_child(scope, group, children)
    else:
        for child in children:
            if scope.choices.chance(70):
                _in_child(scope, child, lambda: block(scope, 2, 1))
    _join(scope, group, parent, children)


def _fork_over(scope: Scope) -> None:
    """A fork with a child for each item of a list."""
    parent = scope.state
    if parent.level >= MAX_LEVEL:
        _append(scope)
        return
    scope.has("fork over a list")
    group, item, items, name = scope.fresh("g"), scope.fresh("i"), scope.fresh("v"), _new_name(scope)
    scope.line(f"{items} = {texts(scope)}[:4]")
    scope.locals[items] = "texts"
    scope.line(f"{group} = {parent.source}.fork(max(1, len({items})))")
    child = parent.child(f"c{item}")
    before = scope.snapshot()
    with scope.block(f"for {item}, c{item} in zip({items}, {group}):"):
        scope.locals[item] = "text"
        _in_child(scope, child, lambda: _each_item(scope, item, name))
    scope.merge([before, scope.snapshot()])
    scope.line(f"{group}.join()")
    for variable in child.assigned:
        parent.assign(variable, "texts" if variable == name else "data")


def _each_item(scope: Scope, item: str, name: str) -> None:
    scope.line(f"{scope.state.source} += {literal(scope)} + {item} + sgl.gen({name!r}, temperature=0)")
    scope.state.assign(name, "text")
    block(scope, 2)


def _append_to_all(scope: Scope, group: str, children: list[State]) -> None:
    way = scope.choices.below(3)
    if way == 0:
        scope.line(f"{group} += lambda i: {literal(scope)} + str(i) + {known_text(scope)}")
    elif way == 1:
        scope.line(f"{group} += [{', '.join(appended(scope, 1) for _ in children)}]")
    else:
        name = _new_name(scope)
        scope.line(f"{group} += sgl.gen({name!r}{', temperature=0' if scope.choices.chance(50) else ''})")
        for child in children:
            child.assign(name, "text")


def _each_child(scope: Scope, group: str, children: list[State]) -> None:
    """The same code for each child, in a loop."""
    item = scope.fresh("i")
    way = scope.choices.weighted(((3, "index"), (1, "state"), (1, "both")))
    child = children[0].child(f"{group}[{item}]" if way == "index" else f"c{item}")
    child.level, child.kinds, child.assigned = children[0].level, dict(children[0].kinds), dict(children[0].assigned)
    before = scope.snapshot()
    heads = {
        "index": f"for {item} in range({len(children)}):",
        "state": f"for c{item} in {group}:",
        "both": f"for {item}, c{item} in enumerate({group}):",
    }
    with scope.block(heads[way]):
        if way != "state":
            scope.locals[item] = "number"
        _in_child(scope, child, lambda: block(scope, 3, 1))
    scope.merge([before, scope.snapshot()])
    for each in children:
        each.kinds, each.assigned = dict(child.kinds), dict(child.assigned)


def _in_child(scope: Scope, child: State, write: Callable[[], None]) -> None:
    parent, loops = scope.state, scope.loops
    scope.state, scope.loops = child, 0
    scope.readable.append(parent)
    write()
    scope.readable.pop()
    scope.state, scope.loops = parent, loops


def _join(scope: Scope, group: str, parent: State, children: list[State]) -> None:
    way = scope.choices.weighted(((6, "gather"), (2, "concatenate"), (1, "none")))
    if way == "concatenate":
        scope.has("join texts")
        scope.line(f'{group}.join("concate_and_append")')
    elif way == "gather":
        scope.has("join")
        scope.line(f"{group}.join()")
        for name in dict.fromkeys(name for child in children for name in child.assigned):
            kinds = {child.kinds.get(name) for child in children}
            parent.assign(name, "texts" if kinds == {"text"} else "data")
    for child in children:
        if scope.choices.chance(30):
            scope.readable.append(child)  # it is still there, and can be read
            for name in scope.choices.pick((("text",), ("text", "texts"))):
                if known := [one for one in scope.known(name) if one.startswith(child.source)]:
                    local = scope.fresh("v")
                    scope.line(f"{local} = {scope.choices.pick(known)}")
                    scope.locals[local] = name
            scope.readable.pop()


def _copy(scope: Scope) -> None:
    parent = scope.state
    if parent.level >= MAX_LEVEL:
        _append(scope)
        return
    scope.has("copy")
    name = scope.fresh("c")
    child = parent.child(name)
    with scope.block(f"with {parent.source}.copy() as {name}:"):
        _in_child(scope, child, lambda: block(scope, 3, 1))
    for variable in child.assigned:
        parent.assign(variable, "texts" if child.kinds.get(variable) == "text" else "data")


# -- functions


def _inner(scope: Scope) -> None:
    """A call of another program, one that is there or a new one."""
    shared, choices = scope.shared, scope.choices
    if scope.nesting >= MAX_NESTING:
        _ask(scope)
        return
    scope.has("nested program")
    old = shared.inners if scope.nesting == 0 else []
    inner = choices.pick(old) if old and choices.chance(40) else _new_program(scope)
    name = scope.fresh("r")
    settings = choices.weighted(
        ((4, ""), (2, ", temperature=0"), (1, ", max_new_tokens=300, temperature=0.5"), (1, ", n=2"))
    )
    if settings == ", n=2":
        inner = Inner(inner.name, {}, "none")
    run = ".run" if settings or choices.chance(40) else ""
    scope.line(f"{name} = {inner.name}{run}(p={text(scope, 1)}{settings})")
    scope.inner_results[name] = inner
    if choices.chance(25):
        local = scope.fresh("v")
        scope.line(f"{local} = {name}.text()")
        scope.locals[local] = "text"


def _new_program(caller: Scope) -> Inner:
    shared, choices = caller.shared, caller.choices
    scope = Scope(shared, {"p": "text"}, caller.nesting + 1)
    name = scope.fresh("inner")
    block(scope, 3, 1)
    value = "none"
    if not scope.early and choices.chance(60):
        value = choices.pick(("text", "data"))
        scope.line(f"return {known_text(scope) if value == 'text' else data(scope)}")
    inner = Inner(name, {} if scope.early else dict(scope.state.kinds), value)
    shared.inners.append(inner)
    shared.functions += ["@sgl.function", f"def {name}(s, p):", *(scope.lines or ["    pass"]), ""]
    return inner


def _closure(scope: Scope) -> None:
    scope.has("closure")
    name = scope.fresh("f")
    known = known_text(scope)
    body = scope.choices.pick(
        (
            f"t + {known}",
            f"'<' + t + '>' + {known}",
            f"'same' if t == {known} else t.upper()",
            "t.strip() or '?'",
        )
    )
    if scope.choices.chance(50):
        scope.line(f"{name} = lambda t: {body}")
    else:
        with scope.block(f"def {name}(t):"):
            scope.line(f"return {body}")
    scope.locals[name] = "closure"


def _helper(scope: Scope) -> None:
    scope.has("helper")
    name = scope.fresh("v")
    if scope.choices.chance(20):
        scope.has("recursion")
        scope.line(f"{name} = deeper(p={text(scope, 1)}, depth={scope.choices.below(4)})")
        scope.inner_results[name] = Inner("deeper", {"answer": "text"}, "number")
    elif scope.choices.chance(60):
        scope.line(f"{name} = asked({scope.state.source}, {text(scope, 1)})")
        scope.state.assign("helped", "text")
        scope.locals[name] = "text"
    else:
        scope.line(f"{name} = chosen({scope.state.source}, {word(scope)}, {known_text(scope)})")
        scope.state.assign("picked", "text")
        scope.locals[name] = "number"


def _meta(scope: Scope) -> None:
    scope.has("meta")
    name = scope.fresh("v")
    scope.line(f'{name} = {scope.state.source}.get_meta_info("{_new_name(scope)}")')
    scope.locals[name] = "data"
    if scope.choices.chance(40):
        with scope.block(f"if {name} and {name}['drawn'] % 2:"):
            block(scope, 1, 1)


_FLAT: tuple[tuple[int, Write], ...] = (
    (16, _append),
    (10, _ask),
    (6, _local),
    (3, _collect),
    (1, _record),
    (4, _set_variable),
    (2, _number),
    (1, _json),
    (2, _match_of_pattern),
    (2, _dispatch),
    (3, _inner),
    (1, _closure),
    (2, _helper),
)
_NESTED: tuple[tuple[int, Write], ...] = (
    *_FLAT,
    (10, _if),
    (3, _match),
    (1, _match_of_parts),
    (2, _try),
    (5, _loop),
    (2, _while),
    (6, _fork),
    (2, _fork_over),
    (2, _copy),
    (4, _role),
    (2, _var_scope),
    (1, _meta),
)

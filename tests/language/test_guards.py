"""Guards of cached traces: what changes the meaning of a body is noticed and named, and nothing else is."""

from __future__ import annotations

import builtins
import copy
import gc
import importlib
import json
import os
import random
import sys
import textwrap
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from sglc import guards
from sglc.guards import Guard

# A case: its title, the source of judge.py with a `body()`, after --- the source of prompts.py where it has one, what
# happens then, and what the guard says has changed.
CHANGES = """
== rebound constant
STYLE = "plain"
def body(): return STYLE
>>> STYLE = "terse"
global STYLE of judge.py

== rebound helper
def helper(): return 1
def body(): return helper()
>>> def helper(): return 2
global helper of judge.py

== helper's helper
def inner(): return 1
def helper(): return inner() + 1
def body(): return helper()
>>> inner = lambda: 2
global inner of judge.py

== constant of a helper's helper
LIMIT = 1
def inner(): return LIMIT
def helper(): return inner() + 1
def body(): return helper()
>>> LIMIT = 2
global LIMIT of judge.py

== a function's code
def helper(): return 1
def other(): return 2
def body(): return helper()
>>> helper.__code__ = other.__code__
global helper of judge.py

== the body's own code
def other(): return 2
def body(): return 1
>>> body.__code__ = other.__code__
code of body

== default
def helper(k=1): return k
def body(): return helper()
>>> helper.__defaults__ = (2,)
default of helper's parameter k

== one default of several
def helper(x, j=0, k=1): return x, j, k
def body(): return helper(5)
>>> helper.__defaults__ = (0, 2)
default of helper's parameter k

== the body's own default
def body(k=1): return k
>>> body.__defaults__ = (2,)
default of body's parameter k

== mutable default
def helper(k=[]): return len(k)
def body(): return helper()
>>> helper.__defaults__[0].append(1)
default of helper's parameter k

== default that is a function
X = 1
def number(): return X
def helper(k=number): return k()
def body(): return helper()
>>> X = 2
global X of judge.py

== keyword-only default
def helper(*, k=1): return k
def body(): return helper()
>>> helper.__kwdefaults__["k"] = 2
default of helper's parameter k

== other keyword-only defaults
def helper(*, k=1): return k
def body(): return helper()
>>> helper.__kwdefaults__ = {"k": 2}
default of helper's parameter k

== keyword-only default appears
def helper(*, k): return k
def body(): return helper()
>>> helper.__kwdefaults__ = {"k": 2}
default of helper's parameter k

== closure cell
def make():
    style = "plain"
    def body(): return style
    def change(value):
        nonlocal style
        style = value
    return body, change
body, change = make()
>>> change("terse")
closure cell 'style' of body

== closure cell is emptied
def make():
    style = "plain"
    def body(): return style
    def change():
        nonlocal style
        del style
    return body, change
body, change = make()
>>> change()
closure cell 'style' of body

== closure cell is filled
def make():
    def body(): return style
    def change():
        nonlocal style
        style = 1
    if False:
        style = 0
    return body, change
body, change = make()
>>> change()
closure cell 'style' of body

== list in a closure cell
def make(styles):
    return lambda: list(styles)
STYLES = [1]
body = make(STYLES)
>>> STYLES[0] = 2
closure cell 'styles' of <lambda>

== list in place
EXAMPLES = ["a", "b"]
def body(): return "".join(EXAMPLES)
>>> EXAMPLES[0] = "c"
global EXAMPLES of judge.py

== list grows
EXAMPLES = ["a", "b"]
def body(): return "".join(EXAMPLES)
>>> EXAMPLES.append("c")
global EXAMPLES of judge.py

== list through another name
EXAMPLES = ALIAS = ["a", "b"]
def body(): return "".join(EXAMPLES)
>>> ALIAS.sort(reverse=True)
global EXAMPLES of judge.py

== dict in place
TABLE = {"a": 1}
def body(): return TABLE["a"]
>>> TABLE["a"] = 2
global TABLE of judge.py

== order of a dict
TABLE = {"a": 1, "b": 2}
def body(): return list(TABLE)
>>> TABLE["a"] = TABLE.pop("a")
global TABLE of judge.py

== key of a dict
TABLE = {1: 1}
def body(): return list(TABLE)
>>> del TABLE[1]; TABLE[True] = 1
global TABLE of judge.py

== deep inside
DATA = {"a": [({"b": [1]},)]}
def body(): return repr(DATA)
>>> DATA["a"][0][0]["b"].append(2)
global DATA of judge.py

== content moves to the neighbour
A, B = [1], []
def body(): return A, B
>>> B.append(A.pop())
global A of judge.py

== set
NAMES = {"a"}
def body(): return sorted(NAMES)
>>> NAMES.add("b")
global NAMES of judge.py

== True for 1 in a set
NAMES = {1}
def body(): return list(NAMES)
>>> NAMES.remove(1); NAMES.add(True)
global NAMES of judge.py

== frozenset of other content
NAMES = frozenset({"a"})
def body(): return sorted(NAMES)
>>> NAMES = frozenset({"b"})
global NAMES of judge.py

== list in a tuple
PAIR = (1, [2])
def body(): return PAIR[1][0]
>>> PAIR[1][0] = 3
global PAIR of judge.py

== deque
from collections import deque
LAST = deque([1, 2])
def body(): return list(LAST)
>>> LAST.rotate()
global LAST of judge.py

== length of a deque
from collections import deque
LAST = deque([1, 2], 2)
def body(): return LAST
>>> LAST = deque([1, 2], 3)
global LAST of judge.py

== order of an ordered dict
from collections import OrderedDict
TABLE = OrderedDict(a=1, b=2)
def body(): return list(TABLE)
>>> TABLE.move_to_end("a")
global TABLE of judge.py

== default factory
from collections import defaultdict
TABLE = defaultdict(int)
def body(): return TABLE.copy()["x"]
>>> TABLE.default_factory = str
global TABLE of judge.py

== counter
from collections import Counter
COUNTS = Counter("abb")
def body(): return COUNTS["a"]
>>> COUNTS.update("a")
global COUNTS of judge.py

== bytearray
DATA = bytearray(b"ab")
def body(): return bytes(DATA)
>>> DATA[0] = 99
global DATA of judge.py

== array
from array import array
DATA = array("d", [0.5])
def body(): return DATA[0]
>>> DATA[0] = 1.5
global DATA of judge.py

== numpy array
import numpy as np
DATA = np.zeros((2, 2))
def body(): return DATA.sum()
>>> DATA[1, 1] = 1
global DATA of judge.py

== method of a dict
TABLE = {"a": 1}
get = TABLE.get
def body(): return get("a")
>>> TABLE["a"] = 2
global get of judge.py

== view of a dict
TABLE = {"a": 1}
KEYS = TABLE.keys()
def body(): return list(KEYS)
>>> TABLE["b"] = 2
global KEYS of judge.py

== proxy of a dict
from types import MappingProxyType
TABLE = {"a": 1}
PROXY = MappingProxyType(TABLE)
def body(): return dict(PROXY)
>>> TABLE["b"] = 2
global PROXY of judge.py

== chain of dicts
from collections import ChainMap
TABLE = {"a": 1}
CHAIN = ChainMap({}, TABLE)
def body(): return CHAIN["a"]
>>> TABLE["a"] = 2
attribute maps of global CHAIN of judge.py

== namespace
from types import SimpleNamespace
CONFIG = SimpleNamespace(style="plain")
def body(): return CONFIG.style
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== parsed arguments
from argparse import Namespace
ARGS = Namespace(style="plain")
def body(): return ARGS.style
>>> ARGS.style = "terse"
attribute style of global ARGS of judge.py

== template
from string import Template
PROMPT = Template("Say $word")
def body(): return PROMPT.substitute(word="yes")
>>> PROMPT.template = "Write $word"
attribute template of global PROMPT of judge.py

== pattern
import re
PATTERN = re.compile("a")
def body(): return PATTERN.sub("b", "aA")
>>> PATTERN = re.compile("a", re.IGNORECASE)
global PATTERN of judge.py

== date
import datetime
TODAY = datetime.date(2024, 1, 2)
def body(): return TODAY.isoformat()
>>> TODAY = datetime.date(2024, 1, 3)
global TODAY of judge.py

== True for 1
X = 1
def body(): return X
>>> X = True
global X of judge.py

== float for int
X = 1
def body(): return X
>>> X = 1.0
global X of judge.py

== minus zero
X = 0.0
def body(): return X
>>> X = -0.0
global X of judge.py

== complex with minus zero
X = complex(0.0, 0.0)
def body(): return X
>>> X = complex(0.0, -0.0)
global X of judge.py

== nan
X = float("nan")
def body(): return X
>>> X = 1.0
global X of judge.py

== True for 1 in a list
X = [1]
def body(): return X
>>> X[0] = True
global X of judge.py

== str for bytes
X = b"a"
def body(): return X
>>> X = "a"
global X of judge.py

== tuple for list
X = [1]
def body(): return X
>>> X = (1,)
global X of judge.py

== None for missing
X = None
def body(): return X
>>> del X
global X of judge.py

== global appears
def body():
    try: return STYLE
    except NameError: return None
>>> STYLE = "plain"
global STYLE of judge.py

== None appears
def body():
    try: return STYLE
    except NameError: return "none"
>>> STYLE = None
global STYLE of judge.py

== builtin is shadowed
def body(): return len("abc")
>>> def len(x): return -1
global len of judge.py

== builtin is replaced
def body(): return ascii("abc")
>>> import builtins; builtins.ascii = lambda x: "?"
builtin ascii

== builtin appears
def body():
    try: return sglc_word
    except NameError: return None
>>> import builtins; builtins.sglc_word = "x"
builtin sglc_word

== class attribute
class Config:
    temperature = 0
def body(): return Config.temperature
>>> Config.temperature = 1
class attribute Config.temperature

== class attribute of a base
class Base:
    temperature = 0
class Config(Base): pass
def body(): return Config.temperature
>>> Base.temperature = 1
class attribute Base.temperature

== class attribute shadows one of a base
class Base:
    temperature = 0
class Config(Base): pass
def body(): return Config.temperature
>>> Config.temperature = 1
class attribute Config.temperature

== class attribute vanishes
class Config:
    temperature = 0
def body(): return getattr(Config, "temperature", None)
>>> del Config.temperature
class attribute Config.temperature

== list of a class
class Config:
    styles = ["plain"]
def body(): return Config.styles[0]
>>> Config.styles[0] = "terse"
class attribute Config.styles

== class attribute read through an instance
class Config:
    temperature = 0
CONFIG = Config()
def body(): return CONFIG.temperature
>>> Config.temperature = 1
class attribute Config.temperature

== instance attribute
class Config:
    def __init__(self): self.style = "plain"
CONFIG = Config()
def body(): return CONFIG.style
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== instance attribute appears
class Config:
    style = "plain"
CONFIG = Config()
def body(): return CONFIG.style
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== list of an instance
class Config:
    def __init__(self): self.styles = ["plain"]
CONFIG = Config()
def body(): return CONFIG.styles[0]
>>> CONFIG.styles[0] = "terse"
attribute styles of global CONFIG of judge.py

== other attributes of an instance
class Config:
    def __init__(self): self.style = "plain"
CONFIG = Config()
def body(): return CONFIG.style
>>> CONFIG.__dict__ = {"style": "terse"}
attribute style of global CONFIG of judge.py

== class of an instance
class A:
    def text(self): return 1
class B:
    def text(self): return 2
X = A()
def body(): return X.text()
>>> X.__class__ = B
class A

== slot
class Config:
    __slots__ = ("style", "other")
    def __init__(self): self.style = "plain"
CONFIG = Config()
def body(): return CONFIG.style
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== slot is filled
class Config:
    __slots__ = ("style",)
CONFIG = Config()
def body(): return getattr(CONFIG, "style", None)
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== field of a dataclass
from dataclasses import dataclass
@dataclass
class Config:
    style: str
CONFIG = Config("plain")
def body(): return CONFIG
>>> CONFIG.style = "terse"
attribute style of global CONFIG of judge.py

== another frozen dataclass
from dataclasses import dataclass, replace
@dataclass(frozen=True, slots=True)
class Config:
    style: str
CONFIG = Config("plain")
def body(): return CONFIG
>>> CONFIG = replace(CONFIG, style="terse")
attribute style of global CONFIG of judge.py

== dataclasses in a list in a dataclass
from dataclasses import dataclass, field
@dataclass
class Shot:
    text: str
@dataclass
class Config:
    shots: list = field(default_factory=list)
CONFIG = Config([Shot("a"), Shot("b")])
def body(): return CONFIG
>>> CONFIG.shots[1].text = "c"
attribute text of attribute shots of global CONFIG of judge.py

== another named tuple
from typing import NamedTuple
class Pair(NamedTuple):
    a: int
    b: int
PAIR = Pair(1, 2)
def body(): return PAIR.b
>>> PAIR = Pair(1, 3)
global PAIR of judge.py

== another member of an enum
import enum
class Style(enum.Enum):
    PLAIN = "plain"
    TERSE = "terse"
STYLE = Style.PLAIN
def body(): return STYLE.value
>>> STYLE = Style.TERSE
attribute _value_ of global STYLE of judge.py

== subclass of list
class Shots(list): pass
SHOTS = Shots(["a"])
def body(): return SHOTS[0]
>>> SHOTS[0] = "b"
global SHOTS of judge.py

== subclass of str
class Prompt(str): pass
PROMPT = Prompt("a")
def body(): return PROMPT + "!"
>>> PROMPT = Prompt("b")
global PROMPT of judge.py

== method
class Judge:
    def text(self): return 1
JUDGE = Judge()
def body(): return JUDGE.text()
>>> Judge.text = lambda self: 2
class attribute Judge.text

== what a method reads
LIMIT = 1
class Judge:
    def text(self): return LIMIT
def body(): return Judge().text()
>>> LIMIT = 2
global LIMIT of judge.py

== bound method
class Judge:
    def __init__(self): self.limit = 1
    def text(self): return self.limit
JUDGE = Judge()
text = JUDGE.text
def body(): return text()
>>> JUDGE.limit = 2
attribute limit of global text of judge.py

== static and class methods
A, B = 1, 1
class Judge:
    @staticmethod
    def one(): return A
    @classmethod
    def two(cls): return B
def body(): return Judge.one() + Judge.two()
>>> B = 2
global B of judge.py

== property
LIMIT = 1
class Judge:
    @property
    def limit(self): return LIMIT
JUDGE = Judge()
def body(): return JUDGE.limit
>>> LIMIT = 2
global LIMIT of judge.py

== cached property
import functools
LIMIT = 1
class Judge:
    @functools.cached_property
    def limit(self): return LIMIT
def body(): return Judge().limit
>>> LIMIT = 2
global LIMIT of judge.py

== another property
class Judge:
    @property
    def limit(self): return 1
JUDGE = Judge()
def body(): return JUDGE.limit
>>> Judge.limit = property(lambda self: 2)
class attribute Judge.limit

== descriptor
class Setting:
    def __init__(self, value): self.value = value
    def __get__(self, instance, owner): return self.value
class Config:
    style = Setting("plain")
def body(): return Config.style
>>> vars(Config)["style"].value = "terse"
attribute value of class attribute Config.style

== class attribute with an underscored name
class Config:
    __shots__ = ["plain"]
def body(): return Config.__shots__[0]
>>> Config.__shots__[0] = "terse"
class attribute Config.__shots__

== method of a base through super()
class Base:
    def text(self): return 1
class Judge(Base):
    def text(self): return super().text() + 1
def body(): return Judge().text()
>>> Base.text = lambda self: 2
class attribute Base.text

== bases of a class
class A:
    x = 1
class B:
    x = 2
class C(A): pass
def body(): return C.x
>>> C.__bases__ = (B,)
base of C

== metaclass
class Meta(type):
    style = "plain"
class Config(metaclass=Meta): pass
def body(): return Config.style
>>> Meta.style = "terse"
class attribute Meta.style

== instance that is called
class Judge:
    def __init__(self): self.limit = 1
    def __call__(self): return self.limit
judge = Judge()
def body(): return judge()
>>> judge.limit = 2
attribute limit of global judge of judge.py

== keyword of a partial
import functools
def helper(k): return k
call = functools.partial(helper, k=1)
def body(): return call()
>>> call.keywords["k"] = 2
global call of judge.py

== another partial
import functools
def helper(k): return k
call = functools.partial(helper, 1)
def body(): return call()
>>> call = functools.partial(helper, 2)
global call of judge.py

== what a partial's function reads
import functools
LIMIT = 1
def helper(k): return k + LIMIT
call = functools.partial(helper, 1)
def body(): return call()
>>> LIMIT = 2
global LIMIT of judge.py

== subclass of partial
import functools
class Call(functools.partial): pass
def helper(k): return k
call = Call(helper, k=1)
def body(): return call()
>>> call.keywords["k"] = 2
global call of judge.py

== subclass of property
LIMIT = 1
class lazy(property): pass
class Judge:
    limit = lazy(lambda self: LIMIT)
def body(): return Judge().limit
>>> LIMIT = 2
global LIMIT of judge.py

== exception
class Wrong(ValueError): pass
WRONG = Wrong("a")
def body(): return str(WRONG)
>>> WRONG = Wrong("b")
global WRONG of judge.py

== partial as the body
import functools
LIMIT = 1
def helper(k): return k + LIMIT
body = functools.partial(helper, 1)
>>> LIMIT = 2
global LIMIT of judge.py

== lambda in a dict
CALLS = {"a": lambda: 1}
def body(): return CALLS["a"]()
>>> CALLS["a"] = lambda: 2
global CALLS of judge.py

== what a lambda in a list reads
LIMIT = 1
CALLS = [lambda: LIMIT]
def body(): return CALLS[0]()
>>> LIMIT = 2
global LIMIT of judge.py

== closure of a decorator
import functools
def styled(styles):
    def decorate(function):
        @functools.wraps(function)
        def decorated(): return styles[0] + function()
        return decorated
    return decorate
STYLES = ["plain"]
@styled(STYLES)
def helper(): return "!"
def body(): return helper()
>>> STYLES[0] = "terse"
closure cell 'styles' of helper

== decorated function
import functools
LIMIT = 1
def decorate(function):
    @functools.wraps(function)
    def decorated(): return function()
    return decorated
@decorate
def helper(): return LIMIT
def body(): return helper()
>>> LIMIT = 2
global LIMIT of judge.py

== attribute of a function
def helper(): return helper.style
helper.style = "plain"
def body(): return helper()
>>> helper.style = "terse"
attribute style of helper

== attribute of a function appears
def helper(): return 1
def body(): return getattr(helper, "style", None)
>>> helper.style = "terse"
attribute style of helper

== docstring
def helper(): "Say yes."
def body(): return helper.__doc__
>>> helper.__doc__ = "Say no."
docstring of helper

== annotation of a function
def tool(query: str) -> str: ...
import inspect
def body(): return str(inspect.signature(tool))
>>> def tool(query: str) -> int: ...
annotation of tool's return

== annotation in place
def tool(query: str) -> str: ...
def body(): return tool.__annotations__["query"]
>>> tool.__annotations__["query"] = int
annotation of tool's query

== annotation appears
def tool(query): ...
def body(): return tool.__annotations__
>>> tool.__annotations__["query"] = int
annotation of tool's query

== another class of the same name
class Answer:
    score: int
def body(): return Answer.__annotations__
>>> class Answer:
    score: str
class attribute Answer.__annotations__

== another dataclass of the same name
from dataclasses import dataclass, field, fields
@dataclass(repr=False)
class Answer:
    score: int = field(default=1, metadata={"help": "1 to 5"})
def body(): return [dict(field.metadata) for field in fields(Answer)]
>>> pass
@dataclass(repr=False)
class Answer:
    score: int = field(default=1, metadata={"help": "1 to 9"})
class attribute Answer.__dataclass_fields__

== dataclass in a typed dict
from typing import TypedDict
class Inner: x = 1
class Answer(TypedDict):
    inner: Inner
def body(): return Answer.__annotations__["inner"].x
>>> Inner.x = 2
class attribute Inner.x

== name of a function
def helper(): pass
def body(): return helper.__name__
>>> helper.__name__ = "search"
name of helper

== comprehension, lambda, inner function, generator
A = B = C = D = 1
def body():
    def inner(): return A
    return [B for _ in "x"], (lambda: C)(), inner(), list(D for _ in "x")
>>> D = 2
global D of judge.py

== class inside of the body
A = 1
def body():
    class Inner:
        x = A
    return Inner.x
>>> A = 2
global A of judge.py

== function inside of a function inside of the body
A = 1
def body():
    def outer():
        def inner(): return [A for _ in "x"]
        return inner
    return outer()()
>>> A = 2
global A of judge.py

== cached function of the standard library
import functools
LIMIT = 1
def inner(): return LIMIT
@functools.lru_cache
def helper(): return inner()
def body(): return helper.__wrapped__()
>>> LIMIT = 2
global LIMIT of judge.py

== context manager
import contextlib
LIMIT = 1
@contextlib.contextmanager
def helper(): yield LIMIT
def body():
    with helper() as limit: return limit
>>> LIMIT = 2
global LIMIT of judge.py

== generic function
import functools
LIMIT = 1
@functools.singledispatch
def helper(x): return 0
@helper.register
def _(x: str): return LIMIT
def body(): return helper("x")
>>> LIMIT = 2
global LIMIT of judge.py

== context variable
import contextvars
STYLE = contextvars.ContextVar("style", default="plain")
def body(): return STYLE.get()
>>> STYLE.set("terse")
value of global STYLE of judge.py

== environment variable
import os
def body(): return os.environ["SGLC_TEST_STYLE"]
>>> os.environ["SGLC_TEST_STYLE"] = "terse"
environment variable SGLC_TEST_STYLE

== environment variable in a helper
import os
def helper(): return os.getenv("SGLC_TEST_STYLE")
def body(): return helper()
>>> os.environ["SGLC_TEST_STYLE"] = "terse"
environment variable SGLC_TEST_STYLE

== environment variable appears
import os
def body(): return os.environ.get("SGLC_TEST_NEW")
>>> os.environ["SGLC_TEST_NEW"] = "x"
environment variable SGLC_TEST_NEW

== environment variable vanishes
import os
def body(): return "SGLC_TEST_STYLE" in os.environ
>>> del os.environ["SGLC_TEST_STYLE"]
environment variable SGLC_TEST_STYLE

== environment under another name
from os import environ as variables
def body(): return variables["SGLC_TEST_STYLE"]
>>> variables["SGLC_TEST_STYLE"] = "terse"
environment variable SGLC_TEST_STYLE

== getenv under another name
from os import getenv as variable
def body(): return variable("SGLC_TEST_STYLE")
>>> import os; os.environ["SGLC_TEST_STYLE"] = "terse"
environment variable SGLC_TEST_STYLE

== attribute of a module
import prompts
def body(): return prompts.STYLE
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== attribute of a module appears
import prompts
def body(): return getattr(prompts, "STYLE", None)
--- OTHER = 1
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== attribute of a module vanishes
import prompts
def body(): return hasattr(prompts, "STYLE")
--- STYLE = None
>>> del prompts.STYLE
attribute STYLE of module prompts

== list of a module
import prompts
def body(): return prompts.STYLES[0]
--- STYLES = ["plain"]
>>> prompts.STYLES[0] = "terse"
attribute STYLES of module prompts

== helper in a module
import prompts
def body(): return prompts.helper()
---
LIMIT = 1
def helper(): return LIMIT
>>> prompts.LIMIT = 2
global LIMIT of prompts.py

== module as an argument
import prompts
def style(module): return module.STYLE
def body(): return style(prompts)
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== module in a list
import prompts
MODULES = [prompts]
def body(): return MODULES[0].STYLE
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== module imported by the body
def body():
    import prompts
    return prompts.STYLE
--- STYLE = "plain"
>>> import prompts; prompts.STYLE = "terse"
attribute STYLE of module prompts

== name imported by the body
def body():
    from prompts import STYLE as style
    return style
--- STYLE = "plain"
>>> import prompts; prompts.STYLE = "terse"
attribute STYLE of module prompts

== module imported by name
import importlib
def body(): return importlib.import_module("prompts").STYLE
--- STYLE = "plain"
>>> import prompts; prompts.STYLE = "terse"
attribute STYLE of module prompts

== other module of the same name
def body():
    import prompts
    return prompts.STYLE
--- STYLE = "plain"
>>> import sys, types; sys.modules["prompts"] = types.ModuleType("prompts"); sys.modules["prompts"].STYLE = "terse"
attribute STYLE of module prompts

== attribute made by a module's __getattr__
import prompts
def body(): return prompts.STYLE
---
TABLE = {"STYLE": "plain"}
def __getattr__(name): return TABLE[name]
>>> prompts.TABLE["STYLE"] = "terse"
global TABLE of prompts.py

== attribute by a constant name
import prompts
def body(): return getattr(prompts, "STYLE")
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== entry of a module's dict
import prompts
def body(): return prompts.__dict__["STYLE"]
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== vars() of a module
import prompts
def body(): return [value for name, value in vars(prompts).items() if name.isupper()]
--- STYLE = "plain"
>>> prompts.STYLE = "terse"
attribute STYLE of module prompts

== globals()
STYLE = "plain"
NAME = "STY" + "LE"
def body(): return globals()[NAME]
>>> STYLE = "terse"
global STYLE of judge.py

== a global appears in globals()
def body(): return sorted(name for name in globals() if name.isupper())
>>> STYLE = "terse"
global STYLE of judge.py

== eval()
STYLE = "plain"
def body(): return eval("STYLE")
>>> STYLE = "terse"
global STYLE of judge.py

== program
import sglc as sgl
LIMIT = 1
@sgl.function
def summary(s, text): return LIMIT
def body(): return summary.func(None, "")
>>> LIMIT = 2
global LIMIT of judge.py

== default of a program
import sglc as sgl
@sgl.function
def summary(s, text, limit=1): return limit
def body(): return summary.func(None, "")
>>> summary.func.__defaults__ = (2,)
default of summary's parameter limit

== argument of a bound program
import sglc as sgl
@sgl.function
def summary(s, text): return text
summary = summary.bind(text="a")
def body(): return summary.bind_arguments["text"]
>>> summary.bind_arguments["text"] = "b"
global summary of judge.py

== function of a program
import sglc as sgl
@sgl.function
def summary(s, text): return 1
def other(s, text): return 2
def body(): return summary.func(None, "")
>>> summary.func = other
global summary of judge.py

== another object that is known already
A, B = [1], [2]
C = A
def body(): return A, B, C
>>> C = B
global C of judge.py

== another builtin
choose = max
def body(): return choose(1, 2)
>>> choose = min
global choose of judge.py

== another function of a library
import operator
combine = operator.add
def body(): return combine(2, 3)
>>> combine = operator.mul
global combine of judge.py

== another method of a list
DATA = [1, 2, 2]
ask = DATA.count
def body(): return ask(2)
>>> ask = DATA.index
global ask of judge.py

== class method instead of a static one
def helper(x=None): return x
class Judge:
    text = staticmethod(helper)
def body(): return Judge.text()
>>> Judge.text = classmethod(helper)
class attribute Judge.text

== circle that changes
RING = [1]
RING.append(RING)
def body(): return RING[1][1][0]
>>> RING[0] = 2
global RING of judge.py

== circle of instances
class Node:
    def __init__(self, value): self.value, self.next = value, None
A, B = Node(1), Node(2)
A.next, B.next = B, A
def body(): return A.next.value
>>> B.value = 3
attribute value of attribute next of global A of judge.py

== circle of functions
X = 1
def even(n): return X if n == 0 else odd(n - 1)
def odd(n): return -X if n == 0 else even(n - 1)
def body(): return even(7)
>>> X = 2
global X of judge.py

== deep nesting
DATA = leaf = []
for _ in range(5_000):
    leaf.append([])
    leaf = leaf[0]
def body():
    at = DATA
    while at and isinstance(at[0], list): at = at[0]
    return at
>>> leaf.append(1)
global DATA of judge.py

== two things at once: the first is named
A = B = 1
def body(): return A, B
>>> A = B = 2
global A of judge.py
"""

HOLDS = """
== nothing happens
EXAMPLES = {"a": [1, 2.5, None, ("b", b"c")], "d": {1, 2}}
def body(): return EXAMPLES
>>> pass

== unrelated globals
STYLE = "plain"
def body(): return STYLE
>>> OTHER = 1; body_of_text = 2; style = 3

== unrelated attributes of a module
import prompts
def body(): return prompts.STYLE
--- STYLE = "plain"
>>> prompts.OTHER = 1; prompts.style = 2

== a global with the name of an attribute
class Config:
    style = "plain"
def body(): return Config.style
>>> style = 1

== environment that is not read
import os
def body(): return os.sep
>>> os.environ["SGLC_TEST_STYLE"] = "terse"

== garbage is collected
class Node: pass
NODE = Node()
NODE.me = NODE
def body(): return NODE.me is NODE
>>> import gc; gc.collect()

== circles
RING = [1, {}]
RING.append(RING)
RING[1]["ring"] = RING
def body(): return len(RING)
>>> pass

== changed and put back
EXAMPLES = [1, 2]
def body(): return EXAMPLES
>>> EXAMPLES.append(3); EXAMPLES.pop()

== equal constant
STYLE = "a b"
def body(): return STYLE
>>> STYLE = " ".join(["a", "b"])

== equal number
X = 123456.5
def body(): return X
>>> X = float("123456.5")

== another nan
X = float("nan")
def body(): return X
>>> X = float("nan")

== equal list
EXAMPLES = [1, ["a", 2.5], {"k": (1, [2])}]
def body(): return EXAMPLES
>>> EXAMPLES = [1, ["a", 2.5], {"k": (1, [2])}]

== equal list inside
EXAMPLES = [1, ["a", 2.5]]
def body(): return EXAMPLES
>>> EXAMPLES[1] = ["a", 2.5]

== equal set in another order
NAMES = {"a", "b", "c", 8, 16}
def body(): return sorted(map(str, NAMES))
>>> NAMES = {16, 8, "c", "b", "a"}

== equal dataclass
from dataclasses import dataclass
@dataclass
class Config:
    style: str
    shots: list
CONFIG = Config("plain", [1])
def body(): return CONFIG
>>> CONFIG = Config("plain", [1])

== equal slots
class Config:
    __slots__ = ("style",)
    def __init__(self): self.style = "plain"
CONFIG = Config()
def body(): return CONFIG.style
>>> CONFIG = Config()

== equal member of an enum
import enum
class Style(enum.Enum):
    PLAIN = "plain"
STYLE = Style.PLAIN
def body(): return STYLE.value
>>> STYLE = Style("plain")

== equal pattern
import re
PATTERN = re.compile("a")
def body(): return PATTERN.sub("b", "aA")
>>> re.purge(); PATTERN = re.compile("a")

== equal date, path, decimal
import datetime, decimal, pathlib
A, B, C = datetime.date(2024, 1, 2), decimal.Decimal("1.50"), pathlib.Path("a/b")
def body(): return A, B, C
>>> A, B, C = datetime.date(2024, 1, 2), decimal.Decimal("1.50"), pathlib.Path("a/b")

== equal partial
import functools
def helper(k): return k
call = functools.partial(helper, k=[1])
def body(): return call()
>>> call = functools.partial(helper, k=[1])

== equal closure cell
def make():
    style = [1]
    def body(): return style
    def change(value):
        nonlocal style
        style = value
    return body, change
body, change = make()
>>> change([1])

== cached function is called
import functools
@functools.lru_cache
def helper(x): return x + 1
def body(): return helper(1)
>>> helper(1); helper(2)

== cached property is read
import functools
class Judge:
    @functools.cached_property
    def text(self): return "a"
JUDGE = Judge()
def body(): return JUDGE.text
>>> JUDGE.text

== logger is used
import logging
log = logging.getLogger("judge")
def body(): log.debug("x")
>>> log.debug("x"); log.isEnabledFor(10); logging.getLogger("judge.new")

== module is imported by the body for the first time
def body():
    import prompts.later
    from prompts import later
    return prompts.later.STYLE, later.STYLE
--- __path__ = []
>>> import prompts; prompts.later = made("prompts.later", "STYLE = 1")

== module of the standard library is imported for the first time
def body():
    import this_is_never_imported as module
    return module
>>> made("this_is_never_imported", "X = 1")

== host function counts its calls
import sglc as sgl
CALLS = []
@sgl.host
def search(query: str) -> str:
    CALLS.append(query)
    return "found"
def body(): return search.__name__
>>> search("x")
"""


@dataclass(frozen=True)
class Case:
    title: str
    judge: str
    prompts: str | None
    change: str
    changed: str | None = None

    def __str__(self) -> str:
        return self.title


def cases(text: str) -> list[Case]:
    found: list[Case] = []
    for block in text.strip().removeprefix("== ").split("\n\n== "):
        source, _, rest = block.partition("\n>>> ")
        *change, changed = rest.split("\n") if text is CHANGES else [*rest.split("\n"), ""]
        title, _, judge = source.partition("\n")
        judge, divider, prompts = judge.partition("\n---")
        found.append(Case(title, judge, prompts.strip() if divider else None, "\n".join(change), changed or None))
    return found


def made(name: str, source: str) -> Any:
    module = ModuleType(name)
    module.__file__ = f"{name}.py"
    sys.modules[name] = module
    run(module, source)
    return module


def run(module: ModuleType, source: str) -> None:
    exec(compile(source, f"{module.__name__}.py", "exec", dont_inherit=True), vars(module))


def loaded(case: Case) -> Any:
    if case.prompts is not None:
        made("prompts", case.prompts)
    return made("judge", case.judge)


def happens(case: Case, judge: ModuleType) -> None:
    vars(judge)["made"] = made
    run(judge, case.change)


def outcome(body: Callable[[], Any]) -> str:
    """What a body does: the witness that a change is one."""
    try:
        return repr(body())
    except Exception as error:  # noqa: BLE001 - an outcome like others
        return repr(error)


@pytest.fixture(autouse=True)
def _the_world_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    modules, names = dict(sys.modules), dict(vars(builtins))
    monkeypatch.setattr(os, "environ", os.environ)
    monkeypatch.setenv("SGLC_TEST_STYLE", "plain")
    monkeypatch.delenv("SGLC_TEST_NEW", raising=False)
    yield
    for name in sys.modules.keys() - modules.keys():
        if sys.modules[name].__spec__ is None or name.startswith("sglc_test_"):  # not numpy, which loads only once
            del sys.modules[name]
    os.environ.pop("SGLC_TEST_NEW", None)
    for name, value in names.items():
        setattr(builtins, name, value)
    for name in vars(builtins).keys() - names.keys():
        delattr(builtins, name)


@pytest.mark.parametrize("case", cases(CHANGES), ids=str)
def test_a_change_is_noticed_and_named(case: Case) -> None:
    judge = loaded(case)
    body, before = judge.body, outcome(judge.body)
    guard = Guard.of(body)
    assert guard.changed() is None
    assert guard.holds()
    happens(case, judge)
    assert outcome(body) != before
    assert not guard.holds()
    assert guard.changed() == case.changed
    assert not guard.holds()
    assert Guard.of(body).holds()


@pytest.mark.parametrize("case", cases(HOLDS), ids=str)
def test_what_changes_nothing_is_not(case: Case) -> None:
    judge = loaded(case)
    guard, asked = Guard.of(judge.body), Guard.of(judge.body)
    before = outcome(judge.body) if "first time" not in case.title else None
    happens(case, judge)
    assert asked.changed() is None
    assert guard.holds()
    gc.collect()
    assert guard.holds()
    assert before in (None, outcome(judge.body))
    assert guard.changed() is None


@pytest.mark.parametrize("case", [*cases(CHANGES), *cases(HOLDS)], ids=str)
def test_where_nothing_happens_nothing_is_walked(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard.of(loaded(case).body)
    monkeypatch.setattr(guards, "_Walk", None)
    assert guard.holds()


def test_a_guard_holds_again_when_the_change_is_undone() -> None:
    judge = made("judge", "STYLE, SHOTS = 'a', [1]\ndef body(): return STYLE, SHOTS")
    guard = Guard.of(judge.body)
    judge.STYLE = "b"
    judge.SHOTS.append(2)
    assert guard.changed() == "global STYLE of judge.py"
    judge.STYLE = "a"
    assert guard.changed() == "global SHOTS of judge.py"
    judge.SHOTS.pop()
    assert guard.holds()


def test_a_program_is_guarded_like_its_function() -> None:
    judge = made("judge", "import sglc as sgl\nX = 1\n@sgl.function\ndef body(s, a, k=2): s += f'{X}{k}' + a")
    guards_ = [Guard.of(judge.body), Guard.of(judge.body.func), Guard.of(judge.body.bind(a="b"))]
    assert all(guard.holds() for guard in guards_)
    judge.X = 2
    assert [guard.changed() for guard in guards_] == ["global X of judge.py"] * 3


def test_a_function_of_a_library_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = made("judge", "import json\ndef body(): return json.dumps([1])")
    guard = Guard.of(judge.body)
    monkeypatch.setattr(json, "dumps", lambda value: "?")
    assert guard.changed() == "attribute dumps of module json"


def package(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for file, source in {"__init__": "", **files}.items():
        (folder / name / f"{file}.py").write_text(textwrap.dedent(source))


@pytest.mark.parametrize(
    "form", ["from . import prompts", "from .prompts import STYLE", "import sglc_test_pack.prompts as prompts"]
)
def test_an_import_in_the_body(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_source = f"""
        def body():
            {form}
            return {"STYLE" if form.endswith("STYLE") else "prompts.STYLE"}
    """
    package(tmp_path, "sglc_test_pack", judge=judge_source, prompts="STYLE = 'plain'")
    monkeypatch.syspath_prepend(tmp_path)
    judge = importlib.import_module("sglc_test_pack.judge")
    guard = Guard.of(judge.body)
    assert judge.body() == "plain"
    assert guard.changed() is None, "to import a module for the first time is no change"
    prompts: Any = importlib.import_module("sglc_test_pack.prompts")
    prompts.STYLE = "terse"
    assert judge.body() == "terse"
    assert guard.changed() == "attribute STYLE of module sglc_test_pack.prompts"


def test_an_installed_program_is_walked_and_its_libraries_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages"
    library = """
        Y = 1
        def call(): return Y
        def __getattr__(name):
            if name.startswith("_"): raise AttributeError(name)
            globals()[name] = 5
            return 5
        def decorate(function):
            calls = []
            def decorated():
                calls.append(1)
                return function()
            return decorated
    """
    program = """
        import sglc_test_library as library
        X = Z = 1
        def helper(): return X
        @library.decorate
        def decorated(): return Z
        def body(): return helper(), decorated(), library.call(), library.LATE
    """
    package(installed, "sglc_test_library", __init__=library)
    package(installed, "sglc_test_program", __init__=program)
    monkeypatch.syspath_prepend(installed)
    judge: Any = importlib.import_module("sglc_test_program")
    guard = Guard.of(judge.body)
    assert judge.body() == (1, 1, 1, 5)
    assert guard.changed() is None, "a library may add to itself, and count"
    judge.library.Y = 2
    assert guard.holds(), "what a library's code reads is not looked at"
    judge.library.LATE = 6
    assert guard.changed() == "attribute LATE of module sglc_test_library"
    judge.library.LATE = 5
    judge.X = 2
    assert guard.changed() == "global X of __init__.py"
    judge.X, judge.Z = 1, 2
    assert guard.changed() == "global Z of __init__.py"
    judge.Z = 1
    judge.library.call = lambda: 3
    assert guard.changed() == "attribute call of module sglc_test_library"


def test_beyond_the_limit_identity_and_length_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MAX_ITEMS", 50)
    judge = made("judge", "LARGE = [[0] for _ in range(100)]\nSMALL = [1]\ndef body(): return LARGE, SMALL")
    guard = Guard.of(judge.body)
    judge.LARGE[0] = [1]
    assert guard.holds(), "the documented limit"
    judge.LARGE.append([0])
    assert guard.changed() == "global LARGE of judge.py"
    judge.LARGE.pop()
    assert guard.holds()
    judge.LARGE = list(judge.LARGE)
    assert guard.changed() == "global LARGE of judge.py"
    assert Guard.of(judge.body).holds()
    guard = Guard.of(judge.body)
    assert guard.holds()
    judge.SMALL[0] = 2
    assert guard.changed() == "global SMALL of judge.py"


def test_an_instance_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "MAX_ITEMS", 50)
    source = """
        class Table:
            def __init__(self): self.__dict__.update((f"x{i}", i) for i in range(100))
        TABLE = Table()
        def body(): return TABLE
    """
    judge = made("judge", textwrap.dedent(source))
    guard = Guard.of(judge.body)
    assert guard.holds()
    judge.TABLE = judge.Table()
    assert guard.changed() == "global TABLE of judge.py"


def test_no_user_code_runs_in_a_guard() -> None:
    source = """
        class Loud:
            def __getattribute__(self, name): raise AssertionError(name)
            def __eq__(self, other): raise AssertionError("==")
            def __hash__(self): return 1
            def __repr__(self): raise AssertionError("repr")
            def __len__(self): raise AssertionError("len")
        class LoudList(list):
            def __iter__(self): raise AssertionError("iter")
            def __len__(self): raise AssertionError("len")
            def __eq__(self, other): raise AssertionError("==")
        class LoudDict(dict):
            __iter__ = __len__ = keys = values = items = __getitem__ = LoudList.__iter__
        class Lying:
            __class__ = property(lambda self: dict)
        THINGS = [Loud(), LoudList([Loud()]), LoudDict(a=Loud()), {Loud(): 1}, {Loud()}, Lying()]
        def body(): return THINGS[0]
    """
    judge = made("judge", textwrap.dedent(source))
    guard = Guard.of(judge.body)
    assert guard.holds()
    assert guard.changed() is None
    list.append(judge.THINGS[1], 1)
    assert guard.changed() == "global THINGS of judge.py"


@dataclass
class Record:
    content: Any
    name: Any = "x"


def grown(draw: random.Random, depth: int = 3) -> Any:
    if depth == 0 or draw.random() < 0.2:
        return draw.choice([0, 1, True, 1.0, 0.0, -0.0, None, "a", "b", b"a", float("nan"), 10**20])
    items = [grown(draw, depth - 1) for _ in range(draw.randint(0, 4))]
    keys = draw.sample(["a", "b", 1, 2.5, None], len(items))
    makers: list[Callable[[], Any]] = [
        lambda: items,
        lambda: tuple(items),
        lambda: deque(items, 9),
        lambda: dict(zip(keys, items, strict=True)),
        lambda: set(keys),
        lambda: Record(items),
        lambda: SimpleNamespace(content=items),
    ]
    return draw.choice(makers)()


def changeable(value: Any) -> Iterator[Any]:
    """The objects inside of a value that can be changed."""
    if isinstance(value, list | deque | dict | set | Record | SimpleNamespace):
        yield value
    inside: Any = value.values() if isinstance(value, dict) else [] if isinstance(value, str | bytes) else value
    if isinstance(value, Record | SimpleNamespace):
        inside = vars(value).values()
    for item in inside if hasattr(inside, "__iter__") else ():
        yield from changeable(item)


def change_somewhere(draw: random.Random, data: list[Any]) -> None:
    target, new = draw.choice(list(changeable(data))), grown(draw, 1)
    match target:
        case list() | deque():
            if target and draw.random() < 0.8:
                at = draw.randrange(len(target))
                target[at] = draw.choice([new, copy.deepcopy(target[at])])
            else:
                target.append(new)
        case dict():
            key = draw.choice([*target, "new"])
            target[key] = draw.choice([new, copy.deepcopy(target.get(key))])
        case set():
            target.symmetric_difference_update([draw.choice(["a", "c", 1, True])])
        case _:
            target.content = draw.choice([new, copy.deepcopy(target.content)])


def described(value: Any) -> str:
    """A value with its types, whatever the order of sets."""
    kind = type(value).__name__
    if isinstance(value, set):
        return f"{kind}{sorted(map(described, value))}"
    if isinstance(value, dict):
        return f"{kind}{[(described(key), described(item)) for key, item in value.items()]}"
    if isinstance(value, list | tuple | deque):
        return f"{kind}{[described(item) for item in value]}"
    if isinstance(value, Record | SimpleNamespace):
        return f"{kind}{described(vars(value))}"
    return f"{kind}:{value!r}"


@pytest.mark.parametrize("seed", range(8))
def test_random_data(seed: int) -> None:
    draw = random.Random(seed)
    verdicts: set[bool] = set()
    for _ in range(40):
        data = [grown(draw) for _ in range(3)]

        def body(data: list[Any] = data) -> str:
            return described(data)

        guard, before = Guard.of(body), body()
        for _ in range(5):
            change_somewhere(draw, data)
            same = body() == before
            assert guard.holds() == same, (before, body())
            verdicts.add(same)
    assert verdicts == {True, False}

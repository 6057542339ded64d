"""sglc: a compiler for LM programs.

import sglc as sgl

@sgl.function
def answer(s, question):
    s += sgl.user(question)
    s += sgl.assistant(sgl.gen("answer", max_tokens=64))

print(answer.run(question="What is a compiler?")["answer"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sglc.backends import set_default_backend
from sglc.function import SglFunction, function
from sglc.ir.errors import (
    ArgumentsError,
    ArtifactError,
    CapacityError,
    ConstraintError,
    IRError,
    ModelError,
    ProgramError,
    RunError,
    SglcError,
)
from sglc.language import (
    assistant,
    assistant_begin,
    assistant_end,
    gen,
    image,
    join,
    select,
    system,
    system_begin,
    system_end,
    trusted,
    user,
    user_begin,
    user_end,
)
from sglc.state import ProgramState, ProgramStateGroup

if TYPE_CHECKING:
    from sglc.batch import BatchInterrupted
    from sglc.compiled import CompiledProgram, load
    from sglc.result import Result
    from sglc.runtime.backend import Engine
    from sglc.runtime.backend import Engine as Runtime

__version__ = "0.1.0"

__all__ = [
    "ArgumentsError",
    "ArtifactError",
    "BatchInterrupted",
    "CapacityError",
    "CompiledProgram",
    "ConstraintError",
    "Engine",
    "IRError",
    "ModelError",
    "ProgramError",
    "ProgramState",
    "ProgramStateGroup",
    "Result",
    "RunError",
    "Runtime",
    "SglFunction",
    "SglcError",
    "assistant",
    "assistant_begin",
    "assistant_end",
    "function",
    "gen",
    "image",
    "join",
    "load",
    "select",
    "set_default_backend",
    "system",
    "system_begin",
    "system_end",
    "trusted",
    "user",
    "user_begin",
    "user_end",
]

# What takes long to load, torch above all, is loaded when it is first used, so that `import sglc` stays quick.
_LAZY = {
    "BatchInterrupted": ("sglc.batch", "BatchInterrupted"),
    "CompiledProgram": ("sglc.compiled", "CompiledProgram"),
    "Engine": ("sglc.runtime.backend", "Engine"),
    "Result": ("sglc.result", "Result"),
    "Runtime": ("sglc.runtime.backend", "Engine"),  # SGLang's name
    "load": ("sglc.compiled", "load"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'sglc' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)

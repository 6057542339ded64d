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

from sglc.backends import flush_cache, get_server_info, set_default_backend
from sglc.endpoints import Anthropic, Crusoe, LiteLLM, OpenAI, RuntimeEndpoint, VertexAI
from sglc.function import SglFunction, function
from sglc.global_config import global_config
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
from sglc.language.arguments import static
from sglc.language.expressions import (
    assistant,
    assistant_begin,
    assistant_end,
    gen,
    gen_int,
    gen_string,
    greedy_token_selection,
    image,
    join,
    select,
    separate_reasoning,
    system,
    system_begin,
    system_end,
    token_length_normalized,
    trusted,
    unconditional_likelihood_normalized,
    unordered,
    user,
    user_begin,
    user_end,
    video,
)
from sglc.language.host import call, host
from sglc.language.state import ProgramState, ProgramStateGroup
from sglc.language.template import template

if TYPE_CHECKING:
    from sglc.batch import BatchInterrupted
    from sglc.compiled import CompiledProgram, load
    from sglc.result import Result
    from sglc.runtime.backend import Engine, Runtime
    from sglc.runtime.scripted import Scripted

__version__ = "0.1.0"

__all__ = [
    "Anthropic",
    "ArgumentsError",
    "ArtifactError",
    "BatchInterrupted",
    "CapacityError",
    "CompiledProgram",
    "ConstraintError",
    "Crusoe",
    "Engine",
    "IRError",
    "LiteLLM",
    "ModelError",
    "OpenAI",
    "ProgramError",
    "ProgramState",
    "ProgramStateGroup",
    "Result",
    "RunError",
    "Runtime",
    "RuntimeEndpoint",
    "Scripted",
    "SglFunction",
    "SglcError",
    "VertexAI",
    "assistant",
    "assistant_begin",
    "assistant_end",
    "call",
    "flush_cache",
    "function",
    "gen",
    "gen_int",
    "gen_string",
    "get_server_info",
    "global_config",
    "greedy_token_selection",
    "host",
    "image",
    "join",
    "load",
    "select",
    "separate_reasoning",
    "set_default_backend",
    "static",
    "system",
    "system_begin",
    "system_end",
    "template",
    "token_length_normalized",
    "trusted",
    "unconditional_likelihood_normalized",
    "unordered",
    "user",
    "user_begin",
    "user_end",
    "video",
]

# What takes long to load, torch above all, is loaded when it is first used, so that `import sglc` stays quick.
_LAZY = {
    "BatchInterrupted": ("sglc.batch", "BatchInterrupted"),
    "CompiledProgram": ("sglc.compiled", "CompiledProgram"),
    "Engine": ("sglc.runtime.backend", "Engine"),
    "Result": ("sglc.result", "Result"),
    "Runtime": ("sglc.runtime.backend", "Runtime"),
    "Scripted": ("sglc.runtime.scripted", "Scripted"),
    "load": ("sglc.compiled", "load"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'sglc' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    return getattr(import_module(module), attribute)

"""Layers are law: what each part of sglc may import, and what no part may do.

            sglc                     language, trace, compile, run, CLI
           /    \\
      passes    runtime              Graph -> Schedule | Schedule -> tokens
           \\    /    \\
            ir      kernels          data              | torch + triton only

Every import counts, in functions and under TYPE_CHECKING too. The files are read, never run.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What a layer may import beyond the standard library and itself: other layers, and packages.
LAYERS = {
    "ir": (set(), {"lark", "msgpack", "networkx", "numpy"}),
    "passes": ({"ir"}, {"lark", "llguidance", "networkx", "numpy"}),
    "kernels": (set(), {"numpy", "torch", "triton"}),
    "runtime": (
        {"ir", "kernels"},
        {
            "huggingface_hub",
            "jinja2",
            "llguidance",
            "networkx",
            "numpy",
            "safetensors",
            "tokenizers",
            "torch",
            "transformers",
        },
    ),
    "sglc": ({"ir", "passes", "runtime"}, {"networkx", "rich", "typer"}),
}
IMPORTERS = {"__import__", "import_module", "importlib.import_module"}
PICKLES = {"pickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def sources() -> Iterator[tuple[str, str, str]]:
    """(layer, path, source) of each file of the package; `sglc/` holds links to the other layers."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            inside = path.relative_to(ROOT / layer)
            if layer != "sglc" or inside.parts[0] not in LAYERS:
                yield layer, str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def imported(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of each import; `from a import b` gives `a.b`. `package` is what a dot stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and name_of(node.func) in IMPORTERS:
            name = node.args[0] if node.args else None
            names = [name] if isinstance(name, ast.Constant) else list(module_names(tree))
            yield from ((node.lineno, str(constant.value)) for constant in names)
            if not names:
                yield node.lineno, "?"


def module_names(tree: ast.AST) -> Iterator[ast.Constant]:
    """The strings that name modules of sglc: where the name of an import is computed, it is one of these."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"sglc(\.\w+)+", node.value):
            yield node


def name_of(node: ast.AST) -> str:
    """`a.b.c` of a name or attribute, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (value := name_of(node.value)):
        return f"{value}.{node.attr}"
    return ""


def layer_of(dotted: str) -> str | None:
    """The layer that a dotted name belongs to, None for other packages."""
    first, *rest = dotted.split(".")
    if first != "sglc":
        return None
    return rest[0] if rest and rest[0] in LAYERS else "sglc"


def wrong_imports(layer: str, path: str, source: str) -> Iterator[str]:
    layers, packages = LAYERS[layer]
    package = ".".join((Path() if layer == "sglc" else Path("sglc")).joinpath(Path(path).parent).parts)
    for line, dotted in imported(ast.parse(source), package):
        first = dotted.split(".")[0]
        target = layer_of(dotted)
        if first in PICKLES:
            yield f"{path}:{line}: {first} can run code that it loads"
        elif target is not None:
            if target != layer and target not in layers:
                yield f"{path}:{line}: {layer} may not import {target}"
        elif first not in sys.stdlib_module_names and first not in packages:
            yield f"{path}:{line}: {layer} may not import {first}"


def unsafe_calls(path: str, source: str) -> Iterator[str]:
    """Calls that run what they read: `eval`, `exec`, `torch.load`, `yaml.load`, a model's own code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in {"torch", "yaml"}:
            if any(alias.name == "load" for alias in node.names):
                yield f"{path}:{node.lineno}: {node.module}.load"
        elif isinstance(node, ast.Call):
            if (name := name_of(node.func)) in {
                "eval",
                "exec",
                "builtins.eval",
                "builtins.exec",
                "torch.load",
                "yaml.load",
            }:
                yield f"{path}:{node.lineno}: {name}"
            for keyword in node.keywords:
                off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
                if keyword.arg == "trust_remote_code" and not off:
                    yield f"{path}:{node.lineno}: trust_remote_code"


def test_every_layer_has_files() -> None:
    assert {layer for layer, _, _ in sources()} == LAYERS.keys()


def test_imports_follow_the_arrows() -> None:
    assert [wrong for layer, path, source in sources() for wrong in wrong_imports(layer, path, source)] == []


def test_nothing_runs_what_it_reads() -> None:
    assert [unsafe for _, path, source in sources() for unsafe in unsafe_calls(path, source)] == []


WRONG = [
    ("ir/x.py", "import torch", "ir may not import torch"),
    ("ir/x.py", "import sglc", "ir may not import sglc"),
    ("ir/x.py", "import sglc.passes.lower", "ir may not import passes"),
    ("ir/x.py", "from sglc import runtime", "ir may not import runtime"),
    ("ir/x.py", "from ..passes import lower", "ir may not import passes"),
    ("passes/x.py", "from sglc.runtime.executor import Executor", "passes may not import runtime"),
    ("passes/x.py", "def f():\n    import transformers", "passes may not import transformers"),
    ("passes/regex/x.py", "from ...runtime import jobs", "passes may not import runtime"),
    ("passes/x.py", "if TYPE_CHECKING:\n    from sglc.runtime import jobs", "passes may not import runtime"),
    ("runtime/x.py", "from sglc.passes import lower", "runtime may not import passes"),
    ("runtime/engine/x.py", "from sglc import Engine", "runtime may not import sglc"),
    ("runtime/x.py", "import rich.table", "runtime may not import rich"),
    ("kernels/x.py", "from sglc.ir.errors import SglcError", "kernels may not import ir"),
    ("kernels/x.py", "import transformers", "kernels may not import transformers"),
    ("sglc/x.py", "from sglc.kernels import attention", "sglc may not import kernels"),
    ("sglc/x.py", "from .kernels import attention", "sglc may not import kernels"),
    ("sglc/guards/x.py", "from ..kernels import attention", "sglc may not import kernels"),
    ("sglc/x.py", "import torch", "sglc may not import torch"),
    ("sglc/x.py", "import importlib\nimportlib.import_module('torch')", "sglc may not import torch"),
    ("sglc/x.py", "__import__(name)", "sglc may not import ?"),
    ("sglc/x.py", "LAZY = {'f': 'sglc.kernels.door'}\nimport_module(LAZY[name])", "sglc may not import kernels"),
    ("sglc/x.py", "import pickle", "pickle can run code that it loads"),
]
UNSAFE = [
    ("eval('1')", "eval"),
    ("def f():\n    exec(code, {})", "exec"),
    ("torch.load(path, weights_only=True)", "torch.load"),
    ("from torch import load", "torch.load"),
    ("yaml.load(text)", "yaml.load"),
    ("AutoModel.from_pretrained(path, trust_remote_code=True)", "trust_remote_code"),
    ("AutoModel.from_pretrained(path, trust_remote_code=trust)", "trust_remote_code"),
]
FINE = [
    ("ir/x.py", "import json, lark\nfrom sglc.ir import ops\nfrom . import graph\nfrom .ops import Gen"),
    ("passes/x.py", "from sglc import ir\nfrom sglc.ir.graph import Graph\nfrom ..ir import ops"),
    ("runtime/engine/x.py", "import torch\nfrom sglc.kernels import attention\nfrom ...ir import tokens"),
    ("sglc/x.py", "from sglc import runtime\nfrom .passes import lower\nimport sglc.language\nimport typer"),
    ("sglc/x.py", "LAZY = {'f': 'sglc.runtime.backend'}\nimport_module(LAZY[name])"),
    ("runtime/x.py", "model.eval()\nAutoModel.from_pretrained(path, trust_remote_code=False)\njson.load(file)"),
]


@pytest.mark.parametrize(("path", "source", "message"), WRONG)
def test_finds_a_wrong_import(path: str, source: str, message: str) -> None:
    (found,) = wrong_imports(path.split("/", maxsplit=1)[0], path, source)
    assert found.startswith(f"{path}:")
    assert found.endswith(f": {message}")


@pytest.mark.parametrize(("source", "message"), UNSAFE)
def test_finds_an_unsafe_call(source: str, message: str) -> None:
    (found,) = unsafe_calls("sglc/x.py", source)
    assert found.endswith(f": {message}")


@pytest.mark.parametrize(("path", "source"), FINE)
def test_lets_pass_what_is_allowed(path: str, source: str) -> None:
    assert [*wrong_imports(path.split("/", maxsplit=1)[0], path, source), *unsafe_calls(path, source)] == []

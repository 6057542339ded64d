"""Compiles the Triton kernels for a GPU of compute capability 9.0, which needs none, and prints what came of it as JSON:
name -> registers, spilled bytes, shared memory, async copies of 16 bytes, loads of 16 bytes, other loads of 2 bytes,
matrix instructions.

Run as `python -m tests.kernels.sm90`, in a process whose Triton is not the interpreter.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import triton
from triton.backends import nvidia
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from sglc.kernels import attention_triton, choices, elementwise_triton, linear_triton, sampling_triton

STRIDES = ("_row", "_head", "_page")


def compiled(kernel: Any, pointers: dict[str, str], **constants: Any) -> dict[str, int]:
    """pointers: the kinds of the arguments that are not int32, by name. Pointers and strides are multiples of 16."""
    options = {name: constants.pop(name) for name in ("num_warps", "num_stages") if name in constants}
    names: list[str] = kernel.arg_names
    signature = {name: "constexpr" if name in constants else pointers.get(name, "i32") for name in names}
    aligned = [name for name in names if signature[name].startswith("*") or name.endswith(STRIDES)]
    source = ASTSource(
        kernel,
        signature=signature,
        constexprs={(names.index(name),): value for name, value in constants.items()},
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in aligned},
    )
    result = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=options)
    ptx = result.asm["ptx"]
    told = assembled(ptx)
    return {
        "registers": int(re.findall(r"Used (\d+) registers", told)[0]),
        "spilled": sum(map(int, re.findall(r"(\d+) bytes spill stores", told))),
        "shared": result.metadata.shared,
        "wide_copies": len(re.findall(r"cp\.async\.c[ag]\.shared\.global[^;]*, (?:0x10|16)\b", ptx)),
        "wide_loads": len(re.findall(r"ld\.global(?:\.\w+)*\.(?:v4\.b32|v2\.b64)", ptx)),
        "narrow_loads": len(re.findall(r"ld\.global(?:\.\w+)*\.b16", ptx)),
        "mma": len(re.findall(r"mma\.sync", ptx)),
        "wgmma": len(re.findall(r"wgmma\.mma_async", ptx)),
    }


def assembled(ptx: str) -> str:
    """What the assembler says of a kernel. Triton brings one for older forms of PTX and one for newer ones."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.ptx"
        file.write_text(ptx)
        for assembler in sorted((Path(nvidia.__file__).parent / "bin").glob("ptxas*")):
            command = [assembler, "-arch=sm_90a", "-v", file, "-o", Path(folder) / "kernel.cubin"]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                return done.stderr
    raise RuntimeError("no assembler takes this PTX")


def attention(kind: str, dim: int, group: int, *, tiles: bool) -> dict[str, int]:
    launch = attention_triton.launches(dim)[tiles]
    shape = attention_triton.Shape(group, dim, dim, 0, 0.0, attention_triton.CHUNK)
    data = dict.fromkeys(("query", "keys", "values", "out", "sinks"), f"*{kind}") | {"scale": "fp32"}
    if tiles:
        tables = dict.fromkeys(("pages", "tile_page", "tile_row", "tile_count", "tile_position"), "*i32")
        return compiled(attention_triton.attend_tiles, data | tables, SINKS=False, **shape.constants(launch))
    cut = attention_triton.cut_for(group, dim, None)
    tables = dict.fromkeys(("table", "count"), "*i32") | {"positions": "*i64"}
    partials = dict.fromkeys(("partial", "log_sums"), "*fp32")
    constants = {"WIDTH": cut.width, "RECORD": cut.record} | shape.constants(launch)
    return compiled(attention_triton.attend_items, data | tables | partials, **constants)


def sampling_kernel(name: str, kind: str, vocab: int) -> dict[str, int]:
    pointers = dict.fromkeys(("masks", "best", "listed", "out"), "*i32") | dict.fromkeys(("table", "sums"), "*i64")
    pointers |= dict.fromkeys(("biases", "maxima", "group_tops"), "*fp32") | {"logits": f"*{kind}"}
    sizes = sampling_triton.sizes(vocab, choices.BLOCK)
    kernel = getattr(sampling_triton, name)
    taken = {size: value for size, value in sizes.items() if size in kernel.arg_names}
    return compiled(kernel, pointers, **taken, num_warps=sampling_triton.WARPS[name])


def main() -> None:
    found = {
        f"{name}, {kind}, {dim}, group of {group}": attention(kind, dim, group, tiles=name == "tiles")
        for name in ("items", "tiles")
        for kind, dim, group in (("bf16", 128, 4), ("fp16", 64, 8), ("bf16", 80, 1), ("bf16", 96, 1), ("bf16", 256, 2))
    }
    norm = dict.fromkeys(("x", "weight", "residual", "out", "total"), "*bf16") | {"eps": "fp32", "offset": "fp32"}
    found["rms_norm"] = compiled(
        elementwise_triton.rms_norm_row, norm, SIZE=4096, BLOCK=4096, RESIDUAL=True, ROUND=True, num_warps=8
    )
    turned = dict.fromkeys(
        ("query", "key", "value", "cos", "sin", "keys", "values", "out", "query_weight", "key_weight"), "*bf16"
    ) | {"slots": "*i64", "eps": "fp32", "offset": "fp32"}
    found["rotate_and_store"] = compiled(
        elementwise_triton._rotate_and_store,
        turned,
        **{
            "GROUP": 4,
            "GROUPS": 4,
            "HALF": 64,
            "REST": 0,
            "DV": 128,
            "BLOCK_HALF": 64,
            "BLOCK_REST": 1,
            "BLOCK_DV": 128,
        },
        NORM=True,
        ROUND=True,
        num_warps=4,
    )
    partials = dict.fromkeys(("partial", "log_sums"), "*fp32") | {"merged": "*i32", "first": "*i32"}
    found["merge"] = compiled(
        attention_triton._merge,
        {"out": "*bf16", "sinks": "*bf16"} | partials,
        DV=128,
        BLOCK_DV=128,
        SINKS=False,
        num_warps=4,
    )
    multiplied: dict[str, str] = dict.fromkeys(("x", "weight", "out"), "*bf16")
    for size in (4096, 14336):
        found[f"product, {size}"] = compiled(
            linear_triton.product, multiplied, **linear_triton.constants(size, bias=False), bias=None, weight_inner=1
        )
    for name in sampling_triton.WARPS:
        for kind, vocab in (("bf16", 131072), ("fp32", 128256)):
            found[f"{name}, {kind}, {vocab}"] = sampling_kernel(name, kind, vocab)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

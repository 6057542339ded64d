"""The engine's peak of memory: weights, pool, and a fifth more.

Up to 100 MB come on top of any model: lazy imports, buffers of the libraries, the activations of a prompt chunk, holes
that malloc leaves. So the model here is a normal one, of 400 MB.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import transformers as tf

# A process of its own: what the imports take is subtracted, the rest belongs to the engine.
SCRIPT = """
import re, sys
from pathlib import Path
import torch, transformers
from transformers import AutoModelForCausalLM, LlamaForCausalLM
from sglc.runtime.engine import model
from sglc.runtime.engine.core import EngineCore
from sglc.runtime.engine.request import Failed, Request
from sglc.runtime.engine.torch_device import TorchDevice
from tests.parity.support import NoText

torch.set_num_threads(1)

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
device = TorchDevice(model.load(sys.argv[1], device="cpu"), num_pages=8192)
core = EngineCore(device, NoText())
prompts = [[(7 * i + j) % 16000 for j in range(1, 400, 1 + i % 3)] for i in range(16)]
for p in prompts:
    core.submit(Request(ids=p, max_tokens=4, score_from=len(p) // 2))
while not core.idle:
    assert not any(isinstance(e, Failed) for e in core.step())
print(before, peak())
"""


def test_peak_memory(tmp_path: Path) -> None:
    config = tf.LlamaConfig(
        vocab_size=16000,
        hidden_size=768,
        intermediate_size=2048,
        num_hidden_layers=12,
        num_attention_heads=12,
        num_key_value_heads=4,
        initializer_range=0.05,
    )
    network = tf.LlamaForCausalLM(config)
    network.save_pretrained(tmp_path)
    weights = sum(p.numel() * p.element_size() for p in network.parameters())
    del network
    pool = 8192 * 12 * 4 * (64 + 64) * 4
    assert weights > 350e6
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == 0, run.stderr
    before, peak = map(int, run.stdout.split())
    used = (peak - before) / (weights + pool)
    assert used < 1.2, f"{(peak - before) / 1e6:.0f} MB, {used:.2f} of weights and pool"
    assert used > 0.8, "nothing was measured"

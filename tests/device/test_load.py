"""Model folders: what is missing, damaged or of a class that cannot work is one clear error."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

from sglc.ir.errors import ModelError
from sglc.runtime.engine import model
from sglc.runtime.engine.torch_device import TorchDevice
from tests import models

SMALL: dict[str, Any] = {**models.SIZES, "num_attention_heads": 4}


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.tiny_model("llama", tmp_path_factory.mktemp("models"))


@pytest.fixture
def copy(llama: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llama, tmp_path / "model"))


def refused(name: str | Path, what: str, **options: Any) -> ModelError:
    with pytest.raises(ModelError, match=re.escape(what)) as caught:
        model.load(str(name), **options)
    assert caught.value.hint
    assert "\n" not in caught.value.what
    return caught.value


def test_loads_a_folder(llama: Path) -> None:
    loaded = model.load(str(llama))
    on_gpu = torch.cuda.is_available()
    assert loaded.dtype == (torch.bfloat16 if on_gpu else torch.float32)
    assert (loaded.max_positions, loaded.vocab_size) == (512, models.VOCABULARY)
    assert loaded.device.type == ("cuda" if on_gpu else "cpu")
    assert len(loaded.layers) == 2


def test_digests_tell_weights_and_layouts_apart(llama: Path, copy: Path) -> None:
    first, second = model.load(str(llama)), model.load(str(copy))
    assert first.layout() == second.layout()
    assert first.weights_digest() == second.weights_digest()
    weights = load_file(copy / "model.safetensors")
    weights["model.norm.weight"][0] += 1
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert model.load(str(copy)).weights_digest() != first.weights_digest()
    assert model.load(str(copy), dtype="bfloat16").layout() != first.layout()


def edit_config(**changes: object) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config = {k: v for k, v in {**config, **changes}.items() if v is not None}
        (folder / "config.json").write_text(json.dumps(config))

    return edit


def write(file: str, text: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / file).write_text(text)

    return damage


def drop(file: str) -> Callable[[Path], None]:
    return lambda folder: (folder / file).unlink()


def cut_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def drop_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def spoil_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"].fill_(torch.nan)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def shard(folder: Path) -> None:
    """Splits the weights in two files and loses one."""
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    (folder / "model.safetensors").unlink()
    halves = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, part in halves.items():
        save_file({n: weights[n] for n in part}, folder / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": {n: file for file, part in halves.items() for n in part}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model-00002-of-00002.safetensors").unlink()


def as_pickle(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "no config": (drop("config.json"), "the folder has no config.json"),
    "config is no JSON": (write("config.json", '{"model_type": '), "config.json cannot be used"),
    "config is a list": (write("config.json", "[]"), "config.json cannot be used"),
    "config of nothing": (write("config.json", "{}"), "config.json cannot be used"),
    "unknown model type": (edit_config(model_type="unheard_of"), "config.json cannot be used"),
    "code of the folder's own": (
        edit_config(model_type="unheard_of", auto_map={"AutoConfig": "code.Config"}),
        "config.json cannot be used",
    ),
    "config with a wrong type": (edit_config(hidden_size="big"), "config.json cannot be used"),
    "impossible config": (edit_config(num_attention_heads=7), "config.json cannot be used"),
    "a dtype that nothing computes in": (edit_config(dtype="float64"), "config.json says dtype float64"),
    "an activation of no known name": (edit_config(hidden_act="unheard_of"), "there is no 'unheard_of'"),
    "quantized weights": (
        edit_config(quantization_config={"quant_method": "gptq", "bits": 4}),
        "LlamaForCausalLM cannot run here: its weights are quantized (gptq)",
    ),
    "quantized by a method of no known name": (
        edit_config(quantization_config={"quant_method": "unheard_of"}),
        "its weights are quantized (unheard_of)",
    ),
    "quantized by no named method": (
        edit_config(quantization_config={"bits": 4}),
        "its weights are quantized (by no named method)",
    ),
    "no weights": (drop("model.safetensors"), "the folder has no weights (model.safetensors)"),
    "pickled weights": (as_pickle, "the folder has no weights (model.safetensors)"),
    "cut weights": (cut_weights, "the weights cannot be loaded"),
    "weights are text": (write("model.safetensors", "version https://git-lfs"), "the weights cannot be loaded"),
    "empty weights": (write("model.safetensors", ""), "the weights cannot be loaded"),
    "half a set of shards": (shard, "1 of 2 weight files are missing: model-00002-of-00002.safetensors"),
    "broken list of shards": (write("model.safetensors.index.json", "{"), "broken list of weight files"),
    "a weight is missing": (drop_weight, "1 weights are missing: model.layers.1.mlp.up_proj.weight"),
    "weights of another size": (edit_config(intermediate_size=100), "weights of another shape than config.json says"),
    "weights of fewer layers": (edit_config(num_hidden_layers=3), "9 weights are missing"),
    "weights that are not numbers": (spoil_weight, "not finite numbers"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_folders(case: str, copy: Path) -> None:
    damage, what = DAMAGE[case]
    damage(copy)
    assert str(copy) in str(refused(copy, what).where)


def test_no_such_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "no such model folder")
    refused("./nothing/here", "no such model folder")
    refused("a/b/c", "no such model folder")


def test_a_file_is_no_folder(llama: Path) -> None:
    refused(llama / "model.safetensors", "no such model folder")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"device": "cuda:x"}, "unknown device 'cuda:x'"),
        ({"dtype": "int8"}, "unknown dtype 'int8'"),
        ({"device": "cuda:99"}, "there is no device cuda:99" if torch.cuda.is_available() else "no CUDA device"),
    ],
)
def test_devices_and_dtypes(llama: Path, options: dict[str, str], what: str) -> None:
    refused(llama, what, **options)


def test_dtype_auto_is_the_checkpoints(copy: Path) -> None:
    assert model.load(str(copy), device="cpu").dtype == torch.float32
    edit_config(dtype="bfloat16")(copy)
    assert model.load(str(copy), device="cpu").dtype == torch.bfloat16
    edit_config(dtype=None)(copy)
    assert model.load(str(copy), device="cpu").dtype == torch.float32
    assert model.load(str(copy), device="cpu", dtype="float16").dtype == torch.float16


@pytest.mark.parametrize(
    ("stored", "device", "expected"),
    [
        (torch.float32, "cpu", torch.float32),
        (torch.bfloat16, "cpu", torch.bfloat16),
        (torch.float32, "cuda", torch.bfloat16),
        (torch.float16, "cuda", torch.float16),
    ],
)
def test_dtype_of_a_device(stored: torch.dtype, device: str, expected: torch.dtype) -> None:
    assert model.default_dtype(stored, torch.device(device)) == expected


@pytest.mark.parametrize("name", ["llama_tied", "gemma3"])
def test_moved_is_as_loaded(name: str, tmp_path: Path) -> None:
    """Weight by weight to a device, and there to another dtype: the same as transformers' own loading in that dtype."""
    folder = str(models.tiny_model(name, tmp_path))
    config = model._config(folder)
    assert model._plain_dtype(config)
    moved: Any = model._read(folder, config, model.checkpoint_dtype(config))
    model.move(moved, torch.device("cpu"), torch.bfloat16)
    loaded: Any = model._read(folder, model._config(folder), torch.bfloat16)
    for (path, one), (_, other) in zip(moved.state_dict().items(), loaded.state_dict().items(), strict=True):
        assert one.dtype == other.dtype, path
        assert torch.equal(one, other), path
    ids = torch.arange(12)[None]
    assert torch.equal(moved(ids).logits, loaded(ids).logits)
    assert moved.config.to_dict() == loaded.config.to_dict()
    assert (moved.get_input_embeddings().weight is moved.lm_head.weight) == (name == "llama_tied")


def test_weights_that_stay_in_float32_are_told_apart(tmp_path: Path) -> None:
    assert not model._plain_dtype(model._config(str(models.tiny_model("gpt_oss", tmp_path))))


REFUSED: dict[str, tuple[Callable[[], tf.PreTrainedConfig], str]] = {
    "mamba": (lambda: tf.MambaConfig(vocab_size=300, hidden_size=64, num_hidden_layers=2), "MambaForCausalLM"),
    "rwkv": (lambda: tf.RwkvConfig(vocab_size=300, hidden_size=64, num_hidden_layers=2), "RwkvForCausalLM"),
    "hybrid": (lambda: tf.JambaConfig(**SMALL), "JambaForCausalLM"),
    "linear attention": (lambda: tf.Qwen3NextConfig(**SMALL), "Qwen3NextForCausalLM"),
    "chunked attention": (lambda: tf.Llama4TextConfig(**SMALL, num_local_experts=2), "Llama4ForCausalLM"),
    "encoder-decoder": (lambda: tf.T5Config(vocab_size=300, d_model=64, num_layers=2, num_heads=4), "T5"),
    "no language model": (lambda: tf.ViTConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4), "ViT"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_classes_refused_before_their_weights_are_read(name: str, tmp_path: Path) -> None:
    make, kind = REFUSED[name]
    make().save_pretrained(tmp_path)
    error = refused(tmp_path, f"{kind} cannot run here: ")
    assert "AttentionInterface" in error.hint


BUILT: dict[str, tuple[Callable[[], tf.PreTrainedConfig], str]] = {
    "own attention": (
        lambda: tf.FalconConfig(vocab_size=300, hidden_size=64, num_hidden_layers=2, num_attention_heads=4),
        "FalconForCausalLM cannot run here: 0 of its 2 layers use the AttentionInterface",
    ),
    "attends both ways": (
        lambda: tf.BertConfig(vocab_size=300, hidden_size=64, num_hidden_layers=2, num_attention_heads=4),
        "BertLMHeadModel cannot run here: its logits in a flattened batch are not those of each sequence alone",
    ),
    "a head of another kind": (
        lambda: tf.OPTConfig(
            vocab_size=300,
            hidden_size=64,
            word_embed_proj_dim=64,
            ffn_dim=80,
            num_hidden_layers=2,
            num_attention_heads=4,
        ),
        "OPTForCausalLM cannot run here: it does not run with its body and its head apart",
    ),
    "arguments that end on the way": (
        lambda: tf.StableLmConfig(**SMALL),
        "StableLmForCausalLM cannot run here: it does not run with its attention replaced",
    ),
}


@pytest.mark.parametrize("name", BUILT)
def test_classes_refused_by_a_few_tokens(name: str) -> None:
    make, what = BUILT[name]
    torch.manual_seed(0)
    network: Any = tf.AutoModelForCausalLM.from_config(make(), attn_implementation="eager")
    with pytest.raises(ModelError, match=re.escape(what)):
        model.prepare(network, name)


def test_a_class_that_ignores_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    network = models.network("llama")
    body = network.model.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        return body(*args, **{**kwargs, "position_ids": None})

    monkeypatch.setattr(network.model, "forward", forward)
    with pytest.raises(ModelError, match="LlamaForCausalLM cannot run here: its logits in a flattened batch"):
        model.prepare(network, "llama")


def test_a_window_that_attention_is_not_told_of() -> None:
    windows = [layer.window for layer in model.prepare(models.network("gemma3"), "gemma3").layers]
    assert windows == [models.WINDOW, None]
    network = models.network("llama")
    network.config.sliding_window = models.WINDOW
    with pytest.raises(ModelError, match="layer 0 has a sliding window that it does not tell its attention"):
        model.prepare(network, "llama")


def test_longrope_ends_where_its_frequencies_change() -> None:
    rope = {
        "rope_type": "longrope",
        "rope_theta": 10000.0,
        "short_factor": [1.0] * 4,
        "long_factor": [4.0] * 4,
        "original_max_position_embeddings": 64,
    }
    config = tf.Phi3Config(**models.SIZES, rope_parameters=rope, original_max_position_embeddings=64)
    network: Any = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    assert TorchDevice(model.prepare(network, "phi3"), 128).max_positions == 64

"""Loads a transformers model and makes it ready for the engine: checked, its attention and linear layers replaced."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_CAUSAL_LM_MAPPING,
    AutoConfig,
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging as logging_of_transformers

from sglc.ir.errors import ModelError
from sglc.kernels.linear import linear as invariant
from sglc.runtime.engine import probe
from sglc.runtime.engine.attention import NAME
from sglc.runtime.engine.fused import fuse as fuse_layers
from sglc.runtime.engine.linear import make_exact, make_row_invariant
from sglc.runtime.engine.network import Model

log = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def load(folder: str, device: str = "auto", dtype: str = "auto", *, exact: bool = False) -> Model:
    """The model of a folder in Hugging Face format. Weights are read from safetensors files only, and no code from the
    folder runs. dtype "auto" is the checkpoint's, float32 if it says nothing, but bfloat16 in place of float32 on a GPU;
    device "auto" is cuda if there is one. exact: as in `prepare`.

    Raises `ModelError` for everything that is missing, damaged or of a class that cannot work.
    """
    target = _device(device)
    if dtype not in ("auto", *DTYPES):
        raise ModelError(f"unknown dtype {dtype!r}", hint=f"one of auto, {', '.join(DTYPES)}")
    config = _config(folder)
    _check_class(folder, config)
    _check_weights(Path(folder))
    stored = checkpoint_dtype(config)
    if dtype == "auto" and stored not in DTYPES.values():
        raise ModelError(
            f"config.json says dtype {str(stored).removeprefix('torch.')}, in which nothing computes here",
            where=folder,
            hint=f"give another: {', '.join(DTYPES)}",
        )
    wanted = DTYPES[dtype] if dtype != "auto" else default_dtype(stored, target)
    if target.type == "cpu":
        return prepare(_read(folder, config, wanted), folder)
    network: Any = _read(folder, config, stored if _plain_dtype(config) else wanted)
    move(network, target, wanted)
    return prepare(network, folder, exact=exact)


def default_dtype(stored: torch.dtype, device: torch.device) -> torch.dtype:
    """Of a model whose user names none."""
    return torch.bfloat16 if device.type == "cuda" and stored == torch.float32 else stored


def move(network: Any, device: torch.device, dtype: torch.dtype) -> None:
    """Takes a network that was read in its file's dtype to a device, weight by weight, and changes the dtype there: its weights
    are views of the mapped file till then, so that no copy of the whole is made on the host. Buffers keep their dtype."""
    for parameter in network.parameters():
        there = parameter.data.to(device)
        parameter.data = there.to(dtype) if there.is_floating_point() else there
    network.to(device)
    for config in (network.config, network.config.get_text_config()):
        config.dtype = dtype


def _plain_dtype(config: PreTrainedConfig) -> bool:
    """Whether all weights are to be of one dtype."""
    cls: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    return not (cls._keep_in_fp32_modules or cls._keep_in_fp32_modules_strict)


def prepare(network: PreTrainedModel, name: str, *, fuse: bool | None = None, exact: bool = False) -> Model:
    """Makes a network ready for the engine, in place; checks on a few tokens that it computes what it did before.

    fuse: run layers in few kernels where they are recognised; None: on a GPU. On a CPU rows then depend on their batch in
    the last bits. exact: on a GPU, products whose rows do not depend on the batch either; on a CPU that is always so, in float32.
    """
    on_cpu = network.device.type == "cpu"
    network.eval().requires_grad_(False)
    with torch.inference_mode():
        expected = probe.reference(network, name)
        network.set_attn_implementation(NAME)
        model = Model(name, network, probe.layer_shapes(network, name), _max_positions(network.config))
        if on_cpu or exact:
            network.set_experts_implementation("eager")  # plain products, which are replaced below
        fused = None
        if not on_cpu if fuse is None else fuse:
            fused = fuse_layers(network, invariant) if exact else fuse_layers(network)
        if exact:
            make_exact(network)
        if fused is not None and probe.confirms(model, expected):
            return replace(model, fused=fused)
        if fused is not None:
            fused.undo()
        if on_cpu:
            make_row_invariant(network)
        probe.check(model, expected)
    return model


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda") and not re.fullmatch(r"cuda:\d+", device):
        raise ModelError(f"unknown device {device!r}", hint="one of auto, cpu, cuda, cuda:N")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("no CUDA device is available", hint="use --device cpu, or auto")
    target = torch.device(device)
    if target.type == "cuda" and (target.index or 0) >= torch.cuda.device_count():
        raise ModelError(
            f"there is no device {device}", hint=f"{torch.cuda.device_count()} CUDA devices are available, from cuda:0"
        )
    return target


_AGAIN = "copy or download the model again"
_FORMAT_HINT = "a model folder in Hugging Face format holds config.json and *.safetensors"


def _config(folder: str) -> PreTrainedConfig:
    if not Path(folder).is_dir():
        raise ModelError("no such model folder", where=folder, hint=_FORMAT_HINT)
    if not (Path(folder) / "config.json").is_file():
        raise ModelError("the folder has no config.json", where=folder, hint=_FORMAT_HINT)
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # whatever a damaged config makes transformers raise
        raise ModelError(
            f"config.json cannot be used: {_message(error)}",
            where=folder,
            hint="copy or download the model again; code in a model folder is never run",
        ) from error


def _check_class(name: str, config: PreTrainedConfig) -> None:
    """Refuses by name what cannot work with a paged cache of keys and values, before any weight is read."""
    kind = type(config).__name__.removesuffix("Config")
    if config.is_encoder_decoder:
        raise _refusal(kind, name, "it is an encoder-decoder model")
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise _refusal(kind, name, "it is no causal language model that transformers knows")
    cls: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    if (quantization := getattr(config, "quantization_config", None)) is not None:
        method = quantization.get("quant_method") if isinstance(quantization, dict) else quantization.quant_method
        raise ModelError(
            f"{cls.__name__} cannot run here: its weights are quantized ({method or 'by no named method'})",
            where=name,
            hint="take the model whose weights are float32, bfloat16 or float16",
        )
    layer_types = getattr(config.get_text_config(), "layer_types", None) or ()
    unknown = sorted(set(layer_types) - {"full_attention", "sliding_attention"})
    if cls._is_stateful or unknown:
        how = f"layers of type {', '.join(unknown)}" if unknown else "a recurrent state"
        raise _refusal(cls.__name__, name, f"it has {how}, which cannot be cached by prefix")


def _refusal(kind: str, name: str, why: str) -> ModelError:
    return ModelError(f"{kind} cannot run here: {why}", where=name, hint=probe.CLASS_HINT)


def _check_weights(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"broken list of weight files: {_message(error)}", where=str(index), hint=_AGAIN
            ) from error
        if missing := sorted(n for n in names if not (folder / n).is_file()):
            raise ModelError(
                f"{len(missing)} of {len(names)} weight files are missing: {_some(missing)}",
                where=str(folder),
                hint=_AGAIN,
            )
    elif not (folder / "model.safetensors").is_file():
        raise ModelError(
            "the folder has no weights (model.safetensors)",
            where=str(folder),
            hint="weights in other formats (pytorch_model.bin, gguf) are not read; convert them to safetensors",
        )


def _read(name: str, config: PreTrainedConfig, dtype: torch.dtype) -> PreTrainedModel:
    try:
        with _quiet():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                name,
                config=config,
                dtype=dtype,
                attn_implementation="eager",
                ignore_mismatched_sizes=True,  # they are told below
                use_safetensors=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except Exception as error:  # whatever damaged weights make transformers and safetensors raise
        raise ModelError(
            f"the weights cannot be loaded: {_message(error)}",
            where=name,
            hint="copy or download the model again; weights are read from safetensors files only",
        ) from error
    network, info = loaded
    if missing := sorted(info["missing_keys"]):
        raise ModelError(
            f"{len(missing)} weights are missing: {_some(missing)}",
            where=name,
            hint="the weight files do not belong to this config.json, or are incomplete",
        )
    if info["mismatched_keys"]:
        raise ModelError(
            f"weights of another shape than config.json says: {_some(sorted(k for k, *_ in info['mismatched_keys']))}",
            where=name,
            hint="the weight files do not belong to this config.json",
        )
    return network


def checkpoint_dtype(config: PreTrainedConfig) -> torch.dtype:
    return config.dtype if isinstance(config.dtype, torch.dtype) else torch.float32


def _max_positions(config: PreTrainedConfig) -> int | None:
    """The limit that the config sets. Rotary embeddings of type longrope switch all frequencies when the longest
    sequence of a batch passes the original limit; cached keys of the other kind would be wrong, so that limit is kept."""
    text = config.get_text_config()
    limit: int | None = getattr(text, "max_position_embeddings", None)
    for rope in _ropes(getattr(text, "rope_parameters", None)):
        original = rope.get("original_max_position_embeddings") or getattr(text, "original_max_position_embeddings", 0)
        if rope.get("rope_type") == "longrope" and original:
            log.warning("longrope: sequences end at %d positions, the length of the short frequencies", original)
            limit = min(limit or original, original)
    return limit


def _ropes(parameters: Any) -> Iterable[dict[str, Any]]:
    """The rotary parameters, which a config holds once or per layer type."""
    if not isinstance(parameters, dict):
        return ()
    nested = [value for value in parameters.values() if isinstance(value, dict)]
    return nested or (parameters,)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars and reports; what matters of them becomes an error of ours."""
    verbosity, bars = logging_of_transformers.get_verbosity(), logging_of_transformers.is_progress_bar_enabled()
    logging_of_transformers.set_verbosity_error()
    logging_of_transformers.disable_progress_bar()
    try:
        yield
    finally:
        logging_of_transformers.set_verbosity(verbosity)
        if bars:
            logging_of_transformers.enable_progress_bar()


def _message(error: BaseException) -> str:
    """Of another library, in one line and without a full stop."""
    text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    if isinstance(error, KeyError):
        text = f"there is no {text}"
    return text if len(text) <= 300 else f"{text[:300]} ..."


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"

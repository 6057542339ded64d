"""A model is named by a folder or by a name on the hub."""

from __future__ import annotations

from pathlib import Path

import pytest

from sglc.ir.errors import ModelError
from sglc.runtime.model_folder import embedded_model, model_folder


def test_folders_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert model_folder(None) == embedded_model()
    assert (embedded_model() / "config.json").is_file()
    assert model_folder(str(tmp_path)) == tmp_path
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert model_folder("gpt2") == Path("gpt2")  # the folder comes before the hub


def test_a_hub_name_brings_safe_files_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[object] = []

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("sglc.runtime.model_folder.snapshot_download", download)
    assert model_folder("owner/model") == tmp_path
    assert asked == [("owner/model", ["*.json", "*.safetensors", "*.jinja"])]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", "no such model folder"),
        ("a/b/c", "no such model folder"),
        ("sglc-no-such-owner/no-such-model", "the hub has no answer for that name"),
    ],
)
def test_what_is_neither_is_one_message(name: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=message) as caught:
        model_folder(name)
    assert caught.value.where == name
    assert caught.value.hint


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(ModelError, match="a file, not a model folder"):
        model_folder(tmp_path / "model.safetensors")

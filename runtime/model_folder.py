"""Where a model's files are: a folder, or a name on the hub, whose files are brought to the local cache once."""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError

from sglc.ir.errors import ModelError

_FILES = ["*.json", "*.safetensors", "*.jinja"]  # never pickled weights, never code


def embedded_model() -> Path:
    """The folder of the model that ships with the package."""
    return Path(__file__).resolve().parent / "embedded"


def model_folder(name: str | Path | None) -> Path:
    """The folder of a model: the embedded one for None, a folder as it is, a hub name's files.

    A folder of that name comes first. Raises `ModelError` for what is neither.
    """
    if name is None:
        return embedded_model()
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError("this is a file, not a model folder", where=str(name), hint="give the folder that it is in")
    try:
        return Path(snapshot_download(str(name), allow_patterns=_FILES))
    except HFValidationError:
        raise ModelError("no such model folder", where=str(name), hint="give a folder or a name on the hub") from None
    except (HfHubHTTPError, OSError) as error:
        raise ModelError(
            "there is no such folder, and the hub has no answer for that name: "
            + str(error).strip().splitlines()[0].rstrip("."),
            where=str(name),
            hint="check the path or name; for a name, the connection, HF_TOKEN and HF_HUB_OFFLINE",
        ) from None

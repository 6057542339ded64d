"""Where things are."""

from __future__ import annotations

from pathlib import Path


def embedded_model() -> Path:
    """The folder of the model that ships with the package."""
    return Path(__file__).resolve().parent / "embedded"

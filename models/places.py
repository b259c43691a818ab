"""Where models that do not come with the installation are kept, and copies that can be made anew."""

from __future__ import annotations

import os
from pathlib import Path


def models_folder() -> Path:
    """Return the folder of the models that were fetched: `TEARSHEET_MODELS`, or in the user's data folder."""
    from platformdirs import user_data_path

    return _named("TEARSHEET_MODELS") or user_data_path("tearsheet") / "models"


def cache_folder() -> Path:
    """Return the folder of what can be made anew: `TEARSHEET_CACHE`, or the user's cache folder."""
    from platformdirs import user_cache_path

    return _named("TEARSHEET_CACHE") or user_cache_path("tearsheet")


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable, "")
    return Path(named).expanduser() if named else None

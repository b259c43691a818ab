"""The one folder from which the page gives files away."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path

from ui import TEMPORARY
from ui.guard import private_folder

FOLDER = TEMPORARY / "given"
KEPT = 64
"""Files that lie there; older ones are removed when a new one is made."""


def save(name: str, content: bytes, *, folder: Path = FOLDER) -> Path:
    """Write `content` to be downloaded as `name`, in a folder of its own that cannot be guessed."""
    private_folder(folder.parent)
    private_folder(folder)
    made = private_folder(folder / secrets.token_urlsafe(12)) / name
    made.write_bytes(content)
    _clear(folder)
    return made


def _clear(folder: Path) -> None:
    """Remove all but the newest files; another process may do the same meanwhile."""
    places = sorted(folder.iterdir(), key=_age)
    for place in places[:-KEPT]:
        with suppress(OSError):  # the other one was quicker, or has just put a file there
            for file in place.glob("*"):
                file.unlink(missing_ok=True)
            place.rmdir()


def _age(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0

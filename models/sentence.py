"""The setting `embedder` -> a folder: the bundled one, one of yours, or one downloaded from the hub."""

from __future__ import annotations

import os
from pathlib import Path

from models.catalog import known_embedders
from rag.errors import InputError


def embedder_folder(name: str) -> Path | None:
    """Return the sentence-transformers folder that `name` means; None for the bundled embedder.

    `name` is a folder, a name of the catalog, or owner/model when the hub's own tool has downloaded it.
    Raises InputError, saying how to get it, when it is not here.
    """
    rows = {row.name: row for row in known_embedders()}
    row = rows.get(name.casefold())
    if not name or (row and row.bundled):
        return None
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    repo = row.repo if row else name
    if (found := hub_folder(repo)) is not None:
        return found
    if not row and repo.count("/") != 1:
        raise InputError(f"There is no embedder {name!r}. Known: {', '.join(rows)}; or name a folder.")
    raise InputError(
        f"The embedder {name!r} is not on this machine. `hf download {repo}` fetches it; or name a folder"
        " that holds a sentence-transformers model."
    )


def hub_folder(repo: str) -> Path | None:
    """Return where the hub's own tool put owner/model, the latest of it; None when it did not."""
    found = sorted(_hub_cache().glob(f"models--{repo.replace('/', '--')}/snapshots/*/config.json"))
    return max(found, key=lambda file: file.stat().st_mtime).parent if found else None


def _hub_cache() -> Path:
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or f"{home}/hub").expanduser()

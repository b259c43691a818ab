"""The setting `model` -> a language model: the bundled one, a file, a name of the catalog, or an address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from models.catalog import known, known_models
from models.generator import CONTEXT, load_generator
from models.isolate import IsolatedGenerator
from models.places import models_folder
from models.protocols import Generator, Message
from models.served import ServedGenerator
from rag.errors import InputError

HUB_PREFIX = "hf:"
RECEIPT = ".receipt.json"


def open_generator(
    model: str, *, threads: int = 0, context: int = CONTEXT, beginning: Sequence[Message] = ()
) -> Generator:
    """Return the language model that the setting `model` names; empty means the bundled one.

    A file whose contents were checked against the catalog runs in this process, any other in one of its
    own, which it cannot take down with it. Raises ModelError when it cannot be used, InputError for a
    name that nobody knows.
    """
    if model.startswith(("http://", "https://")):
        return ServedGenerator(model)
    path = model_file(model)
    if path is None:
        return load_generator(threads=threads, context=context, beginning=beginning)
    if is_trusted(path):
        return load_generator(path, threads=threads, context=context, beginning=beginning)
    return IsolatedGenerator(path, threads=threads, context=context, beginning=beginning)


def model_file(model: str) -> Path | None:
    """Return the file that `model` names; None for the bundled model. InputError when it is not there."""
    if not model:
        return None
    if model.startswith(HUB_PREFIX):
        path = models_folder() / model.rpartition("/")[2]
    elif model.casefold() in {row.name for row in known_models()}:
        row = known(model)
        if row.bundled:
            return None
        path = row.path
    else:
        path = Path(model).expanduser()
        if path.suffix != ".gguf" and not path.exists():
            known(model)
        return path
    if not path.is_file():
        raise InputError(f"The model {model!r} was not fetched yet. `tearsheet models pull {model}` does it.")
    return path


def is_trusted(path: Path) -> bool:
    """Whether `path` was fetched, found to be what the catalog says, and not touched since."""
    try:
        receipt = json.loads(path.with_name(path.name + RECEIPT).read_text("utf-8"))
        status = path.stat()
        kept = (receipt["bytes"], receipt["modified"], receipt["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    if kept[:2] != (status.st_size, status.st_mtime_ns):
        return False
    return any(row.sha256 and (row.file, row.sha256) == (path.name, kept[2]) for row in known_models())

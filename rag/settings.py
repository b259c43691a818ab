"""What a user may set, and where each value comes from: arguments, then `TEARSHEET_*`, then a TOML file."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from rag.errors import InputError
from rag.records import Tier

TIERS: tuple[Tier, ...] = ("quote", "write", "compose")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default; nothing below `pipeline` sees this record."""

    library: Path
    """Folder that holds the library."""
    model: str = ""
    """A GGUF file, a name of the catalog, or the address of a server; empty means the bundled model."""
    tier: Tier = "write"
    """How answers are worded: quote, write or compose."""
    threads: int = 0
    """Threads for the models; 0 means all physical cores but one, at least one."""
    passages: int = 10
    """Passages retrieved for a question."""
    vectors: str = ""
    """Address of a Chroma server that holds the vectors; empty means the library's own index."""
    embedder: str = ""
    """A sentence-transformers folder or a name of the catalog; empty means the bundled embedder."""
    reranker: str = ""
    """A CrossEncoder that puts the passages found into order; empty means none."""
    checker: str = ""
    """A CrossEncoder that may lower a verdict on a claim; empty means none."""

    @classmethod
    def load(cls, **given: object) -> Settings:
        """Return the settings; a value of None in `given` counts as not given.

        Raises InputError for an unknown name or a value of the wrong kind, naming where it was found.
        """
        names = {field.name for field in fields(cls)}
        values: dict[str, object] = {field.name: field.default for field in fields(cls)}
        values["library"] = default_library()
        config = Path(os.environ.get("TEARSHEET_CONFIG") or config_file())
        if config.is_file():
            values |= _known(names, _read_toml(config), str(config))
        prefix = "TEARSHEET_"
        environment = {
            key.removeprefix(prefix).lower(): value
            for key, value in os.environ.items()
            if key.startswith(prefix)
        }
        values |= {key: value for key, value in environment.items() if key in names}
        values |= {key: value for key, value in given.items() if value is not None}
        return cls(
            library=Path(str(values["library"])).expanduser(),
            model=str(values["model"]),
            embedder=str(values["embedder"]),
            reranker=str(values["reranker"]),
            checker=str(values["checker"]),
            tier=_tier(values["tier"]),
            threads=_number("threads", values["threads"], least=0),
            passages=_number("passages", values["passages"], least=1),
            vectors=_server("vectors", values["vectors"]),
        )


def default_library() -> Path:
    """Return the library folder used when none is named."""
    from platformdirs import user_data_path

    return user_data_path("tearsheet") / "library"


def config_file() -> Path:
    """Return the TOML file that is read when it exists."""
    from platformdirs import user_config_path

    return user_config_path("tearsheet") / "tearsheet.toml"


def set_in_file(name: str, value: str) -> Path:
    """Set a text in the settings file, or take it out when it is empty; the rest stays as it was written.

    Raises InputError when the file cannot be read or written.
    """
    file = Path(os.environ.get("TEARSHEET_CONFIG") or config_file())
    lines: list[str] = []
    if file.is_file():
        _read_toml(file)
        lines = file.read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not re.match(rf"\s*{name}\s*=", line)]
    if value:
        # A setting belongs above the first table.
        at = next((i for i, line in enumerate(kept) if line.lstrip().startswith("[")), len(kept))
        ending = "" if not at or kept[at - 1].endswith("\n") else "\n"
        kept.insert(at, f"{ending}{name} = {json.dumps(value, ensure_ascii=False)}\n")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text("".join(kept), "utf-8")
        part.replace(file)
    except OSError as error:
        raise InputError(
            f"The settings file {file} cannot be written: {error.strerror}. Check it."
        ) from error
    return file


def _read_toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            f"The settings file {path} cannot be read: {error}. Correct or remove it."
        ) from error


def _known(names: set[str], found: dict[str, object], where: str) -> dict[str, object]:
    unknown = sorted(set(found) - names)
    if unknown:
        raise InputError(
            f"{where} sets {unknown[0]!r}, which is not a setting. Known: {', '.join(sorted(names))}."
        )
    return found


def _tier(value: object) -> Tier:
    for tier in TIERS:
        if value == tier:
            return tier
    raise InputError(f"The tier must be one of {', '.join(TIERS)}; found {value!r}.")


def _server(name: str, value: object) -> str:
    if value and not re.fullmatch(r"https?://[^/\s]+/?", str(value)):
        raise InputError(f"The setting {name!r} is an address like http://localhost:8000; found {value!r}.")
    return str(value)


def _number(name: str, value: object, *, least: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        number = least - 1
    if number < least:
        raise InputError(f"The setting {name!r} must be a whole number of at least {least}; found {value!r}.")
    return number

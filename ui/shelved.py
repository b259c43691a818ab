"""Briefings kept as they were made, so that they can be opened again, and where an article was quoted."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from rag.errors import TearsheetError
from rag.records import Article, Brief
from rag.render import brief_citations
from rag.text import normalise

VERSION = 1
FOLDER = Path("briefings") / "pages"
"""Where they lie in the library."""
MOST = 50
"""Briefings kept; older ones are removed."""

ArticleOf = Callable[[str], Article]


class Shelved(NamedTuple):
    """A briefing as it was made."""

    made: str
    """When, ISO 8601."""
    brief: Brief


class Quoted(NamedTuple):
    """A briefing that quotes an article."""

    topic: str
    made: str
    quotes: tuple[str, ...]


def shelve(library: Path, brief: Brief) -> None:
    """Keep a briefing in place of the last one on its topic; nothing where the folder cannot be written.

    Articles are kept by id only: their texts stay in the library, and go when they are removed there.
    """
    quoted: dict[str, list[str]] = {}
    for citation in brief_citations(brief):
        quoted.setdefault(citation.article.id, []).append(citation.quote)
    row = {
        "version": VERSION,
        "topic": brief.topic,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "quoted": {id_: list(dict.fromkeys(quotes)) for id_, quotes in quoted.items()},
        "brief": _by_id(_shape().dump_python(replace(brief, hits=()), mode="json")),
    }
    with suppress(OSError):
        path = _file(library, brief.topic)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as held:
            json.dump(row, held, ensure_ascii=False)
        os.replace(held.name, path)
        for old in sorted(path.parent.glob("*.json"), key=lambda file: file.stat().st_mtime)[:-MOST]:
            old.unlink(missing_ok=True)


def reopen(library: Path, topic: str, article: ArticleOf) -> Shelved | None:
    """Return the last briefing on `topic` as it was made, its articles from `article`.

    None when there is none, when it is damaged, and when one of its articles is no longer there; what is
    left of such a briefing is then removed, for it quotes what a reader took out of the library.
    """
    row = _row(_file(library, topic))
    if row is None:
        return None
    try:
        brief = _shape().validate_python(_with_articles(row["brief"], article))
        return Shelved(str(row["made"]), brief)
    except TearsheetError:
        with suppress(OSError):
            _file(library, topic).unlink(missing_ok=True)
        return None
    except (ValueError, KeyError, TypeError):
        return None


def quoting(library: Path, article: str) -> tuple[Quoted, ...]:
    """Return the kept briefings that quote the article with that id, the newest first."""
    found: list[Quoted] = []
    for file in (library / FOLDER).glob("*.json"):
        row = _row(file)
        with suppress(KeyError, TypeError, AttributeError):
            quotes = tuple(map(str, row["quoted"].get(article, ()))) if row else ()
            if row and quotes:
                found.append(Quoted(str(row["topic"]), str(row["made"]), quotes))
    return tuple(sorted(found, key=lambda one: one.made, reverse=True))


def _row(path: Path) -> dict[str, Any] | None:
    try:
        row = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return row if isinstance(row, dict) and row.get("version") == VERSION else None


@cache
def _shape() -> TypeAdapter[Brief]:
    return TypeAdapter(Brief)


def _by_id(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON with every article as its id alone."""
    if isinstance(value, dict):
        if value.keys() >= {"id", "text", "fetched"}:
            return {"id": value["id"]}
        return {key: _by_id(one) for key, one in value.items()}
    return [_by_id(one) for one in value] if isinstance(value, list) else value


def _with_articles(value: Any, article: ArticleOf) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        if value.keys() == {"id"}:
            return asdict(article(str(value["id"])))
        return {key: _with_articles(one, article) for key, one in value.items()}
    return [_with_articles(one, article) for one in value] if isinstance(value, list) else value


def _file(library: Path, topic: str) -> Path:
    name = hashlib.sha256(normalise(topic).encode("utf-8")).hexdigest()[:16]
    return library / FOLDER / f"{name}.json"

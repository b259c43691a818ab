"""Which articles to look at: by outlet, day, tag, feed, id, and by what was known on a day."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from rag.errors import InputError

_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T.*)?)?)?")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles to look at; an empty field does not restrict. Raises InputError for what is no date."""

    sources: tuple[str, ...] = ()
    """Outlets; upper and lower case are the same."""
    after: str = ""
    """First day, month or year, ISO 8601, included. Articles without a date do not pass."""
    before: str = ""
    """Last day, month or year, included."""
    articles: tuple[str, ...] = ()
    """Ids of articles."""
    tags: tuple[str, ...] = ()
    """An article with any of them passes."""
    feeds: tuple[str, ...] = ()
    """Addresses or titles of feeds; an article that any of them listed passes."""
    as_of: str = ""
    """The last day, month or year of what is known: later articles do not pass, and of an article that was
    revised the text of that day does. Articles without a date count as known."""

    def __post_init__(self) -> None:
        for value in (self.after, self.before, self.as_of):
            if value and not _DATE.fullmatch(value):
                raise InputError(f"A date is written like 2025-12-31, 2025-12 or 2025; found {value!r}.")

    def __bool__(self) -> bool:
        restricting = (
            self.sources,
            self.after,
            self.before,
            self.articles,
            self.tags,
            self.feeds,
            self.as_of,
        )
        return any(map(bool, restricting))


ALL = Filter()


def passing(where: Filter) -> tuple[str, list[str]]:
    """Return the `FROM articles WHERE …` of the articles that pass, and its values.

    Without `as_of` these are current revisions only.
    """
    tests, values = ["replaced_by IS NULL"], []
    if where.as_of:
        day = f"substr(known, 1, {len(where.as_of)}) <= ?"
        replaced = f"substr(until, 1, {len(where.as_of)}) > ?"
        tests = [f"{day} AND (until = '' OR {replaced})"]
        values += [where.as_of, where.as_of]
    if where.sources:
        tests.append("source COLLATE NOCASE IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.sources))
    if where.after:
        tests.append("published >= ?")
        values.append(where.after)
    if where.before:
        tests.append("published > '' AND substr(published, 1, length(?)) <= ?")
        values += [where.before, where.before]
    if where.articles:
        tests.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(where.articles))
    if where.tags:
        tests.append("number IN (SELECT article FROM labels WHERE tag IN (SELECT value FROM json_each(?)))")
        values.append(json.dumps(where.tags))
    if where.feeds:
        named = "SELECT number FROM feeds, json_each(?) WHERE value = url OR value = title COLLATE NOCASE"
        tests.append(f"number IN (SELECT article FROM listed WHERE feed IN ({named}))")
        values.append(json.dumps(where.feeds))
    return f"FROM articles WHERE {' AND '.join(tests)}", values

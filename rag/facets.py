"""What a filter can be set to: the outlets, tags and feeds of a library, each with its articles counted."""

from __future__ import annotations

from dataclasses import dataclass

from rag.store import Store

MOST = 200
"""Names of one kind that are offered; a list longer than that is searched, not read."""

Counted = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Facets:
    """Names with the number of current articles each stands for, the most frequent first."""

    outlets: Counted = ()
    tags: Counted = ()
    feeds: Counted = ()
    """By address."""


def facets(store: Store, *, most: int = MOST) -> Facets:
    """Return the outlets, tags and feeds that current articles have, at most `most` of each."""
    outlets = """
        SELECT max(source) AS name, count(*) AS articles FROM articles
        WHERE replaced_by IS NULL AND source != '' GROUP BY source COLLATE NOCASE
        ORDER BY articles DESC, name LIMIT ?
    """
    tags = """
        SELECT tag AS name, count(*) AS articles FROM labels JOIN articles ON number = article
        WHERE replaced_by IS NULL GROUP BY tag ORDER BY articles DESC, name LIMIT ?
    """
    feeds = """
        SELECT feeds.url AS name, count(*) AS articles
        FROM feeds JOIN listed ON feed = feeds.number JOIN articles ON articles.number = listed.article
        WHERE replaced_by IS NULL GROUP BY feeds.url ORDER BY articles DESC, name LIMIT ?
    """

    def counted(sql: str) -> Counted:
        return tuple((row["name"], row["articles"]) for row in store.rows(sql, most))

    return Facets(counted(outlets), counted(tags), counted(feeds))

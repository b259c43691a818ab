"""The commands that look after the library: add, sync, list, show, remove, and all that moves or mends it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import InputError, NotFoundError
from rag.records import Article
from rag.render import article_to_json, day_in_words, safe
from rag.session import (
    DONE,
    SOME_FAILED,
    Command,
    Session,
    chosen,
    complain,
    console,
    counted,
    filter_arguments,
    print_json,
)

if TYPE_CHECKING:
    from rag.adding import AddReport
    from rag.fetch import Fetcher
    from rag.library import Revision
    from rag.terminal import Line


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources", metavar="PATH|URL", nargs="*", help="a file, a folder to walk, or an address to fetch"
    )
    parser.add_argument(
        "--feed", metavar="URL", action="append", default=[], help="an RSS or Atom feed, kept for `sync`"
    )
    _fetch_arguments(parser)


def _fetch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--allow-private", action="store_true", help="fetch from private addresses too")


def _fetcher(arguments: argparse.Namespace) -> Fetcher:
    from rag.fetch import Fetcher

    return Fetcher(allow_private=arguments.allow_private)


def _add(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import progress

    if not arguments.sources and not arguments.feed:
        raise InputError("Nothing was given to add. Name files, folders, addresses, or --feed URL.")
    with session.open(write=True) as tearsheet, progress(console(stderr=True), "Adding") as on_progress:
        report = tearsheet.add(
            arguments.sources, feeds=arguments.feed, fetcher=_fetcher(arguments), on_progress=on_progress
        )
    return _print_report(report, session)


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--list", action="store_true", help="list the known feeds and fetch nothing")
    parser.add_argument("--forget", metavar="URL", help="forget a feed; its articles stay")
    _fetch_arguments(parser)


def _sync(arguments: argparse.Namespace, session: Session) -> int:
    from rag.subscriptions import subscriptions, unsubscribe
    from rag.terminal import progress

    if arguments.list or arguments.forget:
        with session.open(write=bool(arguments.forget)) as tearsheet:
            if arguments.forget:
                unsubscribe(tearsheet.library.store, arguments.forget)
            feeds = subscriptions(tearsheet.library.store)
        if session.json:
            print_json({"feeds": [asdict(feed) for feed in feeds]})
        for feed in () if session.json else feeds:
            print(safe(f"{feed.url}  {feed.title}  {counted(feed.articles, 'article')}  {feed.fetched}"))
        if not feeds and not session.json:
            print("No feeds are known. `tearsheet add --feed URL` adds one.")
        return DONE
    with session.open(write=True) as tearsheet, progress(console(stderr=True), "Fetching") as on_progress:
        report = tearsheet.sync(fetcher=_fetcher(arguments), on_progress=on_progress)
    return _print_report(report, session)


def _print_report(report: AddReport, session: Session) -> int:
    if session.json:
        unread = [{"path": item.path, "reason": item.reason} for item in report.unread]
        counts = {"added": report.added, "revised": report.revised, "unchanged": report.unchanged}
        print_json(counts | {"unread": unread})
    else:
        done = f"Added {counted(report.added, 'article')}"
        rest = {"revised": report.revised, "unchanged": report.unchanged, "not read": len(report.unread)}
        console().print(
            ", ".join([done, *(f"{number:,} {what}" for what, number in rest.items() if number)]) + "."
        )
        for item in report.unread:
            complain(f"{item.path}: {item.reason}")
    return SOME_FAILED if report.unread else DONE


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    filter_arguments(parser)


def _list(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import article_table, table_rows

    with session.open() as tearsheet:
        where = chosen(arguments, tearsheet.library)
        articles, counts = tearsheet.library.articles(where), tearsheet.library.counts()
    if session.json:
        listed = [article_to_json(article, text=False) for article in articles]
        print_json({"articles": listed, "passages": counts.passages, "bytes": counts.bytes})
    elif not console().is_terminal:
        print(*table_rows(articles), sep="\n", end="\n" if articles else "")
    elif articles:
        console().print(article_table(articles))
        if where:
            print(f"{counted(len(articles), 'article')} of {counts.articles:,}")
            return DONE
        size = f"{counts.bytes / 1e6:,.1f} MB"
        print(f"{counted(counts.articles, 'article')}, {counted(counts.passages, 'passage')}, {size}")
    elif where:
        print(f"None of the {counted(counts.articles, 'article')} passes.")
    else:
        print("The library is empty. `tearsheet add PATH` reads files or a folder.")
    return DONE


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("article", metavar="ARTICLE", help="the id of the article, or how it begins")
    parser.add_argument(
        "--revisions", action="store_true", help="what changed from one text of it to the next"
    )


def _show(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import article_lines, print_lines

    with session.open() as tearsheet:
        article = tearsheet.library.article(arguments.article)
        revisions = tearsheet.library.revisions(article.id) if arguments.revisions else []
    if arguments.revisions:
        return _show_revisions(revisions, session)
    if session.json:
        print_json(article_to_json(article))
    else:
        print_lines(console(), article_lines(article))
    return DONE


def _show_revisions(revisions: Sequence[Revision], session: Session) -> int:
    from rag.revisions import changes
    from rag.terminal import plain, print_lines

    texts = ["", *(revision.article.text for revision in revisions)]
    changed = [[], *(changes(old, new) for old, new in pairwise(texts[1:]))]
    if session.json:
        listed = [
            article_to_json(revision.article, text=False)
            | {"known": revision.known, "until": revision.until, "changes": [asdict(one) for one in its]}
            for revision, its in zip(revisions, changed, strict=True)
        ]
        print_json({"revisions": listed})
        return DONE
    lines: list[Line] = []
    for number, (revision, its) in enumerate(zip(revisions, changed, strict=True), 1):
        article = revision.article
        since = f"known since {day_in_words(revision.known[:10])}" if revision.known else "undated"
        lines += [
            *([plain("")] if lines else []),
            plain(f"{number} of {len(revisions)}  {article.title}", "bold"),
            plain(f"{since} · fetched {article.fetched[:16]} · {article.id[:8]}", "dim", indent=4, hang=4),
        ]
        for change in its:
            lines += [plain(f"- {change.old}", "red", indent=4, hang=6)] if change.old else []
            lines += [plain(f"+ {change.new}", "green", indent=4, hang=6)] if change.new else []
    print_lines(console(), lines)
    return DONE


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "articles", metavar="ARTICLE", nargs="*", help="the id of an article, or how it begins"
    )
    filter_arguments(parser)


def _remove(arguments: argparse.Namespace, session: Session) -> int:
    missing: list[str] = []
    found: dict[str, Article] = {}
    with session.open(write=True) as tearsheet:
        where = chosen(arguments, tearsheet.library)
        if not where and not arguments.articles:
            raise InputError(
                "Nothing was given to remove. Name articles, or narrow them, e.g. --before 2025-12."
            )
        if where:
            found |= {article.id: article for article in tearsheet.library.articles(where)}
        for name in arguments.articles:
            try:
                article = tearsheet.library.article(name)
                found[article.id] = article
            except NotFoundError as error:
                missing.append(str(error))
        tearsheet.remove(list(found))
    if session.json:
        print_json({"removed": list(found), "missing": missing})
    else:
        for article in found.values():
            print(f"Removed {article.id[:8]}  {safe(article.title)}")
        for message in missing:
            complain(message)
    if missing:
        return SOME_FAILED if found else NotFoundError.exit_code
    return DONE


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rebuild", action="store_true", help="make every index anew from the stored articles"
    )


def _doctor(arguments: argparse.Namespace, session: Session) -> int:
    from rag.store import is_older

    # An older library is brought up by whoever opens it for writing.
    write = arguments.rebuild or is_older(session.settings.library)
    with session.open(write=write) as tearsheet:
        problems = tearsheet.doctor(rebuild=arguments.rebuild)
        counts = tearsheet.library.counts()
    if session.json:
        listed = [{"law": it.law, "found": it.found, "article": it.article} for it in problems]
        print_json({"articles": counts.articles, "passages": counts.passages, "problems": listed})
    else:
        held = f"{counted(counts.articles, 'article')} and {counted(counts.passages, 'passage')}"
        print(f"{held} in {safe(str(session.settings.library))}")
        for problem in problems:
            where = f" (article {problem.article})" if problem.article else ""
            complain(f"{problem.law} Found: {problem.found}{where}")
        advice = "" if arguments.rebuild else " `tearsheet doctor --rebuild` makes the indexes anew."
        print(
            f"{counted(len(problems), 'problem')}.{advice}" if problems else "Every law of the library holds."
        )
    return SOME_FAILED if problems else DONE


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the new file to write")


def _export(arguments: argparse.Namespace, session: Session) -> int:
    from rag.portable import export_library

    with session.open() as tearsheet:
        size = export_library(tearsheet.library, arguments.file)
        counts = tearsheet.library.counts()
    if session.json:
        print_json({"file": str(arguments.file), "articles": counts.articles, "bytes": size})
    else:
        held = counted(counts.articles, "article")
        print(f"Wrote {held} to {safe(str(arguments.file))}, {size / 1e6:,.1f} MB.")
    return DONE


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="a file that `tearsheet export` wrote")


def _import(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import progress

    with session.open(write=True) as tearsheet, progress(console(stderr=True), "Importing") as on_progress:
        report = tearsheet.import_file(arguments.file, on_progress=on_progress)
    return _print_report(report, session)


def _compact_arguments(parser: argparse.ArgumentParser) -> None:
    del parser


def _compact(arguments: argparse.Namespace, session: Session) -> int:
    del arguments
    with session.open(write=True) as tearsheet:
        before, after = tearsheet.compact()
    if session.json:
        print_json({"before": before, "after": after})
    else:
        print(f"The library file had {before / 1e6:,.1f} MB and has {after / 1e6:,.1f} MB now.")
    return DONE


COMMANDS = (
    Command("add", "read articles into the library", _add_arguments, _add),
    Command("sync", "fetch every known feed again", _sync_arguments, _sync),
    Command("list", "list the articles in the library", _list_arguments, _list),
    Command("show", "print one article", _show_arguments, _show),
    Command("remove", "remove articles from the library", _remove_arguments, _remove),
    Command("export", "write the whole library to one file", _export_arguments, _export),
    Command("import", "add what an exported file holds", _import_arguments, _import),
    Command("compact", "give the space of removed articles back", _compact_arguments, _compact),
    Command("doctor", "check the library against its laws", _doctor_arguments, _doctor),
)

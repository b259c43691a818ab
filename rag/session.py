"""What every command shares: the session it runs in, how it speaks, and its exit codes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rag.render import safe
from rag.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from rag.library import Filter, Library
    from rag.pipeline import Tearsheet

DONE, SOME_FAILED, DEFECT, INTERRUPTED = 0, 1, 70, 130

Opener = Callable[..., "Tearsheet"]


@dataclass(frozen=True, slots=True)
class Session:
    """What every command gets: where to look, how to speak, and the way to open the library."""

    settings: Settings
    json: bool
    opener: Opener

    def open(self, *, write: bool = False) -> Tearsheet:
        return self.opener(self.settings, write=write)


@dataclass(frozen=True, slots=True)
class Command:
    """One word after `tearsheet`: its help, its arguments and what it does."""

    name: str
    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Session], int]


def complain(message: str, code: int = SOME_FAILED) -> int:
    """Say on standard error what went wrong; return the exit code given."""
    print(f"tearsheet: {safe(message)}", file=sys.stderr)
    return code


def console(*, stderr: bool = False) -> Console:
    """Return a console that prints what it is given, word for word."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_json(value: object) -> None:
    """Print `value` as one line of JSON, at once, in characters that standard output can show."""
    wide = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not wide), flush=True)


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def care_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command refuse sooner or later than usual."""
    care = parser.add_mutually_exclusive_group()
    care.add_argument(
        "--strict", dest="care", action="store_const", const="strict", help="refuse unless rather sure"
    )
    care.add_argument(
        "--lenient", dest="care", action="store_const", const="lenient", help="answer also when unsure"
    )


def filter_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command be narrowed to some articles; each option may be given several times but the dates."""
    only = parser.add_argument_group("only these articles")
    only.add_argument("--source", metavar="OUTLET", action="append", default=[], help="of this outlet")
    only.add_argument(
        "--after", metavar="DATE", default="", help="published on this day, month, year or later"
    )
    only.add_argument(
        "--before", metavar="DATE", default="", help="published by the end of this day, month, year"
    )
    only.add_argument("--feed", metavar="FEED", action="append", default=[], help="listed by this feed")
    only.add_argument("--tag", metavar="TAG", action="append", default=[], help="with this tag")
    only.add_argument(
        "--article", metavar="ID", action="append", default=[], help="this one, or how its id begins"
    )


def chosen(arguments: argparse.Namespace, library: Library) -> Filter:
    """Return the filter that the options of `filter_arguments` ask for. Raises InputError, NotFoundError."""
    from rag.library import Filter

    return Filter(
        sources=tuple(arguments.source),
        after=arguments.after,
        before=arguments.before,
        articles=tuple(library.article(name).id for name in arguments.article),
        tags=tuple(arguments.tag),
        feeds=tuple(arguments.feed),
        as_of=getattr(arguments, "as_of", ""),
    )

"""The `tearsheet` command: what a person or a script types, and what it gets back.

Results go to standard output, progress and complaints to standard error. Nothing heavy is imported
before a command runs, so that `tearsheet --help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rag.errors import InputError, NotFoundError, TearsheetError
from rag.records import Answer, Article
from rag.render import answer_to_json, article_to_json, safe
from rag.settings import TIERS, Settings

if TYPE_CHECKING:
    from rich.console import Console

    from rag.library import Filter, Library
    from rag.pipeline import Tearsheet

DONE, SOME_FAILED, DEFECT, INTERRUPTED = 0, 1, 70, 130

EPILOG = """\
exit codes:
  0 done (an answer that the articles do not say is an answer)
  1 a part failed: a file could not be read, a law of the library does not hold
  2 what was given cannot be used     3 the library cannot be used
  4 a model cannot be used            130 stopped with Ctrl-C

examples:
  tearsheet add ~/articles
  tearsheet ask "Who met Putin in Moscow?"
  tearsheet ask --json - < questions.txt
"""

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


def main(argv: Sequence[str] | None = None, *, open_tearsheet: Opener | None = None) -> int:
    """Run one command and return its exit code. `open_tearsheet` stands in for `Tearsheet.open`."""
    # Read when the OpenMP library loads: without it, waiting threads starve the others on a busy machine.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    arguments = _parser().parse_args(argv)
    try:
        code = _run(arguments, open_tearsheet or _open_tearsheet)
        sys.stdout.flush()
    except TearsheetError as error:
        return complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        return complain("Stopped. What was finished before is kept.", INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except OSError as error:
        return complain(": ".join(filter(None, [str(error.filename or ""), error.strerror or str(error)])))
    except Exception as error:
        if os.environ.get("TEARSHEET_DEBUG"):
            raise
        advice = "This is a defect; TEARSHEET_DEBUG=1 shows where. `tearsheet doctor` checks the library."
        return complain(f"Unexpected {type(error).__name__}: {error}. {advice}", DEFECT)
    return code


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


def _run(arguments: argparse.Namespace, opener: Opener) -> int:
    given = {name: getattr(arguments, name, None) for name in ("library", "tier", "model", "passages")}
    session = Session(Settings.load(**given), getattr(arguments, "json", False), opener)
    command: Command = arguments.command
    return command.run(arguments, session)


def _open_tearsheet(settings: Settings, *, write: bool) -> Tearsheet:
    from rag.pipeline import Tearsheet

    return Tearsheet.open(settings, write=write)


class _Version(argparse.Action):
    """Prints the version; the package metadata is looked up only when asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import version

        parser.exit(message=f"tearsheet {version('tearsheet')}\n")


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    shared.add_argument(
        "--library", metavar="DIR", help="the folder of the library (default: your data folder)"
    )
    shared.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser = argparse.ArgumentParser(
        prog="tearsheet",
        description="Ask your own news articles; every sentence of the answer shows the passage behind it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[shared],
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    rows = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        row = rows.add_parser(command.name, help=command.help, description=command.help, parents=[shared])
        row.set_defaults(command=command)
        command.arguments(row)
    return parser


# One function for what a command takes and one for what it does


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="PATH", type=Path, nargs="+", help="a file, or a folder to walk")


def _add(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import progress

    with session.open(write=True) as tearsheet, progress(console(stderr=True), "Adding") as on_progress:
        report = tearsheet.add(arguments.paths, on_progress=on_progress)
    if session.json:
        unread = [{"path": item.path, "reason": item.reason} for item in report.unread]
        counts = {"added": report.added, "revised": report.revised, "unchanged": report.unchanged}
        print_json(counts | {"unread": unread})
    else:
        done = f"Added {_count(report.added, 'article')}"
        rest = {"revised": report.revised, "unchanged": report.unchanged, "not read": len(report.unread)}
        console().print(
            ", ".join([done, *(f"{number:,} {what}" for what, number in rest.items() if number)]) + "."
        )
        for item in report.unread:
            complain(f"{item.path}: {item.reason}")
    return SOME_FAILED if report.unread else DONE


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
            print(f"{_count(len(articles), 'article')} of {counts.articles:,}")
            return DONE
        size = f"{counts.bytes / 1e6:,.1f} MB"
        print(f"{_count(counts.articles, 'article')}, {_count(counts.passages, 'passage')}, {size}")
    elif where:
        print(f"None of the {_count(counts.articles, 'article')} passes.")
    else:
        print("The library is empty. `tearsheet add PATH` reads files or a folder.")
    return DONE


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("article", metavar="ARTICLE", help="the id of the article, or how it begins")


def _show(arguments: argparse.Namespace, session: Session) -> int:
    from rag.terminal import article_lines, print_lines

    with session.open() as tearsheet:
        article = tearsheet.library.article(arguments.article)
    if session.json:
        print_json(article_to_json(article))
    else:
        print_lines(console(), article_lines(article))
    return DONE


def _remove_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "articles", metavar="ARTICLE", nargs="+", help="the id of an article, or how it begins"
    )


def _remove(arguments: argparse.Namespace, session: Session) -> int:
    missing: list[str] = []
    found: dict[str, Article] = {}
    with session.open(write=True) as tearsheet:
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


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "question", metavar="QUESTION", nargs="+", help="a question; - reads one from each line"
    )
    parser.add_argument("--tier", choices=TIERS, help="how answers are worded (default: write)")
    parser.add_argument(
        "--model", metavar="FILE.gguf", help="a model to word them with (default: the bundled one)"
    )
    parser.add_argument("--passages", metavar="N", type=int, help="passages to look at (default: 10)")
    parser.add_argument("--as-of", metavar="DATE", default="", help="answer from what was known on this day")
    filter_arguments(parser)


def _ask(arguments: argparse.Namespace, session: Session) -> int:
    given = " ".join(arguments.question)
    if given != "-":
        with session.open() as tearsheet:
            where = chosen(arguments, tearsheet.library)
            _print_answer(_answer(tearsheet, given, where), session)
        return DONE
    failed = False
    if sys.stdin.isatty():
        print("One question on each line; Ctrl-D ends.", file=sys.stderr)
    with session.open() as tearsheet:
        where = chosen(arguments, tearsheet.library)
        for question in filter(None, map(str.strip, sys.stdin)):
            if not session.json:
                console().print(f"\n{safe(question)}\n", style="bold underline")
            try:
                _print_answer(_answer(tearsheet, question, where), session)
            except InputError as error:
                failed = True
                if session.json:
                    print_json({"question": question, "error": str(error)})
                complain(str(error))
    return SOME_FAILED if failed else DONE


def _answer(tearsheet: Tearsheet, question: str, where: Filter) -> Answer:
    """Ask, showing what is found and written meanwhile when somebody is watching."""
    watching = console(stderr=True)
    if not watching.is_terminal:
        return tearsheet.ask(question, where=where)
    from rag.terminal import watch

    # Closing the events stops the model, whatever ends the watching.
    with closing(tearsheet.ask_events(question, where=where)) as events:
        return watch(events, watching)


def _print_answer(answer: Answer, session: Session) -> None:
    if session.json:
        print_json(answer_to_json(answer))
        return
    from rag.terminal import answer_lines, print_lines

    print_lines(console(), answer_lines(answer))
    sys.stdout.flush()


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rebuild", action="store_true", help="make every index anew from the stored articles"
    )


def _doctor(arguments: argparse.Namespace, session: Session) -> int:
    with session.open(write=arguments.rebuild) as tearsheet:
        problems = tearsheet.doctor(rebuild=arguments.rebuild)
        counts = tearsheet.library.counts()
    if session.json:
        listed = [{"law": it.law, "found": it.found, "article": it.article} for it in problems]
        print_json({"articles": counts.articles, "passages": counts.passages, "problems": listed})
    else:
        held = f"{_count(counts.articles, 'article')} and {_count(counts.passages, 'passage')}"
        print(f"{held} in {safe(str(session.settings.library))}")
        for problem in problems:
            where = f" (article {problem.article})" if problem.article else ""
            complain(f"{problem.law} Found: {problem.found}{where}")
        advice = "" if arguments.rebuild else " `tearsheet doctor --rebuild` makes the indexes anew."
        print(
            f"{_count(len(problems), 'problem')}.{advice}" if problems else "Every law of the library holds."
        )
    return SOME_FAILED if problems else DONE


def _eval_arguments(parser: argparse.ArgumentParser) -> None:
    from evals.cli import arguments

    arguments(parser)


def _eval(arguments: argparse.Namespace, session: Session) -> int:
    from evals.cli import run

    return run(arguments, session.settings)


def _ui_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to serve on (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=7860, help="the port to try first (default: 7860)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _ui(arguments: argparse.Namespace, session: Session) -> int:
    from ui.app import serve

    serve(session.settings, host=arguments.host, port=arguments.port, open_browser=not arguments.no_browser)
    return DONE


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


COMMANDS = (
    Command("add", "read articles into the library", _add_arguments, _add),
    Command("list", "list the articles in the library", _list_arguments, _list),
    Command("show", "print one article", _show_arguments, _show),
    Command("remove", "remove articles from the library", _remove_arguments, _remove),
    Command("ask", "answer a question from the articles", _ask_arguments, _ask),
    Command("doctor", "check the library against its laws", _doctor_arguments, _doctor),
    Command("eval", "check the answers against facts written by hand", _eval_arguments, _eval),
    Command("ui", "open Tearsheet in the browser", _ui_arguments, _ui),
)


if __name__ == "__main__":
    sys.exit(main())

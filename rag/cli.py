"""The `tearsheet` command: what a person or a script types, and what it gets back.

Results go to standard output, progress and complaints to standard error. Nothing heavy is imported
before a command runs, so that `tearsheet --help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from rag import brief_command, check_command, models_command, shelf
from rag.errors import InputError, TearsheetError
from rag.records import Answer
from rag.render import answer_to_json, safe
from rag.session import (
    DEFECT,
    DONE,
    INTERRUPTED,
    SOME_FAILED,
    Command,
    Opener,
    Session,
    care_arguments,
    chosen,
    complain,
    console,
    filter_arguments,
    print_json,
)
from rag.settings import TIERS, Settings

if TYPE_CHECKING:
    from rag.library import Filter
    from rag.pipeline import Tearsheet

TURNS = 6
"""Questions and answers of a conversation that the next question may lean on."""

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
  tearsheet ask --chat "When was the meeting in Geneva?"
"""


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


def _ask_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "question", metavar="QUESTION", nargs="*", help="a question; - reads one from each line"
    )
    parser.add_argument("--tier", choices=TIERS, help="how answers are worded (default: write)")
    parser.add_argument(
        "--model",
        metavar="MODEL",
        help="a .gguf file, a name of `tearsheet models list`, or a server's address",
    )
    parser.add_argument("--passages", metavar="N", type=int, help="passages to look at (default: 10)")
    parser.add_argument("--as-of", metavar="DATE", default="", help="answer from what was known on this day")
    parser.add_argument(
        "--chat", action="store_true", help="read questions from standard input as one conversation"
    )
    parser.add_argument(
        "--no-read-filters",
        dest="read_filters",
        action="store_false",
        help='take "last week" or "according to the Times" as mere words',
    )
    care_arguments(parser)
    filter_arguments(parser)


def _ask(arguments: argparse.Namespace, session: Session) -> int:
    given = " ".join(arguments.question)
    if not arguments.question and not arguments.chat:
        raise InputError("No question was given. Type one after `tearsheet ask`, or --chat for several.")
    if arguments.question and given != "-":
        with session.open() as tearsheet:
            where = chosen(arguments, tearsheet.library)
            answer = _answer(tearsheet, given, where, _options(arguments))
            _print_answer(answer, session)
            return _chat(tearsheet, where, arguments, session, [answer]) if arguments.chat else DONE
    with session.open() as tearsheet:
        return _chat(tearsheet, chosen(arguments, tearsheet.library), arguments, session, [])


def _chat(
    tearsheet: Tearsheet, where: Filter, arguments: argparse.Namespace, session: Session, said: list[Answer]
) -> int:
    """Answer each line of standard input; with --chat each leans on those before it."""
    if sys.stdin.isatty():
        print("One question on each line; Ctrl-D ends.", file=sys.stderr)
    failed = False
    for question in filter(None, map(str.strip, sys.stdin)):
        if not session.json:
            console().print(f"\n{safe(question)}\n", style="bold underline")
        options = _options(arguments) | ({"conversation": said[-TURNS:]} if said else {})
        try:
            answer = _answer(tearsheet, question, where, options)
            _print_answer(answer, session)
        except InputError as error:
            failed = True
            if session.json:
                print_json({"question": question, "error": str(error)})
            complain(str(error))
            continue
        if arguments.chat:
            said.append(answer)
    return SOME_FAILED if failed else DONE


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What was asked for beyond the filters."""
    care = {"care": arguments.care} if arguments.care else {}
    return care if arguments.read_filters else care | {"read_filters": False}


def _answer(tearsheet: Tearsheet, question: str, where: Filter, options: dict[str, Any]) -> Answer:
    """Ask, showing what is found and written meanwhile when somebody is watching."""
    watching = console(stderr=True)
    if not watching.is_terminal:
        return tearsheet.ask(question, where=where, **options)
    from rag.terminal import watch

    # Closing the events stops the model, whatever ends the watching.
    with closing(tearsheet.ask_events(question, where=where, **options)) as events:
        return watch(events, watching)


def _print_answer(answer: Answer, session: Session) -> None:
    if session.json:
        print_json(answer_to_json(answer))
        return
    from rag.terminal import answer_lines, print_lines

    print_lines(console(), answer_lines(answer))
    sys.stdout.flush()


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
    parser.add_argument(
        "--auth", metavar="FILE", type=Path, help="ask for the password whose hash is in this file"
    )
    parser.add_argument(
        "--set-password", metavar="FILE", type=Path, help="write the hash of a password to this file, and end"
    )
    parser.add_argument("--mcp", action="store_true", help="serve tools for programs too (MCP, this machine)")


def _ui(arguments: argparse.Namespace, session: Session) -> int:
    from ui.auth import ask_for_password, load_password, write_password

    if arguments.set_password:
        write_password(arguments.set_password, ask_for_password())
        print(f"Written. `tearsheet ui --host 0.0.0.0 --auth {arguments.set_password}` asks for it.")
        return DONE
    password = load_password(arguments.auth, os.environ)
    from ui.app import serve

    serve(
        session.settings,
        host=arguments.host,
        port=arguments.port,
        open_browser=not arguments.no_browser,
        password=password,
        mcp=arguments.mcp,
    )
    return DONE


COMMANDS = (
    *shelf.COMMANDS,
    Command("ask", "answer a question from the articles", _ask_arguments, _ask),
    check_command.COMMAND,
    brief_command.COMMAND,
    models_command.COMMAND,
    Command("eval", "check the answers against facts written by hand", _eval_arguments, _eval),
    Command("ui", "open Tearsheet in the browser", _ui_arguments, _ui),
)


if __name__ == "__main__":
    sys.exit(main())

"""`tearsheet check`: marks each sentence of a draft against the articles."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rag.brief_command import write
from rag.dates import day_of
from rag.errors import InputError
from rag.records import Article, Check, Support
from rag.render_check import SIGNS, check_to_html, check_to_json, check_to_markdown, counted, judged, source
from rag.session import DONE, SOME_FAILED, Command, Session, chosen, console, filter_arguments, print_json

if TYPE_CHECKING:
    from rag.terminal import Line

COLOURS: dict[Support, str] = {
    "supported": "green",
    "partly": "yellow",
    "contradicted": "bold red",
    "unsupported": "red",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `tearsheet check` takes."""
    parser.add_argument("file", metavar="FILE", help="the draft: text, Markdown, HTML, PDF, Word; - reads it")
    parser.add_argument(
        "--format",
        choices=("text", "md", "html", "json"),
        default="text",
        help="what to write (default: text)",
    )
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument(
        "--as-of", metavar="DATE", default="", help='the day "yesterday" is reckoned from (default: today)'
    )
    parser.add_argument("--passages", metavar="N", type=int, help="passages to look at (default: 10)")
    filter_arguments(parser)


def run(given: argparse.Namespace, session: Session) -> int:
    """Check the draft and print it marked; 1 when something is contradicted or unsupported."""
    text, title, day = _draft(given.file)
    written, given.as_of = given.as_of or day, ""
    if written and day_of(written) is None:
        raise InputError(f"A day is written like 2025-12-31; found {written!r}.")
    kind = "json" if session.json else given.format
    with session.open() as tearsheet:
        from rag.terminal import progress

        with progress(console(stderr=True), "Checking") as move:
            made = tearsheet.check(
                text,
                where=chosen(given, tearsheet.library),
                written=written,
                on_step=(lambda stage, done, total: move(done, total, stage)) if move else None,
            )
    if kind == "text" and given.output is None:
        from rag.terminal import print_lines

        print_lines(console(), list(lines(made)))
    elif kind == "json" and given.output is None:
        print_json(check_to_json(made))
    else:
        _deliver(as_text(made, kind, title), given.output)
    sys.stdout.flush()
    return DONE if made.sound else SOME_FAILED


def as_text(made: Check, kind: str, title: str) -> str:
    """Return the checked draft in this form: text, md, html or json."""
    if kind == "md":
        return check_to_markdown(made)
    if kind == "html":
        return check_to_html(made, title or "Checked draft")
    if kind == "json":
        import json

        return json.dumps(check_to_json(made), ensure_ascii=False) + "\n"
    return "".join(f"{' ' * line.indent}{line.text.plain}\n" for line in lines(made))


def lines(made: Check) -> Iterator[Line]:
    """Yield each sentence with its sign, the verdict on it, and the best words for it."""
    from rich.text import Text

    from rag.render import safe
    from rag.terminal import Line, plain

    for each in made.sentences:
        if each.support is None:
            yield plain(each.text, "dim", indent=2, hang=2)
            continue
        colour = COLOURS[each.support]
        yield Line(Text.assemble((f"{SIGNS[each.support]} ", colour), safe(each.text)), 0, 2)
        yield plain(judged(each), colour, indent=4, hang=4)
        for citation in each.citations[:1]:
            yield plain(f"“{safe(citation.quote)}”", indent=4, hang=4)
            yield plain(f"{source(citation)} · {citation.article.id[:8]}", "dim", indent=4, hang=4)
        yield plain("")
    for note in made.notes:
        yield plain(note, "dim")
    yield plain(counted(made), "bold")


def _draft(name: str) -> tuple[str, str, str]:
    """The text of the draft, its title and the day it bears."""
    if name == "-":
        text = sys.stdin.read()
        title = day = ""
    else:
        from rag.read import read_file

        path = Path(name)
        if not path.is_file():
            raise InputError(f"{name} is no file. Name the draft, or - to read it from standard input.")
        if path.suffix.casefold() in {"", ".txt"}:
            text, title, day = path.read_text("utf-8", errors="replace"), path.name, ""
        else:
            found = next((each for each in read_file(path) if isinstance(each, Article)), None)
            if found is None:
                raise InputError(
                    f"{name} cannot be read as a text. Give plain text, Markdown, HTML, PDF or Word."
                )
            text, title, day = found.text, found.title or path.name, found.published[:10]
    if not any(letter.isalnum() for letter in text):
        raise InputError("The draft is empty. Give a text with at least one sentence.")
    return text, title, day


def _deliver(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    write(output, text.encode("utf-8"))
    sys.stderr.write(f"Wrote {output}\n")


COMMAND = Command("check", "mark each sentence of a draft against the articles", arguments, run)

"""`tearsheet brief`: makes a briefing and writes it where and as it was asked for."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import InputError
from rag.records import Brief
from rag.render import brief_to_json, safe
from rag.session import DONE, Command, Session, chosen, console, filter_arguments, print_json
from rag.settings import TIERS

if TYPE_CHECKING:
    from rich.console import Console

SUFFIXES = {
    ".md": "md",
    ".markdown": "md",
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".docx": "docx",
    ".pdf": "pdf",
    ".json": "json",
}
FEWEST_WORDS, MOST_WORDS = 40, 5000


def arguments(parser: argparse.ArgumentParser) -> None:
    """What `tearsheet brief` takes."""
    parser.add_argument("topic", metavar="TOPIC", nargs="*", help="what the briefing is on")
    parser.add_argument(
        "--words", metavar="N", type=int, default=600, help="its length, e.g. 250, 600 or 1200 (default: 600)"
    )
    parser.add_argument(
        "--format",
        choices=("text", "md", "html", "docx", "pdf", "json"),
        help="what to write (default: text)",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="write to this file; its ending tells"
    )
    parser.add_argument("--as-of", metavar="DATE", default="", help="brief from what was known on this day")
    parser.add_argument(
        "--since-last", action="store_true", help="say what changed since the last briefing on the topic"
    )
    parser.add_argument("--tier", choices=TIERS, help="how lines are worded (default: quote, word for word)")
    parser.add_argument("--model", metavar="FILE.gguf", help="a model to word them with")
    filter_arguments(parser)


def run(given: argparse.Namespace, session: Session) -> int:
    """Make the briefing and print or write it. Raises InputError for what cannot be used."""
    kind = _format(given, as_json=session.json)
    if not FEWEST_WORDS <= given.words <= MOST_WORDS:
        raise InputError(
            f"A briefing has {FEWEST_WORDS} to {MOST_WORDS:,} words; found --words {given.words}."
        )
    if kind in {"docx", "pdf"} and given.output is None:
        raise InputError(f"A {kind} cannot be printed; name a file with -o FILE.{kind}.")
    if given.output is not None and not given.output.absolute().parent.is_dir():
        raise InputError(f"{given.output} cannot be written: there is no folder {given.output.parent}.")
    with session.open() as tearsheet, _watched(console(stderr=True)) as on_step:
        made = tearsheet.brief(
            " ".join(given.topic),
            words=given.words,
            where=chosen(given, tearsheet.library),
            as_of=given.as_of,
            tier=given.tier or "quote",
            since_last=given.since_last,
            on_step=on_step,
        )
    if given.output is not None:
        write(given.output, as_bytes(made, kind))
        sys.stderr.write(f"Wrote {safe(str(given.output))}\n")
    elif kind == "text":
        from rag.terminal import print_lines
        from rag.terminal_brief import brief_lines

        print_lines(console(), brief_lines(made))
    elif kind == "json":
        print_json(brief_to_json(made))
    else:
        sys.stdout.write(as_bytes(made, kind).decode("utf-8"))
    sys.stdout.flush()
    return DONE


def as_bytes(made: Brief, kind: str) -> bytes:
    """Return the briefing as a file of this kind: text, md, html, docx, pdf or json."""
    if kind == "json":
        return (json.dumps(brief_to_json(made), ensure_ascii=False) + "\n").encode("utf-8")
    if kind == "md":
        from rag.render_brief import brief_to_markdown

        return brief_to_markdown(made).encode("utf-8")
    if kind == "docx":
        from rag.page_docx import brief_to_docx

        return brief_to_docx(made)
    if kind == "pdf":
        from rag.page_pdf import brief_to_pdf

        return brief_to_pdf(made)
    if kind == "html":
        from rag.page import brief_to_html

        return brief_to_html(made).encode("utf-8")
    from rag.terminal_brief import brief_lines

    return "".join(f"{' ' * line.indent}{line.text.plain}\n" for line in brief_lines(made)).encode("utf-8")


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all. Raises InputError when its folder is not there or not writable."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as held:
            held.write(content)
        Path(held.name).chmod(0o644)
        os.replace(held.name, path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror or error}. Name another file."
        ) from error


def _format(given: argparse.Namespace, *, as_json: bool) -> str:
    if as_json:
        return "json"
    if given.format:
        return str(given.format)
    if given.output is None:
        return "text"
    kind = SUFFIXES.get(given.output.suffix.casefold())
    if kind is None:
        endings = ", ".join(SUFFIXES)
        raise InputError(f"The file must end in one of {endings}; found {given.output.name!r}.")
    return kind


@contextmanager
def _watched(console: Console) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show the stage, how far it is and the time left, to a person who watches."""
    from rag.terminal import progress

    with progress(console, "Briefing") as move:
        if move is None:
            yield None
            return
        show = move

        def step(stage: str, done: int, total: int) -> None:
            show(done, total + 1, stage)

        yield step


COMMAND = Command("brief", "write a briefing on a topic, every line with its passage", arguments, run)

"""What `make run` does: load the demonstration articles, answer one question, serve the page."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from rag import cli
from rag.errors import LibraryError, TearsheetError
from rag.library import Library
from rag.session import DONE, INTERRUPTED, complain
from rag.settings import Settings
from ui.handlers import EXAMPLES, SEEDS, examples

FEW = 20
"""Articles above which a library cannot be the demonstration one, so that its texts need not be read."""

Run = Callable[[Sequence[str]], int]


def main(run: Run = cli.main) -> int:
    """Type for a newcomer what they would type, showing each command; return the code of the last one.

    Articles are added only to an empty library, and the question is asked only of the demonstration
    articles. `run` stands in for the `tearsheet` command.
    """
    library = Settings.load().library
    held = _held(library)
    commands = [["add", os.path.relpath(SEEDS)]] if held == "nothing" else []
    if held == "others":
        print(f"The library at {library} holds articles of your own; ask them on the page.")
    else:
        commands.append(["ask", EXAMPLES[0]])
    commands.append(["ui"] if _has_screen() else ["ui", "--no-browser"])
    for command in commands:
        print(f"\n$ tearsheet {shlex.join(command)}", flush=True)
        if code := run(command):
            return code
    return DONE


def _held(library: Path) -> Literal["nothing", "demonstration", "others"]:
    """What the library holds; nothing also when it cannot be read, for adding says best what is wrong."""
    try:
        with Library.open(library) as opened:
            count = opened.counts().articles
            few = opened.articles() if count <= FEW else []
    except LibraryError:
        return "nothing"
    if not count:
        return "nothing"
    return "demonstration" if examples(few) else "others"


def _has_screen() -> bool:
    """Whether there is a desktop to open a browser on; without one a text browser might take the terminal."""
    return sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TearsheetError as error:
        sys.exit(complain(str(error), error.exit_code))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

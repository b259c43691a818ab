"""Kills, crowds and fills disks under a library, and counts what was lost. Prints one line for each fault.

    python -m evals.faults [--kills 100] [--seconds 60] [--only kills crowd disk]

The rest of the faults take no time and are tests: damaged index files, a server killed, feeds without end.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from models.fake import FakeEmbedder, FakeParser
from rag.errors import LibraryError, LockedError
from rag.library import Library
from rag.pipeline import Models, Tearsheet
from rag.retrieve import retrieve
from rag.settings import Settings

ARTICLES = 300
READERS, WRITERS = 8, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 1 when anything was lost."""
    options = _options(argv)
    if options.role:
        return ROLES[options.role](Path(options.folder), options.seconds)
    failed = False
    for name in options.only:
        with tempfile.TemporaryDirectory() as folder:
            said, good = FAULTS[name](Path(folder), options)
        print(f"{name}: {said}{'' if good else '  <-- NOT AS IT SHOULD BE'}", flush=True)
        failed |= not good
    return int(failed)


def kills(folder: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """Kill an adding process at random moments; each next one goes on."""
    file = folder / "articles.jsonl"
    file.write_text("\n".join(_lines(ARTICLES)), "utf-8")
    chance = random.Random(7)
    count: Counter[str] = Counter()
    library = folder / "library-0"
    while count["kills"] < options.kills:
        adding = _start("add", library)
        assert adding.stdout is not None
        told = [adding.stdout.readline().strip()]
        ends = time.monotonic() + chance.uniform(0, 1.5)
        while time.monotonic() < ends and (line := adding.stdout.readline().strip()):
            told.append(line)
        adding.send_signal(signal.SIGKILL)
        told += adding.communicate()[0].split("\n")
        finished = "done" in told
        count["kills"] += not finished
        with Library.open(library) as reader:
            held = [article.text for article in reader.articles()]
            count["problems"] += len(reader.check())
        count["twice"] += len(held) - len(set(held))
        names = {text.split(",")[0] for text in held}
        count["lost"] += len({line for line in told if line.startswith("story")} - names)
        if finished:
            count["finished"] += 1
            count["incomplete"] += len(held) != ARTICLES
            library = folder / f"library-{count['finished']}"
    said = (
        f"{count['kills']} kills, {count['lost']} committed articles lost, {count['twice']} there twice, "
        f"{count['problems']} laws broken, {count['finished']} libraries finished by the next run, "
        f"{count['incomplete']} of them incomplete"
    )
    return said, not any(count[name] for name in ("lost", "twice", "problems", "incomplete"))


def crowd(folder: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """Let two processes write and eight read at once."""
    with _opened(folder / "library") as tearsheet:
        (folder / "first.jsonl").write_text("\n".join(_lines(50)), "utf-8")
        tearsheet.add([folder / "first.jsonl"])
    roles = ["write"] * WRITERS + ["read"] * READERS
    running = [_start(role, folder / "library", seconds=options.seconds) for role in roles]
    total: Counter[str] = Counter()
    for process in running:
        out, _ = process.communicate()
        total += Counter(json.loads(out.splitlines()[-1]) if process.returncode == 0 else {"crashed": 1})
    with Library.open(folder / "library", write=True) as library:
        total["laws broken"] = len(library.check())
    bad = ("crashed", "errors", "wrong quotes", "laws broken")
    said = f"{WRITERS} writers and {READERS} readers for {options.seconds} s: "
    names = ("articles added", "articles removed", "turned away", "questions", *bad)
    return said + ", ".join(f"{total[name]:,} {name}" for name in names), not any(total[name] for name in bad)


def disk(folder: Path, options: argparse.Namespace) -> tuple[str, bool]:
    """Let the disk be full in the middle of adding, several times, then make room."""
    del options
    file = folder / "articles.jsonl"
    file.write_text("\n".join(_lines(ARTICLES)), "utf-8")
    said: list[str] = []
    good = True
    for megabytes in (1, 2, 3):
        adding = _start("full", folder / "library", seconds=megabytes)
        out, _ = adding.communicate()
        with Library.open(folder / "library") as reader:
            held, problems = reader.counts().articles, reader.check()
        good &= not problems and "disk space" in out
        said.append(f"full at {megabytes} MB: {held} kept, {len(problems)} laws broken")
    with _opened(folder / "library") as tearsheet:
        report = tearsheet.add([file])
        held = tearsheet.library.counts().articles
        good &= held == ARTICLES and not tearsheet.library.check()
    return "; ".join([*said, f"with room: {report.added} added, {held} there"]), good


FAULTS = {"kills": kills, "crowd": crowd, "disk": disk}


# What the processes do


def _add(folder: Path, file: int) -> int:
    """Add the articles and say after each that it is committed."""
    del file
    with _opened(folder) as tearsheet:
        add = tearsheet.library.add

        def told(*given: object) -> str:
            outcome = add(*given)  # type: ignore[arg-type]
            print(given[0].text.split(",")[0], flush=True)  # type: ignore[attr-defined]
            return outcome

        tearsheet.library.add = told  # type: ignore[assignment, method-assign]
        tearsheet.add([folder.parent / "articles.jsonl"])
    print("done", flush=True)
    return 0


def _full(folder: Path, megabytes: int) -> int:
    """Add with no file allowed to grow beyond `megabytes`, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (megabytes << 20, megabytes << 20))
    try:
        with _opened(folder) as tearsheet:
            tearsheet.add([folder.parent / "articles.jsonl"])
    except LibraryError as error:
        print(error)
    return 0


def _write(folder: Path, seconds: int) -> int:
    """Add and remove whenever the library is free."""
    ends = time.monotonic() + seconds
    chance = random.Random()
    count: Counter[str] = Counter()
    while time.monotonic() < ends:
        try:
            with _opened(folder) as tearsheet:
                for _ in range(5):
                    file = folder.parent / f"{chance.random()}.jsonl"
                    file.write_text("\n".join(_lines(8, chance)), "utf-8")
                    count["articles added"] += tearsheet.add([file]).added
                    file.unlink()
                    for article in chance.sample(tearsheet.library.articles(), 6):
                        tearsheet.library.remove(article.id)
                        count["articles removed"] += 1
        except LockedError:
            count["turned away"] += 1
        except LibraryError as error:
            count["errors"] += 1
            print(error, file=sys.stderr)
        time.sleep(chance.uniform(0, 0.1))
    print(json.dumps(count))
    return 0


def _read(folder: Path, seconds: int) -> int:
    """Ask and check that every passage stands in its article."""
    ends = time.monotonic() + seconds
    chance, embedder = random.Random(), FakeEmbedder()
    count: Counter[str] = Counter()
    with Library.open(folder) as library:
        while time.monotonic() < ends:
            try:
                hits = retrieve(f"story {chance.randrange(50)} of {chance.choice(WORDS)}", library, embedder)
            except LibraryError as error:
                count["errors"] += 1
                print(error, file=sys.stderr)
                continue
            count["questions"] += 1
            for hit in hits:
                passage = hit.passage
                count["wrong quotes"] += passage.text != passage.article.text[passage.start : passage.end]
                count["wrong quotes"] += not passage.text
    print(json.dumps(count))
    return 0


ROLES = {"add": _add, "full": _full, "write": _write, "read": _read}

WORDS = tuple(f"{first}{last}" for first in "bdfgklmnprst" for last in ("ara", "elo", "ino", "ost", "ulm"))


def _lines(count: int, chance: random.Random | None = None) -> Iterator[str]:
    chance = chance or random.Random(3)
    for _ in range(count):
        words = " ".join(chance.choices(WORDS, k=250))
        yield json.dumps({"id": str(chance.random()), "text": f"story{chance.randrange(10**9)}, {words}."})


@contextmanager
def _opened(folder: Path) -> Iterator[Tearsheet]:
    settings = Settings.load(library=folder, tier="quote")
    models = Models(settings, embedder=FakeEmbedder(), parser=FakeParser())
    with Tearsheet.open(settings, write=True, models=models) as tearsheet:
        yield tearsheet


def _start(role: str, folder: Path, *, seconds: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "evals.faults", "--role", role, "--folder", str(folder)]
    return subprocess.Popen([*command, "--seconds", str(seconds)], stdout=subprocess.PIPE, text=True)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m evals.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=60, help="how long the crowd is there")
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())

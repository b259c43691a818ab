"""The command `models`: which there are and which fit; fetch, choose, remove and measure them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import InputError, ModelError
from rag.render import safe
from rag.session import DONE, SOME_FAILED, Command, Session, complain, console, counted, print_json

if TYPE_CHECKING:
    from models.bench import Measured
    from models.catalog import Known
    from models.machine import Machine

SLOWEST = 15.0
"""Seconds an answer may take for a model to be recommended."""
DEFAULT = "default"
GB = 1e9

EPILOG = """\
a MODEL is a name of `tearsheet models list`, a .gguf file, hf:owner/repo/file.gguf,
or, for `use` and `bench`, the address of a server: http://host:port/v1

examples:
  tearsheet models recommend             what fits this machine, and how fast it would be
  tearsheet models pull qwen3-1.7b       fetch it; goes on where it broke off
  tearsheet models use qwen3-1.7b        word answers with it from now on
  tearsheet models use default           back to the bundled model
  tearsheet eval run card --model qwen3-1.7b.gguf   which tier it earns on your machine
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add everything that may follow `tearsheet models`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EPILOG
    rows = parser.add_subparsers(title="what to do", metavar="DO", required=True)
    for name, (told, run_, needs) in DOINGS.items():
        row = rows.add_parser(name, help=told, description=told)
        row.set_defaults(do=run_)
        row.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        if needs:
            # Not `model`, which would be taken for the setting of that name.
            many = {"one": None, "some": "+", "any": "*"}[needs]
            row.add_argument("named", metavar="MODEL", nargs=many)


def run(given: argparse.Namespace, session: Session) -> int:
    code: int = given.do(given, session)
    return code


def _list(_: argparse.Namespace, session: Session) -> int:
    from models.bench import remembered
    from models.catalog import known_embedders, known_models, objection
    from models.machine import this_machine
    from models.places import models_folder

    machine, measured = this_machine(models_folder()), remembered()
    rows = known_models()
    others = sorted(set(models_folder().glob("*.gguf")) - {row.path for row in rows})
    if session.json:
        listed = [_row_json(row, objection(row, machine), measured.get(Path(row.file).stem)) for row in rows]
        embedders = [asdict(row) for row in known_embedders()]
        print_json({"models": listed, "embedders": embedders, "others": [str(path) for path in others]})
        return DONE
    table = [("MODEL", "FILE", "MEMORY", "LICENCE", "LANGUAGES", "HERE")]
    table += [
        (
            row.name,
            _gb(row.size),
            _gb(row.memory()),
            row.licence,
            row.languages,
            _state(row, machine, measured),
        )
        for row in rows
    ]
    table += [(path.stem, _gb(path.stat().st_size), "", "", "", "yours") for path in others]
    _print_table(table)
    print("\nEmbedders, for sentence-transformers:")
    _print_table(
        [("MODEL", "DIMENSIONS", "WINDOW", "LICENCE", "LANGUAGES")]
        + [
            (row.repo, str(row.dimensions), f"{row.window:,} tokens", row.licence, row.languages)
            for row in known_embedders()
        ]
    )
    print(f"\nAnswers are worded by {session.settings.model or 'the bundled model'}.")
    return DONE


def _recommend(_: argparse.Namespace, session: Session) -> int:
    from models.bench import bench, remembered
    from models.catalog import Speed, known, known_models, objection
    from models.generator import bundled_gguf
    from models.machine import this_machine
    from models.places import models_folder

    machine = this_machine(models_folder())
    ours = known("smollm2-135m")
    found = remembered()
    base = found.get(bundled_gguf().stem) or bench(None, threads=session.settings.threads, runs=2)
    speed = Speed(base.prompt, base.reply)
    # What is run of the bundled model is its 8-bit copy: a byte and a sixteenth for each parameter.
    copy = ours.parameters * 17 // 16
    rows = []
    for row in known_models():
        told = found.get(Path(row.file).stem)
        reckoned = Speed(told.prompt, told.reply) if told and told.prompt else speed.of(row, ours, copy)
        rows.append((row, objection(row, machine), reckoned, told is not None))
    fitting = [row for row, why, reckoned, _ in rows if not why and reckoned.seconds() <= SLOWEST]
    best = fitting[-1] if fitting else ours
    if session.json:
        listed = [
            _row_json(row, why, None)
            | {"prompt": round(at.prompt, 1), "reply": round(at.reply, 1), "seconds": round(at.seconds(), 2)}
            | {"measured_here": here}
            for row, why, at, here in rows
        ]
        print_json({"machine": asdict(machine), "models": listed, "recommended": best.name})
        return DONE
    gpu = f", {machine.gpu} (not used by the shipped build)" if machine.gpu else ""
    print(
        f"{machine.processor}: {counted(machine.cores, 'core')}, {machine.free / GB:.1f} of"
        f" {machine.memory / GB:.1f} GB memory and {machine.disk / GB:.0f} GB disk free{gpu}\n"
    )
    table = [("MODEL", "MEMORY", "READS", "WRITES", "AN ANSWER", "")]
    for row, why, at, here in rows:
        seconds = f"{at.seconds():.1f} s"
        note = why or ("measured here" if here else "")
        if not why and at.seconds() > SLOWEST:
            note = f"an answer would take longer than {SLOWEST:.0f} s"
        mark = " <- recommended" if row is best else ""
        table.append((row.name, _gb(row.memory()), _rate(at.prompt), _rate(at.reply), seconds, note + mark))
    _print_table(table)
    print(
        "\nTokens a second, reckoned by size from what the bundled model does here unless measured. Which"
        "\ntier a model earns, `tearsheet eval run card --model FILE` measures."
    )
    if not best.bundled:
        print(f"\n  tearsheet models pull {best.name} && tearsheet models use {best.name}")
    return DONE


def _pull(given: argparse.Namespace, session: Session) -> int:
    from models.fetch import fetch, source_of
    from rag.terminal import progress

    failed: list[str] = []
    fetched: list[str] = []
    for name in given.named:
        source = source_of(name)
        try:
            with progress(console(stderr=True), f"Fetching {source.file}") as move:

                def moved(done: int, total: int) -> None:
                    if move is not None:
                        move(done // 1_000_000, max(1, total // 1_000_000), "MB")

                path = fetch(source, on_progress=moved)
        except ModelError as error:
            failed.append(str(error))
            continue
        fetched.append(str(path))
        if not session.json:
            checked = "its SHA-256 is the publisher's" if source.sha256 else "checked by what the hub says"
            print(f"Fetched {safe(str(path))} ({_gb(path.stat().st_size)}); {checked}.")
            short = str(path) if "://" in name else name
            print(f"  tearsheet models use {safe(short)}")
    if session.json:
        print_json({"fetched": fetched, "failed": failed})
    for message in failed:
        complain(message, ModelError.exit_code)
    return (SOME_FAILED if fetched else ModelError.exit_code) if failed else DONE


def _use(given: argparse.Namespace, session: Session) -> int:
    name, file = choose_model(given.named)
    if session.json:
        print_json({"model": name, "settings": str(file)})
    else:
        print(f"Answers are worded by {safe(name) or 'the bundled model'} from now on ({safe(str(file))}).")
    return DONE


def choose_model(name: str) -> tuple[str, Path]:
    """Word answers with this model from the next start on; return its setting and the settings file.

    Raises ModelError and InputError for one that cannot be used.
    """
    from models.catalog import known_models
    from models.choose import is_trusted, model_file
    from models.fetch import adopt
    from models.generator import CONTEXT, check_memory
    from models.gguf import check_chat_model, read_gguf
    from models.served import ServedGenerator
    from rag.settings import set_in_file

    if name.startswith(("http://", "https://")):
        ServedGenerator(name).close()
    elif name in (DEFAULT, ""):
        name = ""
    elif path := model_file(name):
        found = read_gguf(path)
        check_chat_model(found)
        check_memory(found, CONTEXT)
        row = next((row for row in known_models() if row.path == path), None)
        if row and row.sha256 and not is_trusted(path):
            adopt(path, row.sha256)
        if Path(name).suffix == ".gguf" and not name.startswith("hf:"):
            name = str(path.resolve())
    else:
        name = ""
    return name, set_in_file("model", name)


def _remove(given: argparse.Namespace, session: Session) -> int:
    removed: list[str] = []
    for name in given.named:
        removed += map(str, remove_model(name))
        if session.settings.model == name:
            complain(f"{name} was what answers are worded by. `tearsheet models use default` changes that.")
    if session.json:
        print_json({"removed": removed})
    else:
        print(
            *(f"Removed {safe(path)}" for path in removed) if removed else ("Nothing was there.",), sep="\n"
        )
    return DONE


def remove_model(name: str) -> list[Path]:
    """Remove what was fetched of a model; return the files that are gone. Raises InputError for others."""
    from models.choose import RECEIPT, model_file
    from models.fetch import source_of
    from models.places import models_folder

    place = models_folder() / source_of(name).file if name.startswith("hf:") else None
    path = place or (model_file(name) if _is_there(name) else models_folder() / source_of(name).file)
    if path is None:
        raise InputError(f"The model {name!r} came with the installation and stays.")
    if path.resolve().parent != models_folder().resolve():
        raise InputError(f"{path} is a file of your own and stays; Tearsheet removes what it fetched.")
    there = [
        each
        for each in (path, path.with_name(path.name + RECEIPT), path.with_name(path.name + ".part"))
        if each.is_file()
    ]
    for each in there:
        each.unlink()
    path.with_name(f".{path.name}.lock").unlink(missing_ok=True)
    return there


def _bench(given: argparse.Namespace, session: Session) -> int:
    from models.bench import bench
    from models.choose import model_file

    rows: list[Measured] = []
    for name in given.named or [session.settings.model]:
        served = name.startswith(("http://", "https://"))
        rows.append(bench(name if served else model_file(name), threads=session.settings.threads))
    if session.json:
        print_json({"measured": [asdict(row) for row in rows]})
        return DONE
    table = [("MODEL", "THREADS", "LOADS IN", "READS", "WRITES", "FIRST WORD", "MEMORY")]
    table += [
        (
            row.name,
            str(row.threads),
            f"{row.load:.1f} s",
            _rate(row.prompt) if row.prompt else "",
            _rate(row.reply),
            f"{row.first:.2f} s",
            _gb(row.memory) if row.memory else "",
        )
        for row in rows
    ]
    _print_table(table)
    print("\nTokens a second. Which tier a model earns, `tearsheet eval run card --model FILE` tells.")
    return DONE


def _is_there(name: str) -> bool:
    from models.choose import model_file

    try:
        model_file(name)
    except InputError:
        return False
    return True


def _row_json(row: Known, why: str, measured: Measured | None) -> dict[str, Any]:
    told = asdict(row) | {"url": row.url, "memory": row.memory(), "fits": not why, "why": why}
    told["state"] = "bundled" if row.bundled else "fetched" if row.path.is_file() else "not fetched"
    return told | {"measured": asdict(measured) if measured else None}


def _state(row: Known, machine: Machine, measured: dict[str, Measured]) -> str:
    from models.catalog import objection

    here = measured.get(Path(row.file).stem)
    speed = f", writes {here.reply:.0f} tokens/s" if here else ""
    if row.bundled:
        return f"bundled{speed}"
    if row.path.is_file():
        return f"fetched{speed}"
    return objection(row, machine) or "fits"


def _rate(speed: float) -> str:
    return f"{speed:.0f}/s" if speed >= 10 else f"{speed:.1f}/s"


def _gb(number: int) -> str:
    return f"{number / GB:.1f} GB" if number >= GB else f"{number / 1e6:.0f} MB"


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (safe(cell).ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


DOINGS = {
    "list": ("list the models we know, and whether they fit", _list, ""),
    "recommend": ("say which model suits this machine, and why", _recommend, ""),
    "pull": ("fetch models, checked by size and hash", _pull, "some"),
    "use": ("word answers with this model from now on", _use, "one"),
    "remove": ("remove models that were fetched", _remove, "some"),
    "bench": ("measure how fast a model reads and writes here", _bench, "any"),
}

COMMAND = Command("models", "find, fetch, choose and measure language models", arguments, run)

"""How fast a model reads and writes on this machine and what memory it takes, measured and remembered."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from models.compute import thread_count
from models.isolate import IsolatedGenerator
from models.machine import this_machine
from models.places import cache_folder
from models.protocols import Generator, Message
from models.served import ServedGenerator
from rag.errors import ModelError

REPLY = 24
"""Tokens written for each measurement."""
RUNS = 2
"""Measurements; the best counts, as what else the machine does can only slow it down."""
STORE = "bench.json"

_TEXT = (
    "The council of Dalby voted on Tuesday to rebuild the old mill by the river. The work will cost 3.2 "
    "million euros and take two years. The mayor, Anna Berg, said the first offices would open in spring. "
    "Two members voted against the plan, and one asked for another survey of the bridge to the site."
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement. A speed of 0 could not be told."""

    name: str
    fingerprint: str
    threads: int
    load: float
    """Seconds until it could be asked."""
    first: float
    """Seconds from a question of 200 tokens to the first word."""
    prompt: float
    """Tokens read a second."""
    reply: float
    """Tokens written a second."""
    memory: int
    """Bytes its process held at most; 0 when unknown."""


def bench(model: Path | str | None, *, threads: int = 0, runs: int = RUNS) -> Measured:
    """Measure a file, the bundled model (None), or the server of an address. Raises ModelError.

    A file is run in a process of its own, so that its memory is its own and another's text never warms it.
    """
    began = time.perf_counter()
    generator: IsolatedGenerator | ServedGenerator
    if isinstance(model, str):
        generator = ServedGenerator(model)
    else:
        generator = IsolatedGenerator(model, threads=threads)
    loaded = time.perf_counter() - began
    try:
        best = [_once(generator, turn) for turn in range(runs)]
        tokens = 0
        if isinstance(generator, IsolatedGenerator):
            tokens = generator.count_tokens(_asked(0))
        measured = Measured(
            name=generator.name,
            fingerprint=generator.fingerprint,
            threads=thread_count(threads),
            load=loaded,
            first=min(first for first, _ in best),
            prompt=tokens / min(first for first, _ in best),
            reply=max(reply for _, reply in best),
            memory=generator.memory() if isinstance(generator, IsolatedGenerator) else 0,
        )
    finally:
        generator.close()
    _remember(measured)
    return measured


def remembered() -> dict[str, Measured]:
    """Return what was measured on this machine before, by name."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        stored = json.loads((cache_folder() / STORE).read_text("utf-8"))
        return {name: Measured(**row) for name, row in stored[_here()].items()}
    return {}


def _once(generator: Generator, turn: int) -> tuple[float, float]:
    """Return the seconds to the first piece, and the pieces a second after it."""
    began = time.perf_counter()
    moments = [time.perf_counter() for _ in generator.write(_asked(turn), max_tokens=REPLY)]
    if len(moments) < 2:
        raise ModelError(f"The model {generator.name!r} wrote nothing to measure. Use an instruct model.")
    return moments[0] - began, (len(moments) - 1) / (moments[-1] - moments[0])


def _asked(turn: int) -> list[Message]:
    # Each turn has another beginning, so that nothing of it was read before.
    text = f"Report {turn + 1}. {_TEXT} {_TEXT}"
    return [
        Message(
            "system", f"You are reader {turn + 1}. Retell the report in your own words, sentence by sentence."
        ),
        Message("user", text),
    ]


def _here() -> str:
    machine = this_machine(cache_folder())
    return f"{machine.processor} · {machine.cores}"


def _remember(measured: Measured) -> None:
    store = cache_folder() / STORE
    stored: dict[str, dict[str, object]] = {}
    with suppress(OSError, ValueError):
        stored = json.loads(store.read_text("utf-8"))
    stored[_here()] = stored.get(_here(), {}) | {measured.name: asdict(measured)}
    with suppress(OSError):
        store.parent.mkdir(parents=True, exist_ok=True)
        part = store.with_suffix(".part")
        part.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
        part.replace(store)

"""Proves that the gate sees a regression planted in each stage, and nothing in changes that mean nothing.

`python -m evals.proofs` asks some cases of a shipped suite as the product is, then with one part of it
replaced at a time, and counts the cases that went from pass to fail. Parts are replaced where the product
takes them: settings, fitted weights, the generator, the answer before it is shown.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.ask import Product, Record, ask_all, offline
from evals.campaign import score_run
from evals.corpus import article_files
from evals.gate import gate
from evals.runfile import Run
from evals.suites import Chosen, choose
from models.protocols import Generator, Message, Reader
from rag.pipeline import Models, Tearsheet
from rag.settings import Settings

SUITE = "seeds"
CASES = 16
"""Cases of the suite that are asked, drawn by the hash of their id; a refusal is wanted of every fourth."""
REFUSALS = 4


@dataclass(frozen=True, slots=True)
class Proof:
    """One change, and how many of the cases that passed before failed with it."""

    stage: str
    change: str
    wanted: bool
    """Whether the gate must see it."""
    lost: int
    passed: int
    flips: tuple[str, ...]
    code: int

    @property
    def holds(self) -> bool:
        return (self.lost > 0 and self.code != 0) if self.wanted else (not self.flips and self.code == 0)

    def __str__(self) -> str:
        told = f"{self.lost} of {self.passed} cases lost" if self.wanted else f"{len(self.flips)} flips"
        mark = "" if self.holds else "  NOT AS IT MUST BE"
        return f"  {self.stage:13}{self.change:62}{told}, exit {self.code}{mark}"


class Liar:
    """A generator that says what no article says, whatever it is asked."""

    def __init__(self, real: Generator) -> None:
        self._real = real
        self.name, self.fingerprint = real.name, real.fingerprint

    def write(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:  # noqa: ANN401 - passed on
        yield " was found to be false by 77 judges in Utrecht."

    def score(self, messages: Sequence[Message], replies: Sequence[str]) -> list[float]:
        return self._real.score(messages, replies)

    def close(self) -> None:
        """Leave the real one open: it is used again."""


class Blind:
    """A reader that is not given the question."""

    def __init__(self, real: Reader) -> None:
        self._real = real

    def read(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._real.read([re.sub(r"\nQuestion: .*", "\nQuestion:", text) for text in texts])

    def close(self) -> None:
        """Leave the real one open: it is used again."""


# ---------------------------------------------------------------- what is planted


def unverified(record: Record) -> Record:
    """Return the answer as it would be if the model's first draft were never checked."""
    answer = copy.deepcopy(record["answer"])
    if answer["rejected"] and answer["claims"]:
        claim, draft = answer["claims"][0], answer["rejected"][0]["text"]
        answer["answer"] = answer["answer"].replace(claim["text"], draft)
        claim["text"], claim["by"] = draft, "model"
    return {**record, "answer": answer}


def misnumbered(record: Record) -> Record:
    """Return the answer with each marker one too high."""
    answer = copy.deepcopy(record["answer"])
    answer["answer"] = re.sub(r"\[(\d+)\]", lambda marker: f"[{int(marker[1]) + 1}]", answer["answer"])
    return {**record, "answer": answer}


# ---------------------------------------------------------------- asking


@contextmanager
def opened(settings: Settings, chosen: Chosen, *, backwards: bool = False) -> Iterator[Tearsheet]:
    """Yield a fresh library of the articles of the suite, added in the order of their names or backwards."""
    files = list(article_files(chosen.suite, chosen.suite.corpus).values())
    with tempfile.TemporaryDirectory(prefix="tearsheet-proofs-") as place, offline():
        fresh = replace(settings, library=Path(place) / "library")
        with Tearsheet.open(fresh, write=True) as tearsheet:
            tearsheet.add(reversed(files) if backwards else files)
            yield tearsheet


def asked(tearsheet: Tearsheet, chosen: Chosen, *, backwards: bool = False) -> dict[str, Record]:
    """Return the record of each case."""
    product = Product(chosen.suite, chosen.corpus, None, tearsheet)
    cases = reversed(chosen.cases) if backwards else chosen.cases
    return {one.record["case"]: one.record for one in ask_all(product, cases)}


def scored(chosen: Chosen, records: Mapping[str, Record]) -> Run:
    """Return the scored run of some records, all of the same identity: the gate is to compare them."""
    return score_run([chosen], records, {}, {"model": {}, "embedder": ""}, nulls=False)


def judged(stage: str, change: str, before: Run, after: Run, *, wanted: bool) -> Proof:
    """Return what the gate says of the change."""
    verdict = gate(after, before, today=date.today())
    lost = sum(flip.gates for flip in verdict.flips)
    passed = sum(case.passed for case in before.cases)
    return Proof(
        stage, change, wanted, lost, passed, tuple(flip.case.id for flip in verdict.flips), verdict.code
    )


def some(count: int = CASES) -> Chosen:
    """Return the cases that are asked: questions, by the hash of their id, one in four to be refused."""
    (every,) = choose([SUITE])
    ordered = sorted(every.cases, key=lambda case: hashlib.sha256(case.id.encode()).hexdigest())
    plain = [case for case in ordered if case.kind == "qa" and not case.after]
    refused = [case for case in plain if case.class_ == "unanswerable"][: count // REFUSALS]
    told = [case for case in plain if case.class_ != "unanswerable"][: count - len(refused)]
    return replace(every, cases=tuple(case for case in every.cases if case in refused or case in told))


def short(count: int = CASES) -> Chosen:
    """Return the answerable cases with the shortest questions: those that a small model words most often."""
    (every,) = choose([SUITE])
    plain = [case for case in every.cases if case.class_ == "answerable" and not case.after]
    few = sorted(plain, key=lambda case: (len(case.ask), case.id))[:count]
    return replace(every, cases=tuple(case for case in every.cases if case in few))


def choosing(chosen: Chosen, settings: Settings) -> Iterator[Proof]:
    """Yield the regressions that need no language model."""
    with opened(replace(settings, tier="quote"), chosen) as plain:
        before = scored(chosen, asked(plain, chosen))
        for stage, change, tearsheet in (
            ("retrieval", "only the first passage is handed on", _with(plain, passages=1)),
            ("evidence", "the fitted trees count the other way round", _with(plain, turned=True)),
            ("threshold", "nothing is refused any more", _with(plain, threshold=0.0)),
            ("prompt", "sentences are read without the question", _with(plain, blind=True)),
        ):
            yield judged(stage, change, before, scored(chosen, asked(tearsheet, chosen)), wanted=True)


def harmless(chosen: Chosen, settings: Settings) -> Iterator[Proof]:
    """Yield the changes that mean nothing."""
    settings = replace(settings, tier="quote")
    with opened(settings, chosen) as plain:
        before = scored(chosen, asked(plain, chosen))
        again = scored(chosen, asked(plain, chosen, backwards=True))
        yield judged("harmless", "the questions are asked in the other order", before, again, wanted=False)
        with Tearsheet.open(plain.settings) as reader:
            exact = scored(chosen, asked(reader, chosen))
        yield judged("harmless", "a reader searches the vectors exactly", before, exact, wanted=False)
    with opened(settings, chosen, backwards=True) as other:
        last = scored(chosen, asked(other, chosen))
        yield judged("harmless", "the articles are added in the other order", before, last, wanted=False)


def _with(
    plain: Tearsheet,
    *,
    passages: int = 0,
    turned: bool = False,
    threshold: float | None = None,
    blind: bool = False,
) -> Tearsheet:
    """Return the same library behind other settings and other fitted weights."""
    settings = replace(plain.settings, passages=passages or plain.settings.passages)
    models = Models(settings, embedder=plain.models.embedder, parser=plain.models.parser)
    if turned:
        models.trees = copy.copy(plain.models.trees)
        models.trees.value, models.trees.base = -models.trees.value, -models.trees.base
    if threshold is not None:
        models.calibration = replace(plain.models.calibration, threshold=threshold)
    if blind and plain.models.reader is not None:
        models.reader = Blind(plain.models.reader)
    return Tearsheet(settings, plain.library, models)


def wording(chosen: Chosen, settings: Settings) -> Iterator[Proof]:
    """Yield the proofs on what the model words; nothing when there is no model."""
    settings = replace(settings, tier="write")
    with opened(settings, chosen) as plain:
        generator = plain.models.generator
        if generator is None:
            return
        records = asked(plain, chosen)
        models = Models(
            settings,
            embedder=plain.models.embedder,
            parser=plain.models.parser,
            generator=Liar(generator),
        )
        lies = asked(Tearsheet(plain.settings, plain.library, models), chosen)
    for stage, change, before, alter in (
        ("verification", "what a model that lies writes stands unchecked", lies, unverified),
        ("rendering", "each marker is one too high", records, misnumbered),
    ):
        after = {name: alter(record) for name, record in before.items()}
        yield judged(stage, change, scored(chosen, before), scored(chosen, after), wanted=True)


PARTS: dict[str, Callable[[Chosen, Settings], Iterator[Proof]]] = {
    "choosing": choosing,
    "wording": wording,
    "harmless": harmless,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Print each proof with its count; 1 when one does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.proofs", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--cases", type=int, default=CASES, metavar="N", help="cases asked for each change")
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)} (default: all)"
    )
    given = parser.parse_args(argv)
    if unknown := [part for part in given.parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    settings = Settings.load()
    print(f"{given.cases} cases of {SUITE}, each asked once for each change", flush=True)
    held = []
    for part in given.parts or PARTS:
        chosen = short(given.cases) if part == "wording" else some(given.cases)
        for proof in PARTS[part](chosen, settings):
            print(proof, flush=True)
            held.append(proof.holds)
    print(f"{sum(held)} of {len(held)} hold")
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())

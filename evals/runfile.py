"""The run file: what was asked, of what, and how each case went; the source of reports, and the baseline."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evals.ask import Asked, Record
from evals.cases import Case, Corpus, Suite
from evals.corpus import sha256_of
from evals.figures import Figure, spread, summarise
from evals.reply import reply_from_json
from evals.score import Score, failed, score
from rag.errors import InputError

SCHEMA = 1
PROJECT = Path(__file__).resolve().parents[1]
LIBRARIES = ("tearsheet", "llama-cpp-python", "chromadb", "spacy", "numpy", "onnxruntime", "torch")
OF_PIPELINE = ("retrieval recall", "context fact recall")
"""Metrics of how an answer was found, which one written in advance does not have."""
NO_ANSWER: Record = {"error": "no answer was saved"}


@dataclass(frozen=True, slots=True)
class CaseRun:
    """How one case went, with what a report shows of it."""

    id: str
    suite: str
    slice: str
    ask: str
    passed: bool
    label: str | None
    missing: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    misses: Mapping[str, str] = field(default_factory=dict)
    """For each vital fact not stated with support, the stage that lost it."""
    stated: Mapping[str, str] = field(default_factory=dict)
    """For each fact stated, the sentence that states it."""
    status: str = ""
    recall: tuple[int, int] = (0, 0)
    """Vital facts stated beside a citation of their support, of how many."""
    gold: str = ""
    cluster: str = ""
    follow_up: bool = False
    held: bool = False
    confidence: float | None = None
    seconds: float | None = None
    words: int = 0
    worded: bool = False
    """Whether a sentence of the model stands in the answer."""
    record: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """One model asked the cases of some suites."""

    head: Mapping[str, Any]
    cases: tuple[CaseRun, ...]
    figures: Mapping[str, Figure]
    nulls: Mapping[str, Mapping[str, Figure]] = field(default_factory=dict)
    """The figures of worthless answers and of the gold ones, by name."""
    because: str = ""
    """Why a baseline was accepted although something regressed."""

    @property
    def name(self) -> str:
        model = self.head.get("model", {})
        return " ".join(filter(None, [model.get("name") or "no model", model.get("tier", "")]))

    @property
    def by_id(self) -> dict[str, CaseRun]:
        return {case.id: case for case in self.cases}


@dataclass(frozen=True, slots=True)
class Suited:
    """A suite with its articles and the scores of its cases."""

    suite: Suite
    corpus: Corpus
    scores: tuple[Score, ...]


def score_records(
    suite: Suite, corpus: Corpus, records: Mapping[str, Record], wanted: Iterable[str]
) -> tuple[Score, ...]:
    """Score the wanted cases, in the order of the file; one without an answer fails as `error`."""
    ids = set(wanted)
    return tuple(
        _score(case, records.get(case.id, NO_ANSWER), corpus) for case in suite.cases if case.id in ids
    )


def _score(case: Case, record: Record, corpus: Corpus) -> Score:
    if problem := record.get("not run"):
        return failed(case, "not run", str(problem))
    if problem := record.get("error"):
        return failed(case, "error", str(problem))
    try:
        return score(case, reply_from_json(record, corpus), corpus)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return failed(case, "error", f"the answer breaks the JSON contract: {error!r}")


def make_run(
    parts: Sequence[Suited],
    records: Mapping[str, Record],
    *,
    seconds: Mapping[str, float],
    identity: Mapping[str, Any],
    nulls: Mapping[str, Sequence[Score]],
) -> Run:
    """Return the run of some scored suites. `seconds` is by case; `identity` says what answered."""
    scores = [each for part in parts for each in part.scores]
    head = {
        "schema": SCHEMA,
        "suites": {
            part.suite.name: {"sha256": part.suite.sha256, "corpus": sha256_of(part.corpus)} for part in parts
        },
        "prompts": _prompts(),
        **identity,
        "versions": {name: found for name in LIBRARIES if (found := _version(name))},
        "host": {"cpu": _cpu(), "python": platform.python_version()},
    }
    cases = tuple(
        _case_run(each, part.suite, records.get(each.case.id, NO_ANSWER), seconds.get(each.case.id))
        for part in parts
        for each in part.scores
    )
    null_figures = {name: _without(summarise(each), OF_PIPELINE) for name, each in nulls.items()}
    return Run(head, cases, summarise(scores), null_figures)


def _without(figures: Mapping[str, Figure], names: Iterable[str]) -> dict[str, Figure]:
    return {name: figure for name, figure in figures.items() if name not in names}


def _case_run(each: Score, suite: Suite, record: Record, seconds: float | None) -> CaseRun:
    case, reply = each.case, each.reply
    stated = {
        fact.id: said.text for fact in case.facts for said in reversed(reply.all_said) if _states(fact, said)
    }
    recall = each.counts.get("cited fact recall")
    return CaseRun(
        id=case.id,
        suite=suite.name,
        slice=case.slice,
        ask=case.ask,
        passed=each.passed,
        label=each.label,
        missing=each.missing,
        blocks=each.blocks,
        misses={miss.fact: miss.label for miss in each.misses},
        stated=stated,
        status=reply.status,
        recall=(recall.num, recall.den) if recall else (0, 0),
        gold=case.passing[0] if case.passing else "",
        cluster=case.cluster or suite.name,
        follow_up=bool(case.after),
        held=case.held,
        confidence=reply.confidence,
        seconds=round(seconds, 3) if seconds is not None else None,
        words=reply.words,
        worded=any(said.by == "model" for said in reply.said),
        record={key: value for key, value in record.items() if key not in {"case", "seconds"}},
    )


def _states(fact: Any, said: Any) -> bool:  # noqa: ANN401 - Fact and Said
    from evals.match import found

    return found(fact.pattern, said.text)


def _prompts() -> str:
    """Return the hash of every prompt template."""
    return hashlib.sha256((PROJECT / "rag" / "prompts.py").read_bytes()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8", "replace").splitlines() if info.is_file() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def latency(run: Run) -> tuple[float, float] | None:
    """Return the median and the 95th percentile of the seconds of a case."""
    return spread([case.seconds for case in run.cases if case.seconds is not None])


# ---------------------------------------------------------------- on disk


def write_run(run: Run, path: Path) -> None:
    """Write the run as JSON."""
    data = {
        "head": run.head,
        "because": run.because,
        "figures": {name: asdict(figure) for name, figure in run.figures.items()},
        "nulls": {
            null: {name: asdict(figure) for name, figure in figures.items()}
            for null, figures in run.nulls.items()
        },
        "cases": [asdict(case) for case in run.cases],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")


def read_run(path: Path) -> Run:
    """Return the run in a file, or in the `run.json` of a folder. Raises InputError."""
    path = path / "run.json" if path.is_dir() else path
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["head"]["schema"] != SCHEMA:
            raise ValueError(f"schema {data['head']['schema']}")
        return Run(
            head=data["head"],
            cases=tuple(_read_case(each) for each in data["cases"]),
            figures=_read_figures(data["figures"]),
            nulls={name: _read_figures(figures) for name, figures in data["nulls"].items()},
            because=data["because"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no run file: {error!r}. `tearsheet eval run` writes one.") from error


def _read_case(data: Mapping[str, Any]) -> CaseRun:
    tuples = {name: tuple(data[name]) for name in ("missing", "blocks", "recall")}
    return CaseRun(**{**data, **tuples})


def _read_figures(data: Mapping[str, Mapping[str, Any]]) -> dict[str, Figure]:
    return {
        name: Figure(**{**figure, "interval": tuple(figure["interval"]) if figure["interval"] else None})
        for name, figure in data.items()
    }


def write_answers(asked: Iterable[Asked], path: Path) -> None:
    """Write one line a case, without timings: two runs of the same program give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(each.record, ensure_ascii=False, sort_keys=True) for each in asked)
    path.write_text("".join(line + "\n" for line in lines), "utf-8")


def read_answers(path: Path) -> tuple[dict[str, Record], dict[str, float], dict[str, Any]]:
    """Return records and seconds by case, and what answered, from answers, a run file or their folder."""
    if path.is_dir() or path.suffix == ".json":
        run = read_run(path)
        told = {case.id: dict(case.record) for case in run.cases}
        seconds = {case.id: case.seconds for case in run.cases if case.seconds is not None}
        return told, seconds, {key: run.head[key] for key in _IDENTITY if key in run.head}
    try:
        records = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        by_case = {record["case"]: record for record in records}
        seconds = {case: record["seconds"] for case, record in by_case.items() if "seconds" in record}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The answers in {path} cannot be read: {error!r}. `tearsheet eval run` saves them."
        ) from error
    return by_case, seconds, {}


_IDENTITY = ("model", "embedder", "parser", "passages", "threads", "memory")

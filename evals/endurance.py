"""Thousands of questions in one process, several threads at once, and stops at random moments.

`python -m evals.endurance` asks the questions of the seed suite again and again and prints whether memory,
latency and answers stay as they were; stopped with Ctrl-C, it prints what was reached. `--tier quote` leaves
the language model out, `--tier model` all else.
"""

from __future__ import annotations

import argparse
import gc
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from evals.ask import timeless
from evals.suites import choose
from models.choose import open_generator
from models.protocols import Generator
from rag.errors import CancelledError
from rag.pipeline import Tearsheet
from rag.prompts import write_prompt
from rag.render import answer_to_json
from rag.settings import TIERS, Settings

QUESTIONS, THREADS, CANCELS, DISTINCT = 2000, 8, 20, 20
MOST_GROWTH = 0.05
"""Share by which memory may grow after the first tenth, and latency from the first quarter to the last."""
MOST_SLOWER = 0.15
MODEL = "model"
WORDS = 4
"""Tokens of a reply when only the model is asked."""

Cancelled = Callable[[], bool] | None
Ask = Callable[[str, Cancelled], object]
"""Answers a question in a form that can be compared; raises CancelledError when it is stopped."""


@dataclass(frozen=True, slots=True)
class Endured:
    """What became of a long run. Memory is in bytes, latency in CPU seconds of this process a question."""

    asked: int
    wrong: int
    memory: tuple[int, ...]
    """At each tenth of the run."""
    latency: tuple[float, float]
    """Of the first and the last quarter: the mean, over the questions, of their fastest answers."""
    together: tuple[int, int]
    """Right answers and questions of several threads at once."""
    stopped: tuple[int, int, int]
    """Questions stopped in time, right answers to the questions after them, and stops asked for."""

    def objections(self) -> list[str]:
        """Return what did not hold; empty when all did."""
        first, last = self.memory[0], self.memory[-1]
        found = []
        if self.wrong:
            found.append(f"{self.wrong} of {self.asked} answers differ from the first")
        if last > first * (1 + MOST_GROWTH):
            found.append(f"memory grew from {first / 1e6:.0f} to {last / 1e6:.0f} MB")
        if self.latency[1] > self.latency[0] * (1 + MOST_SLOWER):
            found.append(f"a question took {self.latency[0]:.3f} s and takes {self.latency[1]:.3f}")
        if self.together[0] < self.together[1]:
            found.append(f"{self.together[0]} of {self.together[1]} answers were right with several threads")
        if self.stopped[1] < self.stopped[2]:
            found.append(f"{self.stopped[1]} of {self.stopped[2]} answers after a stop were right")
        return found


def endure(
    ask: Ask,
    questions: Sequence[str],
    *,
    count: int = QUESTIONS,
    threads: int = THREADS,
    cancels: int = CANCELS,
    seed: int = 0,
) -> Endured:
    """Ask `count` questions, then as many at once as there are threads, then stop some at random moments.

    Interrupted while it asks, it goes on with what it has asked.
    """
    right = {question: ask(question, None) for question in questions}
    wrong, spent, memory = 0, [], []
    with suppress(KeyboardInterrupt):
        for number in range(count):
            question = questions[number % len(questions)]
            began = time.process_time()
            wrong += ask(question, None) != right[question]
            spent.append(time.process_time() - began)
            if (number + 1) % max(1, count // 10) == 0:
                gc.collect()
                memory.append(_resident())
                told = f"{number + 1:,} questions, {wrong} wrong, {memory[-1] / 1e6:.0f} MB"
                print(f"  {told}", file=sys.stderr, flush=True)
    if not spent:
        raise KeyboardInterrupt
    memory = memory or [_resident()]
    rounds = max(1, len(spent) // 4 // len(questions))
    quarter = rounds * len(questions)
    latency = (_fastest(spent[:quarter], rounds), _fastest(spent[-quarter:], rounds))
    with ThreadPoolExecutor(threads) as pool:
        asked = [questions[n % len(questions)] for n in range(threads * 2)]
        found = list(pool.map(lambda question: ask(question, None), asked))
    together = sum(answer == right[question] for question, answer in zip(asked, found, strict=True))
    drawn = random.Random(seed)
    stopped, after = 0, 0
    for number in range(cancels):
        stopped += _stop(ask, questions[number % len(questions)], drawn.uniform(0, 2 * latency[0]))
        question = drawn.choice(list(questions))
        after += ask(question, None) == right[question]
    return Endured(
        len(spent), wrong, tuple(memory), latency, (together, len(asked)), (stopped, after, cancels)
    )


def _fastest(spent: Sequence[float], rounds: int) -> float:
    """Return the mean over the questions of the fastest of their rounds, which other work disturbs least."""
    each = len(spent) // rounds
    return statistics.mean(min(spent[start::each]) for start in range(each))


def whole(tearsheet: Tearsheet) -> Ask:
    """Return the product, asked a question."""
    return lambda question, cancelled: timeless(answer_to_json(tearsheet.ask(question, cancelled=cancelled)))


def model_only(generator: Generator, passage: str) -> Ask:
    """Return the language model, asked a question on `passage` for a few words."""
    return lambda question, cancelled: "".join(
        generator.write(write_prompt(question, passage), max_tokens=WORDS, cancelled=cancelled)
    )


def _stop(ask: Ask, question: str, seconds: float) -> bool:
    """Ask, and stop after `seconds`; whether the question was stopped before it was answered."""
    stop = threading.Event()
    timer = threading.Timer(seconds, stop.set)
    timer.start()
    try:
        ask(question, stop.is_set)
    except CancelledError:
        return True
    finally:
        timer.cancel()
    return False


def _resident() -> int:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the whole of it on the seed articles and print what held."""
    parser = argparse.ArgumentParser(prog="python -m evals.endurance", description=__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--threads", type=int, default=THREADS)
    parser.add_argument("--cancels", type=int, default=CANCELS)
    parser.add_argument("--tier", choices=[*TIERS, MODEL], default="write")
    parser.add_argument("--model", default="")
    parser.add_argument("--distinct", type=int, default=DISTINCT, help="different questions")
    given = parser.parse_args(argv)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    (chosen,) = choose(["seeds"])
    questions = [case.ask for case in chosen.cases if case.kind == "qa" and case.facts][: given.distinct]
    sizes = {"count": given.questions, "threads": given.threads, "cancels": given.cancels}
    articles = list(chosen.corpus.articles.values())
    settings = Settings.load(model=given.model, tier="write" if given.tier == MODEL else given.tier)
    if given.tier == MODEL:
        generator = open_generator(settings.model, threads=settings.threads)
        found = endure(model_only(generator, articles[0].text[:120]), questions, **sizes)
        generator.close()
    else:
        with (
            tempfile.TemporaryDirectory() as folder,
            Tearsheet.open(replace(settings, library=Path(folder)), write=True) as tearsheet,
        ):
            tearsheet.add([Path(article.path) for article in articles])
            found = endure(whole(tearsheet), questions, **sizes)
    print(f"answers like the first        {found.asked - found.wrong:,}/{found.asked:,}")
    print(f"memory at each tenth, MB      {' '.join(f'{bytes_ / 1e6:.0f}' for bytes_ in found.memory)}")
    print(f"CPU seconds, first and last   {found.latency[0]:.3f} {found.latency[1]:.3f} (of a quarter)")
    print(f"right with {given.threads} threads at once   {found.together[0]}/{found.together[1]}")
    print(f"right after a stop            {found.stopped[1]}/{found.stopped[2]} ({found.stopped[0]} stopped)")
    for objection in found.objections():
        print(f"does not hold: {objection}")
    return 1 if found.objections() else 0


if __name__ == "__main__":
    sys.exit(main())

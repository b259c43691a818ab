"""What we add to the models: against llama.cpp called directly, and around all models at 1,000 articles.

`python -m evals.overhead` prints three tables: tokens a second of our generator and of a bare loop over
llama.cpp's functions on the same prompt, what keeping the beginning of prompts saves, and the time of a
question outside the embedder, the parser and the language model. One thread; CPU seconds, which other work
on the machine disturbs less than the clock.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.suites import choose
from models.beginning import Beginning
from models.fake import FakeEmbedder
from models.faster import faster_copy
from models.generator import LlamaGenerator, bundled_gguf, load_generator
from models.llama import Llama
from models.parser import load_parser
from models.protocols import Generator, Message, Parse, Parser, Role, Tokens, Vectors
from rag.pipeline import Models, Tearsheet
from rag.prompts import write_prompt
from rag.settings import Settings
from rag.text import sentences

ARTICLES = 1000
REPLY = 32
RUNS = 7
PASSAGE = (
    "Berg, 51, who is married to a shipowner, no longer has an official position in the town hall, yet in "
    "the talks on the harbour she appears to be taking an ever more active part."
)
ASKED = ("How old is Berg?", "Who is Berg married to?")

_clock = time.process_time


@dataclass(frozen=True, slots=True)
class Rates:
    """Tokens a second: prompts read, replies written."""

    prompt: float
    reply: float


def direct(file: Path, tokens: Sequence[int], *, reply: int = REPLY, runs: int = RUNS) -> Rates:
    """Return what a bare loop over llama.cpp's functions does with a prompt, with the settings we use."""
    import llama_cpp.llama_cpp as api

    model = api.llama_model_load_from_file(str(file).encode(), api.llama_model_default_params())
    settings = api.llama_context_default_params()
    settings.n_ctx, settings.n_batch, settings.n_ubatch = 2048, 512, 512
    settings.n_threads = settings.n_threads_batch = 1
    settings.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
    context = api.llama_init_from_model(model, settings)
    vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    prompts, replies = [], []
    for _ in range(runs):
        api.llama_memory_clear(api.llama_get_memory(context), True)  # noqa: FBT003
        held = (api.llama_token * len(tokens))(*tokens)
        began = _clock()
        api.llama_decode(context, api.llama_batch_get_one(held, len(tokens)))
        read = _clock()
        for _ in range(reply):
            logits = np.ctypeslib.as_array(api.llama_get_logits_ith(context, -1), (vocabulary,))
            held = (api.llama_token * 1)(int(logits.argmax()))
            api.llama_decode(context, api.llama_batch_get_one(held, 1))
        prompts.append(read - began)
        replies.append(_clock() - read)
    api.llama_free(context)
    api.llama_model_free(model)
    return Rates(len(tokens) / min(prompts), reply / min(replies))


def ours(generator: LlamaGenerator, messages: Sequence[Message], *, runs: int = RUNS) -> Rates:
    """Return what our generator does with the prompt of `messages`, nothing kept from before."""
    count = generator.count_tokens(messages)
    other = [Message("system", "Another beginning."), Message("user", "Say yes.")]
    prompts, replies = [], []
    for _ in range(runs):
        list(generator.write(other, max_tokens=1))
        began = _clock()
        pieces = generator.write(messages, max_tokens=REPLY)
        next(pieces)
        read = _clock()
        written = sum(1 for _ in pieces)
        prompts.append(read - began)
        replies.append((_clock() - read) / max(1, written))
    return Rates(count / min(prompts), 1 / min(replies))


def reuse(folder: Path) -> Iterator[tuple[str, int, float]]:
    """Yield, for each way to begin, the tokens that are read and the CPU seconds to the first piece."""
    file = faster_copy(bundled_gguf())
    prompt = write_prompt(ASKED[0], PASSAGE)

    def fresh() -> LlamaGenerator:
        llama = Llama(file, threads=1, context=2048)
        kept = Beginning(prompt[:-1], "overhead", folder=folder)
        return LlamaGenerator(llama, file, file, patience=10.0, beginning=kept)

    def first(generator: Generator, messages: Sequence[Message], **given: Any) -> float:  # noqa: ANN401
        began = _clock()
        pieces = generator.write(messages, max_tokens=4, **given)
        next(pieces)
        spent = _clock() - began
        list(pieces)
        return spent

    bare = LlamaGenerator(
        Llama(file, threads=1, context=2048), file, file, patience=10.0, beginning=Beginning((), "")
    )
    whole = bare.count_tokens(prompt)
    varying = whole - sum(map(len, fresh()._begun))
    yield "nothing kept", whole, first(bare, prompt)
    first(fresh(), prompt)
    generator = fresh()
    yield "a new process, beginning kept on disk", varying, first(generator, prompt)
    another = write_prompt(ASKED[1], f"On Friday, {PASSAGE}")
    varying = generator.count_tokens(another) - sum(map(len, generator._begun))
    yield "the next question, another passage", varying, first(generator, another)
    opening = "Berg is"
    yield (
        "the same question again, another opening",
        len(generator._llama.tokens(opening, special=False)),
        first(generator, another, opening=opening),
    )


class _Timed:
    """Stands before a model and counts the CPU seconds spent in it."""

    def __init__(self, parser: Parser) -> None:
        self.spent = 0.0
        self._parser = parser
        self._embedder = FakeEmbedder(dimensions=384)
        self.name, self.fingerprint = "timed", "timed"
        self.dimensions, self.window = 384, 254

    def parse(self, texts: Sequence[str]) -> list[Parse]:
        with self._counted():
            return self._parser.parse(texts)

    def embed(self, texts: Sequence[str], role: Role) -> Vectors:
        with self._counted():
            return self._embedder.embed(texts, role)

    def embed_tokens(self, texts: Sequence[str]) -> list[Tokens]:
        with self._counted():
            return self._embedder.embed_tokens(texts)

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        began = _clock()
        try:
            yield
        finally:
            self.spent += _clock() - began


def around(articles: int = ARTICLES, *, questions: int = 20) -> tuple[float, float]:
    """Return the median CPU seconds of a question outside all models, and inside the parser and embedder.

    The articles are made of shuffled sentences of the shipped ones; the quote tier needs no language model.
    """
    chosen = choose([])
    texts = [article.text for each in chosen for article in each.corpus.articles.values()]
    pool = [text[start:end] for text in texts for start, end in sentences(text)]
    drawn = random.Random(7)
    asked = [case.ask for each in chosen for case in each.cases if case.kind == "qa" and case.facts]
    outside, inside = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        for number in range(articles):
            body = " ".join(drawn.sample(pool, 15))
            (folder / "in" / f"{number:04}.md").write_text(f"# Report {number}\n\n{body}\n", "utf-8")
        timed = _Timed(load_parser())
        settings = Settings.load(library=folder / "library", tier="quote")
        models = Models(settings, embedder=timed, parser=timed)
        with Tearsheet.open(settings, write=True, models=models) as tearsheet:
            tearsheet.add([folder / "in"])
            tearsheet.ask(asked[0])
            for question in drawn.sample(asked, questions):
                timed.spent, began = 0.0, _clock()
                tearsheet.ask(question)
                whole = _clock() - began
                outside.append(whole - timed.spent)
                inside.append(timed.spent)
    return statistics.median(outside), statistics.median(inside)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the three tables."""
    parser = argparse.ArgumentParser(prog="python -m evals.overhead", description=__doc__)
    parser.add_argument("--articles", type=int, default=ARTICLES, help="0 leaves the last table out")
    given = parser.parse_args(argv)
    steps: list[Callable[[], None]] = [_against_llama, _kept, lambda: _around(given.articles)]
    for step in steps[: 3 if given.articles else 2]:
        step()
    return 0


def _against_llama() -> None:
    file = faster_copy(bundled_gguf())
    generator = load_generator(threads=1)
    assert isinstance(generator, LlamaGenerator)
    messages = [Message("system", "Retell the report."), Message("user", f"{PASSAGE} " * 6)]
    theirs, own = direct(file, generator.prompt(messages)), ours(generator, messages)
    print(f"{'tokens a second':28}{'llama.cpp':>10}{'ours':>10}")
    for name in ("prompt", "reply"):
        at, by = getattr(theirs, name), getattr(own, name)
        print(f"{name:28}{at:10.1f}{by:10.1f}  {100 * (by / at - 1):+.1f}%")


def _kept() -> None:
    print(f"\n{'to the first word':48}{'tokens read':>12}{'CPU seconds':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for what, tokens, seconds in reuse(Path(folder)):
            print(f"{what:48}{tokens:12}{seconds:12.3f}")


def _around(articles: int) -> None:
    outside, inside = around(articles)
    print(f"\na question at {articles:,} articles: {outside * 1000:.0f} ms outside all models,", end=" ")
    print(f"{inside * 1000:.0f} ms in the parser and a stand-in embedder (medians of 20, CPU)")


if __name__ == "__main__":
    sys.exit(main())

"""A model in a process of its own: the same replies, and a death that costs one call."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from models.generator import load_generator
from models.isolate import MOST_DEATHS, IsolatedGenerator
from models.protocols import Message
from rag.errors import CancelledError, ModelError

KUSHNER = (
    Message("system", "Answer the question in one sentence, from the text and nothing else."),
    Message("user", "Text: Jared Kushner, 44, met Putin.\nQuestion: How old is Jared Kushner?"),
)
LONG = (Message("user", "The envoys met in Moscow and talked about the war. " * 120),)


@pytest.fixture(scope="module")
def isolated() -> Iterator[IsolatedGenerator]:
    generator = IsolatedGenerator(None, threads=1)
    yield generator
    generator.close()


def child(generator: IsolatedGenerator) -> int:
    return generator._child._process.pid


def reply(generator: IsolatedGenerator, tokens: int = 5) -> str:
    return "".join(generator.write(KUSHNER, max_tokens=tokens))


def test_the_child_says_what_the_model_says_here(isolated: IsolatedGenerator) -> None:
    here = load_generator(threads=1)
    asked = {
        "max_tokens": 6,
        "opening": "Jared Kushner",
        "stop": ("old",),
    }
    assert list(isolated.write(KUSHNER, **asked)) == list(here.write(KUSHNER, **asked))
    assert isolated.score(KUSHNER, ["44", "91"]) == here.score(KUSHNER, ["44", "91"])
    assert (isolated.name, isolated.fingerprint) == (here.name, here.fingerprint)


def test_a_dead_child_costs_one_call(isolated: IsolatedGenerator) -> None:
    right = reply(isolated)
    pieces = isolated.write(KUSHNER, max_tokens=40)
    next(pieces)
    os.kill(child(isolated), signal.SIGSEGV)
    with pytest.raises(ModelError, match="died of SIGSEGV while it was writing"):
        list(pieces)
    assert reply(isolated) == right


def test_a_model_that_keeps_dying_is_given_up() -> None:
    mortal = IsolatedGenerator(None, threads=1, context=512)
    for _ in range(MOST_DEATHS):
        pieces = mortal.write(KUSHNER, max_tokens=400)
        next(pieces)
        os.kill(child(mortal), signal.SIGKILL)
        with pytest.raises(ModelError, match="died of SIGKILL"):
            list(pieces)
    with pytest.raises(ModelError, match="3 times in a row and is given up"):
        reply(mortal)


def test_cancelling_reaches_the_child(isolated: IsolatedGenerator) -> None:
    right = reply(isolated)
    with pytest.raises(CancelledError):
        list(isolated.write(LONG, max_tokens=4, cancelled=lambda: True))
    before = child(isolated)
    assert (reply(isolated), child(isolated)) == (right, before)


def test_a_reply_that_nobody_reads_on_stops(isolated: IsolatedGenerator) -> None:
    right = reply(isolated)
    left = isolated.write(KUSHNER, max_tokens=400)
    next(left)
    assert reply(isolated) == right
    left.close()


def test_what_does_not_fit_is_refused_as_usual(isolated: IsolatedGenerator) -> None:
    with pytest.raises(ModelError, match="reads 2048"):
        list(isolated.write((Message("user", "Moscow " * 2500),), max_tokens=1))
    assert reply(isolated)


def test_a_closed_model_says_so() -> None:
    other = IsolatedGenerator(None, threads=1, context=512)
    other.close()
    with pytest.raises(ModelError, match="is closed"):
        reply(other)

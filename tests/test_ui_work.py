"""Work in the background: everything is reported, stopping ends it, a failure is a sentence."""

from __future__ import annotations

import threading

from rag.errors import ModelError
from ui.work import FAILED, State, Work


def shout(item: str, work: Work[str, str]):
    work.tell(item)
    yield item.upper()


def test_everything_given_is_done_in_order_and_stays_to_be_seen():
    work = Work(shout)
    work.start(["a", "b"])
    assert work.wait(5)
    state = work.state
    assert (state.rows, state.done, state.total, state.running) == (("A", "B"), 2, 2, False)


def test_more_may_be_given_while_it_runs_and_a_new_run_begins_afresh():
    begun, go = threading.Event(), threading.Event()

    def slow(item: str, work: Work[str, str]):
        begun.set()
        go.wait(5)
        yield item

    work = Work(slow)
    work.start(["a"])
    begun.wait(5)
    work.start(["b", "c"])
    assert work.state.total == 3
    go.set()
    work.wait(5)
    assert work.state.rows == ("a", "b", "c")
    work.start(["d"])
    work.wait(5)
    assert work.state.rows == ("d",)


def test_stopping_leaves_what_waits_and_keeps_what_was_done():
    reached, go = threading.Event(), threading.Event()

    def three(item: str, work: Work[str, str]):
        yield f"{item} begun"
        reached.set()
        go.wait(5)
        work.tell("on")
        yield "never"

    work = Work(three)
    work.start(["a", "b"])
    reached.wait(5)
    work.stop()
    go.set()
    work.wait(5)
    assert (work.state.rows, work.state.stopped, work.state.running) == (("a begun",), True, False)
    work.stop()
    assert work.state.stopped


def test_a_failure_is_a_sentence_without_a_path_and_the_rest_goes_on():
    def some(item: str, work: Work[str, str]):
        if item == "model":
            raise ModelError("The file /home/reader/models/a.gguf is damaged.")
        if item == "defect":
            raise KeyError("/home/reader")
        yield item

    work = Work(some)
    work.start(["model", "b"])
    work.wait(5)
    assert (work.state.rows, work.state.problem) == (("b",), "The file a.gguf is damaged.")
    work.start(["defect"])
    work.wait(5)
    assert work.state.problem == FAILED


def test_nothing_given_leaves_the_last_run_to_be_seen():
    work = Work(shout)
    work.start([])
    assert work.state == State()

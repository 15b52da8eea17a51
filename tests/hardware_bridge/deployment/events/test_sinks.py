"""Sinks of events: what is reported arrives in order, and no sink can harm the deployment that reports to it."""

import asyncio
import dataclasses
import threading
from typing import get_type_hints

import pytest

from beamgym.hardware_bridge.deployment import events
from beamgym.hardware_bridge.deployment.events import (
    AxisMove,
    Event,
    EventStream,
    Nobody,
    Note,
    Proposal,
    Question,
    QuestionAnswered,
    QuestionAsked,
    Recorder,
    Several,
)

WHY = Question("May it? [yes/no] ", "start")


class Slow:
    """Answers when it is told to; notes when its question was taken back."""

    def __init__(self):
        self.asked, self.taken_back = threading.Event(), threading.Event()

    def report(self, event):
        pass

    async def ask(self, question):
        self.asked.set()
        try:
            await asyncio.sleep(600.0)
        except asyncio.CancelledError:
            self.taken_back.set()
            raise


def kinds():
    return [kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_event_is_frozen_typed_and_dated(kind):
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen
    assert {field.name for field in dataclasses.fields(kind)} == set(get_type_hints(kind))
    assert "time_s" in get_type_hints(kind)


def test_events_arrive_in_order_from_one_thread():
    sink, threads = Recorder(), set()
    report = sink.report
    sink.report = lambda event: (threads.add(threading.current_thread().name), report(event))
    stream = EventStream(sink)

    def many(name):
        for number in range(50):
            stream.report(Note(f"{name} {number}"))

    senders = [threading.Thread(target=many, args=(name,)) for name in "ab"]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    stream.close()
    for name in "ab":
        told = [note.text for note in sink.of(Note) if note.text.startswith(name)]
        assert told == [f"{name} {number}" for number in range(50)]
    assert threads == {"beamgym events"}


def test_a_stream_that_was_closed_goes_on_with_the_next_report():
    sink = Recorder()
    stream = EventStream(sink)
    for text in ("one", "two"):
        stream.report(Note(text))
        stream.close()
    assert [note.text for note in sink.of(Note)] == ["one", "two"]


def test_a_sink_that_hangs_holds_nobody_up():
    hangs = threading.Event()
    sink = Recorder(lambda question: "yes")
    sink.report = lambda event: hangs.wait(60.0)
    stream = EventStream(sink)
    stream.report(Note("one"))
    assert not stream.drain(0.05)
    assert asyncio.run(asyncio.wait_for(stream.ask(WHY), 30.0)) == "yes"
    hangs.set()
    stream.close()


def test_a_sink_that_raises_gets_the_next_event_all_the_same(caplog):
    told = []

    class Broken(Nobody):
        def report(self, event):
            told.append(event.text)
            raise RuntimeError("broken")

    stream = EventStream(Broken())
    stream.report(Note("one"))
    stream.report(Note("two"))
    stream.close()
    assert told == ["one", "two"]
    assert "a sink of events failed" in caplog.text


def test_a_question_comes_after_what_was_reported_before_it_and_its_answer_is_told():
    order = []
    sink = Recorder(lambda question: (order.append("asked"), "yes")[1])
    report = sink.report
    sink.report = lambda event: (order.append(type(event).__name__), report(event))
    stream = EventStream(sink)
    stream.report(Note("before"))
    assert asyncio.run(stream.ask(WHY)) == "yes"
    stream.close()
    assert order == ["Note", "QuestionAsked", "asked", "QuestionAnswered"]
    (answered,) = sink.of(QuestionAnswered)
    assert (answered.question, answered.answer) == (WHY, "yes")


def test_a_question_that_nobody_waits_for_any_more_is_taken_back():
    told, slow = Recorder(), Slow()
    slow.report = told.report
    stream = EventStream(slow)

    async def taken_back():
        asking = asyncio.ensure_future(stream.ask(WHY))
        while not slow.asked.is_set():
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking], timeout=30.0)
        assert asking.cancelled()

    asyncio.run(taken_back())
    stream.close()
    assert slow.taken_back.is_set()
    assert [answered.answer for answered in told.of(QuestionAnswered)] == [None]
    assert len(told.of(QuestionAsked)) == 1


def test_the_first_answer_of_several_holds_and_the_others_are_taken_back():
    slow = Slow()
    both = Several(slow, Recorder(lambda question: "no"), Nobody())
    assert asyncio.run(both.ask(WHY)) == "no"
    assert slow.taken_back.is_set()


def test_several_have_nobody_to_ask_only_when_none_of_them_has():
    with pytest.raises(EOFError):
        asyncio.run(Several(Nobody(), Recorder()).ask(WHY))


@pytest.mark.parametrize("answers", [("yes", "no"), ("no", "yes")])
def test_of_two_answers_at_once_a_no_counts(answers):
    sinks = [Recorder(lambda question, text=text: text) for text in answers]
    assert asyncio.run(Several(*sinks).ask(WHY)) == "no"


def test_several_are_all_told_although_one_raises():
    class Broken(Nobody):
        def report(self, event):
            raise RuntimeError("broken")

    told = Recorder()
    with pytest.raises(RuntimeError, match="broken"):
        Several(Broken(), told).report(Note("one"))
    assert len(told.events) == 1


def test_a_proposal_that_differs_in_anything_has_another_hash():
    row = AxisMove("j1", "deg", 0.0, 2.0, -90.0, 90.0)
    one = Proposal(1, (row,), False, True, False, 20)
    others = [
        dataclasses.replace(one, step=2),
        dataclasses.replace(one, axes=(dataclasses.replace(row, goes_to=2.0000001),)),
        dataclasses.replace(one, declares=True),
    ]
    assert row.by == 2.0
    assert one.sha256 == dataclasses.replace(one).sha256
    assert len({one.sha256, *(other.sha256 for other in others)}) == 4

"""The end of a session: nothing interrupts what makes an instrument safe, and the log stays open until it is done."""

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import Future

import pytest

from beamgym.hardware_bridge.deployment.events import Note, Recorder
from beamgym.hardware_bridge.deployment.session import session as session_module
from beamgym.hardware_bridge.deployment.session.asking import asked_operator
from beamgym.hardware_bridge.deployment.session.session import AUDIT, Session
from beamgym.hardware_bridge.deployment.session.waiting import wait_out
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused
from beamgym.hardware_bridge.instrument_file.load import parse_instrument
from beamgym.hardware_bridge.records.audit import AuditError
from beamgym.hardware_bridge.records.audit_check import read_log, verify_log


class Stop(BaseException):
    """What a signal raises in the main thread."""


@pytest.fixture
def press():
    """Return a function that presses Ctrl-C; it raises Stop in the main thread."""

    def press():
        os.kill(os.getpid(), signal.SIGINT)

    def pressed(number, frame):
        press.raised = True
        raise Stop

    press.raised = False
    before = signal.signal(signal.SIGINT, pressed)
    yield press
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def held(rig, tmp_path, arpes_content):
    """A rig's devices, and a session with them."""
    made = rig()
    devices = {name: getattr(made, name) for name in ("x", "y", "camera", "shutter", "beat", "current", "filter")}
    return made, Session(parse_instrument(arpes_content), tmp_path, objects=devices)


def expose_for_ever(made, session):
    """Begin an exposure that does not end by itself."""
    made.camera.fault = "hung"

    async def begin():
        session.guard.detector.trigger()

    session.in_loop(begin, 30.0)
    made.wait(lambda: made.camera.triggers)


def close_pressed_twice(made, session, press):
    """Close while the shutter does not, and press Ctrl-C twice meanwhile; then the shutter closes."""
    made.shutter.fault, presses = "stuck", []

    def again_and_again():
        for _ in range(2):
            tried = made.shutter.puts.count(0)
            made.wait(lambda tried=tried: made.shutter.puts.count(0) > tried)
            press()
            presses.append(made.shutter.place)
        tried = made.shutter.puts.count(0)
        made.wait(lambda: made.shutter.puts.count(0) > tried)
        made.shutter.fault = ""

    thread = threading.Thread(target=again_and_again)
    thread.start()
    try:
        session.__exit__(None, None, None)
    finally:
        thread.join()
        assert presses == [1, 1]


def test_a_close_that_is_interrupted_twice_goes_on_until_everything_is_safe(held, press, tmp_path):
    made, session = held
    session.__enter__()
    session.connect()
    session.guarded(lambda question: True)
    session.arm()
    expose_for_ever(made, session)
    with pytest.raises(Stop):
        close_pressed_twice(made, session, press)
    assert (made.shutter.place, made.camera.exposes) == (0, False)
    assert session.abort_report.complete
    assert session.guard is None
    log = verify_log(tmp_path / AUDIT)
    assert (log.problem, log.pending, log.unknown, log.closed) == ("", [], [], 1)


def test_a_loop_that_hangs_leaves_the_log_open_and_the_guard_stops_from_its_own_thread(held, monkeypatch):
    made, session = held
    monkeypatch.setattr(session_module, "CLOSE_S", 1.0)
    blocked = threading.Event()
    with session:
        session.connect()
        session.guarded(lambda question: True)
        session.arm()
        expose_for_ever(made, session)
        session._answer_s, session._keep_trying_s = 0.5, 1.0
        session.engine.loop.call_soon_threadsafe(blocked.wait, 120.0)
        with pytest.raises(DeviceError, match="loop does not answer; look whether"):
            session.close()
        made.wait(lambda: made.shutter.place == 0)
        assert session.guard is not None
        session.audit.event("still open")
        blocked.set()
    assert (made.shutter.place, made.camera.exposes) == (0, False)


def test_waiting_out_gives_the_first_interruption_back_and_cancels_nothing(press):
    future = Future()

    def end():
        while not future._done_callbacks:  # somebody waits
            time.sleep(0.01)
        press()
        while not press.raised:
            time.sleep(0.01)
        future.set_result("safe")

    thread = threading.Thread(target=end)
    thread.start()
    assert isinstance(wait_out(future, 60.0), Stop)
    thread.join()
    assert future.result(0) == "safe"
    assert wait_out(Future(), 0.0) is None


def test_ctrl_c_while_the_first_question_is_open_takes_it_back(held, press, tmp_path):
    made, session = held
    cancelled = []

    async def never(question):
        threading.Thread(target=press).start()
        try:
            await asyncio.sleep(600.0)
        except asyncio.CancelledError:
            cancelled.append(question)
            raise

    def arm():
        with session:
            session.connect()
            session.guarded(never)
            session.arm()

    with pytest.raises(Stop):
        arm()
    assert cancelled == ["May this instrument be driven?"]
    assert made.shutter.puts.count(1) == 0
    assert verify_log(tmp_path / AUDIT).ok


def test_a_log_that_is_deleted_stops_what_moves(rig):
    made = rig()
    made.x.travel_s = 600.0

    async def delete(guard):
        moving = guard.axes["x"].set(0.5)
        await made.until(lambda: made.x.sets)
        made.log.unlink()
        await made.latched()
        report = await guard.aborted()
        assert report.complete
        assert not made.x.really_moving
        assert "was removed" in guard.reason
        await asyncio.wait([moving.task])
        assert moving.exception() is not None

    with pytest.raises(AuditError):
        made.drive(delete)
    with pytest.raises(AuditError):
        made.audit.close()


def test_a_latched_guard_is_re_armed_by_name_and_moves_again(held, tmp_path):
    made, session = held
    with session:
        session.connect()
        session.guarded(lambda question: True)
        session.arm()
        spent_s = session.guard.shutter.dose.spent_s
        session.stop("somebody pressed stop")
        made.wait(lambda: session.guard.state == "latched")
        with pytest.raises(ValueError, match="needs the name"):
            session.rearm("  ")
        assert session.guard.state == "latched"
        session.rearm("L. Meitner")
        assert session.guard.state == "armed"
        assert session.guard.shutter.dose.spent_s >= spent_s
        session.in_loop(lambda: moved(session), 60.0)
    assert made.x.sets == [0.5]
    lines = [line for _, line in read_log(tmp_path / AUDIT) if line.get("event") == "re-armed"]
    assert [line["data"] for line in lines] == [{"operator": "L. Meitner", "latched_by": "somebody pressed stop"}]


async def moved(session):
    await session.guard.axes["x"].set(0.5)


def test_a_guard_that_finds_something_amiss_stays_latched(held):
    made, session = held
    with session:
        session.connect()
        session.guarded(lambda question: True)
        session.arm()
        session.stop("somebody pressed stop")
        made.wait(lambda: session.guard.state == "latched")
        made.x.alarm_text = "overheated"
        with pytest.raises(GuardRefused, match="overheated"):
            session.rearm("L. Meitner")
        assert session.guard.state == "latched"


def test_without_a_guard_there_is_nothing_to_re_arm(held):
    _, session = held
    with session, pytest.raises(ValueError, match="nothing is guarded yet"):
        session.rearm("L. Meitner")


def test_a_wait_for_a_device_ends_by_what_looks(held):
    made, session = held
    session._check, waits = (lambda: (_ for _ in ()).throw(Stop())), []

    async def forever():
        try:
            await asyncio.sleep(600.0)
        except asyncio.CancelledError:
            waits.append("cancelled")
            raise

    with session:
        with pytest.raises(Stop):
            session.in_loop(forever, 600.0)
        made.wait(lambda: waits)


def test_whoever_answers_the_events_turns_the_axes_that_are_turned_by_hand():
    sink = Recorder(lambda question: "12.5" if question.about == "axis" else "no")
    operator = asked_operator(sink)
    assert asyncio.run(operator.ask("What does phi read now? ", 30.0)) == "12.5"
    operator.tell("STOP: leave phi where it is.")
    assert [note.text for note in sink.of(Note)] == ["STOP: leave phi where it is."]

"""What may happen between a decision and its end: a log that fails, a human who takes his time, a call that hangs."""

import asyncio
import errno
import os
import threading

import pytest

from beamgym.hardware_bridge.guard.guard import GuardRefused
from beamgym.hardware_bridge.records import audit as audit_module

SLOW_S = 60.0
"""A move that lasts longer than anything here waits, unless it is stopped."""

LARGE = {"confirm": {"larger_than": {"x": 0.4}}}


class FullDisk:
    """The module ``os`` as the audit log sees it, when the disk is full."""

    def __getattr__(self, name):
        return getattr(os, name)

    def write(self, file, content):
        raise OSError(errno.ENOSPC, "No space left on device")


def on_its_way(r, guard):
    """Send x on a slow way, and return what waits for it."""
    r.x.travel_s = SLOW_S
    return guard.axes["x"].set(1.0).task


@pytest.mark.parametrize("trouble", ["heartbeat", "beam", "foreign move", "none"])
def test_items_7_9_17_hold_where_the_log_cannot_be_written(rig, monkeypatch, trouble):
    r = rig()

    async def go(guard):
        moving = on_its_way(r, guard)
        await r.until(lambda: r.x.really_moving)
        monkeypatch.setattr(audit_module, "os", FullDisk())
        if trouble == "heartbeat":
            r.beat.value = 7
        elif trouble == "beam":
            r.current.value = 0.0
        elif trouble == "foreign move":
            r.y.go(0.5, 0.01)
        else:
            with pytest.raises(audit_module.AuditError):
                guard.note("anything")
        await r.latched()
        await asyncio.wait({moving})
        await guard.aborted()
        assert not r.x.really_moving
        assert r.x.truth < 0.9
        monkeypatch.undo()
        return moving.exception()

    with pytest.raises(audit_module.AuditError):
        raise r.drive(go)
    with pytest.raises(audit_module.AuditError):
        r.audit.close()


def test_an_axis_on_its_way_is_told_and_a_listener_that_fails_does_not_blind_the_watch(rig):
    r, told = rig(), []

    async def go(guard):
        def listen(axis, readback):
            told.append((axis, readback))
            raise RuntimeError("a listener that fails")

        guard.watch.on_way = listen
        moving = on_its_way(r, guard)
        await r.until(lambda: len(told) > 2)
        r.current.value = 0.0
        await r.latched()
        await asyncio.wait({moving})
        return moving.exception()

    assert r.drive(go) is not None
    assert {axis for axis, _ in told} == {"x"}
    places = [readback for _, readback in told]
    assert places == sorted(places)


def lost_on_its_way(r):
    """Let the server of x call its readback invalid while it moves: it has lost the controller."""
    read = r.x.read

    def marked():
        severity = 3 if r.x.really_moving else 0
        return {name: {**found, "alarm_severity": severity} for name, found in read().items()}

    r.x.read = marked


def test_item_4_a_motor_whose_readback_is_called_invalid_on_its_way_is_stopped(rig):
    r = rig()
    lost_on_its_way(r)

    async def go(guard):
        moving = on_its_way(r, guard)
        await asyncio.wait({moving})
        await guard.aborted()
        assert not r.x.really_moving
        assert r.x.truth < 0.9
        return moving.exception()

    with pytest.raises(GuardRefused, match=r"guard item 4: x reads nan; check .* calls the position INVALID"):
        raise r.drive(go)


def test_item_4_off_lets_it_go_on_blindly(rig):
    r = rig(without=(4,))
    lost_on_its_way(r)

    async def go(guard):
        r.x.travel_s = 0.5
        await guard.axes["x"].set(1.0)
        assert r.x.truth == pytest.approx(1.0)

    r.drive(go)


def test_item_16_a_server_that_was_lost_and_is_back_before_anybody_asked_is_not_taken_for_the_same(rig):
    async def go(guard):
        r.x.losses = 1
        await (r.latched() if r.enforces(16) else r.looked())
        await guard.axes["y"].set(0.5)

    r = rig()
    with pytest.raises(GuardRefused, match="lost, or without an answer: x;"):
        r.drive(go)
    assert r.guard.latched_item == 16
    r = rig(without=(16,))
    r.drive(go)
    assert r.y.sets == [0.5]


class Thinking:
    """A human who answers when told to."""

    def __init__(self, rig):
        self.asked, self.answer, self._rig = threading.Event(), threading.Event(), rig

    def __call__(self, question):
        self._rig.questions.append(question)
        if "by more than" in question:
            self.asked.set()
            assert self.answer.wait(60.0)
        return True


def test_item_13_what_changes_while_the_human_thinks_is_seen(rig):
    r = rig(LARGE, without=(17,))
    human = Thinking(r)

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.until(human.asked.is_set)
        r.x.limits_mm = (-0.2, 0.2)
        human.answer.set()
        await moving

    with pytest.raises(GuardRefused, match=r"its limits are -0\.2 to 0\.2"):
        r.drive(go, confirm=human)
    assert r.x.sets == []


def test_item_13_a_yes_to_other_limits_is_asked_for_again(rig):
    r = rig(LARGE)
    human = Thinking(r)

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.until(human.asked.is_set)
        r.x.limits_mm = (-0.7, 0.7)
        human.answer.set()
        await moving

    r.drive(go, confirm=human)
    _, first, second = r.questions
    assert "limits -1 to 1" in first
    assert "limits -0.7 to 0.7" in second
    assert r.x.sets == [0.5]


def test_item_13_what_changes_with_every_answer_is_refused(rig):
    r = rig(LARGE)

    def human(question):
        r.questions.append(question)
        r.x.limits_mm = (-0.9 + 0.01 * len(r.questions), 0.9)
        return True

    with pytest.raises(GuardRefused, match="item 13: what was shown had changed each time"):
        r.drive(lambda guard: guard.axes["x"].set(0.5).task, confirm=human)
    assert r.x.sets == []


def test_item_17_a_foreign_move_while_the_human_thinks_aborts(rig):
    r = rig(LARGE)
    human = Thinking(r)

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.until(human.asked.is_set)
        r.x.go(0.9, 0.01)
        await r.latched()
        human.answer.set()
        await asyncio.wait({moving})
        assert guard.latched_item == 17
        return moving.exception()

    with pytest.raises(GuardRefused):
        raise r.drive(go, confirm=human)
    assert r.x.sets == []


def test_item_9_a_beam_lost_while_the_human_thinks_holds_the_move(rig):
    r = rig(LARGE)
    human, suspended = Thinking(r), []

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.until(human.asked.is_set)
        r.current.value = 0.0
        await r.until(lambda: suspended)
        human.answer.set()
        await r.looked()
        assert r.x.sets == []
        r.current.value = 200.0
        await moving

    r.drive(go, confirm=human, suspend=lambda back, why: suspended.append(why))
    assert r.x.sets == [0.5]


@pytest.mark.parametrize("how", ["stopped", "aborted"])
def test_item_11_a_stop_does_not_wait_for_the_answer(rig, how):
    r = rig(LARGE)
    human = Thinking(r)

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.until(human.asked.is_set)
        if how == "stopped":
            await guard.axes["x"].stop()
        else:
            guard.abort("a test")
        await asyncio.wait({moving})
        assert not human.answer.is_set()
        assert (guard.state == "latched") == (how == "aborted")
        human.answer.set()

    r.drive(go, confirm=human)
    assert r.x.sets == []


def test_item_10_the_dose_is_looked_at_again_when_the_human_has_answered(rig):
    r = rig({"confirm": {"every_n_steps": 1}})
    asked, answer = threading.Event(), threading.Event()

    def think(question):
        if "exposures were made" in question:
            asked.set()
            assert answer.wait(60.0)
        return True

    async def go(guard):
        guard.detector.exposure_s = 0.1
        await guard.detector.trigger()
        exposing = guard.detector.trigger().task
        await r.until(asked.is_set)
        guard.budget_s = 0.1
        answer.set()
        await exposing

    with pytest.raises(GuardRefused, match="of dose are spent"):
        r.drive(go, confirm=think)
    assert r.camera.triggers == 1


def test_item_11_an_abort_is_not_complete_while_a_late_command_may_leave(rig):
    r = rig()
    release, sent = threading.Event(), r.x.set

    def hanging(value):
        assert release.wait(60.0)
        return sent(value)

    r.x.set = hanging
    r.x.travel_s = SLOW_S

    async def go(guard):
        moving = guard.axes["x"].set(0.5).task
        await r.latched()
        await asyncio.wait({moving})
        await asyncio.sleep(0.5)
        assert not guard.abort("again").done()
        release.set()
        report = await guard.aborted()
        assert report.complete
        assert r.x.sets == [0.5]
        assert not r.x.really_moving

    r.drive(go, answer_s=1.0)

"""What a RunEngine does to guarded devices: it pauses, suspends, sends again, and stops everything at the end."""

import contextlib
import json
import threading
import time

import pytest
from bluesky import plan_stubs as bps
from bluesky.utils import RunEngineInterrupted
from rigs.engine import engine_with

from beamgym.hardware_bridge.guard.rules.decision import GuardRefused, refusal
from beamgym.hardware_bridge.records.audit_check import verify_log


@contextlib.contextmanager
def paused_when(rig, engine, true):
    """Press pause as soon as something is so."""

    def press():
        rig.wait(true)
        engine.request_pause()

    thread = threading.Thread(target=press)
    thread.start()
    yield
    thread.join()


def one_step(guard, target):
    yield from bps.checkpoint()
    yield from bps.abs_set(guard.axes["x"], target, group="move")
    yield from bps.wait("move")
    yield from bps.checkpoint()
    yield from bps.trigger(guard.detector, wait=True)
    yield from bps.checkpoint()


def outcomes(rig):
    rig.audit.close()
    assert not verify_log(rig.log).problem
    lines = [json.loads(line) for line in rig.log.read_text().splitlines()]
    sent = {line["n"]: line["command"] for line in lines if line["kind"] == "before"}
    return [(sent[line["id"]], line["outcome"]) for line in lines if line["kind"] == "after"]


def test_a_pause_stops_the_move_and_resuming_sends_it_again_through_every_rule(rig):
    r = rig()
    r.x.travel_s = 15.0
    with engine_with(r) as (engine, guard), paused_when(r, engine, lambda: r.x.really_moving):
        with pytest.raises(RunEngineInterrupted):
            engine(one_step(guard, 0.5))
        assert not r.x.really_moving
        assert r.camera.triggers == 0
        r.x.travel_s = 0.02
        engine.resume()
        assert guard.axes["x"].state.known == pytest.approx(0.5)
    assert r.x.sets == [0.5, 0.5]
    assert r.shutter.puts == [1, 0]
    done = outcomes(r)
    assert [outcome for command, outcome in done if command == "set"] == ["stopped", "done"]
    assert ("stop", "done") in done


def test_limits_that_became_tighter_during_a_pause_refuse_the_command_that_is_sent_again(rig):
    r = rig()
    r.x.travel_s = 15.0
    with engine_with(r) as (engine, guard), paused_when(r, engine, lambda: r.x.really_moving):
        with pytest.raises(RunEngineInterrupted):
            engine(one_step(guard, 0.9))
        r.x.limits_mm = (-0.8, 0.8)
        with pytest.raises(Exception, match="its limits are") as caught:
            engine.resume()
        assert refusal(caught.value).item == 1
    assert r.x.sets == [0.9]
    assert r.camera.triggers == 0


def test_a_beam_loss_suspends_breaks_off_the_exposure_and_takes_it_again(rig):
    r = rig()
    r.camera.scale = 90.0
    with engine_with(r) as (engine, guard):
        guard.detector.exposure_s = 0.2
        guard.exposure_was_set(0.2)
        lost = threading.Event()

        def lose_and_find():
            r.wait(lambda: r.camera.exposes)
            r.current.value = 0.0
            r.wait(lambda: r.shutter.puts == [1, 0] and not r.camera.exposes)
            lost.set()
            r.camera.scale = 0.1
            r.current.value = 200.0

        thread = threading.Thread(target=lose_and_find)
        thread.start()
        engine(one_step(guard, 0.5))
        thread.join()
        assert lost.is_set()
        assert guard.detector.frame is not None
        assert guard.state == "armed"
    assert r.shutter.puts == [1, 0, 1, 0]
    assert r.camera.triggers == 2


def test_a_refusal_ends_the_plan_with_the_guards_line(rig):
    r = rig()
    with engine_with(r) as (engine, guard):
        with pytest.raises(Exception, match=r"FailedStatus|item 1") as caught:
            engine(one_step(guard, 5.0))
        found = refusal(caught.value)
        assert isinstance(found, GuardRefused)
        assert found.item == 1
        assert guard.state == "latched"
    assert r.camera.triggers == 0


def test_the_end_of_a_plan_sends_no_stop_to_axes_that_stand(rig):
    r = rig()
    with engine_with(r) as (engine, guard):
        engine(one_step(guard, 0.5))
        engine(one_step(guard, 0.2))
    assert r.x.stops == 0
    assert r.x.sets == [0.5, 0.2]


def test_a_plan_that_hangs_in_the_engines_loop_is_stopped_by_the_dead_man(rig):
    r = rig()
    with engine_with(r) as (engine, guard):

        def hanging():
            yield from bps.abs_set(guard.axes["x"], 0.5, wait=True)
            r.x.go(0.9, 60.0)
            r.clock.now_s += 1.0 + r.file.operator.deadman_s
            deadline = time.monotonic() + 60.0
            while time.monotonic() < deadline and not r.x.stops:
                time.sleep(0.02)

        engine(hanging())
        assert guard.latched_item == 8
        assert not r.x.really_moving

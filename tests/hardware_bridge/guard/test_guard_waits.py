"""While a run is paused or suspended nothing is decided: the dead-man strikes, and nothing goes on after it."""

import threading

import pytest
from bluesky import plan_stubs as bps
from bluesky.utils import RunEngineInterrupted
from rigs.engine import engine_with

from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.guard.rules.decision import GuardRefused, refusal

LATE_S = 61.0
"""More than the rig's dead-man allows, seconds of its own clock."""


def step(guard, target=0.5):
    yield from bps.checkpoint()
    yield from bps.abs_set(guard.axes["x"], target, group="move")
    yield from bps.wait("move")


def latched_by(rig, guard):
    rig.wait(lambda: guard.state == "latched")
    return guard.latched_item


def test_a_pause_longer_than_the_dead_man_allows_ends_the_run(rig):
    r, now = rig(), [0.0]
    r.x.travel_s = 15.0
    with engine_with(r, deadman=DeadMan(lambda: now[0])) as (engine, guard):

        def press():
            r.wait(lambda: r.x.really_moving)
            engine.request_pause()

        presser = threading.Thread(target=press)
        presser.start()
        with pytest.raises(RunEngineInterrupted):
            engine(step(guard))
        presser.join()
        r.wait(lambda: guard.life.under_way == 0)
        assert guard.state == "armed"
        now[0] += LATE_S
        assert latched_by(r, guard) == 8
        with pytest.raises(Exception) as caught:
            engine.resume()
        assert isinstance(refusal(caught.value), GuardRefused)
    assert r.x.sets == [0.5]


def test_a_suspension_longer_than_the_dead_man_allows_ends_the_run_though_the_beam_comes_back(rig):
    r, now, found = rig(), [0.0], []
    r.x.travel_s = 15.0
    with engine_with(r, deadman=DeadMan(lambda: now[0])) as (engine, guard):

        def lose_the_beam():
            r.wait(lambda: r.x.really_moving)
            r.current.value = 0.0
            r.wait(lambda: guard.watch.tripped and guard.life.under_way == 0)
            now[0] += LATE_S
            found.append(latched_by(r, guard))
            r.current.value = 200.0

        loser = threading.Thread(target=lose_the_beam)
        loser.start()
        with pytest.raises(Exception) as caught:
            engine(step(guard))
        loser.join()
        assert isinstance(refusal(caught.value), GuardRefused)
    assert found == [8]
    assert r.x.sets == [0.5]

"""The server dies without a word, at any moment: what we moved stands, and the shutter is closed, once it is back.

The emulated hardware lives on while its server is dead: a motor goes on turning, an open shutter stays open.
"""

import os
import random
import threading

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.session import session
from beamgym.hardware_bridge.deployment.session.session import Session
from beamgym.hardware_bridge.instrument_file.context import context_of
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.hardware_bridge.rollout.rollout import Rollout
from beamgym.hardware_bridge.rollout.step_record import StepRecord
from beamgym.hardware_bridge.tasks import task_for

MOMENTS = int(os.environ.get("KILLS", "50"))
"""How often the server is killed; KILLS=200 takes forty minutes."""

EPISODE_S = 8.0
"""The server dies within the first seconds of an episode, whose first move and exposures last as long."""

BACK_S = 300.0

pytestmark = pytest.mark.slow


class ToAndFro:
    """Turns by half a full action, to and fro, for ever."""

    name, oracle = "to-and-fro", False

    def start(self, context, n):
        return [1.0]

    def act(self, observation, state):
        return np.array([[0.7 * state[0], 0.2, 0.4, -1.0]], dtype=np.float32), [-state[0]]


@pytest.fixture
def rules(monkeypatch):
    """The practice instrument's file and the task upon it; a busy computer is asked often before the guard is armed."""
    monkeypatch.setattr(session, "ARMINGS", 50)
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    return file, task_for(context_of(file))


def run_until_killed(ioc, rules, folder, moment_s):
    """Play until the server is killed after so many seconds, start it again, and wait until the session has closed."""
    file, task = rules
    problems, begun, restarted = [], threading.Event(), threading.Event()

    def kill():
        begun.wait(BACK_S)
        threading.Event().wait(moment_s)
        ioc.kill()
        ioc.restart()
        restarted.set()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with Session(file, folder, keep_trying_s=BACK_S) as held:
        held.connect()
        instrument = held.guarded(lambda question: True)
        held.arm()
        rollout = Rollout(
            task,
            ToAndFro(),
            instrument,
            StepRecord(),
            pulse=held.alive.touch,
            finish=held.finish,
        )
        begun.set()
        try:
            held.play(rollout)
        except Exception as error:
            problems.append(error)
        report = held.close() or held.abort_report
    killer.join(BACK_S)
    assert restarted.is_set()
    return problems, report


def test_nothing_goes_on_after_the_server_was_killed(special_ioc, rules, tmp_path):
    ioc = special_ioc("laue", speed=6.0)
    draw, busy = random.Random(20261120), 0
    for number in range(MOMENTS):
        ioc.fresh(seed=number)
        folder = tmp_path / str(number)
        folder.mkdir()
        problems, report = run_until_killed(ioc, rules, folder, draw.uniform(0.0, EPISODE_S))
        truth = ioc.truth()
        assert problems, "the episode ended by itself"
        assert truth["moving"] == []
        assert truth["shutter_open"] is False
        assert report is not None
        assert report.complete
        log = verify_log(folder / "audit.jsonl")
        assert log.ok, log.summary()
        (back,) = [record for record in ioc.records() if record["kind"] == "restarted"]
        opened = [record["opened"] for record in ioc.records() if record["kind"] == "shutter"]
        closed_late = [r for r in ioc.records() if r["kind"] == "shutter" and r["time_s"] > back["time_s"]]
        busy += bool(back["moving"] or closed_late)
        assert not opened or opened[-1] is False
    assert busy >= MOMENTS // 5, "the server died too rarely with something under way to prove anything"

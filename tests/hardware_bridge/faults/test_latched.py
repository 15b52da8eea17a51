"""What goes wrong when the policy has nothing more to send, at the end of an episode, makes the run fail all the same.

The policy declares on its first frame: no command follows that the guard could refuse. Each fault comes with the same
run ending well where the rule is left out.
"""

import json
import shutil
import sys
import time

import h5py
import numpy as np
import pytest

pytest.importorskip("caproto", reason="the practice instrument needs the extra 'ioc'")
pytest.importorskip("aioca", reason="driving it needs the extra 'epics'")

from rigs.guarded import BUSY_S
from typer.testing import CliRunner

from beamgym.hardware_bridge.deployment.causes import DeployFailed
from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.events import Ended, EpisodeEnded, Note, Recorder, StateChanged
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.session import Session
from beamgym.hardware_bridge.deployment.terms import Options
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.hardware_bridge.records.documents import read_documents
from beamgym.scripts import main
from beamgym.scripts.deploying import modes
from beamgym.scripts.deploying.terminal import Terminal


def until(true):
    """Wait in this thread until something is so."""
    give_up = time.monotonic() + 4.0 * BUSY_S
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


class Declares:
    """Declares on the first frame; in earnest only after ``meanwhile``."""

    name, oracle = "declares", False

    def __init__(self):
        self.earnest, self.meanwhile = False, lambda: None

    def start(self, context, n):
        return [None] * n

    def act(self, observation, state, truth=None):
        if self.earnest:
            self.meanwhile()
        return np.array([[0.0, 0.0, 0.0, 1.0]], dtype=np.float32), state


class Watcher(Recorder):
    """Says yes, and tells the policy when it is no rehearsal any more."""

    def __init__(self, policy):
        super().__init__(lambda question: "yes" if question.about != "re-arm" else "")
        self._policy = policy

    def report(self, event):
        super().report(event)
        if isinstance(event, StateChanged) and event.state == "running":
            self._policy.earnest = True


class LastDecision:
    """One run over Channel Access whose policy declares at once, and a guard that can be looked at meanwhile."""

    def __init__(self, ioc, folder):
        self.ioc, self.token, self.guard = ioc, folder / "token", None
        self.token.touch()
        self.policy = Declares()
        self.watcher = Watcher(self.policy)
        options = Options(out=folder / "out", token=self.token, confirm="never", back=True)
        self.deployment = Deployment(self.policy, folder / "soft.yaml", options, self.watcher)

    def noticed(self):
        """Wait until the guard has latched, in the policy's thread."""
        until(lambda: self.guard.state == "latched")

    def looked(self):
        """Wait until the watch has looked at everything again."""
        seen = self.guard.looks
        until(lambda: self.guard.looks > seen + 2)

    def written(self, name):
        return self.deployment.folder / name

    def failed(self, item):
        """Play it, and demand that every report says that it has failed."""
        with pytest.raises(DeployFailed, match=f"guard item {item}: "):
            run(self.deployment)
        report = json.loads(self.written("report.json").read_text())
        (ended,) = self.watcher.of(EpisodeEnded)
        documents = list(read_documents(self.written("documents.jsonl")))
        with h5py.File(self.written("episode.nxs")) as file:
            reason = file["entry/end_reason"][()].decode()
        assert (report["success"], ended.success) == (False, False)
        assert f"guard item {item}: " in report["ending"]
        assert report["ending"] == ended.ending
        assert (documents[-1][0], documents[-1][1]["exit_status"]) == ("stop", "fail")
        assert not [doc for name, doc in documents if name == "descriptor" and doc["name"] == "verdict"]
        assert reason.startswith("fail: ")
        assert f"guard item {item}: " in self.watcher.of(Ended)[-1].problem
        assert "latched" in [event.state for event in self.watcher.of(StateChanged)]
        assert verify_log(self.written("audit.jsonl")).ok
        (told,) = (event.text for event in self.watcher.of(Note) if event.text.startswith("the axes stand at "))
        stands = self.ioc.truth()["positions"]
        assert all(f"{axis} = {stands[axis]:.4f}" in told for axis in ("j1", "j2", "j3"))

    def ended_well(self):
        """Play it, and return whether every report says that it ended by itself."""
        report = run(self.deployment)
        documents = list(read_documents(self.written("documents.jsonl")))
        return report.ending == "declared" and documents[-1][1]["exit_status"] == "success"

    def safe(self):
        """Whether, by the instrument's own truth, nothing moves and the shutter is closed."""
        truth = self.ioc.truth()
        return truth["moving"] == [] and truth["shutter_open"] is False


@pytest.fixture
def last(laue_ioc, tmp_path, monkeypatch):
    """Call it for a run whose last decision is the first."""
    shutil.copyfile(shipped_instrument("laue_soft_ioc"), tmp_path / "soft.yaml")
    file = load_instrument(tmp_path / "soft.yaml")
    report = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(tmp_path / "soft.yaml", file, report)
    made = []
    guarded = Session.guarded

    def watched(session, confirm):
        instrument = guarded(session, confirm)
        made[-1].guard = guard = instrument.guard
        guard.looks, check = 0, guard.watch.check

        async def counted(command):
            await check(command)
            guard.looks += 1

        guard.watch.check = counted
        return instrument

    monkeypatch.setattr(Session, "guarded", watched)

    def make():
        made.append(LastDecision(laue_ioc, tmp_path))
        return made[-1]

    return make


def someone_drives(played):
    """Another client moves an axis."""
    played.ioc.put("sim:fault:foreign_move", "j3")


def the_server_hangs(played):
    """The heartbeat stands still."""
    played.ioc.put("sim:fault:stopped_heartbeat", "1")


def the_operator_lets_go(played):
    """The token is taken away."""
    played.token.unlink()


def it_thinks_too_long(played):
    """The policy is silent for longer than it may be, by the clock of its sign of life."""
    sign = played.guard.life._signs[0]
    sign._last -= 2.0 * played.guard.file.operator.deadman_s


FAULTS = [
    (someone_drives, 17),
    (it_thinks_too_long, 8),
    pytest.param(the_server_hangs, 7, marks=pytest.mark.slow),
    pytest.param(the_operator_lets_go, 8, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("fault", "item"), FAULTS)
def test_a_latch_during_the_last_decision_fails_the_run(last, fault, item):
    played = last()

    def meanwhile():
        fault(played)
        played.noticed()

    played.policy.meanwhile = meanwhile
    played.failed(item)
    assert played.safe()


@pytest.mark.parametrize(("fault", "item"), FAULTS)
def test_the_same_ends_well_where_the_rule_is_left_out(last, without, fault, item):
    played = last()

    def meanwhile():
        fault(played)
        played.looked()

    played.policy.meanwhile = meanwhile
    with without(item):
        assert played.ended_well()


class Screen(Terminal):
    """The terminal of `beamgym deploy`, which tells the policy when it is no rehearsal any more."""

    def report(self, event):
        super().report(event)
        if isinstance(event, StateChanged) and event.state == "running":
            Screen.policy.earnest = True


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("no crystal of mine"), "no crystal of mine"),
        (SystemExit(0), "a decision was ended by SystemExit"),
        pytest.param(StopIteration(), "a decision was ended by StopIteration", marks=pytest.mark.slow),
        pytest.param(GeneratorExit(), "a decision was ended by GeneratorExit", marks=pytest.mark.slow),
    ],
)
def test_a_policy_that_fails_ends_the_run_and_the_verb_with_code_1(last, monkeypatch, error, words):
    played = last()

    def meanwhile():
        raise error

    played.policy.meanwhile = meanwhile
    monkeypatch.setattr(Screen, "policy", played.policy, raising=False)
    monkeypatch.setattr(modes, "Terminal", Screen)
    monkeypatch.setattr("beamgym.scripts.deploying.page.read_policy", lambda name, file: played.policy)
    monkeypatch.chdir(played.token.parent)
    done = CliRunner().invoke(main.app, ["deploy", "mine", "-i", "soft.yaml", "--yes", "--confirm", "never"])
    assert done.exit_code == 1
    assert words in done.output.splitlines()[-1]
    assert played.safe()


def test_an_abort_while_the_guard_is_closed_fails_the_run(last):
    played = last()

    def meanwhile():
        ended = played.guard.watch.stop

        async def stopped():
            played.guard.abort("somebody pressed stop in the last moment", 11)
            await ended()

        played.guard.watch.stop = stopped

    played.policy.meanwhile = meanwhile
    played.failed(11)


def test_nothing_is_armed_any_more_while_the_figures_are_written(last, monkeypatch):
    played, states = last(), []
    of_run = sys.modules[run.__module__]
    draw = of_run.write_report

    def drawn(*given, **named):
        states.append(played.guard.state)
        return draw(*given, **named)

    monkeypatch.setattr(of_run, "write_report", drawn)
    assert played.ended_well()
    assert states == ["closed"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("write_nexus", r"episode\.nxs could not be written \(no space left\)"),
        ("write_report", "declared; its report could"),
    ],
)
def test_a_disk_that_fills_at_the_end_fails_the_run_in_one_line(last, monkeypatch, what, words):
    played = last()

    def full(*given, **named):
        raise OSError("no space left")

    monkeypatch.setattr(sys.modules[run.__module__], what, full)
    with pytest.raises(DeployFailed, match=words):
        run(played.deployment)
    assert played.safe()
    assert verify_log(played.written("audit.jsonl")).ok

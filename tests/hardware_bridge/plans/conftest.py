"""A RunEngine as anybody has it, and the practice instruments as ophyd-async devices with their files."""

import shutil
import threading

import pytest

from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument

pytest.importorskip("ophyd_async", reason="plans and practice devices need the extra 'hardware'")

from bluesky import RunEngine

from beamgym.hardware_bridge.deployment.session.ending import end_loop
from beamgym.hardware_bridge.plans.approvers import register_approver


class Listener:
    """Keeps a RunEngine's documents; ``at(name, number)`` says what is called, in a thread, when such a one comes."""

    def __init__(self, engine):
        self.documents, self._then, self.engine = [], {}, engine
        engine.subscribe(self)

    def __call__(self, name, document):
        self.documents.append((name, document))
        then = self._then.pop((name, len(self.named(name))), None)
        if then is not None:
            # What asks a RunEngine for something waits for its loop, in which this is called.
            threading.Thread(target=then, daemon=True).start()

    def at(self, name, number, then):
        self._then[name, number] = then

    def named(self, name):
        return [document for kind, document in self.documents if kind == name]

    @property
    def exit_statuses(self):
        return [document["exit_status"] for document in self.named("stop")]


@pytest.fixture
def engine():
    made = RunEngine({}, call_returns_result=True)
    yield made
    end_loop(made)


@pytest.fixture
def heard(engine):
    return Listener(engine)


class Human:
    """Answers every question by a function, "yes" by default, and remembers them."""

    def __init__(self):
        self.questions, self.answer = [], lambda question: "yes"

    async def ask(self, question):
        self.questions.append(question)
        return self.answer(question)


@pytest.fixture
def human():
    """Who answers the questions of every plan in the test."""
    made = Human()
    register_approver(made)
    yield made
    register_approver(None)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Call it with a kind for its instrument as new, with its file, devices and a passed direction check in the folder.

    The rehearsal in simulation is left out: its own tests are elsewhere, and it takes longer than these episodes.
    """
    from rigs.practice import file_text, fresh

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("beamgym.hardware_bridge.deployment.deployment.warm_up", lambda *given: True)

    def make(kind="arpes", checked=True):
        shutil.copyfile(shipped_instrument(f"{kind}_practice"), "instrument.yaml")
        (tmp_path / "mine.py").write_text(file_text(kind), encoding="utf-8")
        file = load_instrument("instrument.yaml")
        names = [axis.name for axis in file.axes if axis.unit != "s"]
        if checked:
            report = DirectionReport(dict.fromkeys(names, "right"), ImageFlags(), (), True, ("as the file says",))
            write_direction_record("instrument.yaml", file, report, devices_digest("mine.py"))
        return fresh(kind)

    return make

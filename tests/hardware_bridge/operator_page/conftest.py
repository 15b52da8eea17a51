"""Pages over a view that a test feeds, and over a deployment on practice devices in this process."""

import http.client
import json
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.operator_page.access import PAGE, TOKEN, Access
from beamgym.hardware_bridge.operator_page.hold import HeldPolicy, Hold
from beamgym.hardware_bridge.operator_page.person import Person
from beamgym.hardware_bridge.operator_page.serving import OperatorPage
from beamgym.hardware_bridge.operator_page.shows import LiveShow
from beamgym.hardware_bridge.operator_page.view import PageView

LONG_S = 60.0


class Visitor:
    """A client of a page: what a browser's page sends, with headers to be changed."""

    def __init__(self, page, name="first"):
        self.page, self.name = page, name
        access = page.shows.access
        self.token = "" if access is None else access.token

    def get(self, path, **headers):
        return self._asked("GET", path, None, headers)

    def shown(self):
        return json.loads(self.get(f"/state?page={self.name}")[1])

    def post(self, path, body=None, **headers):
        """Returns the status and the line of a refusal, "" where there is none."""
        usual = {"Origin": self.page.address.rstrip("/"), "Content-Type": "application/json"}
        usual |= {TOKEN: self.token, PAGE: self.name}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps({"operator": self.name, **(body or {})}).encode()
        kept = {name: value for name, value in {**usual, **named}.items() if value is not None}
        status, answer = self._asked("POST", path, content, kept)
        return status, json.loads(answer).get("refused", "")

    def wait_for(self, true):
        """Return what is shown as soon as ``true`` of it is."""
        give_up = time.monotonic() + LONG_S
        while not (found := true(shown := self.shown())):
            assert time.monotonic() < give_up, shown
            time.sleep(0.02)
        return found

    def question(self):
        return self.wait_for(lambda shown: shown["questions"] and shown["questions"][0])

    def answer(self, asked, text, **other):
        return self.post("/answer", {"number": asked["number"], "sha256": asked["sha256"], "answer": text, **other})

    def _asked(self, verb, path, content, headers):
        line = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=LONG_S)
        try:
            line.request(verb, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
            response = line.getresponse()
            return response.status, response.read()
        finally:
            line.close()


@pytest.fixture
def visitor():
    """Call it with a page and a name for who looks at it."""
    return Visitor


@pytest.fixture
def file():
    """The ARPES practice instrument."""
    return load_instrument(shipped_instrument("arpes_practice"))


class Stops(list):
    """Reasons of the stops that were asked for."""


@pytest.fixture
def served(file):
    """A page over a view that nothing reports to yet; ``page.stops`` are the stops that it has asked for."""
    view, stops = PageView(file, run="run-1"), Stops()
    with OperatorPage(LiveShow(view, Access("run-1"), stops.append), port=0) as page:
        page.view, page.stops = view, stops
        yield page


class Watched:
    """A deployment in a thread with a page over it."""

    def __init__(self, policy, person, **options):
        from beamgym.hardware_bridge.deployment.deployment import Deployment
        from beamgym.hardware_bridge.deployment.policy import deployed_policy
        from beamgym.hardware_bridge.deployment.terms import Options

        file = load_instrument("instrument.yaml")
        view, self.hold = PageView(file, run="run-1"), Hold()
        self.person = Person(view, self.hold) if person else None
        deployed = deployed_policy(self.person or policy, file)
        held = replace(deployed, policy=HeldPolicy(deployed.policy, self.hold))
        given = Options(devices=Path("mine.py"), **options)
        self.deployment = Deployment(held, "instrument.yaml", given, view)
        self.hold.alive = self.deployment.touch
        show = LiveShow(view, Access("run-1"), self.deployment.stop, self.hold, self.person)
        self.page, self.ended = OperatorPage(show, port=0), None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        from beamgym.hardware_bridge.deployment.run import run

        try:
            self.ended = run(self.deployment)
        except Exception as error:
            self.ended = error

    def end(self):
        """Return the report, or what the run raised."""
        self._thread.join(LONG_S)
        assert not self._thread.is_alive()
        return self.ended


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """Call it for a run on practice devices as new, with a page; ``person=True`` lets a person play it."""
    pytest.importorskip("ophyd_async", reason="practice devices need the extra 'hardware'")
    from rigs.practice import file_text, fresh

    from beamgym.agents.policies import find_policy
    from beamgym.hardware_bridge.direction_check.check import DirectionReport
    from beamgym.hardware_bridge.direction_check.motion import ImageFlags
    from beamgym.hardware_bridge.direction_check.record import devices_digest, write_direction_record

    monkeypatch.chdir(tmp_path)
    # its own tests are elsewhere, and it takes longer than these episodes
    monkeypatch.setattr("beamgym.hardware_bridge.deployment.deployment.warm_up", lambda *given: True)
    monkeypatch.setattr("beamgym.hardware_bridge.rollout.report._write_pictures", lambda *given: {})
    shutil.copyfile(shipped_instrument("arpes_practice"), "instrument.yaml")
    (tmp_path / "mine.py").write_text(file_text("arpes"), encoding="utf-8")
    loaded = load_instrument("instrument.yaml")
    names = [axis.name for axis in loaded.axes if axis.unit != "s"]
    report = DirectionReport(dict.fromkeys(names, "right"), ImageFlags(), (), True, ("as the file says",))
    write_direction_record("instrument.yaml", loaded, report, devices_digest("mine.py"))
    made = []

    def make(person=False, **options):
        fresh("arpes")
        policy = find_policy("raster", "beamgym/ArpesSpot-v0")
        made.append(Watched(policy, person, **{"confirm": "every", "max_steps": 2, **options}))
        return made[-1]

    yield make
    for each in made:
        each.deployment.stop("the test has ended")
        each.end()
        each.page.close()

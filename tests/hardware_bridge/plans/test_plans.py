"""Plans with plain arguments in an unmodified RunEngine, judged by the truth of the practice instrument."""

import asyncio
import json
import threading
import time
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from bluesky import RunEngine
from bluesky.callbacks.best_effort import BestEffortCallback
from bluesky.run_engine import RunEngineInterrupted
from bluesky.suspenders import SuspendBoolHigh
from bluesky.utils import PersistentDict

from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.session.ending import end_loop
from beamgym.hardware_bridge.deployment.terms import Options
from beamgym.hardware_bridge.plans.approvers import register_approver
from beamgym.hardware_bridge.plans.plans import align, check, check_directions, dry_run, find_spot, go_back
from beamgym.hardware_bridge.plans.within import PlanEvents, deployed
from beamgym.hardware_bridge.records.audit_check import verify_log
from beamgym.hardware_bridge.records.documents import read_documents
from beamgym.hardware_bridge.records.scan_numbers import ScanNumbers

LONG_S = 60.0


def spot(**given):
    """A raster of a few places; the human was asked once."""
    usual = {"policy": "raster", "devices": "mine.py", "confirm": "first", "max_steps": 3}
    return find_spot(**{**usual, **given})


def folder():
    """The folder of the only run so far."""
    (found,) = Path("out").iterdir()
    return found


def assert_safe(instrument):
    truth = instrument.truth()
    assert (truth["moving"], truth["shutter_open"], truth["exposing"]) == ([], False, False)


def test_a_crystal_is_aligned_in_an_unmodified_run_engine_and_all_is_documented(bench, human, engine, heard):
    matplotlib.use("Agg")
    goniometer = bench("laue")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of matplotlib, by bluesky's plots
        engine.subscribe(BestEffortCallback())
        given = {"operator": "M. Curie", "proposal": "P-7", "sample": "Si 3", "confirm": "first"}
        result = engine(align("index-and-move", "instrument.yaml", "mine.py", **given, md={"purpose": "test"}))
    assert goniometer.truth()["inside"]
    assert_safe(goniometer)
    assert (result.exit_status, result.plan_result["success"]) == ("success", True)
    (start,) = heard.named("start")
    expected = {"plan_name": "align", "operator": "M. Curie", "proposal": "P-7", "sample": "Si 3", "purpose": "test"}
    expected |= {"motors": [f"j{i}" for i in range(1, 7)], "detectors": ["camera"]}
    assert {key: start[key] for key in expected} == expected
    assert start["plan_args"]["policy"] == "index-and-move"
    made = Path(result.plan_result["files"]["log"]).parent
    names = {"audit.jsonl", "documents.jsonl", "episode.nxs", "report.json", "figure.png", "training.h5"}
    assert names <= {path.name for path in made.iterdir()}
    assert [name for name, _ in read_documents(made / "documents.jsonl")] == [name for name, _ in heard.documents]
    assert verify_log(made / "audit.jsonl").ok


@pytest.mark.parametrize("kept", ["ScanNumbers", "PersistentDict"])
def test_scan_id_goes_on_where_the_last_program_left_it(bench, human, tmp_path, kept):
    bench()
    if kept == "PersistentDict":
        pytest.importorskip("zict", reason="bluesky's PersistentDict needs it")
    numbers = []
    for _ in range(2):
        if kept == "PersistentDict":
            engine = RunEngine(PersistentDict(tmp_path / "md"))
        else:
            engine = RunEngine(scan_id_source=ScanNumbers(tmp_path / "scan_id"))
        try:
            engine.subscribe(lambda name, document: numbers.append(document["scan_id"]), "start")
            engine(spot(max_steps=1))
        finally:
            end_loop(engine)
    assert numbers == [1, 2]


def test_what_the_run_engine_says_of_the_sample_stands_where_the_plan_does_not(bench, human, engine, heard):
    bench()
    engine.md["sample"] = "Bi2Se3 no. 4"
    engine(spot(max_steps=1))
    assert heard.named("start")[0]["sample"] == "Bi2Se3 no. 4"


def test_a_paused_episode_goes_on_and_takes_no_frame_twice(bench, human, engine, heard):
    stage = bench()
    heard.at("event", 2, engine.request_pause)
    with pytest.raises(RunEngineInterrupted):
        engine(spot())
    assert engine.state == "paused"
    assert_safe(stage)
    engine.resume()
    assert heard.exit_statuses == ["success"]
    assert [event["data"]["step_number"] for event in heard.named("event") if "step_number" in event["data"]] == [
        *range(4)
    ]
    assert_safe(stage)


@pytest.mark.parametrize("how", ["abort", "stop"])
@pytest.mark.parametrize("paused", [False, True])
def test_an_abort_or_a_stop_leaves_the_instrument_safe_and_the_log_whole(bench, human, engine, heard, how, paused):
    stage = bench()
    if paused:
        heard.at("event", 2, engine.request_pause)
    else:
        heard.at("event", 2, getattr(engine, how))
    with pytest.raises(RunEngineInterrupted):
        engine(spot(max_steps=50))
    if paused:
        getattr(engine, how)()
    assert engine.state == "idle"
    # an episode that was stopped half way is no success, whatever bluesky calls a stop
    assert heard.exit_statuses == ["abort"]
    assert_safe(stage)
    assert stage.truth()["frames"] < 6
    report = json.loads((folder() / "report.json").read_text())
    assert report["ending"] == f"the RunEngine was told to {how}"
    assert verify_log(folder() / "audit.jsonl").ok


def test_a_halt_leaves_the_instrument_safe_too(bench, human, engine, heard):
    stage = bench()
    heard.at("event", 2, engine.request_pause)
    with pytest.raises(RunEngineInterrupted):
        engine(spot(max_steps=50))
    engine.halt()
    give_up = time.monotonic() + LONG_S
    while not (folder() / "report.json").exists():
        assert time.monotonic() < give_up
        time.sleep(0.02)
    assert_safe(stage)
    assert verify_log(folder() / "audit.jsonl").ok


def test_a_failing_guard_fails_the_plan_and_the_run(bench, human, engine, heard):
    stage = bench()
    heard.at("event", 2, lambda: stage.set_fault("overshoot", "x,y"))
    with pytest.raises(ValueError, match="guard item 4"):
        engine(spot(max_steps=50))
    assert heard.exit_statuses == ["fail"]
    assert_safe(stage)
    # who was asked to arm it again answered "yes", which is no name
    assert [question.about for question in human.questions] == ["start", "re-arm"]


def test_who_says_no_has_moved_nothing(bench, human, engine, heard):
    stage = bench()
    human.answer = lambda question: "no"
    with pytest.raises(ValueError, match="guard item 13"):
        engine(spot())
    truth = stage.truth()
    assert (truth["positions"], truth["frames"]) == ({"x": 0.0, "y": 0.0}, 0)
    assert heard.documents == []


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"confirm": "never"}, "run it once with --confirm first"),
        ({"yes": True}, "--yes is for simulations"),
        ({"policy": "random"}, "it is a rival for tables, and no policy for hardware"),
        ({"policy": "my_module:MyPolicy"}, "is code; by name only bundles and baselines"),
        ({"instrument": "absent.yaml"}, "there is no instrument file absent.yaml"),
        ({"confirm": "sometimes"}, "choose every, first, never"),
    ],
)
def test_what_deploy_refuses_the_plan_refuses_in_one_line(bench, human, engine, given, line):
    stage = bench()
    with pytest.raises(ValueError, match=line):
        engine(spot(**given))
    assert stage.truth()["frames"] == 0


def test_a_plan_for_another_kind_names_the_one_that_fits(bench, human, engine):
    bench()
    with pytest.raises(ValueError, match="an instrument of the kind 'arpes'; use the plan find_spot"):
        engine(align("index-and-move", "instrument.yaml", "mine.py"))


def test_a_policy_that_did_not_reach_its_goal_fails_the_plan_where_it_must(bench, human, engine, heard):
    stage = bench()
    with pytest.raises(ValueError, match="steps spent, and by what can be seen no success"):
        engine(spot(max_steps=1, must_succeed=True))
    assert heard.exit_statuses == ["success"]
    assert_safe(stage)


def test_check_and_dry_run_move_nothing_and_ask_nobody(bench, engine):
    stage = bench()
    found = engine(check("instrument.yaml", "mine.py")).plan_result
    assert [axis["name"] for axis in found["axes"]] == ["x", "y", "dwell"]
    assert len(engine(dry_run("raster", "instrument.yaml", "mine.py")).plan_result["target"]) == 3
    assert stage.truth()["frames"] == 0


def test_without_a_direction_check_nothing_runs_and_the_plan_makes_one(bench, human, engine):
    stage = bench(checked=False)
    with pytest.raises(ValueError, match="no direction check was made"):
        engine(spot())
    assert stage.truth()["frames"] == 0
    found = engine(check_directions("instrument.yaml", "mine.py", confirm="first")).plan_result
    assert found["axes"] == {"x": "right", "y": "right"}
    assert [question.about for question in human.questions] == ["start", "direction", "direction"]
    engine(spot(max_steps=1))
    assert stage.truth()["frames"] == 2


def test_axes_go_back_to_where_they_stood_before_a_run(bench, human, engine, heard):
    stage = bench()
    engine(spot())
    away = stage.truth()["positions"]
    assert max(abs(place) for place in away.values()) > 0.1
    found = engine(go_back(str(folder()), "instrument.yaml", "mine.py", confirm="first")).plan_result
    assert np.allclose([found["x"], found["y"]], 0.0, atol=0.005)
    assert np.allclose(list(stage.truth()["positions"].values()), 0.0, atol=0.005)
    assert heard.named("start")[-1]["plan_name"] == "go_back"
    assert_safe(stage)


def test_nobody_goes_back_by_a_folder_that_does_not_say_where_to(bench, human, engine):
    bench()
    with pytest.raises(ValueError, match="give the folder of a run"):
        engine(go_back("nowhere", "instrument.yaml", "mine.py"))
    engine(spot(max_steps=1))
    text = Path("instrument.yaml").read_text().replace("arpes-practice", "another")
    Path("other.yaml").write_text(text)
    with pytest.raises(ValueError, match="is of another instrument file"):
        engine(go_back(str(folder()), "other.yaml", "mine.py"))


class Signal:
    """What a suspender of bluesky's watches: something with a value that others set."""

    name = "shutters_closed"

    def __init__(self):
        self._told = []

    def subscribe(self, told, event_type=None, run=True):
        self._told.append(told)
        told(False)

    def clear_sub(self, told):
        self._told.remove(told)

    def put(self, value):
        for told in self._told:
            told(value)


def test_a_suspender_of_ones_own_and_recorded_interruptions_work(bench, human, engine, heard):
    stage, signal = bench(), Signal()
    engine.record_interruptions = True
    engine.install_suspender(SuspendBoolHigh(signal))

    heard.at("event", 2, lambda: signal.put(True))
    # the third is that of the interruption
    heard.at("event", 3, lambda: signal.put(False))
    engine(spot())
    assert heard.exit_statuses == ["success"]
    streams = {document["uid"]: document["name"] for document in heard.named("descriptor")}
    events = [(streams[event["descriptor"]], event["data"]) for event in heard.named("event")]
    first = next(data for name, data in events if name == "interruptions")
    assert first == {"interruption": "Signal shutters_closed is high"}
    assert [data["step_number"] for name, data in events if name == "primary"] == [0, 1, 2, 3]
    assert_safe(stage)


class Drift:
    """A policy of one's own: a step to the right each time."""

    name, oracle = "drift", False

    def start(self, context, n):
        return [0] * n

    def act(self, observation, state, truth=None):
        return np.array([[0.02 * (state[0] + 1), 0.0, -1.0, -1.0]], dtype=np.float32), [state[0] + 1]


def test_a_policy_object_is_deployed_by_the_same_plan(bench, human, engine):
    stage = bench()
    options = Options(devices=Path("mine.py"), confirm="first", max_steps=2)
    report = engine(deployed(Drift(), "instrument.yaml", options, run)).plan_result
    assert (report.policy, report.moves) == ("drift", 2)
    assert stage.truth()["positions"]["x"] == pytest.approx(0.04, abs=0.005)


class Absent:
    """Is asked, does something else, and answers nothing the first time; then yes."""

    def __init__(self, meanwhile, about):
        self.asked, self.taken_back, self._meanwhile, self._about = [], [], meanwhile, about

    async def ask(self, question):
        self.asked.append(question.about)
        if self.taken_back or question.about != self._about:
            return "yes"
        threading.Thread(target=self._meanwhile, daemon=True).start()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.taken_back.append(question)
            raise


def test_an_abort_takes_back_the_question_whether_the_run_may_begin(bench, engine, heard, human):
    stage, absent = bench(), Absent(engine.abort, "start")
    register_approver(absent)
    with pytest.raises(RunEngineInterrupted):
        engine(spot())
    assert (engine.state, len(absent.taken_back)) == ("idle", 1)
    assert (heard.documents, stage.truth()["frames"]) == ([], 0)


def test_a_pause_takes_back_a_question_about_a_move_and_the_resume_asks_it_again(bench, engine, heard, human):
    stage, absent = bench(), Absent(engine.request_pause, "command")
    register_approver(absent)
    with pytest.raises(RunEngineInterrupted):
        engine(spot(confirm="every", max_steps=1))
    assert engine.state == "paused"
    give_up = time.monotonic() + LONG_S
    while not absent.taken_back:
        assert time.monotonic() < give_up
        time.sleep(0.02)
    assert stage.truth()["positions"] == {"x": 0.0, "y": 0.0}
    engine.resume()
    assert absent.asked == ["start", "command", "command"]
    assert heard.exit_statuses == ["success"]
    assert stage.truth()["frames"] == 2


def test_deploys_own_engine_counts_its_runs_beside_the_instrument_file(bench, human):
    bench()
    options = Options(devices=Path("mine.py"), confirm="first", max_steps=1)
    numbers = []
    for _ in range(2):
        made = Deployment(Drift(), "instrument.yaml", options, PlanEvents(human))
        run(made)
        numbers += [doc["scan_id"] for name, doc in read_documents(made.folder / "documents.jsonl") if name == "start"]
    assert numbers == [1, 2]
    assert Path("instrument.yaml.scan_id").read_text() == "2\n"

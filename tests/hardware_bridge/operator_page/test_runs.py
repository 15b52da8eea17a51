"""A run on practice devices with a page over it, and the same run from its log."""

import json
import time

import pytest

from beamgym.envs.episodes import read_episodes
from beamgym.hardware_bridge.deployment.session import Stopped
from beamgym.hardware_bridge.operator_page.replay import read_recording
from beamgym.hardware_bridge.operator_page.serving import OperatorPage
from beamgym.hardware_bridge.records.audit_check import read_log


def taken(visitor, watched, name="Ada"):
    first = visitor(watched.page, name)
    assert first.post("/take")[0] == 200
    return first


def answered(operator, watched, text="yes", commands=None):
    """Answer everything until the run has ended; returns what was asked about, and keeps the commands' hashes."""
    asked = []
    while watched._thread.is_alive():
        for question in operator.shown()["questions"]:
            status, _ = operator.answer(question, text)
            assert status in (200, 409)
            if status == 200:
                asked.append(question["about"])
                if question["command"] is not None and commands is not None:
                    commands.append(question["sha256"])
        time.sleep(0.05)
    return asked


def log_of(watched):
    return [line for _, line in read_log(watched.deployment.folder / "audit.jsonl")]


def test_a_run_is_played_by_its_answers_on_the_page_and_replayed_from_its_log(watched, visitor):
    run = watched()
    operator = taken(visitor, run)
    commands = []
    about = answered(operator, run, commands=commands)
    report = run.end()
    assert about[0] == "start"
    assert about.count("command") == report.moves == 2
    shown = operator.shown()
    assert shown["episode"]["ending"] == report.ending
    assert shown["log"][-1]["sha256"] == report.audit_head
    assert [each["step"] for each in shown["path"]] == [0, 1, 2]
    (episode,) = read_episodes(report.files["training"])
    # observed as points / 10
    points = [10.0 * float(scores[3]) for scores in episode.observations["scores"]]
    assert [each["score"] for each in shown["path"]] == pytest.approx(points, abs=1e-3)
    recording = read_recording(run.deployment.folder)
    assert (recording.broken, sorted(recording.images)) == ("", [1, 2, 3])
    signed = [each["data"] for each in log_of(run) if each.get("event") == "answered"]
    assert [(each["by"], each["answer"], each["about"]) for each in signed] == [
        ("Ada", "yes", "start"),
        ("Ada", "yes", "command"),
        ("Ada", "yes", "command"),
    ]
    assert [each["sha256"] for each in signed] == [None, *commands]
    last_yes = [line["n"] for line in log_of(run) if line.get("event") == "answered"][-1]
    with OperatorPage(recording, 0) as page:
        again = visitor(page)
        last = again.shown()
        assert last["log"] == [{**line, "time_s": line["time_s"]} for line in last["log"]]
        assert [line["sha256"] for line in last["log"]] == [line["sha256"] for line in shown["log"]]
        places = [[axis["name"], axis["target"]] for axis in shown["axes"]]
        assert [[axis["name"], axis["target"]] for axis in last["axes"]] == places
        assert json.loads(again.get("/state?line=1")[1])["frame"] is None
        assert json.loads(again.get(f"/state?line={last_yes}")[1])["log"][-1]["what"] == "answered yes by Ada"
        assert again.get(f"/state?line={last['lines'] + 1}")[0] == 404
        assert again.get("/frame/3.jpg")[0] == 200
        assert again.post("/stop") == (409, "this run is over; nothing can be done to it")


def test_a_log_that_was_changed_is_not_drawn(watched, visitor, tmp_path):
    run = watched(confirm="first")
    answered(taken(visitor, run), run)
    run.end()
    folder = run.deployment.folder
    log = (folder / "audit.jsonl").read_text(encoding="utf-8")
    (folder / "audit.jsonl").write_text(log.replace('"outcome":"done"', '"outcome":"gone"', 1), encoding="utf-8")
    recording = read_recording(folder)
    assert "DOES NOT VERIFY" in recording.broken
    with OperatorPage(recording, 0) as page:
        shown = visitor(page).shown()
        assert "was changed" in shown["broken"]
        assert (shown["lines"], shown["log"], shown["frame"]) == (0, [], None)
        assert {axis["readback"] for axis in shown["axes"]} == {None}


def test_a_picture_whose_hash_is_not_in_the_log_is_not_shown(watched, visitor):
    h5py = pytest.importorskip("h5py")
    run = watched(confirm="first")
    answered(taken(visitor, run), run)
    run.end()
    with h5py.File(run.deployment.folder / "episode.nxs", "r+") as stored:
        stored["/entry/data/image"][1, 0, 0] += 1.0
    recording = read_recording(run.deployment.folder)
    assert (recording.broken, sorted(recording.images)) == ("", [1, 3])


def test_a_no_on_the_page_ends_the_run_and_nothing_is_sent(watched, visitor):
    run = watched()
    operator = taken(visitor, run)
    operator.answer(operator.question(), "yes")
    command = operator.wait_for(lambda shown: [each for each in shown["questions"] if each["about"] == "command"])[0]
    assert {move["name"] for move in command["command"]["moves"]} == {"x", "y", "dwell"}
    operator.answer(command, "no")
    assert "guard item 13: nobody confirmed" in str(run.end())
    sent = [line for _, line in read_log(run.deployment.folder / "audit.jsonl") if line.get("command") == "set"]
    assert sent == []


def test_a_stop_on_the_page_ends_a_run_that_waits_for_an_answer(watched, visitor):
    run = watched()
    guest = visitor(run.page, "guest")
    guest.token = ""
    guest.question()
    assert guest.post("/stop")[0] == 200
    ended = run.end()
    assert isinstance(ended, Stopped)
    assert "stopped on the page by guest" in str(ended)


def test_the_run_goes_on_when_its_page_is_gone(watched, visitor):
    run = watched(confirm="first")
    operator = taken(visitor, run)
    operator.answer(operator.question(), "yes")
    run.page.close()
    assert run.end().moves == 2


def test_a_pause_holds_the_next_command_until_it_may_go_on(watched, visitor):
    run = watched(confirm="first")
    operator = taken(visitor, run)
    assert operator.post("/pause")[0] == 200
    operator.answer(operator.question(), "yes")
    operator.wait_for(lambda shown: shown["frame"])
    assert operator.shown()["paused_by"] == "Ada"
    assert operator.shown()["frame"]["step"] == 0
    assert operator.post("/go-on")[0] == 200
    assert run.end().moves == 2


def test_a_person_plays_by_the_same_guard_and_is_recorded_as_an_episode(watched, visitor):
    run = watched(person=True, confirm="first", max_steps=5)
    operator = taken(visitor, run)
    operator.answer(operator.question(), "yes")
    turn = operator.wait_for(lambda shown: shown["turn"])
    x = operator.wait_for(lambda shown: (axis := shown["axes"][0])["readback"] is not None and axis)
    assert x["name"] == "x"
    assert operator.post("/turn", {"number": turn["number"], "given": {"x": 99.0}})[0] == 400
    assert operator.post("/turn", {"number": turn["number"] + 1, "given": {}})[0] == 409
    step = -0.125 if x["readback"] > 0 else 0.125
    assert operator.post("/turn", {"number": turn["number"], "given": {"x": step}})[0] == 200
    second = operator.wait_for(
        lambda shown: shown["turn"] and shown["turn"]["number"] > turn["number"] and shown["turn"]
    )
    moved = operator.wait_for(lambda shown: shown["axes"][0]["target"])
    assert moved == pytest.approx(x["readback"] + step, abs=2e-3)
    assert operator.post("/turn", {"number": second["number"], "declares": True})[0] == 200
    report = run.end()
    assert (report.policy, report.ending, report.moves) == ("person", "declared", 1)
    (episode,) = read_episodes(report.files["training"])
    assert episode.about["policy"] == "person"
    assert len(episode.actions) == 2

"""`beamgym deploy` over real Channel Access, judged by what the emulated instrument itself received and is in."""

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import h5py
import numpy as np
import pytest
from event_model import DocumentNames, schema_validators
from typer.testing import CliRunner

from beamgym.hardware_bridge import terminal
from beamgym.hardware_bridge.direction_check.check import DirectionReport
from beamgym.hardware_bridge.direction_check.motion import ImageFlags
from beamgym.hardware_bridge.direction_check.record import direction_check_passed, write_direction_record
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.records.audit_check import read_log, verify_log
from beamgym.hardware_bridge.records.documents import read_documents
from beamgym.scripts import main

SOFT = "laue_soft_ioc"
BUNDLE = "laue-align-si"
AXES = ("j1", "j2", "j3", "j4", "j5", "j6")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder in which the practice instrument's file lies with its direction check passed."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(shipped_instrument(SOFT), tmp_path / "soft.yaml")
    file = load_instrument(tmp_path / "soft.yaml")
    report = DirectionReport({axis.name: "right" for axis in file.axes}, ImageFlags(), (), True, ("as the file says",))
    write_direction_record(tmp_path / "soft.yaml", file, report)
    return tmp_path


def deploy(*words, policy=BUNDLE, instrument="soft.yaml", answers=""):
    given = ["deploy", policy, "-i", instrument, *(str(word) for word in words)]
    return CliRunner().invoke(main.app, given, input=answers)


def auto(*words, **named):
    return deploy("--yes", "--confirm", "never", *words, **named)


def folder():
    (found,) = Path("out").glob("deploy-*")
    return found


def safe(ioc):
    """Whether nothing moves and the shutter is closed."""
    truth = ioc.truth()
    return truth["moving"] == [] and truth["shutter_open"] is False


@pytest.fixture
def press():
    """Return a function that presses Ctrl-C as soon as the emulator has recorded something n times."""
    threads, over = [], threading.Event()

    def when(ioc, kind, number=1):
        begun = ioc.record.read_text().count("\n")

        def watch():
            while not over.wait(0.002):
                lines = ioc.record.read_text().splitlines()[begun:]
                if sum(f'"kind": "{kind}"' in line for line in lines) >= number:
                    os.kill(os.getpid(), signal.SIGINT)
                    return

        threads.append(threading.Thread(target=watch, daemon=True))
        threads[-1].start()

    yield when
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(("offset", "moved"), [(-9.0, False), (0.0, True)])
def test_nothing_moves_where_somebody_set_an_offset_since_the_direction_check(laue_ioc, here, offset, moved):
    path = here / "soft.yaml"
    report = DirectionReport(dict.fromkeys(AXES, "right"), ImageFlags(), (), True, ("as the file says",))
    known = {name: {"DIR": "Pos", "OFF": 0.0} for name in AXES}
    write_direction_record(path, load_instrument(path), report, coordinates=known)
    laue_ioc.put("j3.OFF", offset)
    begun = len(laue_ioc.puts())
    result = auto("--max-steps", 1)
    assert any(record["pv"] == "bgym:cam1:Acquire" for record in laue_ioc.puts()[begun:]) is moved
    assert (
        "j3: OFF was 0 and is -9: the file's zeros, signs, limits, boxes and pixels mean" in result.output
    ) is not moved
    assert safe(laue_ioc)


def test_the_shipped_policy_aligns_the_crystal_and_leaves_everything_it_promises(laue_ioc, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = auto("--json", "result.json", instrument=SOFT)
    assert result.exit_code == 0, result.output
    truth = laue_ioc.truth()
    assert truth["inside"]
    assert safe(laue_ioc)
    assert "direction check passed" in result.output
    assert direction_check_passed("out/laue_soft_ioc.yaml", load_instrument("out/laue_soft_ioc.yaml"))
    record = json.loads(Path("out/laue_soft_ioc.yaml.signs.json").read_text(encoding="utf-8"))
    assert {axis: record["coordinates"][axis]["OFF"] for axis in AXES} == dict.fromkeys(AXES, 0.0)
    report = json.loads(Path("result.json").read_text())
    assert report["ending"] == "declared"
    assert report["metrics"]["misorientation_estimate_deg"] < 0.25
    for path in report["files"].values():
        assert Path(path).stat().st_size > 0
        assert path in result.output
    log = verify_log(report["files"]["log"], head=report["audit_head"])
    assert log.whole
    assert log.unknown == []
    assert f"log ends  {log.head}" in result.output
    with h5py.File(report["files"]["nexus"]) as file:
        assert len(file["entry/data/image"]) == len(report["rows"])
    documents = list(read_documents(report["files"]["documents"]))
    for name, doc in documents:
        schema_validators[DocumentNames[name]].validate(doc)
    assert documents[0][1]["simulation"] is True
    assert documents[-1][1]["exit_status"] == "success"


@pytest.mark.slow
def test_every_put_the_emulator_received_is_a_line_of_the_log(laue_ioc, here):
    assert auto().exit_code == 0
    befores = [line["data"]["device"] for _, line in read_log(folder() / "audit.jsonl") if line["kind"] == "before"]
    puts = [record["pv"] for record in laue_ioc.puts()]
    motors = [pv for pv in puts if pv.endswith((".VAL", *(f":j{i}" for i in range(1, 7))))]
    assert len(motors) == sum(name.startswith("j") for name in befores) > 0
    assert sum("shutter:Open" in pv for pv in puts) == befores.count("shutter") > 0


def test_a_check_reads_everything_and_writes_nothing(laue_ioc, here):
    result = deploy("--check", "--json", "check.json")
    assert result.exit_code == 0, result.output
    assert laue_ioc.puts() == []
    found = json.loads(Path("check.json").read_text())
    assert [row["limits"] for row in found["axes"]][:2] == [[-90.0, 90.0], [-60.0, 60.0]]
    assert {row["source"] for row in found["axes"]} == {"both"}
    assert "(512, 512)" in result.output
    assert "beamgym-simulation" in result.output
    assert "the guard would arm" in result.output


@pytest.mark.slow
def test_a_check_names_the_tighter_limit_and_says_what_would_stop_the_guard(laue_ioc, here):
    laue_ioc.put("j1.HLM", 45.0)
    laue_ioc.put("sim:fault:beam_loss", "1")
    result = deploy("--check", policy="index-and-move")
    assert result.exit_code == 1
    assert "both, motor" in result.output
    assert "45 deg" in result.output
    assert "suspender 'beam'" in result.output.splitlines()[-1]
    assert laue_ioc.puts() == []


def test_a_dry_run_judges_the_first_command_and_writes_nothing(laue_ioc, here):
    laue_ioc.put("shutter:Open", 1.0)
    laue_ioc.put("cam1:Acquire", 1.0)
    laue_ioc.put("shutter:Open", 0.0)
    before = laue_ioc.truth()["positions"]
    result = deploy("--dry-run", "--json", "dry.json")
    assert result.exit_code == 0, result.output
    assert laue_ioc.puts() == []
    assert laue_ioc.truth()["positions"] == before
    dry = json.loads(Path("dry.json").read_text())
    assert np.abs(np.array(dry["target"])).max() > 1.0
    assert "Nothing was written" in result.output
    assert dry["doubts"] == []
    events = [line.get("event") for _, line in read_log(folder() / "audit.jsonl")]
    assert events.count("dry run") >= 7
    assert not [line for _, line in read_log(folder() / "audit.jsonl") if line["kind"] == "before"]


def test_a_dry_run_on_an_empty_frame_says_that_a_run_would_not_accept_it(laue_ioc, here):
    laue_ioc.put("cam1:Acquire", 1.0)  # the shutter is closed
    result = deploy("--dry-run", "--json", "dry.json")
    assert result.exit_code == 0, result.output
    (doubt,) = json.loads(Path("dry.json").read_text())["doubts"]
    assert doubt.startswith("item 18: no spots were found; it is taken once more")
    said = " ".join(result.output.split())
    assert f"A RUN WOULD NOT ACCEPT THE PRESENT FRAME: {doubt}" in said
    assert "lets this move pass" not in said


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("moving", 1),
        ("exposing", 1),
        pytest.param("moving", 5, marks=pytest.mark.slow),
        pytest.param("arrived", 2, marks=pytest.mark.slow),
        pytest.param("frame", 2, marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_at_any_moment_leaves_everything_safe(laue_ioc, here, press, kind, number):
    for i in range(1, 7):
        laue_ioc.put(f"j{i}.VELO", 2.0)  # the file's speed; less is refused, since moves would be stopped on their way
    press(laue_ioc, kind, number)
    result = auto()
    assert result.exit_code == 130, result.output
    assert safe(laue_ioc)
    (line,) = [line for line in result.stderr.splitlines() if "SIGINT" in line]
    assert "stopped by SIGINT; " in line
    assert "audit.jsonl" in line
    assert "NOT SEEN" not in line
    assert verify_log(folder() / "audit.jsonl").whole
    assert f"log ends  {verify_log(folder() / 'audit.jsonl').head}" in result.stdout
    documents = list(read_documents(folder() / "documents.jsonl"))
    if documents:
        assert documents[-1][0] == "stop"
        assert documents[-1][1]["exit_status"] != "success"
    held = laue_ioc.truth()["positions"]
    assert laue_ioc.truth()["positions"] == held


class Keyboard:
    """Standard input on which nobody answers any more after ``answers`` lines of yes: then Ctrl-C is pressed."""

    def __init__(self, answers):
        self.reading, self.writing = os.pipe()
        os.write(self.writing, b"yes\n" * answers)
        self.asked, self._left = 0, answers

    def __call__(self):
        self.asked += 1
        if self.asked > self._left:
            os.kill(os.getpid(), signal.SIGINT)
        return self.reading

    def close(self):
        os.close(self.reading)
        os.close(self.writing)


@pytest.mark.parametrize("answers", [0, pytest.param(1, marks=pytest.mark.slow), 2])
def test_ctrl_c_while_a_question_waits_for_its_answer(laue_ioc, here, monkeypatch, answers):
    keyboard = Keyboard(answers)
    monkeypatch.setattr(terminal, "standard_input", keyboard)
    result = deploy("--confirm", "every")
    assert keyboard.asked > answers, result.output
    assert result.exit_code == 130
    assert "NOT SEEN TO STOP" not in result.stderr
    assert safe(laue_ioc)
    assert verify_log(folder() / "audit.jsonl").ok
    if answers < 2:
        assert not [put for put in laue_ioc.puts() if put["pv"].endswith(".VAL")]
    keyboard.close()


def test_no_is_an_answer_and_nothing_moves(laue_ioc, here):
    result = deploy("--confirm", "every", answers="no\n")
    assert result.exit_code == 1
    assert "nobody confirmed" in result.output.splitlines()[-1]
    assert laue_ioc.puts() == []


@pytest.mark.slow
def test_a_yes_to_every_step_runs_the_episode_and_is_remembered(laue_ioc, here):
    result = deploy("--confirm", "every", "--max-steps", "2", answers="yes\n" * 9)
    assert result.output.count("[yes/no]") == 3, result.output
    assert "steps spent" in result.output
    assert (here / "soft.yaml.confirmed.json").exists()
    again = deploy("--confirm", "first", "--max-steps", "2")
    assert "[yes/no]" not in again.output
    assert "steps spent" in again.output


@pytest.mark.slow
def test_lost_beam_suspends_and_the_episode_goes_on_when_it_is_back(laue_ioc, here):
    lost = threading.Event()

    def lose():
        while not lost.wait(0.01):
            if any(record["kind"] == "frame" for record in laue_ioc.records()):
                break
        laue_ioc.put("sim:fault:beam_loss", "1")
        while not lost.wait(0.05):
            log = folder() / "audit.jsonl"
            if '"suspended"' in log.read_text():
                break
        laue_ioc.put("sim:fault:beam_loss", "")

    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    result = auto()
    lost.set()
    thread.join()
    assert result.exit_code == 0, result.output
    assert laue_ioc.truth()["inside"]
    events = [line.get("event") for _, line in read_log(folder() / "audit.jsonl")]
    assert events.index("suspended") < events.index("resumed")
    assert safe(laue_ioc)


@pytest.mark.slow
def test_what_the_guard_refuses_ends_the_run_in_one_line(laue_ioc, here):
    laue_ioc.put("sim:fault:stall", "j4")
    result = auto()
    assert result.exit_code == 1
    line = result.output.splitlines()[-1]
    assert line.startswith("error: ")
    assert "j4" in line
    assert "audit.jsonl" in line
    assert safe(laue_ioc)
    report = json.loads((folder() / "report.json").read_text())
    assert not report["success"]
    assert "j4" in report["ending"]


@pytest.mark.slow
def test_the_dose_given_on_the_command_line_holds_where_it_is_less(laue_ioc, here):
    result = auto("--dose", "25")
    assert result.exit_code == 1
    assert "dose" in result.output.splitlines()[-1]
    assert sum(record["kind"] == "frame" for record in laue_ioc.records()) == 2
    assert safe(laue_ioc)


@pytest.mark.slow
def test_index_and_move_works_like_a_bundle(laue_ioc, here):
    result = auto(policy="index-and-move")
    assert result.exit_code == 0, result.output
    assert laue_ioc.truth()["inside"]


@pytest.mark.slow
def test_a_verified_log_says_so_and_a_changed_one_is_told(laue_ioc, here):
    assert auto("--max-steps", "1").exit_code == 1
    log = folder() / "audit.jsonl"
    good = CliRunner().invoke(main.app, ["deploy", "--verify", str(log)])
    assert good.exit_code == 0, good.output
    assert "whole" in good.output
    assert "decisions come out the same" in good.output
    log.write_text(log.read_text().replace('"j1"', '"j2"', 1))
    bad = CliRunner().invoke(main.app, ["deploy", "--verify", str(log)])
    assert bad.exit_code == 1
    assert "is not whole" in bad.output.splitlines()[-1]


@pytest.mark.slow
def test_practice_compares_both_sides(laue_ioc, here):
    result = auto("--practice", "2", "--json", "practice.json")
    assert result.exit_code == 0, result.output
    figures = json.loads(Path("practice.json").read_text())
    assert (figures["episodes"], figures["different"]) == (2, 0)
    for pair in figures["pairs"]:
        assert pair["simulated"]["success"] == pair["deployed"]["success"]


@pytest.mark.slow
def test_a_search_for_the_best_spot_runs_on_the_stage(arpes_ioc, here):
    result = auto("--max-steps", "3", policy="raster", instrument="arpes_soft_ioc")
    assert "steps spent" in result.output, result.output
    assert safe(arpes_ioc)
    found = json.loads((folder() / "report.json").read_text())
    assert (found["moves"], found["exposures"]) == (3, 4)
    assert set(found["rows"][0]["positions"]) == {"x", "y", "dwell"}
    puts = [record["pv"] for record in arpes_ioc.puts()]
    assert any("AcquireTime" in pv for pv in puts)
    assert verify_log(folder() / "audit.jsonl").ok


def test_a_check_compares_the_file_with_the_records_and_a_run_is_refused_before_its_first_dose(laue_ioc, here):
    text = (here / "soft.yaml").read_text()
    (here / "other.yaml").write_text(
        text.replace("shape: [512, 512]", "shape: [512, 400]").replace("saturation: 65535", "saturation: 70000")
    )
    laue_ioc.put("j2.BDST", 0.4)
    laue_ioc.put("j3.OFF", 2.0)
    begun = len(laue_ioc.puts())
    result = deploy("--check", policy="index-and-move", instrument="other.yaml")
    lines = result.output.splitlines()
    assert result.exit_code == 1
    refused = [line for line in lines if line.startswith("WOULD BE REFUSED: detector: ")]
    assert "512 × 512 rows × columns, the file's shape asks for 512 × 400; give shape: [512, 512]" in refused[0]
    assert "no pixel of UInt16 can be 70000" in refused[1]
    notes = [line for line in lines if line.startswith("note: ")]
    assert any("axis 'j2': backlash is 0 in the file, and the motor runs 0.4 past" in line for line in notes)
    assert any("axis 'j3': its offset is 2" in line for line in notes)
    assert "512 × 400" in lines[-1]
    assert "(and 1 more" in lines[-1]
    result = auto("--dry-run", policy="index-and-move", instrument="other.yaml")
    assert result.exit_code == 1
    assert "--check` shows everything" in result.output.splitlines()[-1]
    assert len(laue_ioc.puts()) == begun
    assert laue_ioc.truth()["dose_s"] == 0.0

"""Every mode without a terminal: it returns data, tells its sink what happens, in order, and prints nothing."""

import asyncio
import threading

import pytest

from beamgym.hardware_bridge.deployment.causes import DeployFailed
from beamgym.hardware_bridge.deployment.check import check
from beamgym.hardware_bridge.deployment.deployment import Deployment
from beamgym.hardware_bridge.deployment.directions import make_direction_check
from beamgym.hardware_bridge.deployment.dry_run import dry_run
from beamgym.hardware_bridge.deployment.events.events import (
    AlarmRaised,
    AxesRead,
    CommandAllowed,
    CommandDone,
    CommandProposed,
    CommandRefused,
    DirectionsChecked,
    DoseSpent,
    Ended,
    EpisodeEnded,
    EstimateMade,
    FrameTaken,
    InstrumentRead,
    LogWritten,
    Note,
    QuestionAnswered,
    QuestionAsked,
    StateChanged,
)
from beamgym.hardware_bridge.deployment.events.sinks import Nobody, Recorder
from beamgym.hardware_bridge.deployment.run import run
from beamgym.hardware_bridge.deployment.session import Stopped
from beamgym.hardware_bridge.direction_check.record import DirectionCheckMissing
from beamgym.hardware_bridge.records.audit_check import read_log, verify_log

pytestmark = pytest.mark.usefixtures("silent")


def told(deployment):
    """The recorder that a deployment reports to."""
    return deployment.events.sink


def states(deployment):
    return [event.state for event in told(deployment).of(StateChanged)]


def kinds(deployment):
    return [type(event) for event in told(deployment).events]


def logged(deployment, event):
    """The data of the audit log's lines of one event."""
    lines = [line for _, line in read_log(deployment.folder / "audit.jsonl")]
    return [line["data"] for line in lines if line.get("event") == event]


def test_a_check_returns_what_it_read_and_sends_nothing(mine):
    deployment = mine()
    findings = check(deployment)
    assert [axis.name for axis in findings.axes] == [f"j{i}" for i in range(1, 7)]
    assert {axis.limits for axis in findings.axes} != {None}
    assert any(other.what == "NOT GUARDED: no shutter" for other in findings.others)
    assert states(deployment) == ["connecting", "connected", "armed", "closed"]
    assert told(deployment).of(InstrumentRead)[0].findings == findings
    assert not told(deployment).of(CommandAllowed)
    assert isinstance(told(deployment).events[-1], Ended)
    assert told(deployment).events[-1].problem == ""


class Untold:
    async def ask(self, question):
        return "yes"


class Unasked:
    def report(self, event):
        pass

    def ask(self, question):
        return "yes"


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"sink": Untold()}, "the sink Untold cannot be told anything; add `def report"),
        ({"sink": Unasked()}, "the sink Unasked cannot be asked; add `async def ask"),
        ({"devices": "mine.py"}, "Options: devices is 'mine.py'; give a pathlib.Path"),
        ({"out": "runs"}, "Options: out is 'runs'; give a pathlib.Path"),
    ],
)
def test_a_wrong_sink_or_option_is_one_line_before_anything_begins(mine, given, line):
    with pytest.raises(ValueError, match=line):
        mine(**given)


class Slip:
    """A policy with a slip of the pen, or one that answers what it is told to."""

    name, oracle = "slip", False

    def __init__(self, answer=None):
        self.answer = answer

    def start(self, context, n):
        return [0] * n

    def act(self, observation, state, truth=None):
        return observation["spotz"] if self.answer is None else self.answer


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        ("index-and-move", "the policy is 'index-and-move'; give an object"),
        (Slip, "the policy is the class Slip; give an object"),
        (object(), "the policy, a object, has no name, oracle, start, act; see envs.policy.Policy"),
    ],
)
def test_what_is_no_policy_is_one_line(mine, policy, line):
    mine()
    with pytest.raises(ValueError, match=line):
        Deployment(policy, "mine.yaml")


@pytest.mark.parametrize(
    ("policy", "line"),
    [
        (Slip(), r"^KeyError: 'spotz' \(test_modes.py, line \d+\)$"),
        (Slip([1.0]), r"^slip: act returned a list; return actions \(n, a\) and n memories$"),
    ],
)
def test_a_policys_slip_is_told_with_its_place_and_moves_nothing(mine, policy, line):
    given = mine()
    deployment = Deployment(policy, "mine.yaml", given.options, Recorder(lambda question: "yes"))
    with pytest.raises(ValueError, match=line):
        run(deployment)
    assert not told(deployment).of(CommandAllowed)


def test_what_keeps_the_guard_from_arming_is_told_after_what_was_read(mine):
    deployment = mine()
    deployment.file = deployment.file.model_copy(
        update={"axes": tuple(axis.model_copy(update={"home_required": True}) for axis in deployment.file.axes)}
    )
    with pytest.raises(ValueError, match="homed"):
        check(deployment)
    order = kinds(deployment)
    assert order.index(InstrumentRead) < order.index(CommandRefused) < order.index(Ended)
    assert "homed" in told(deployment).events[-1].problem


def test_a_dry_run_returns_the_first_command_and_sends_nothing(mine):
    deployment = mine()
    found = dry_run(deployment)
    (proposed,) = told(deployment).of(CommandProposed)
    assert proposed.proposal == found.proposal
    assert len(found.proposal.axes) == 6
    assert any(axis.by for axis in found.proposal.axes)
    assert all(axis.low <= axis.goes_to <= axis.high for axis in found.proposal.axes)
    assert found.as_dict()["target"] == [axis.goes_to for axis in found.proposal.axes]
    assert not told(deployment).of(CommandAllowed)
    assert {done.outcome for done in told(deployment).of(CommandDone)} == {"dry run"}
    assert "rehearsing" in states(deployment)
    assert "the frame is blank" in found.doubts[0]


def test_directions_are_checked_once_a_human_said_yes(mine):
    deployment = mine(checked=False)
    found = make_direction_check(deployment)
    assert found.passed
    assert found.as_dict()["axes"] == {f"j{i}": "right" for i in range(1, 7)}
    (checked,) = told(deployment).of(DirectionsChecked)
    assert (checked.passed, checked.record) == (True, "mine.yaml.signs.json")
    assert [asked.question.about for asked in told(deployment).of(QuestionAsked)] == ["start"]
    assert {allowed.verb for allowed in told(deployment).of(CommandAllowed)} >= {"set", "trigger"}


def test_a_motor_that_turns_the_wrong_way_round_is_data_and_its_remedy_an_error(mine):
    found = make_direction_check(mine(checked=False, flipped=("j3",)))
    assert not found.passed
    assert found.report.axes["j3"] == "flipped"
    with pytest.raises(ValueError, match="j3 moves the wrong way round; give the opposite sign"):
        found.require()


def test_a_run_returns_its_report_and_tells_everything_in_order(mine):
    deployment = mine(confirm="every")
    report = run(deployment)
    sink = told(deployment)
    assert report.success
    assert states(deployment) == ["connecting", "connected", "rehearsing", "rehearsed", "armed", "running", "closed"]
    order = kinds(deployment)
    first = {kind: order.index(kind) for kind in dict.fromkeys(order)}
    assert first[FrameTaken] < first[CommandProposed]
    assert first[EpisodeEnded] < first[Ended] == len(order) - 1
    moved = [allowed for allowed in sink.of(CommandAllowed) if allowed.verb == "set"]
    done = {ended.number: ended.outcome for ended in sink.of(CommandDone)}
    assert moved
    assert {done[allowed.number] for allowed in moved} == {"done"}
    # A declaration without a last move takes no frame.
    assert [frame.step for frame in sink.of(FrameTaken)] == list(range(report.exposures))
    assert len(report.rows) == report.exposures + 1
    assert report.dose_s >= report.exposure_s
    assert report.dose_left_s == pytest.approx(deployment.file.dose.budget_s - report.dose_s)
    assert sink.of(FrameTaken)[0].image.shape == (512, 512)
    last = sink.of(AxesRead)[-1]
    assert {axis.name: axis.readback for axis in last.axes} == report.rows[-1]["positions"]
    assert sink.of(EstimateMade)[-1].values["misorientation_estimate_deg"] < 0.25
    assert sink.of(DoseSpent)[-1].spent_s > 0.0
    (ended,) = sink.of(EpisodeEnded)
    assert (ended.ending, ended.success) == ("declared", True)


def test_the_question_before_a_move_holds_the_whole_command(mine):
    asked = []

    def answer(question):
        asked.append(question)
        return "yes" if question.about == "start" else "no"

    deployment = mine(answer, confirm="every")
    with pytest.raises(DeployFailed, match="nobody confirmed"):
        run(deployment)
    (proposed,) = told(deployment).of(CommandProposed)
    moves = [question for question in asked if question.about == "command"]
    assert [question.about for question in asked] == ["start", "command"]
    assert moves[0].proposal == proposed.proposal
    assert [move.goes_to for move in moves[0].command.moves] == [axis.goes_to for axis in proposed.proposal.axes]
    assert moves[0].command.sha256[:12] in moves[0].text
    assert sum(axis.by != 0.0 for axis in moves[0].proposal.axes) > 1
    assert not [allowed for allowed in told(deployment).of(CommandAllowed) if allowed.verb == "set"]
    answers = [answered.answer for answered in told(deployment).of(QuestionAnswered)]
    assert answers[:2] == ["yes", "no"]


def test_the_lines_that_were_told_are_the_log(mine):
    deployment = mine(max_steps=0)
    run(deployment)
    lines = told(deployment).of(LogWritten)
    assert [line.number for line in lines] == list(range(1, 1 + len(lines)))
    assert lines[-1].sha256 == deployment.head == told(deployment).events[-1].log_head
    assert verify_log(deployment.folder / "audit.jsonl", deployment.head).whole


def test_hardware_without_its_direction_check_is_refused_before_anything_connects(mine):
    deployment = mine(checked=False)
    with pytest.raises(DirectionCheckMissing):
        run(deployment)
    assert [type(event) for event in told(deployment).events] == [Ended]


class Presses(Recorder):
    """Stops the deployment from its own thread when the first frame is there."""

    def report(self, event):
        super().report(event)
        if isinstance(event, FrameTaken):
            self.deployment.stop("stopped by the page")


def test_a_program_stops_a_run_from_another_thread(mine):
    sink = Presses(lambda question: "yes")
    sink.deployment = deployment = mine(sink=sink)
    with pytest.raises(Stopped, match="stopped by the page"):
        run(deployment)
    assert sink.events[-1].problem == "stopped by the page"
    assert deployment.aborted.complete
    assert "latched" in states(deployment)
    assert [alarm.line for alarm in sink.of(AlarmRaised)] == ["stopped by the page"]
    assert verify_log(deployment.folder / "audit.jsonl").whole
    assert "stopped by the page" in (deployment.folder / "report.json").read_text()


def test_a_stop_takes_an_open_question_back(mine):
    asked = threading.Event()

    class Waits(Recorder):
        async def ask(self, question):
            asked.set()
            await asyncio.sleep(600.0)

    sink = Waits()
    deployment = mine(sink=sink)
    presser = threading.Thread(target=lambda: asked.wait(120.0) and deployment.stop("stopped by the page"))
    presser.start()
    with pytest.raises(Stopped):
        run(deployment)
    presser.join()
    assert [answered.answer for answered in sink.of(QuestionAnswered)] == [None]
    assert not sink.of(CommandAllowed)


def test_a_run_in_a_thread_of_its_own_leaves_the_main_thread_to_a_page(mine):
    deployment, reports = mine(max_steps=0), []
    worker = threading.Thread(target=lambda: reports.append(run(deployment)))
    worker.start()
    worker.join(300.0)
    assert [report.ending for report in reports] == ["steps spent"]


def test_a_sink_that_fails_at_everything_changes_nothing(mine, caplog):
    class Broken(Nobody):
        def report(self, event):
            raise RuntimeError("broken")

        async def ask(self, question):
            return "yes"

    report = run(mine(sink=Broken()))
    assert report.success


def test_with_nobody_to_ask_nothing_moves(mine):
    deployment = mine(sink=Recorder())
    with pytest.raises(ValueError, match="nobody confirmed"):
        run(deployment)
    assert not told(deployment).of(CommandAllowed)


class Operator:
    """Says yes to everything that is asked before and during a run, and ``name`` when asked to re-arm."""

    def __init__(self, name):
        self.name, self.asked = name, []

    def __call__(self, question):
        self.asked.append(question)
        return self.name if question.about == "re-arm" else "yes"


def test_a_human_re_arms_a_latched_guard_and_a_new_episode_begins(mine):
    operator = Operator("M. Curie")
    deployment = mine(operator, faults=(2,))
    report = run(deployment)
    assert report.success
    assert [question.about for question in operator.asked] == ["start", "re-arm"]
    assert "the controller tripped" in operator.asked[-1].text
    (rearmed,) = logged(deployment, "re-armed")
    assert rearmed["operator"] == "M. Curie"
    assert "tripped" in rearmed["latched_by"]
    first, second = told(deployment).of(EpisodeEnded)
    assert (first.success, second.success) == (False, True)
    assert "M. Curie has looked" in told(deployment).of(Note)[-1].text
    assert states(deployment)[4:] == ["armed", "running", "latched", "armed", "running", "closed"]
    for name in ("report.json", "documents.jsonl", "rearmed-2/report.json", "rearmed-2/documents.jsonl"):
        assert (deployment.folder / name).stat().st_size > 0
    spent = [dose.spent_s for dose in told(deployment).of(DoseSpent)]
    assert spent == sorted(spent)
    assert verify_log(report.files["log"], report.audit_head).whole


@pytest.mark.parametrize("name", ["", pytest.param("yes", marks=pytest.mark.slow), " Y "])
def test_an_answer_that_is_no_name_re_arms_nothing(mine, name):
    """A "yes" is slow: " Y " is one, with blanks and in capitals besides."""
    operator = Operator(name)
    deployment = mine(operator, faults=(2,))
    with pytest.raises(DeployFailed, match=r"the controller tripped.*; see .*audit\.jsonl"):
        run(deployment)
    assert [question.about for question in operator.asked] == ["start", "re-arm"]
    assert not logged(deployment, "re-armed")
    assert len(told(deployment).of(EpisodeEnded)) == 1


def test_a_deployment_that_has_no_sink_is_refused_by_what_it_would_ask(mine):
    given = mine()
    deployment = Deployment(given.deployed, "mine.yaml", given.options)
    with pytest.raises(ValueError, match="nobody confirmed"):
        run(deployment)

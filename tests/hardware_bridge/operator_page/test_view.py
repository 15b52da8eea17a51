"""What a page shows of a run, made of its events, and that a yes is bound to what was shown."""

import asyncio
import json
import math
import threading

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.events.content import AxisMove, AxisReading, Proposal, Question
from beamgym.hardware_bridge.deployment.events.events import (
    AlarmRaised,
    AxesRead,
    AxisOnWay,
    CommandAllowed,
    CommandDone,
    CommandProposed,
    CommandRefused,
    EstimateMade,
    FrameTaken,
    StateChanged,
)
from beamgym.hardware_bridge.operator_page.access import Refused
from beamgym.hardware_bridge.operator_page.view import PageView
from beamgym.hardware_bridge.records.shown_command import ShownCommand, ShownMove

MOVE = ShownMove("x", "mm", 0.0, 0.5, (-1.0, 1.0), 0.001)
COMMAND = ShownCommand((MOVE,), exposure_s=2.0, nearest_box="post, 0.3 away on x", dose_spent_s=1.0)


@pytest.fixture
def view(file):
    return PageView(file, run="run-1")


def axis(view, name):
    return next(each for each in view.shown()["axes"] if each["name"] == name)


def test_a_page_that_is_opened_late_shows_the_last_of_everything(view):
    for state in ("connecting", "armed", "running"):
        view.report(StateChanged(state))
    view.report(EstimateMade(1, {"error_deg": 0.2, "sigma_deg": math.nan}))
    view.report(EstimateMade(2, {"error_deg": 0.1, "sigma_deg": math.nan}))
    shown = json.loads(json.dumps(view.shown(), allow_nan=False))
    assert shown["state"]["state"] == "running"
    assert shown["estimate"]["values"] == {"error_deg": 0.1, "sigma_deg": None}


def test_an_axis_shows_where_it_was_sent_and_what_it_read_there(view):
    view.report(CommandProposed(Proposal(1, (AxisMove("x", "mm", 0.0, 0.5, -1.0, 1.0),), False, True, False, None)))
    view.report(CommandAllowed(7, "set", "x", 0.5))
    assert (axis(view, "x")["target"], axis(view, "x")["moves"], axis(view, "x")["swept"]) == (0.5, True, [0.0, 0.5])
    view.report(AxisOnWay("x", 0.25))
    assert (axis(view, "x")["readback"], axis(view, "x")["moves"]) == (0.25, True)
    view.report(CommandDone("set", "x", 0.5, "done", 7, readback=0.499))
    assert (axis(view, "x")["readback"], axis(view, "x")["moves"]) == (0.499, False)
    view.report(AxesRead(1, (AxisReading("x", "mm", 0.5, 0.4995, -1.0, 1.0),)))
    assert (axis(view, "x")["readback"], axis(view, "x")["swept"]) == (0.4995, None)


def test_only_the_last_frame_has_its_image(view):
    first, second = np.ones((4, 6)), np.zeros((4, 6))
    view.report(FrameTaken(0, first, np.array([[1.25, 2.0]]), 5, 1.0, 100.0))
    assert view.shown()["frame"] | {"came_s": 0} == {
        "number": 1,
        "step": 0,
        "counter": 5,
        "exposure_s": 1.0,
        "taken_s": 100.0,
        "came_s": 0,
        "spots_px": [[1.2, 2.0]],
        "shape": [4, 6],
    }
    view.report(FrameTaken(1, second, None, 6, 1.0, math.nan))
    assert view.image(1) is None
    assert view.image(2) is second
    assert view.shown()["frame"]["taken_s"] is None


def test_an_alarm_stays_with_its_first_line_until_the_guard_is_armed_anew(view):
    view.report(AlarmRaised("the beam is gone", 9))
    view.report(AlarmRaised("not seen to stop: x", devices=("x",)))
    assert [view.shown()["alarm"][name] for name in ("line", "item", "devices")] == ["the beam is gone", 9, ["x"]]
    view.report(StateChanged("armed"))
    assert view.shown()["alarm"] is None


def test_refusals_stay(view):
    view.report(CommandRefused("set", "x", 3.0, "beyond the limits", 1))
    view.report(StateChanged("running"))
    assert [each["line"] for each in view.shown()["refusals"]] == ["beyond the limits"]


def asked(view, question, then):
    """What ``ask`` returns when ``then`` is called, in a thread, with the question as it is shown."""

    async def wait():
        asking = asyncio.ensure_future(view.ask(question))
        await asyncio.sleep(0)
        (shown,) = view.shown()["questions"]
        answering = threading.Thread(target=then, args=(shown,))
        answering.start()
        answer = await asyncio.wait_for(asking, 10.0)
        answering.join()
        return answer

    return asyncio.run(wait())


def test_a_command_is_shown_as_a_whole_and_answered_by_its_hash(view):
    seen = []

    def answer(shown):
        seen.append(shown)
        view.answer(shown["number"], shown["sha256"], "yes", "Ada")

    assert asked(view, Question("Do it?", "command", None, COMMAND), answer) == "yes"
    (shown,) = seen
    assert shown["sha256"] == COMMAND.sha256
    (move,) = shown["command"]["moves"]
    assert (move["by"], move["goes_to"], move["limits"]) == (0.5, 0.5, [-1.0, 1.0])
    assert shown["command"]["nearest_box"] == "post, 0.3 away on x"
    assert view.shown()["questions"] == []


def test_of_two_answers_one_counts(view):
    outcomes = []

    def twice(shown):
        for text in ("no", "yes"):
            try:
                view.answer(shown["number"], shown["sha256"], text, "Ada")
                outcomes.append(text)
            except Refused as refused:
                outcomes.append(refused.line)

    assert asked(view, Question("Do it?", "command", None, COMMAND), twice) == "no"
    assert outcomes[0] == "no"
    assert "answered or taken back" in outcomes[1]


def test_a_yes_to_another_command_is_refused(view):
    lines = []

    def stale(shown):
        try:
            view.answer(shown["number"], "0" * 64, "yes", "Ada")
        except Refused as refused:
            lines.append(refused.line)
        view.answer(shown["number"], shown["sha256"], "no", "Ada")

    assert asked(view, Question("Do it?", "command", None, COMMAND), stale) == "no"
    assert "another one than this page has shown" in lines[0]


def test_a_question_that_is_taken_back_cannot_be_answered(view):
    async def cancelled():
        asking = asyncio.ensure_future(view.ask(Question("Do it?", "start")))
        await asyncio.sleep(0)
        (shown,) = view.shown()["questions"]
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return shown

    shown = asyncio.run(cancelled())
    assert view.shown()["questions"] == []
    with pytest.raises(Refused, match="answered or taken back"):
        view.answer(shown["number"], shown["sha256"], "yes", "Ada")

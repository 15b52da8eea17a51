"""What a Laue frame shows of its crystal on the page: where spots belong now, at the goal, and after a move."""

import threading

import numpy as np
import pytest

from beamgym.hardware_bridge.deployment.events.content import AxisReading
from beamgym.hardware_bridge.deployment.events.events import AxesRead, EstimateMade, FrameTaken
from beamgym.hardware_bridge.instrument_file.context import context_of
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.operator_page.access import Refused
from beamgym.hardware_bridge.operator_page.laue_onlooker import LaueOnlooker
from beamgym.hardware_bridge.operator_page.view import PageView
from beamgym.physics.laue.pattern.spots import LaueModel
from beamgym.physics.orientation import misorientation_deg, rotation_matrix

HOME = np.zeros(6)
MOUNT = rotation_matrix(np.array([11.0, -7.0, 23.0]))
PIXEL = 1.0
"""Found places are given to a tenth of a pixel, and predictions rounded likewise; the rest is the fit's."""


@pytest.fixture(scope="module")
def laue():
    """The practice instrument's file, the public side of its task, and a model of its patterns."""
    file = load_instrument(shipped_instrument("laue_soft_ioc"))
    known = context_of(file)
    return file, known, LaueModel(known.crystal, known.beam, known.detector, brightest=60)


def spots(laue, positions):
    """Where the brightest spots of the mounted crystal are found, by a calibrated camera."""
    _, known, model = laue
    seen = model.spots(known.goniometer.rotation(positions) @ MOUNT)
    return seen.position_px[0, : seen.count[0]]


def distance_px(ones, others):
    """From each place to the nearest of the others."""
    return np.linalg.norm(np.asarray(ones)[:, None] - np.asarray(others)[None], axis=2).min(axis=1)


@pytest.fixture(scope="module")
def sight(laue):
    return LaueOnlooker(laue[0], {axis.name: axis.limits for axis in laue[0].axes})


def test_spots_are_predicted_where_they_were_found_and_the_turn_leads_to_the_goal(laue, sight):
    _, known, _ = laue
    seen = sight.look(spots(laue, HOME), HOME)
    assert distance_px(spots(laue, HOME), seen.predicted_px).max() < PIXEL
    error = known.target.error_deg(MOUNT[None])[0]
    assert seen.values["misorientation_by_this_frame_deg"] == pytest.approx(error, abs=0.05)
    there = HOME + np.array([seen.turn[axis.name] for axis in known.goniometer.axes])
    stands = known.goniometer.rotation(there) @ MOUNT
    assert known.target.error_deg(stands[None])[0] < 0.05
    goal = known.target.goal(stands[None])[0]
    assert misorientation_deg(stands, goal, known.crystal.rotations) < 0.05
    # what stands at the goal shows its spots where the goal's were drawn; of the faintest some are equally bright
    assert distance_px(seen.goal_px[:50], spots(laue, there)).max() < PIXEL


def test_what_is_foretold_of_a_move_is_what_a_frame_shows_after_it(laue, sight):
    sight.look(spots(laue, HOME), HOME)
    moved = HOME + np.array([5.0, 0.0, 0.0, -10.0, 3.0, 0.0])
    foretold = sight.ahead(moved)
    assert distance_px(spots(laue, moved), foretold.predicted_px).max() < PIXEL
    after = sight.look(spots(laue, moved), moved)
    assert [*foretold.values.values()] == pytest.approx([*after.values.values()], abs=0.05)


def test_a_frame_that_is_not_indexed_foretells_nothing(laue, sight):
    sight.look(spots(laue, HOME), HOME)
    seen = sight.look(np.random.default_rng(0).uniform(0.0, 511.0, (40, 2)), HOME)
    assert seen.line.startswith("not indexed: ")
    assert (seen.predicted_px, dict(seen.turn)) == (None, {})
    assert sight.ahead(HOME) is None
    assert sight.look(np.empty((0, 2)), HOME).line == "not indexed: no spots"


def report_frame(view, laue, positions, number):
    view.report(FrameTaken(number, np.zeros((512, 512)), spots(laue, positions), number, 1.0, 0.0))
    axes = [
        AxisReading(axis.name, axis.unit, at, at, *axis.limits)
        for axis, at in zip(laue[0].axes, positions, strict=True)
    ]
    view.report(AxesRead(number, tuple(axes)))


def test_a_page_shows_it_beside_the_frame_that_it_belongs_to_and_no_other(laue):
    view = PageView(laue[0], run="run-1")
    told = threading.Event()
    change = view.change
    view.change = lambda: (change(), view.shown()["sight"] and told.set())
    with pytest.raises(Refused, match="when all were read once"):
        view.preview({})
    report_frame(view, laue, HOME, 0)
    assert told.wait(60.0)
    shown = view.shown()
    assert shown["sight"]["number"] == shown["frame"]["number"] == 1
    assert distance_px(shown["frame"]["spots_px"], shown["sight"]["predicted_px"]).max() < PIXEL
    there = {name: str(by) for name, by in shown["sight"]["turn"].items()}
    assert view.preview(there)["values"]["misorientation_deg"] < 0.01
    with pytest.raises(Refused, match="give places of axes as numbers"):
        view.preview({"j1": "nan"})
    # an answer about an older frame says nothing of the one that is shown
    view.report(FrameTaken(1, np.zeros((512, 512)), None, 2, 1.0, 0.0))
    before = view.shown()["sight"]
    view._seen(1, type("Other", (), {})())
    assert view.shown()["sight"] == before


def test_sites_have_the_points_of_their_own_step(file):
    view = PageView(file, run="run-1")
    for step, (x, points) in enumerate([(0.1, 3.0), (0.2, None), (0.3, 7.0)]):
        view.report(AxesRead(step, (AxisReading("x", "mm", x, x, -1.0, 1.0), AxisReading("y", "mm", x, x, -1.0, 1.0))))
        if points is not None:
            view.report(EstimateMade(step, {"score_points": points}))
    assert [(each["at"][0], each["score"]) for each in view.shown()["path"]] == [(0.1, 3.0), (0.2, None), (0.3, 7.0)]

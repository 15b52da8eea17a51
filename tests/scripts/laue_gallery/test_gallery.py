"""Episodes are played again as they were, and the word on why they failed is the one that the truth bears out."""

from dataclasses import replace

import numpy as np
import pytest

from beamgym.agents.evaluation import context_of, evaluate_in, first_seed, make_vector_env
from beamgym.agents.policies import find_policy
from beamgym.physics.laue.imperfections import LAUE_LEVELS
from beamgym.scripts.laue_gallery.replay import View, replay
from beamgym.scripts.laue_gallery.words import why

ID = "beamgym/LaueAlign-v0"


def found(name, env_id=ID):
    return find_policy(name, env_id, "Si")


@pytest.fixture(scope="module")
def env():
    return make_vector_env(ID, 1, "hard")


@pytest.fixture(scope="module")
def aligned(env):
    """An episode that calibrating ends aligned."""
    return replay(env, found("calibrating"), 5001)


@pytest.mark.parametrize("name", ["calibrating", "index-and-move", "shipped", "random", "true-pose"])
def test_an_episode_ends_as_it_did_in_the_benchmark(env, name):
    many = make_vector_env(ID, 3, "hard")
    result = evaluate_in(found(name), many, 3, 5)
    again = replay(env, found(name), first_seed("benchmark", 5) + 2)
    assert again.error_deg == pytest.approx(result.episodes.misorientation_deg[2], abs=1e-9)
    assert again.declared == result.episodes.ended[2]
    assert again.context is context_of(env)


def test_truth_and_belief_explain_the_spots_of_an_aligned_frame(aligned):
    assert why(aligned) == "aligned"
    assert aligned.certain > 0.99
    assert aligned.mistaken_deg < 0.3
    spots = len(aligned.found_px)
    assert aligned.explained(aligned.true) > 0.6 * spots
    assert aligned.explained(aligned.believed) > 0.6 * spots
    turned = View(aligned.true.orientation @ np.array([[0, -1, 0], [0.6, 0, -0.8], [0.8, 0, 0.6]]), aligned.true.panel)
    assert aligned.explained(turned) < 0.35 * spots
    assert aligned.explained(None) == 0


def test_a_camera_that_is_off_by_more_than_the_tolerance_misleads_indexing(env):
    badly = replace(LAUE_LEVELS["hard"], detector_shift_mm=2.0, detector_tilt_deg=1.0)
    episode = replay(make_vector_env(ID, 1, badly), found("index-and-move"), 5002)
    assert why(episode).startswith("declared: right orientation, yet")
    assert "with a tolerance of 0.25°" in why(episode)


def test_a_policy_with_a_camera_of_its_own_is_shown_with_it(env):
    episode = replay(env, found("index-and-refine"), 5003)
    nominal = episode.panel.as_vector()
    assert np.abs(episode.believed.panel - episode.true.panel).max() < np.abs(nominal - episode.true.panel).max()
    assert episode.explained(episode.believed) >= episode.explained(View(episode.believed.orientation, nominal))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"error_deg": 0.4}, "declared: right orientation, yet 0.4° off with a tolerance of 0.25°, stated"),
        (
            {"error_deg": 0.4, "certain": 0.5},
            "declared: right orientation, yet 0.4° off with a tolerance of 0.25°, p =",
        ),
        ({"error_deg": 0.4, "forced": True}, "budget spent: right orientation, never sure of 0.25°, 0.4° off"),
        ({"error_deg": 0.2, "declared": False}, "budget spent: aligned, and never said so"),
        ({"error_deg": 9.0, "forced": True, "undecided": True}, "budget spent: two orientations stayed open, 9° off"),
        ({"error_deg": 9.0, "forced": True, "believed": None}, "budget spent: no orientation found, 9° off"),
        ({"error_deg": 9.0, "believed": None, "tells": False}, "declared: 9° off"),
    ],
)
def test_each_way_to_fail_has_its_words(aligned, changes, says):
    told = why(replace(aligned, **changes))
    assert told.startswith(says)
    assert f"of {len(aligned.found_px)} spots the truth explains" in told


def test_another_orientation_is_told_by_its_angle_and_too_few_spots_are_said(aligned):
    turn = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])  # 37 degrees about the beam's crystal axis
    wrong = View(aligned.true.orientation @ turn, aligned.true.panel)
    told = why(replace(aligned, believed=wrong, error_deg=37.0, found_px=aligned.found_px[:5]))
    assert "declared: took another orientation, 37° from the true one" in told
    assert "too few" in told


def test_a_frame_without_spots_is_told_too(aligned):
    told = why(replace(aligned, error_deg=9.0, forced=True, believed=None, found_px=np.empty((0, 2))))
    assert told == "budget spent: no orientation found, 9° off; of 0 spots the truth explains 0, too few"

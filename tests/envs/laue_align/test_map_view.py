"""The map of plane normals: spots stand where their normals point, found ones over those expected."""

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.laue_views import MapView
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.orientation import rotation_matrix

EXACT = Imperfections(
    centroid_noise_mm=0.0,
    missing_fraction=0.0,
    false_spots=0.0,
    intensity_noise=0.0,
    detector_shift_mm=0.0,
    detector_tilt_deg=0.0,
    backlash_deg=0.0,
)
BRIGHT = 60


def seen(turn_deg, detector="back-reflection"):
    """Return the map of a crystal turned away from the goal, and the view's half width."""
    env = gym.make("beamgym/LaueAlign-v1", observation="map", level=EXACT, detector=detector).unwrapped
    goal = env.context.target.goal(np.eye(3)[None])[0]
    mount = rotation_matrix(np.array(turn_deg)) @ goal
    picture = env.reset(seed=1, options={"mount": mount})[0]["map"]
    return picture, MapView(env.context.detector, np.zeros(240, np.float32)).half


@pytest.mark.parametrize("detector", ["back-reflection", "top", "side"])
def test_at_the_goal_found_spots_stand_on_the_expected_ones(detector):
    picture, _ = seen((0.0, 0.0, 0.0), detector)
    expected = picture[..., 1] > BRIGHT
    assert expected.sum() > 40
    assert (picture[..., 0][expected] > 0).mean() > 0.95


@pytest.mark.parametrize(("turn", "axis"), [((0.0, 6.0, 0.0), 0), ((0.0, 0.0, 6.0), 1)])
def test_a_turn_across_the_beam_moves_the_pattern_as_a_whole(turn, axis):
    at_goal, half = seen((0.0, 0.0, 0.0))
    turned, _ = seen(turn)
    np.testing.assert_array_equal(turned[..., 1], at_goal[..., 1])
    shift = round(float(np.tan(np.radians(6.0))) * 32 / half)
    middle = (slice(22, 42), slice(22, 42))

    def alike(steps):
        moved = np.roll(at_goal[..., 0], steps, axis=axis)[middle]
        return np.corrcoef(moved.ravel(), turned[..., 0][middle].ravel())[0, 1]

    assert max(alike(shift), alike(-shift)) > 0.5
    assert alike(0) < 0.3

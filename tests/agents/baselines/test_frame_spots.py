"""Policies that read spots play images too: they find the spots themselves."""

import numpy as np
import pytest

from beamgym.agents.baselines.align.calibrating import Calibrating
from beamgym.agents.baselines.align.frame_spots import spots_of_frames
from beamgym.agents.baselines.align.index_and_move import IndexAndMove
from beamgym.agents.baselines.align.index_and_refine import IndexAndRefine
from beamgym.agents.evaluation.evaluator import Episodes, context_of, evaluate_in, make_vector_env, run_episodes
from beamgym.envs.checks import check_policy
from beamgym.envs.policy import CannotPlay
from beamgym.physics.laue.detector import Detector

SPOTS, IMAGES = "beamgym/LaueAlign-v0", "beamgym/LaueAlignImage-v0"
EPISODES = 8


@pytest.fixture(scope="module")
def images():
    return make_vector_env(IMAGES, EPISODES, "real", {})


def test_listed_spots_lie_where_their_normals_say():
    env = make_vector_env(SPOTS, 3, "real", {})
    observation, _ = env.reset(seed=[1, 2, 3])
    frame = env.loop.state.frame.peaks()
    for i, seen in enumerate(spots_of_frames(observation, context_of(env), "anyone")):
        assert seen.panel == context_of(env).detector
        np.testing.assert_allclose(seen.position_px, frame.position_px[i, : len(seen.counts)], atol=1e-3)
        np.testing.assert_allclose(seen.counts, np.minimum(frame.intensity[i, : len(seen.counts)], 1e6), rtol=1e-4)


def test_spots_of_an_image_come_with_its_own_panel(images):
    observation, _ = images.reset(seed=list(range(EPISODES)))
    for seen in spots_of_frames(observation, context_of(images), "anyone"):
        assert seen.panel.shape == (84, 84)
        assert 30 < len(seen.counts) <= 64
        np.testing.assert_allclose(seen.panel.plane_normals(seen.position_px), seen.normals, atol=1e-9)
        assert (np.diff(seen.counts) <= 0).all()


@pytest.mark.parametrize(("policy", "exposures"), [(Calibrating, 2), (IndexAndMove, 2), (IndexAndRefine, 2)])
def test_silicon_is_aligned_by_its_images(images, policy, exposures):
    result = evaluate_in(policy(), images, EPISODES, seed=24)
    assert result.success_rate == 1.0
    assert result.exposures_median == exposures


@pytest.mark.parametrize(
    "options",
    [
        {"crystal": "Ca2RuO4"},
        {"size": 48},
        {"size": 224},
        {"detector": Detector.back_reflection(shape=(400, 600), pixel_mm=0.4)},
    ],
)
def test_other_crystals_sizes_and_panels_at_a_level_with_a_wrong_camera(options):
    env = make_vector_env(IMAGES, 6, "hard", options)
    assert evaluate_in(Calibrating(), env, 6, seed=25).success_rate == 1.0


REFINING = pytest.param(IndexAndRefine, marks=pytest.mark.slow)
"""IndexAndRefine where it does on images what the lighter ones do, and what test_baselines.py says of it on spots."""


@pytest.mark.parametrize("policy", [Calibrating, IndexAndMove, REFINING])
def test_an_image_is_played_as_it_would_be_alone(images, policy):
    together = run_episodes(policy(), images, range(500, 504))
    alone = run_episodes(policy(), make_vector_env(IMAGES, 1, "real", {}), range(502, 503))
    for name in Episodes.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[2], err_msg=name)
    check_policy(policy(), IMAGES)


@pytest.mark.parametrize("policy", [Calibrating, IndexAndMove, REFINING])
def test_one_policy_plays_spots_then_images(policy, images):
    one = policy()
    assert evaluate_in(one, make_vector_env(SPOTS, 4, "real", {}), 4, seed=26).success_rate == 1.0
    assert evaluate_in(one, images, 4, seed=26).success_rate == 1.0


@pytest.mark.parametrize("policy", [Calibrating, IndexAndMove, IndexAndRefine])
@pytest.mark.parametrize("grey", [0, 32, 255])
def test_it_looks_around_where_an_image_shows_nothing(images, policy, grey):
    observation, _ = images.reset(seed=list(range(EPISODES)))
    one = policy()
    memory = one.start(context_of(images), EPISODES)
    blank = {**observation, "image": np.full_like(observation["image"], grey)}
    for _ in range(2):
        actions, memory = one.act(blank, memory)
        assert (actions[:, -1] < 0).all()
        assert (np.abs(actions[:, :3]).max(axis=1) > 0).all()


@pytest.mark.parametrize("policy", [Calibrating, IndexAndMove, IndexAndRefine])
def test_an_observation_without_either_is_refused(images, policy):
    observation, _ = images.reset(seed=list(range(EPISODES)))
    one = policy()
    memory = one.start(context_of(images), EPISODES)
    with pytest.raises(CannotPlay, match="'spots' or 'image'"):
        one.act({name: value for name, value in observation.items() if name != "image"}, memory)

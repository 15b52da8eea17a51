"""LaueAlign with exposures that are chosen: what they show, what they cost, and what does not change."""

import gymnasium as gym
import numpy as np
import pytest

import beamgym  # noqa: F401 - registers the environments
from beamgym.envs.make import make_env, make_vector_env
from beamgym.physics.instrument import AcquireSettings

CHOSEN = {"version": 1, "exposure": "choose", "level": "dim"}


def held(number, declare=-1.0):
    return np.array([0.0, 0.0, 0.0, number, declare], dtype=np.float32)


def test_a_longer_exposure_shows_more_spots_and_costs_what_it_takes():
    env = make_env("laue", **CHOSEN)
    observation, info = env.reset(seed=3)
    assert info["cost"]["exposure_s"] == 0.5, "the first frame is the shortest"
    shown = [observation["exposure"][1]]
    for number, seconds in ((-0.5, 1.6549), (0.0, 5.4772), (1.0, 60.0)):
        observation, _, _, _, info = env.step(held(number))
        assert info["cost"]["exposure_s"] == pytest.approx(seconds, rel=1e-4)
        assert info["cost"]["instrument_s"] == pytest.approx(seconds + 2.0, rel=1e-4), "two seconds of read-out"
        assert observation["exposure"][0] == pytest.approx(number)
        shown.append(observation["exposure"][1])
    assert shown == sorted(shown)
    assert shown[-1] > 3 * shown[0]


def test_rows_of_a_vector_expose_each_for_its_own_time_and_are_the_single_environments():
    env = make_vector_env("laue", 3, **CHOSEN)
    env.reset(seed=5)
    actions = np.stack([held(-1.0), held(0.3), held(1.0)])
    actions[:, 0] = 0.5
    observation, reward, *_, info = env.step(actions)
    np.testing.assert_allclose(info["cost"]["exposure_s"], [0.5, 11.2315, 60.0], rtol=1e-4)
    for row in range(3):
        single = make_env("laue", **CHOSEN)
        single.reset(seed=5 + row)
        seen, paid, *_ = single.step(actions[row])
        assert paid == reward[row]
        for name, part in seen.items():
            np.testing.assert_array_equal(part, observation[name][row])


def test_a_declaration_exposes_nothing():
    env = make_env("laue", **CHOSEN)
    env.reset(seed=3)
    *_, info = env.step(held(1.0, declare=1.0))
    assert info["cost"]["exposure_s"] == info["cost"]["exposures"] == 0


def test_ten_seconds_chosen_are_the_ten_seconds_of_the_usual_environment():
    usual, chosen = make_env("laue", version=1), make_env("laue", version=1, exposure="choose")
    for env in (usual, chosen):
        env.reset(seed=7)
    number = float(chosen.unwrapped.context.chosen.number(np.array(10.0)))
    seen = usual.step(np.array([0.4, 0.1, 0.0, -1.0], np.float32))[0]
    same = chosen.step(np.array([0.4, 0.1, 0.0, number, -1.0], np.float32))[0]
    np.testing.assert_allclose(same["spots"], seen["spots"], atol=1e-6)


def test_pictures_are_exposed_for_their_own_times_too():
    world = make_vector_env("laue", 3, frames="rendered", **CHOSEN).unwrapped.loop.instrument
    every = np.ones(3, dtype=np.bool_)
    world.reset(np.full(3, 11, dtype=np.uint64), every, mount=np.eye(3))
    frame = world.acquire(AcquireSettings(np.array([0.5, 20.0, 20.0])), every)
    assert frame.exposure_s.tolist() == [0.5, 20.0, 20.0]
    pictures = frame.image.reshape(3, -1).astype(np.float64)
    means = (pictures - np.median(pictures, axis=1, keepdims=True)).mean(axis=1)
    assert means[1] > 10.0 * means[0]
    assert means[1] == pytest.approx(means[2], rel=0.05)


@pytest.mark.parametrize("estimator", ["indexed", "frames"])
def test_an_estimate_is_observed_beside_the_exposure(estimator):
    env = make_env("laue", observation="estimate", estimator=estimator, **{**CHOSEN, "level": "real"})
    observation, _ = env.reset(seed=1)
    few = observation["estimate"][4:7]
    for _ in range(2):
        observation, *_ = env.step(held(0.5))
    assert (observation["estimate"][4:7] < few).all(), "longer frames tell more"
    assert set(observation) == {"estimate", "exposure"}


def test_an_estimate_of_short_frames_is_told_to_be_worse_than_one_of_the_usual_ones():
    told = []
    for seconds in (10.0, 0.5):
        env = make_env("laue", version=1, observation="estimate", estimator="indexed", exposure=seconds)
        told.append(env.reset(seed=1)[0]["estimate"][4:7])
    assert (told[1] > told[0]).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"exposure": "long"}, "exposure is 'long'; give seconds, or 'choose'"),
        ({"exposure": True}, "exposure is True"),
        ({"exposure": -1.0}, "finite seconds, the first above 0"),
        ({"exposure": "choose", "observation": "estimate"}, "take estimator='indexed' or 'frames'"),
        ({"exposure": 0.5, "observation": "estimate"}, "knows frames of 10 s alone"),
        ({"exposure": 60.0, "observation": "goal", "stop": "truth"}, "knows frames of 10 s alone"),
        ({"exposure": "choose", "crystals": ["Si"]}, "one crystal"),
        ({"exposure": "choose", "observation": "estimate", "estimator": "indexed", "action": "decisions"}, "rotation"),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(options, says):
    with pytest.raises(ValueError, match=says):
        gym.make("beamgym/LaueAlign-v1", **options)


def test_samples_of_an_instrument_that_exposes_all_alike_are_refused_different_times():
    with pytest.raises(ValueError, match="all samples equally long"):
        _ = AcquireSettings(np.array([1.0, 2.0])).of_all
    assert AcquireSettings(np.array([2.0, 2.0])).of_all == 2.0


def test_denoised_frames_show_bright_spots_where_rendered_ones_do():
    lists = []
    for frames in ("rendered", "denoised"):
        envs = make_vector_env("laue", 2, frames=frames, level="easy").unwrapped
        envs.reset(seed=4)
        lists.append(envs.loop.frame.peaks())
    plain, denoised = lists
    for row in range(2):
        bright = plain.position_px[row, : min(5, int(plain.count[row]))]
        found = denoised.position_px[row, : int(denoised.count[row])]
        assert np.linalg.norm(bright[:, None] - found[None], axis=-1).min(axis=1).max() < 1.0

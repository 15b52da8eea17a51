"""Counts read back from pictures, and the search that plays by them."""

import gymnasium as gym
import numpy as np
import pytest

from beamgym.agents.baselines.spot import BASELINES, counts_of
from beamgym.agents.evaluation import evaluate
from beamgym.envs.arpes_spot.views import spectrum_to_uint8
from beamgym.envs.policy import CannotPlay

IMAGE = "beamgym/ArpesSpotImage-v1"


def spectra(electrons):
    """Return ten spectra of a band over a background, so many electrons each."""
    rng = np.random.default_rng(electrons)
    row, column = np.mgrid[:64, :64]
    rate = 0.1 + np.exp(-(((row - 20 - column / 3) / 5) ** 2))
    return rng.poisson(np.broadcast_to(rate / rate.sum() * electrons, (10, 64, 64))).astype(np.float32)


@pytest.mark.parametrize("electrons", [300, 3_000, 30_000])
def test_few_electrons_are_read_back_one_by_one(electrons):
    counts = spectra(electrons)
    for picture, truth in zip(spectrum_to_uint8(counts, (64, 64))[..., 0], counts, strict=True):
        np.testing.assert_array_equal(counts_of(picture), truth)


def test_of_many_the_noise_tells_how_many():
    counts = spectra(1_000_000)
    found = np.array([counts_of(picture).sum() for picture in spectrum_to_uint8(counts, (64, 64))[..., 0]])
    np.testing.assert_allclose(found / counts.sum((1, 2)), 1.0, atol=0.25)


def test_an_empty_picture_holds_nothing():
    assert not counts_of(np.zeros((64, 64), np.uint8)).any()


def test_it_plays_by_pictures_alone_and_ends_in_time():
    policy = BASELINES["read-and-survey"]()
    played = evaluate(policy, IMAGE, 3, seed=4)
    assert played.episodes.ended.all(), "it declares before the time is over"
    assert played.episodes.exposures.min() > 20.0


def test_without_a_spectrum_it_says_what_it_needs():
    env = gym.make("beamgym/ArpesSpot-v1", surfaces=1, score="truth", observation="scores")
    seen, _ = env.reset(seed=0)
    policy = BASELINES["read-and-survey"]()
    state = policy.start(env.unwrapped.loop.task.context, 1)
    with pytest.raises(CannotPlay, match="reads spectra"):
        policy.act({name: part[None] for name, part in seen.items()}, state)

"""Detectors that count otherwise: frames of whole numbers with the mean and variance that each is named after."""

import numpy as np
import pytest

from beamgym.scripts.denoise_suite.noises import AFTERPULSE, DEAD, GAIN, NOISES, PULSE_SIZE

RATE = np.full((400, 400), 25.0)


def drawn(name):
    factor, noise = NOISES[name]
    return factor, noise(RATE, np.random.default_rng(3))


@pytest.mark.parametrize("name", NOISES)
def test_frames_are_whole_numbers_about_the_stated_mean(name):
    factor, frame = drawn(name)
    assert (frame == np.rint(frame)).all()
    assert frame.min() >= 0.0
    lost = 1.0 - DEAD if "dead" in name else 1.0
    assert frame.mean() == pytest.approx(factor * lost * RATE.mean(), rel=5e-3)


@pytest.mark.parametrize(
    ("name", "over_poisson"),
    [
        ("Poisson", 1.0),
        ("Gaussian", 1.0),
        ("gain 1.3", GAIN),
        ("afterpulses", (1.0 + AFTERPULSE) / (1.0 - AFTERPULSE)),
        ("1 % dead", (1.0 - DEAD) * (1.0 + 25.0 * DEAD) / (1.0 - DEAD)),
        ("pulsed", 1.0 + 25.0 / PULSE_SIZE),
    ],
)
def test_the_variance_is_the_noise_s_own(name, over_poisson):
    _, frame = drawn(name)
    assert frame.var() / frame.mean() == pytest.approx(over_poisson, rel=0.03)

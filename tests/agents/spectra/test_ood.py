"""What the novelty looks at: the noise tells the unit of counts, and mirror images are alike."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from beamgym.agents.spectra.ood import _WIDTH, _and_mirrored, _features_of
from beamgym.envs.arpes_spot.scoring import scorer_input

NOISES = slice(-6, -2)  # at 1, 2 and 4 cells, and the typical one, all in units of what counts have
COARSE = 256


def features(counts):
    return _features_of(**scorer_input(np.asarray(counts, np.float32)))


@pytest.fixture(scope="module")
def counts():
    ramp = 10.0 + 40.0 * np.linspace(0.0, 1.0, 64)[:, None] * np.ones(64)
    return np.random.default_rng(1).poisson(ramp, (20, 64, 64)).astype(np.float64)


def test_counts_have_the_noise_of_counts_at_every_scale(counts):
    """The mean square of the mixed difference of √(counts) is 4 · 1/4; the square of its mean size 2 / π of that."""
    noise = features(counts).numpy()[:, NOISES].mean(0)
    np.testing.assert_allclose(noise[:3], 0.0, atol=0.1)
    assert noise[3] == pytest.approx(np.log(2.0 / np.pi), abs=0.1)


@pytest.mark.parametrize("unit", [0.1, 10.0])
def test_a_wrong_unit_shows_at_every_scale_alike(counts, unit):
    shift = (features(counts * unit) - features(counts)).numpy()[:, NOISES]
    np.testing.assert_allclose(shift, np.log(unit), atol=0.02)


def test_clouds_of_charge_have_little_noise_in_a_cell_and_more_over_many(counts):
    noise = features(np.stack([gaussian_filter(one, 1.0) for one in counts])).numpy()[:, NOISES].mean(0)
    assert noise[0] < noise[1] - 1.0 < noise[2] - 2.0


def test_the_looks_of_a_mirror_image_are_the_mirrored_looks():
    spectra = np.random.default_rng(2).poisson(np.linspace(1.0, 30.0, 64) ** np.ones((5, 64, 1)), (5, 64, 64))
    both = _and_mirrored(features(spectra))
    assert both.shape == (10, _WIDTH)
    torch.testing.assert_close(both[5:], features(spectra[:, :, ::-1]), atol=2e-3, rtol=1e-3)
    assert not torch.allclose(both[:5, :COARSE], both[5:, :COARSE], atol=0.05)

"""The size of one electron is read off the noise; a gold film has no bands, simulated materials have."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.special import expit

from beamgym.physics.arpes.load import band_doubts, band_share, count_noise, unit_doubts
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys

GRID = recipe_grid((128, 128))


@pytest.fixture(scope="module")
def published():
    return generate("published", make_keys(np.arange(40)), GRID).counts


def gold(electrons, ripple=0.0, seed=0):
    """A metal film without bands: an edge that a straight slit bends, an angular profile, a detector's ripple."""
    energy, angle = GRID.energy_ev[:, None], GRID.slit_deg[None, :]
    mean = expit((-2e-5 * angle**2 - energy) / 0.015) * (1.0 + 0.3 * np.exp(-((angle / 10.0) ** 2))) + 0.02
    mean = mean * (1.0 + ripple * np.sin(3.0 * angle))
    return np.random.default_rng(seed).poisson(mean / mean.sum() * electrons)


def test_counts_are_counts(published):
    for counts in published:
        noise = count_noise(counts)
        assert noise.electron == 1.0
        assert unit_doubts(noise) == []


@pytest.mark.parametrize("unit", [0.01, 0.1, 7.5, 300.0])
def test_another_unit_is_told_with_its_size(published, unit):
    sizes = []
    for counts in published:
        noise = count_noise(counts * unit)
        sizes.append(noise.electron / unit)
        (line,) = unit_doubts(noise)
        assert "--gain" in line
        assert unit_doubts(noise, gain=unit) == []
    assert np.median(sizes) == pytest.approx(1.0, abs=0.15)


def test_rates_that_are_no_multiples_are_told_by_their_noise():
    mean = 20.0 + 15.0 * np.sin(np.arange(120.0) / 15.0)[:, None] * np.ones(120)
    smeared = np.random.default_rng(0).poisson(mean) * np.random.default_rng(1).uniform(0.98, 1.02, mean.shape)
    noise = count_noise(0.02 * smeared)
    assert noise.quantum == 0.0
    assert noise.electron == pytest.approx(0.02, rel=0.15)


def test_smoothing_and_named_rates_are_told(published):
    smooth = count_noise(gaussian_filter(published[0].astype(float), 2.0))
    assert smooth.fine < 0.05
    assert "share their noise" in unit_doubts(smooth)[0] or "rates?" in unit_doubts(smooth)[0]
    (line,) = unit_doubts(smooth, unit="counts/s")
    assert "no noise tells the size of one electron; export counts" in line
    (line,) = unit_doubts(count_noise(published[0]), unit="cps (Intensity)")
    assert line.startswith("the file holds rates (cps (Intensity)), not electrons")
    assert unit_doubts(count_noise(published[0]), gain=0.999, unit="counts/s") == []


@pytest.mark.parametrize("electrons", [1e4, 1e5, 3e6])
@pytest.mark.parametrize("ripple", [0.0, 0.1])
def test_a_gold_film_has_no_bands(electrons, ripple):
    (line,) = band_doubts(gold(electrons, ripple))
    assert line.startswith("no bands are seen")


def test_few_simulated_spectra_have_none_and_the_share_does_not_depend_on_the_unit(published):
    without = [bool(band_doubts(counts)) for counts in published]
    assert np.mean(without) < 0.1
    for counts in published[:5]:
        assert band_share(0.01 * counts, gain=0.01) == pytest.approx(band_share(counts), rel=1e-6)

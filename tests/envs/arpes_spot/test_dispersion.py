"""The noise of counts has an index of 1, in another unit that unit, whatever bands and clouds of charge do."""

import numpy as np
import pytest

from beamgym.envs.arpes_spot.dispersion import dispersion, unlike_counts
from beamgym.physics.arpes.recipes import generate, recipe_grid
from beamgym.physics.counter_rng import make_keys


@pytest.fixture(scope="module")
def published():
    return generate("published", make_keys(5, np.arange(40)), recipe_grid((128, 128))).counts


@pytest.mark.parametrize("unit", [0.1, 0.3, 1.0, 3.0, 10.0])
def test_flat_counts_have_their_unit_as_index(unit):
    counts = unit * np.random.default_rng(0).poisson(5.0, (3, 128, 128)).astype(np.float32)
    assert dispersion(counts)[:, :2] == pytest.approx(unit, rel=0.15)


def test_spectra_are_counts(published):
    assert (unlike_counts(published) < 1.0).all()


@pytest.mark.parametrize("unit", [0.1, 0.3, 3.0, 10.0])
def test_spectra_in_another_unit_are_not(published, unit):
    assert (unlike_counts(published * np.float32(unit)) > 1.0).mean() >= 0.9


def test_clouds_of_charge_are_counts():
    draw = np.random.default_rng(1)
    electrons = draw.poisson(2.0, (4, 120, 120)).astype(np.float64)
    clouds = 0.25 * sum(np.roll(electrons, (i, j), (1, 2)) for i in (0, 1) for j in (0, 1))
    found = dispersion(clouds.astype(np.float32))
    assert (found[:, 0] < 0.4).all()
    assert (unlike_counts(clouds.astype(np.float32)) < 1.0).all()


def test_an_empty_spectrum_says_nothing():
    assert unlike_counts(np.zeros((1, 64, 64), np.float32))[0] <= 1.0

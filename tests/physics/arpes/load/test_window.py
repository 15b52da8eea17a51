"""The scorer's window: what is taken of a file, what is said to be missing, and that counts stay Poisson counts."""

import numpy as np
import pytest

from beamgym.physics.arpes.load import choose_window, into_window

ENERGY, ANGLE = np.linspace(-1.2, 0.3, 301), np.linspace(-20.0, 20.0, 161)


def test_whole_pixels_are_taken_as_they_are_and_nothing_else():
    window = choose_window(ENERGY, ANGLE)
    counts = np.random.default_rng(0).poisson(3.0, (2, 301, 161))
    found = into_window(counts, window)
    np.testing.assert_array_equal(found, counts[:, window.rows, window.columns])
    assert window.lacks == ()
    assert window.notes == ()
    assert window.energy_ev == pytest.approx((-0.55, 0.15), abs=0.006)
    assert window.slit_deg == pytest.approx((-15.0, 15.0), abs=0.3)


def test_the_window_of_a_cut_off_the_middle_is_the_nearest_one():
    window = choose_window(ENERGY, np.linspace(-5.0, 35.0, 161))
    assert window.slit_deg == pytest.approx((-5.0, 25.0), abs=0.3)
    assert window.lacks == ()


@pytest.mark.parametrize(
    ("energy", "angle", "says"),
    [
        (np.linspace(-0.3, 0.15, 200), ANGLE, "energies from -0.30 to 0.15 eV only, 64 % of the window"),
        (ENERGY, np.linspace(-7.0, 7.0, 100), "angles from -7.07 to 7.07 ° only, 47 % of the window"),
    ],
)
def test_what_the_file_lacks_is_said_and_not_stretched(energy, angle, says):
    window = choose_window(energy, angle)
    assert window.lacks == (says,)
    assert window.shape == (
        np.count_nonzero((energy > -0.5501) & (energy < 0.1501)),
        np.count_nonzero(np.abs(angle) <= 15.0),
    )


@pytest.mark.parametrize(
    ("energy", "says"),
    [
        (ENERGY - 30.0, "nothing of the window from -0.55 to 0.15 eV: there is no score; is the Fermi level right"),
        (np.linspace(-3.0, 0.5, 60), "only 12 pixels of energies lie between"),
    ],
)
def test_a_file_without_the_window_has_no_score(energy, says):
    with pytest.raises(ValueError, match=says):
        choose_window(energy, ANGLE)


def test_uneven_steps_go_to_an_even_grid_with_every_electron_and_poisson_noise():
    uneven = np.concatenate([np.linspace(-0.5, -0.2, 31), np.linspace(-0.195, 0.1, 60)])
    window = choose_window(uneven, ANGLE)
    assert "uneven steps (0.005 to 0.01 eV), handed on to an even grid of 91 by shared area" in window.notes[0]
    width = np.gradient(uneven)
    counts = np.random.default_rng(1).poisson(20.0 * (width / width.max())[:, None] * np.ones((60, 91, 161)))
    found = into_window(counts, window)
    assert found.shape == (60, *window.shape)
    np.testing.assert_array_equal(found.sum(axis=(1, 2)), counts[:, window.rows, window.columns].sum(axis=(1, 2)))
    inner = found[:, 3:-3]
    assert inner.mean(axis=(0, 2)) == pytest.approx(inner.mean(), rel=0.04)
    assert inner.var() == pytest.approx(inner.mean(), rel=0.02)
    lag = np.mean((inner[:, 1:] - inner.mean()) * (inner[:, :-1] - inner.mean())) / inner.var()
    assert abs(lag) < 0.01


def test_coarse_pixels_are_split_electron_by_electron():
    coarse = np.linspace(-14.0, 14.0, 29)
    window = choose_window(ENERGY, coarse)
    assert window.shape[1] == 64
    counts = np.random.default_rng(2).poisson(9.0, (4, 301, 29))
    found = into_window(counts, window)
    assert np.array_equal(found, np.rint(found))
    np.testing.assert_array_equal(found.sum(axis=2), counts[:, window.rows].sum(axis=2))
    assert found.var() == pytest.approx(found.mean(), rel=0.05)
    np.testing.assert_array_equal(found, into_window(counts, window))
    rates = into_window(counts / 7.0, window)
    np.testing.assert_allclose(rates.sum(axis=2), counts[:, window.rows].sum(axis=2) / 7.0, rtol=1e-5)

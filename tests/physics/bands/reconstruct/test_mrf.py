"""The Markov random field against an independent one in plain numpy, and what its end is."""

import numpy as np
import pytest

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.reconstruct import MrfSettings, log_intensity, reconstruct_mrf
from beamgym.physics.bands.structure import BandStructure


def field_in_numpy(log_i, energy, start, eta, eta_curvature=None, epochs=200):
    """Xian et al. 2023 as one writes it down: every energy of every site tried, site by site of a colour."""
    nx, ny, _ = log_i.shape
    band = energy[np.abs(energy[None, None] - start[..., None]).argmin(axis=2)]
    colours = 2 if eta_curvature is None else 3

    def at(i, j):
        return band[i, j] if 0 <= i < nx and 0 <= j < ny else None

    def posterior(i, j):
        value = log_i[i, j].astype(float).copy()
        for di, dj in ((1, 0), (0, 1)):
            a, b, c, d = (at(i + s * di, j + s * dj) for s in (-2, -1, 1, 2))
            for neighbour in (b, c):
                if neighbour is not None:
                    value -= (energy - neighbour) ** 2 / (2 * eta**2)
            if eta_curvature is None:
                continue
            for first, second, third in ((a, b, energy), (b, energy, c), (energy, c, d)):
                if first is not None and second is not None and third is not None:
                    value -= (first - 2 * second + third) ** 2 / (2 * eta_curvature**2)
        return value

    for _ in range(epochs):
        before = band.copy()
        for colour in range(colours):
            for i in range(nx):
                for j in range(ny):
                    if (i - j) % colours == colour:
                        band[i, j] = energy[posterior(i, j).argmax()]
        if np.array_equal(band, before):
            break
    return band


@pytest.fixture(scope="module")
def small(made):
    cube, truth = made((14, 13, 120), 2, seed=3, peak=60.0)
    # whole counts make ties, which two implementations may break differently
    uneven = cube.intensity + np.random.default_rng(1).uniform(0.2, 0.8, cube.shape)
    return BandCube.of(cube.energy_ev, cube.kx, cube.ky, uneven), truth


@pytest.fixture(scope="module")
def start(small):
    _, truth = small
    return truth.with_energies(truth.energy_ev + 0.06)


@pytest.mark.parametrize("curvature", [None, 0.06])
def test_bands_equal_those_of_an_independent_field_to_1_mev(small, start, curvature):
    cube, _ = small
    settings = MrfSettings(eta_ev=0.1, curvature_ev=curvature, between_steps=False)
    found = reconstruct_mrf(cube, start, settings)
    for band, begun in zip(found.bands.energy_ev, start.energy_ev, strict=True):
        other = field_in_numpy(log_intensity(cube), cube.energy_ev, begun, 0.1, curvature)
        assert np.sqrt(((band - other) ** 2).mean()) < 1e-3


def test_no_site_can_move_alone_to_a_larger_posterior_where_it_says_it_has_converged(small, start):
    cube, _ = small
    found = reconstruct_mrf(cube, start, MrfSettings(eta_ev=0.08, between_steps=False))
    assert found.converged == (True, True)
    log_i, energy, band = log_intensity(cube), cube.energy_ev, found.bands.energy_ev[0]
    padded = np.pad(band, 1, constant_values=np.nan)
    around = [padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    cost = sum(np.nan_to_num((energy - n[..., None]) ** 2) for n in around) / (2 * 0.08**2)
    best = (log_i - cost).max(axis=2)
    here = np.take_along_axis(log_i - cost, np.abs(energy - band[..., None]).argmin(axis=2)[..., None], axis=2)[..., 0]
    np.testing.assert_allclose(here, best, atol=1e-5)


def test_one_sweep_is_said_not_to_have_converged(small, start):
    cube, _ = small
    assert not any(reconstruct_mrf(cube, start, MrfSettings(sweeps=1)).converged)


def test_places_between_the_steps_are_nearer_to_the_truth_of_data_without_noise(made):
    cube, truth = made((12, 12, 60), 1, seed=None)
    error = []
    for between in (False, True):
        found = reconstruct_mrf(cube, truth, MrfSettings(eta_ev=1.0, between_steps=between)).bands
        error.append(np.abs(found.energy_ev - truth.energy_ev).mean())
    assert error[1] < 0.5 * error[0]


def test_the_last_row_and_column_of_odd_sizes_move_too(made):
    cube, truth = made((9, 11, 120), 1)
    start = truth.with_energies(truth.energy_ev + 0.08)
    found = reconstruct_mrf(cube, start).bands.energy_ev[0]
    edge = np.abs(found - truth.energy_ev[0])
    assert max(edge[-1].max(), edge[:, -1].max()) < 0.04


def test_a_shifted_theory_helps_where_its_offset_is_what_is_smooth(made):
    cube, truth = made((20, 20, 160), 1, peak=400.0)
    start = truth.with_energies(truth.energy_ev + 0.05)
    rms = {}
    for about in ("energy", "offset"):
        found = reconstruct_mrf(cube, start, MrfSettings(eta_ev=0.08, about=about)).bands.energy_ev
        rms[about] = np.sqrt(((found - truth.energy_ev) ** 2).mean())
    assert rms["offset"] < 0.85 * rms["energy"]


def test_a_masked_momentum_has_no_say(made):
    cube, truth = made((12, 12, 120), 1)
    spoiled = cube.intensity.copy()
    spoiled[5, 5] = 0.0
    spoiled[5, 5, 3] = 1e4
    mask = np.ones((12, 12), dtype=bool)
    mask[5, 5] = False
    bands = [
        reconstruct_mrf(BandCube.of(cube.energy_ev, cube.kx, cube.ky, values, mask), truth).bands.energy_ev[0][mask]
        for values in (cube.intensity, spoiled)
    ]
    assert np.array_equal(*bands)


@pytest.mark.parametrize(
    ("words", "told"), [({"eta_ev": 0.0}, "eta_ev"), ({"about": "curve"}, "offset"), ({"sweeps": 0}, "sweeps")]
)
def test_settings_that_make_no_sense_are_refused(words, told):
    with pytest.raises(ValueError, match=told):
        MrfSettings(**words)


def test_a_start_on_other_momenta_is_refused(small):
    cube, _ = small
    other = BandStructure.of(np.arange(4), np.arange(4), np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match="bring it onto the data's"):
        reconstruct_mrf(cube, other)

"""What a cube makes of data as they come: turned, evened, masked, or refused in one line."""

import numpy as np
import pytest

from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.structure import BandStructure

ENERGY, KX, KY = np.linspace(-2.0, 0.5, 51), np.linspace(-0.5, 0.5, 9), np.linspace(-0.4, 0.4, 7)


@pytest.fixture
def values():
    return np.random.default_rng(0).uniform(1.0, 2.0, (9, 7, 51))


def test_axes_that_run_backwards_are_turned_with_the_data(values):
    plain = BandCube.of(ENERGY, KX, KY, values)
    turned = BandCube.of(ENERGY[::-1], KX[::-1], KY, values[::-1, :, ::-1])
    assert np.array_equal(plain.intensity, turned.intensity)
    assert np.array_equal(plain.energy_ev, turned.energy_ev)
    assert [note for note in turned.notes if "backwards" in note] == list(turned.notes)
    assert plain.notes == ()


def test_unequal_steps_are_made_equal_and_said():
    uneven = ENERGY + 0.01 * np.sin(3.0 * ENERGY)
    line = np.broadcast_to(uneven + 3.0, (9, 7, 51))  # linear in energy: interpolation is exact
    cube = BandCube.of(uneven, KX, KY, line)
    np.testing.assert_allclose(np.diff(cube.energy_ev), cube.step_ev)
    np.testing.assert_allclose(cube.intensity[4, 3], cube.energy_ev + 3.0, atol=1e-5)
    assert "unequal steps" in cube.notes[0]


def test_momenta_with_nan_are_masked_and_said(values):
    values[2, 3, 10] = np.nan
    cube = BandCube.of(ENERGY, KX, KY, values)
    assert not cube.mask[2, 3]
    assert cube.mask.sum() == 62
    assert "1 momenta with NaN" in cube.notes[0]
    assert np.isfinite(cube.intensity).all()


def test_few_negative_values_become_zero_and_many_are_refused(values):
    values[0, 0, :3] = -0.5
    cube = BandCube.of(ENERGY, KX, KY, values)
    assert cube.intensity.min() == 0.0
    assert "negative" in cube.notes[0]
    with pytest.raises(ValueError, match="these are no counts"):
        BandCube.of(ENERGY, KX, KY, values - 1.4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda v: (ENERGY, KX, KX, v), "swap its dimensions"),
        (lambda v: (ENERGY, KX, KY, v * np.nan), "every momentum holds NaN"),
        (lambda v: (ENERGY, KX, KY, v * 0.0), "no intensity above zero"),
        (lambda v: (np.r_[ENERGY[:-1], np.nan], KX, KY, v), "energy axis holds NaN"),
        (lambda v: (np.r_[ENERGY[5:], ENERGY[:5]], KX, KY, v), "neither rises nor falls"),
        (lambda v: (ENERGY[:4], KX, KY, v[..., :4]), "8 energies at least"),
        (lambda v: (ENERGY, KX, KY, v + 1j), "real numbers"),
    ],
)
def test_data_that_make_no_cube_are_refused_in_one_line(values, change, told):
    with pytest.raises(ValueError, match=told) as error:
        BandCube.of(*change(values))
    assert "\n" not in str(error.value)


def test_a_window_without_data_names_what_there_is(values):
    cube = BandCube.of(ENERGY, KX, KY, values)
    assert cube.window(-1.0, 0.0).energy_ev.min() >= -1.0
    with pytest.raises(ValueError, match=r"the data run from -2 to 0\.5 eV"):
        cube.window(3.0, 4.0)


def test_bands_are_put_in_order_and_turned_with_their_axes():
    energy = np.stack([np.full((9, 7), -2.0), np.full((9, 7), -1.0)])
    energy[1, 0, 0] = -0.5
    bands = BandStructure.of(KX[::-1], KY, energy)
    assert bands.energy_ev[0].max() == -0.5
    assert bands.energy_ev[0, -1, 0] == -0.5
    assert "put in order" in bands.notes[0]


def test_bands_of_another_cell_or_too_few_are_refused():
    bands = BandStructure.of(KX, KY, np.zeros((2, 9, 7)), name="pbe")
    with pytest.raises(ValueError, match="--k-scale"):
        bands.on(2.0 * KX, KY)
    with pytest.raises(ValueError, match="must lie between 1 and 2"):
        bands.first(3)


def test_a_smooth_band_keeps_its_energies_on_other_momenta():
    x, y = np.meshgrid(KX, KY, indexing="ij")
    bands = BandStructure.of(KX, KY, (np.cos(2 * x) * np.cos(y))[None])
    kx, ky = np.linspace(-0.52, 0.5, 13), np.linspace(-0.4, 0.39, 11)
    x, y = np.meshgrid(kx, ky, indexing="ij")
    np.testing.assert_allclose(bands.on(kx, ky).energy_ev[0], np.cos(2 * x) * np.cos(y), atol=4e-3)

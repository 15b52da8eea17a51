"""The loop closed: simulator → file → bands → simulator, on a surface whose bands are known."""

import numpy as np
import pytest

from beamgym.physics.arpes.bands_models import TightBinding, coefficients
from beamgym.physics.arpes.experiment import write_hdf5
from beamgym.physics.bands.files import read_cube
from beamgym.physics.bands.prepare import without_background
from beamgym.physics.bands.reconstruct import align, polish, reconstruct_joint
from beamgym.physics.bands.render import Setting, rendered
from beamgym.physics.bands.structure import BandStructure

SHAPE, WINDOW = (110, 26, 26), (-2.1, 0.1)
SETTING = Setting(energy_fwhm_ev=0.05, events=3e6)


@pytest.fixture(scope="module")
def truth():
    """Two bands of a square lattice, below the Fermi level everywhere."""
    terms = coefficients("square", [-0.75, -1.5], [0.06, -0.05], [0.01, 0.01])
    k = np.linspace(-0.75, 0.75, 40)
    plane = np.stack(np.meshgrid(k, k, indexing="ij"), axis=-1)
    return BandStructure.of(k, k, np.moveaxis(TightBinding("square", terms, 3.9).energies(plane), -1, 0))


@pytest.fixture(scope="module")
def first(truth):
    return rendered(truth, WINDOW, SHAPE, SETTING, seed=1)


@pytest.fixture(scope="module")
def found(truth, first, tmp_path_factory):
    path = tmp_path_factory.mktemp("loop") / "cube.h5"
    write_hdf5(first, path)
    cube = without_background(read_cube(path))
    mean = truth.energy_ev.mean(axis=(1, 2), keepdims=True)
    shifted = mean + np.array([0.25, 0.15])[:, None, None] + 1.15 * (truth.energy_ev - mean)
    theory = truth.with_energies(shifted).on(cube.kx, cube.ky)
    return reconstruct_joint(cube, polish(cube, align(cube, theory), theory)).bands


def test_a_simulated_measurement_gives_its_bands_back(truth, found):
    there = truth.on(found.kx, found.ky).energy_ev
    rms = np.sqrt(((found.energy_ev - there)[:, found.mask] ** 2).mean(axis=1))
    assert rms.max() < 0.012  # half a step of the energy axis


def test_bands_that_were_found_make_the_measurement_that_they_were_found_in(first, found):
    grid = np.meshgrid(first.axes["alpha"], first.axes["beta"], indexing="ij")
    again = rendered(found, WINDOW, SHAPE, SETTING, seed=2)
    # the momenta found reach less far than those of the first surface, and so do the angles
    inside = [np.abs(angle) <= again.axes[name].max() for angle, name in zip(grid, ("alpha", "beta"), strict=True)]
    middle = SHAPE[1] // 2, SHAPE[2] // 2
    assert np.logical_and(*inside)[middle]
    one, other = (
        made.counts[:, middle[0], middle[1]] / made.counts[:, middle[0], middle[1]].sum() for made in (first, again)
    )
    assert 0.5 * np.abs(one - other).sum() < 0.1  # total variation: shares of electrons at another energy
    far = np.roll(other, 12)
    assert 0.5 * np.abs(one - far).sum() > 0.4

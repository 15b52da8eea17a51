"""Alignment and the joint model on cubes whose bands are known."""

import numpy as np
import pytest

from beamgym.physics.bands.reconstruct import JointSettings, align, pointwise_fits, polish, reconstruct_joint
from beamgym.physics.bands.structure import BandStructure


def rms(bands, truth):
    return np.sqrt(((bands.energy_ev - truth.energy_ev) ** 2).mean(axis=(1, 2)))


@pytest.fixture(scope="module")
def case(made, distorted):
    cube, truth = made((16, 16, 160), 3, peak=300.0)
    theory = distorted(truth)
    return cube, truth, theory, polish(cube, align(cube, theory), theory)


def test_shift_and_scale_of_every_band_are_found_from_the_data_alone(case):
    _, truth, theory, alignment = case
    assert rms(theory, truth).min() > 0.2
    assert rms(alignment.bands, truth).max() < 0.03  # the wave of 20 meV is no shift and no scale
    np.testing.assert_allclose(alignment.shift_ev, [-0.31, -0.22, -0.36], atol=0.02)


def test_the_joint_model_finds_what_shift_and_scale_cannot(case):
    cube, truth, _, alignment = case
    joint = reconstruct_joint(cube, alignment)
    assert rms(joint.bands, truth).max() < 0.3 * rms(alignment.bands, truth).min()
    assert joint.explained > 0.95
    np.testing.assert_allclose(joint.fwhm_ev, 0.153, rtol=0.1)  # of σ 0.05 and γ 0.03 eV


def test_errors_of_the_joint_model_hold_the_truth_as_often_as_they_say(case):
    cube, truth, _, alignment = case
    joint = reconstruct_joint(cube, alignment, JointSettings(samples=40)).bands
    held = (np.abs(joint.energy_ev - truth.energy_ev) <= joint.error_ev).mean()
    assert 0.5 < held < 0.85


def test_the_same_seed_gives_the_same_errors(case):
    cube, _, _, alignment = case
    one, other, third = (
        reconstruct_joint(cube, alignment, JointSettings(rounds=1, samples=3, seed=s)) for s in (4, 4, 5)
    )
    assert np.array_equal(one.bands.error_ev, other.bands.error_ev)
    assert not np.array_equal(one.bands.error_ev, third.bands.error_ev)


def test_a_line_is_reconstructed_as_a_plane_is(made, distorted):
    cube, truth = made((60, 1, 160), 3, line=True)
    theory = distorted(truth)
    joint = reconstruct_joint(cube, polish(cube, align(cube, theory), theory))
    assert rms(joint.bands, truth).max() < 0.01


def test_pointwise_fits_of_separate_bands_agree_with_the_truth(made):
    cube, truth = made((12, 1, 160), 2, line=True)
    fits = pointwise_fits(cube, truth.with_energies(truth.energy_ev + 0.05))
    assert fits.mask.all()
    assert np.abs(fits.energy_ev - truth.energy_ev).max() < 0.02


def test_a_theory_that_no_shift_brings_into_the_data_is_refused(made):
    cube, truth = made((8, 8, 120), 2)
    with pytest.raises(ValueError, match="--shift"):
        align(cube, truth.with_energies(truth.energy_ev + 20.0))


def test_a_mask_without_momenta_in_common_is_refused(made):
    cube, truth = made((8, 8, 120), 2)
    half = np.zeros((8, 8), dtype=bool)
    half[:4] = True
    theory = BandStructure.of(truth.kx, truth.ky, truth.energy_ev, mask=half)
    with pytest.raises(ValueError, match="in common"):
        align(cube.with_mask(~half, "half"), theory)

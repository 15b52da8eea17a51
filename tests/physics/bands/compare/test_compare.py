"""Feature vectors, distances, masses, warping and gaps against bands whose numbers are known."""

import json

import numpy as np
import pytest

from beamgym.physics.bands.compare import (
    FREE_EV_A2,
    compared,
    extremum,
    features,
    gap_between,
    rebuilt,
    symmetry_centre,
)
from beamgym.physics.bands.structure import BandStructure

K = np.linspace(-0.3, 0.3, 31)
X, Y = np.meshgrid(K, K, indexing="ij")


def bands_of(*energies, error=None, name="bands"):
    energy = np.stack(energies)
    return BandStructure.of(K, K, energy, None if error is None else np.full(energy.shape, error), name=name)


def warped(x, y):
    """−8 eV Å² of curvature, and 15 eV Å³ of warping that raises the band along 20°."""
    q, phi = np.hypot(x, y), np.arctan2(y, x)
    return -0.1 - 8.0 * q**2 + 15.0 * q**3 * np.cos(3.0 * (phi - np.radians(20.0)))


def test_a_feature_vector_rebuilds_the_bands_to_what_it_says():
    bands = bands_of(np.cos(3 * X) * np.cos(4 * Y), -2.0 + 0.3 * np.sin(5 * X))
    vector = features(bands, target_ev=0.002)
    apart = rebuilt(vector, bands).energy_ev - bands.energy_ev
    np.testing.assert_allclose(np.sqrt((apart**2).mean(axis=(1, 2))), vector.rms_ev, rtol=1e-6, atol=1e-9)
    assert np.median(vector.rms_ev) <= 0.002
    assert vector.numbers < 0.05 * bands.energy_ev.size
    assert abs(vector.coefficients[1, 0]) == pytest.approx(2.0, abs=0.02)  # the first function is the constant
    assert json.loads(json.dumps(vector.as_dict()))["degree"] == vector.degree


def test_functions_that_keep_a_symmetry_need_fewer_numbers_for_bands_that_have_it():
    bands = bands_of(warped(X - 0.02, Y + 0.01))
    centre = symmetry_centre(bands, 3, False, (0.0, 0.0))
    np.testing.assert_allclose(centre, (0.02, -0.01), atol=2e-3)
    with_it, without = features(bands, 5e-4, turns=3, centre=centre), features(bands, 5e-4)
    assert with_it.numbers < 0.6 * without.numbers


def test_distances_leave_a_common_shift_out_and_similarity_is_of_shapes():
    one = bands_of(np.cos(3 * X), -2.0 + np.sin(3 * Y), name="one")
    other = one.with_energies(one.energy_ev + 0.5)
    opposite = one.with_energies(-one.energy_ev)
    found = compared([one, other, opposite])
    assert found.distance_ev[0, 1] == pytest.approx(0.0, abs=1e-12)
    assert compared([one, other], shifted=False).distance_ev[0, 1] == pytest.approx(0.5)
    np.testing.assert_allclose(found.similarity[0], [1.0, 1.0, -1.0])
    with pytest.raises(ValueError, match="as many bands"):
        compared([one, one.first(1)])


def test_effective_mass_and_warping_are_those_of_the_band():
    found = extremum(bands_of(warped(X, Y)), 0, (0.03, -0.02), 0.2)
    np.testing.assert_allclose(found.momentum, 0.0, atol=1e-4)
    np.testing.assert_allclose(found.masses, -FREE_EV_A2 / 8.0, rtol=1e-3)
    assert found.warping_ev_a3 == pytest.approx(15.0, rel=0.01)
    assert found.warping_deg == pytest.approx(20.0, abs=0.5)
    assert found.energy_ev == pytest.approx(-0.1, abs=1e-5)


def test_errors_of_masses_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(60):
        noisy = bands_of(warped(X, Y) + rng.normal(0.0, 0.01, X.shape), error=0.01)
        found = extremum(noisy, 0, (0.0, 0.0), 0.25)
        held += [abs(found.warping_ev_a3 - 15.0) <= found.warping_error_ev_a3]
        held += [abs(found.energy_ev + 0.1) <= found.energy_error_ev]
    assert 0.55 < np.mean(held) < 0.82


def test_a_mass_along_a_line_and_a_place_without_extremum():
    line = BandStructure.of(K, [0.0], (0.2 + 5.0 * (K - 0.05) ** 2)[None, :, None])
    found = extremum(line, 0, (0.0, 0.0), 0.2)
    assert found.masses == pytest.approx((FREE_EV_A2 / 5.0,), rel=1e-4)
    assert found.momentum[0] == pytest.approx(0.05, abs=1e-5)
    with pytest.raises(ValueError, match="no extremum"):
        extremum(bands_of(X + 0.01 * X**2), 0, (0.0, 0.0), 0.2)
    with pytest.raises(ValueError, match="bands 1 to 1"):
        extremum(line, 1, (0.0, 0.0), 0.2)
    with pytest.raises(ValueError, match="widen the radius"):
        extremum(bands_of(X), 0, (0.0, 0.0), 0.02)


def test_gaps_are_direct_and_indirect_with_the_errors_of_both_bands():
    upper, lower = 0.5 + 2.0 * (X - 0.1) ** 2 + 2.0 * Y**2, -0.2 - 2.0 * X**2 - 2.0 * Y**2
    gap = gap_between(bands_of(upper, lower, error=0.003), 0)
    assert gap.direct_ev == pytest.approx(0.7 + 2.0 * 2 * 0.05**2, abs=1e-3)
    assert gap.direct_at == pytest.approx((0.05, 0.0), abs=0.011)
    assert gap.indirect_ev == pytest.approx(0.7, abs=1e-3)
    assert gap.direct_error_ev == pytest.approx(0.003 * np.sqrt(2.0))
    with pytest.raises(ValueError, match="none below"):
        gap_between(bands_of(upper), 0)

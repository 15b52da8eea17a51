"""Intensities: closed forms, limits and scale."""

from functools import cache

import numpy as np
import pytest
from scipy.constants import physical_constants
from scipy.spatial.transform import Rotation

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.absorption import Slab
from beamgym.physics.laue.pattern.intensity import energy_weight
from beamgym.physics.laue.pattern.lists.tables import PLATE, THICK_SLAB, Physics
from beamgym.physics.laue.pattern.lists.weight_kernels import polarisation_factor, slab_length
from beamgym.physics.laue.pattern.spots import LaueModel


@cache
def silicon():
    return load_crystal("Si")


def factor(direction, degree=0.0, polarised=True, perfect=False):
    surface, depth = np.zeros(3), np.ones(1)
    weights = Physics(5.0, 100.0, np.zeros((2, 2)), polarised, degree, perfect, 0, 0.0, surface, True, False, depth)
    return polarisation_factor(weights, *(np.asarray(direction, dtype=float) / np.linalg.norm(direction)))


def test_polarisation_has_its_limits():
    along_y, along_z, back = [0, 1, 0], [0, 0, 1], [-1, 0, 0]
    assert factor(back) == pytest.approx(1.0)
    assert factor(along_y) == pytest.approx(0.5)
    assert factor(along_y, 1.0) == pytest.approx(0.0)
    assert factor(along_z, 1.0) == pytest.approx(1.0)
    assert factor(along_z, -1.0) == pytest.approx(0.0)
    assert factor([1, 1, 0]) == pytest.approx((1 + 0.5) / 2)
    assert factor(along_y, polarised=False) == 1.0
    assert factor([1, 1, 1], perfect=True) == pytest.approx((1 + np.sqrt(1 / 3)) / 2)


def test_an_unpolarised_beam_is_the_mean_of_the_two_polarisations():
    for direction in Rotation.random(20, random_state=0).as_matrix()[:, 0]:
        assert factor(direction) == pytest.approx((factor(direction, 1.0) + factor(direction, -1.0)) / 2)
        assert factor(direction) == pytest.approx((1 + direction[0] ** 2) / 2)


def test_a_thick_slab_has_its_closed_form():
    mu, a, b = 3.0, 0.4, 0.7
    assert slab_length(THICK_SLAB, 0.0, mu, a, b) == pytest.approx(1 / (mu * (1 / a + 1 / b)) / a)
    assert slab_length(THICK_SLAB, 0.0, mu, 0.5, 0.5) == pytest.approx(1 / (2 * mu))
    assert slab_length(THICK_SLAB, 0.0, mu, a, -b) == 0.0


def test_a_plate_is_a_thick_slab_when_thick_and_its_path_when_thin():
    mu, a, b = 3.0, 0.4, 0.7
    assert slab_length(PLATE, 100.0, mu, a, b) == pytest.approx(slab_length(THICK_SLAB, 0.0, mu, a, b))
    thin = 1e-6
    for sin_out in (b, -b):
        assert slab_length(PLATE, thin, mu, a, sin_out) == pytest.approx(thin / a, rel=1e-4)


def test_a_plate_in_symmetric_transmission_is_t_exp():
    """With equal paths in and out the integral is t exp(−µt/sin a)/sin a, and its neighbours join smoothly."""
    mu, t, a = 2.0, 0.5, 0.6
    wanted = t * np.exp(-mu * t / a) / a
    for sin_out in (-a, -a * (1 + 1e-7), -a * (1 - 1e-5)):
        assert slab_length(PLATE, t, mu, a, sin_out) == pytest.approx(wanted, rel=1e-4)


def test_the_best_plate_in_transmission_is_one_over_mu():
    mu = 1.7
    thickness = np.linspace(0.1, 2.0, 2000)
    value = [slab_length(PLATE, t, mu, 1.0, -1.0 + 1e-12) for t in thickness]
    assert thickness[int(np.argmax(value))] == pytest.approx(1 / mu, abs=2e-3)


def test_kinematic_weight_goes_as_lambda_squared_per_energy():
    """λ⁴ per unit wavelength is λ² per unit energy; a perfect crystal's λ³ is λ."""
    beam = Beam.flat((6.0, 24.0))
    for extinction, power in (("none", 2), ("full", 1)):
        weight = energy_weight(beam, 160.0, extinction)
        assert np.interp(6.0, beam.energy_kev, weight) / np.interp(24.0, beam.energy_kev, weight) == pytest.approx(
            4.0**power
        )


def test_the_absolute_scale_is_that_of_the_rotating_crystal():
    """Zachariasen's Q of a crystal turned through the reflection, ∫ R dθ = Q · length, in the white beam.

    With the angle turned into wavelength, dλ = λ cot θ dθ, the counts are Φ_λ λ cot θ Q · length with
    Q = r_e² λ³ |F|² P / (V² sin 2θ).
    """
    laue = LaueModel(silicon(), Beam.flat((8.0, 16.0), 1e10), Detector.side(50.0, (256, 256), 0.4))
    spots = laue.spots(Rotation.random(random_state=3).as_matrix())
    table, volume = laue.table, silicon().volume_a3
    radius = 1e10 * physical_constants["classical electron radius"][0]
    checked = 0
    for k in range(spots.count[0]):
        ray = int(spots.ray[0, k])
        ray = ray if ray >= 0 else -ray - 1
        rows = range(table.first[ray], table.first[ray + 1])
        wavelength1 = HC_KEV_A / float(spots.energy_kev[0, k])
        d1 = 1.0 / np.linalg.norm(table.q_inv_a[ray])
        exit_ray = laue.detector.directions(spots.position_px[0, k].astype(float))
        theta = 0.5 * np.arccos(exit_ray[0])
        energies = [table.order[r] * HC_KEV_A / (2 * d1 * np.sin(theta)) for r in rows]
        if sum(8.0 <= e <= 16.0 for e in energies) != 1:
            continue
        r = next(r for r, e in zip(rows, energies, strict=True) if 8.0 <= e <= 16.0)
        energy = float(spots.energy_kev[0, k])
        f1, f2 = (np.interp(energy, table.energy_kev, t[0]) for t in (table.f_prime, table.f_second))
        f_squared = abs((table.f0[r, 0] + f1 + 1j * f2) * table.partial[r, 0]) ** 2
        q = radius**2 * wavelength1**3 * f_squared * (1 + exit_ray[0] ** 2) / 2 / (volume**2 * np.sin(2 * theta))
        phi = 1e10 / 8.0 * HC_KEV_A / wavelength1**2
        length = 1e7 / (2.0 * silicon().absorption_per_mm(np.array([energy]))[0])
        wanted = phi * wavelength1 / np.tan(theta) * q * length
        assert spots.intensity[0, k] == pytest.approx(wanted, rel=2e-3)
        checked += 1
    assert checked > 10


def test_a_perfect_crystal_spreads_its_intensities_less():
    detector, u = Detector.back_reflection(70.0, (512, 512), 0.32), Rotation.random(random_state=5).as_matrix()
    mosaic, perfect = (LaueModel(silicon(), Beam.tube(), detector, extinction=e).spots(u) for e in ("none", "full"))
    np.testing.assert_array_equal(mosaic.ray, perfect.ray)
    assert np.log(perfect.intensity).std() < 0.9 * np.log(mosaic.intensity).std()
    assert perfect.intensity.max() < 0.5 * mosaic.intensity.max()  # extinction takes most from the strongest


def test_a_crystal_smaller_than_the_footprint_loses_by_the_sine():
    u = Rotation.random(random_state=6).as_matrix()
    whole, part = (
        LaueModel(silicon(), Beam.flat(), Detector.side(), slab=Slab(u.T @ [-0.5, 0.8, 0.3], None, w)).spots(u)
        for w in (True, False)
    )
    sin_in = 0.5 / np.sqrt(0.5**2 + 0.8**2 + 0.3**2)
    np.testing.assert_allclose(part.intensity, sin_in * whole.intensity, rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Slab([0.0, 0.0, 0.0]), "normal"),
        (lambda: Slab([1.0, 0.0]), "normal"),
        (lambda: Slab([1.0, 0.0, 0.0], thickness_mm=-1.0), "thickness_mm"),
        (lambda: energy_weight(Beam.flat(), 160.0, "half"), "extinction"),
    ],
)
def test_bad_options_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_ray_that_leaves_a_plate_along_its_far_face_brings_what_went_straight_through():
    """∫ exp(−µz/a − µ(t − z)/b) dz/a over the depth z: for b → 0 only the last of it counts, b/a · exp(−µt/a)/µ."""
    mu, t, a = 5.0, 0.3, 0.5
    for b in (1e-3, 1e-4, 1e-8):
        assert slab_length(PLATE, t, mu, a, -b) == pytest.approx(b / a * np.exp(-mu * t / a) / mu, rel=3.0 * b / a)

"""The perfect and the kinematic crystal against Darwin's difference equations, plane after plane."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.intensity import R_ELECTRON_A
from beamgym.physics.laue.pattern.lists.tables import Physics
from beamgym.physics.laue.pattern.lists.weight_kernels import polarisation_factor
from beamgym.physics.laue.pattern.spots import LaueModel

THICK = {"doublings": 22, "loss": 1e-6}  # 4 million planes, of which each absorbs a millionth
THIN = {"doublings": 4, "loss": 0.0}
DEGREES = [-1.0, -0.5, 0.0, 0.9, 1.0]
RAYS = [[0, 1, 0], [0, 0, 1], [-1, 0, 0], [-0.5, 0.8, 0.3], [0.5, -0.3, 0.8], [0.2, 0.7, 0.7], [-0.7, 0.1, 0.7]]


@cache
def reflected(plane, doublings, loss):
    """Integral over the phase φ = 2π d sin θ / λ of the reflectivity of 2^doublings planes, each of amplitude −i·plane.

    Darwin's equations solved without approximation: two equal stacks one behind the other reflect
    r + t² r p² / (1 − r² p²) and let t² p / (1 − r² p²) through, p = exp(iφ) between them.
    """
    steps = np.linspace(-np.arcsinh(0.5 * np.pi / plane), np.arcsinh(0.5 * np.pi / plane), 8_001)
    phase = plane * np.sinh(steps)  # fine where the peak is
    between = np.exp(1j * phase)
    r = np.full(phase.shape, -1j * plane)
    t = np.full(phase.shape, np.sqrt(1.0 - plane**2) * (1.0 - loss), dtype=complex)
    for _ in range(doublings):
        shared = 1.0 - (r * between) ** 2
        r, t = r + t**2 * r * between**2 / shared, t**2 * between / shared
    return np.trapezoid(np.abs(r) ** 2, phase)


def of_both_polarisations(ray, degree, plane, **stack):
    """The beam's horizontal and vertical field, each split across and along the plane of reflection."""
    across = np.array([-ray[2], ray[1]]) if np.hypot(*ray[1:]) > 0 else np.array([1.0, 0.0])
    across = across / np.linalg.norm(across)
    share = 0.5 * (1.0 + degree) * across[0] ** 2 + 0.5 * (1.0 - degree) * across[1] ** 2
    along = reflected(plane * abs(ray[0]), **stack) if abs(ray[0]) > 1e-9 else 0.0
    return share * reflected(plane, **stack) + (1.0 - share) * along


def factor(ray, degree, perfect):
    weights = Physics(5.0, 100.0, np.zeros((2, 2)), True, degree, perfect, 0, 0.0, np.zeros(3), True, False, np.ones(1))
    return polarisation_factor(weights, *ray)


def test_darwins_equations_have_their_two_limits():
    """Few planes reflect π N q² (kinematic), endlessly many 8q/3 (Darwin 1914)."""
    assert reflected(1e-4, **THIN) == pytest.approx(np.pi * 2**4 * 1e-8, rel=1e-3)
    assert reflected(1e-3, **THICK) == pytest.approx(8 / 3 * 1e-3, rel=5e-3)


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("ray", RAYS)
def test_each_polarisation_is_reflected_by_itself(ray, degree):
    ray = np.array(ray) / np.linalg.norm(ray)
    thick = of_both_polarisations(ray, degree, 1e-3, **THICK) / reflected(1e-3, **THICK)
    thin = of_both_polarisations(ray, degree, 1e-4, **THIN) / reflected(1e-4, **THIN)
    assert factor(ray, degree, True) == pytest.approx(thick, abs=5e-3)
    assert factor(ray, degree, False) == pytest.approx(thin, abs=1e-3)


def test_a_perfect_crystal_never_loses_more_to_polarisation_than_a_kinematic_one():
    for ray in Rotation.random(50, random_state=1).as_matrix()[:, 0]:
        for degree in DEGREES:
            assert factor(ray, degree, False) <= factor(ray, degree, True) <= 1.0


@pytest.mark.parametrize("degree", [-1.0, 0.0, 1.0])
def test_the_absolute_scale_is_darwins(degree):
    """Counts Φ_λ λ cot θ ∫ R dθ, with dφ = 2π d cos θ / λ dθ and a plane's amplitude r_e |F| d λ / (V sin θ)."""
    silicon, band = load_crystal("Si"), (8.0, 16.0)
    beam = Beam.flat(band, 1e10)
    beam = Beam(beam.energy_kev, beam.spectrum, beam.efficiency, degree)
    laue = LaueModel(silicon, beam, Detector.side(50.0, (256, 256), 0.4), extinction="full")
    spots = laue.spots(Rotation.random(random_state=3).as_matrix())
    checked = 0
    faintest = 1e-3 * float(spots.intensity[0].max())
    for k in range(spots.count[0]):
        ray = int(spots.ray[0, k])
        ray = ray if ray >= 0 else -ray - 1
        exit_ray = laue.detector.directions(spots.position_px[0, k].astype(float))
        sine = np.sin(0.5 * np.arccos(exit_ray[0]))
        rows = np.arange(laue.table.first[ray], laue.table.first[ray + 1])
        length = np.linalg.norm(laue.table.q_inv_a[ray])
        energies = laue.table.order[rows] * HC_KEV_A * length / (2 * sine)
        inside = (energies >= band[0]) & (energies <= band[1])
        if inside.sum() != 1:
            continue  # a sum over harmonics
        row, energy = int(rows[inside][0]), float(energies[inside][0])
        wavelength, spacing = HC_KEV_A / energy, 1.0 / (laue.table.order[row] * length)
        f1, f2 = (np.interp(energy, laue.table.energy_kev, t[0]) for t in (laue.table.f_prime, laue.table.f_second))
        structure = abs((laue.table.f0[row, 0] + f1 + 1j * f2) * laue.table.partial[row, 0])
        plane = R_ELECTRON_A * structure * spacing * wavelength / (silicon.volume_a3 * sine)
        share = of_both_polarisations(exit_ray, degree, 1e-3, **THICK) / 1e-3  # in units of a plane's amplitude
        cosine = np.sqrt(1.0 - sine**2)
        angle = share * plane * wavelength / (2.0 * np.pi * spacing * cosine)
        per_wavelength = 1e10 / (band[1] - band[0]) * HC_KEV_A / wavelength**2
        wanted = per_wavelength * wavelength * cosine / sine * angle
        assert spots.intensity[0, k] == pytest.approx(wanted, rel=1e-2, abs=faintest)
        checked += 1
    assert checked > 10

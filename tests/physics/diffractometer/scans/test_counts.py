"""Counts of a mosaic crystal before a slit, against rays drawn one by one and closed forms."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import cell_of_crystal, diffractometer, first_reflections
from beamgym.physics.diffractometer.scans import (
    MonoBeam,
    Reflecting,
    ScanSample,
    SlitCounter,
    axis_path,
    counted,
    rates,
    reflecting,
    widths_of,
)
from beamgym.physics.orientation import random_orientations, rotation_matrix

E4CV = diffractometer("e4cv")
BEAM = MonoBeam(
    "test", "xray", 1.2, (), 0.006, (0.2, 0.35), 1e7, 0.5, 0.3, 1e-3, 0.0, 0.0, 10.0, 0.0, most_cps=float("inf")
)
SLIT = SlitCounter(in_plane_deg=0.6, across_deg=0.9, distance_mm=1e6)


def sample_of(q, strength=1.0, u=None):
    length = np.linalg.norm(q)
    one = Reflecting(np.array([q]), np.array([np.arcsin(0.6 * length)]), np.array([strength]))
    us = np.stack([np.eye(3) if u is None else u] * 2)
    return ScanSample(one, us, np.array([1.0, 0.0]), np.zeros(3), np.zeros(4), 1.2)


def traced(q, positions, n=400_000, seed=0):
    """The same rate by rays: exact reflection, no linearisation; a narrow window stands for Bragg's delta function."""
    rng = np.random.default_rng(seed)
    mosaic, horizontal, vertical, spread, _ = widths_of(BEAM, SLIT)
    sample, arm = E4CV.split(positions[None])
    rotation, turned = E4CV.sample.rotation(sample)[0], E4CV.arm.rotation(arm)[0]
    g = rotation @ q
    k = np.exp(-spread * rng.normal(size=n)) / BEAM.wavelength_a
    beam = np.stack([np.ones(n), horizontal * rng.normal(size=n), vertical * rng.normal(size=n)], axis=1)
    beam *= (k / np.linalg.norm(beam, axis=1))[:, None]
    turn = mosaic * rng.normal(size=(n, 3))
    gs = g + np.cross(turn, g)
    gs *= np.linalg.norm(g) / np.linalg.norm(gs, axis=1)[:, None]
    out = beam + gs
    glance = np.arcsin(-(beam * gs).sum(1) / k / np.linalg.norm(g))
    off = glance - np.arcsin(0.5 * np.linalg.norm(g) / k)
    window = 0.1 * np.sqrt(mosaic**2 + vertical**2)
    excited = np.abs(off) < window
    seen = out @ turned  # in the arm's frame: along, left, up
    plane, across = np.arctan2(seen[:, 2], seen[:, 0]), np.arctan2(seen[:, 1], seen[:, 0])
    passed = (np.abs(plane) < np.radians(0.3)) & (np.abs(across) < np.radians(0.45))
    two_theta = 2.0 * np.arcsin(0.6 * np.linalg.norm(q))
    polarised = 0.5 * (1.0 + np.cos(two_theta) ** 2)
    return (excited & passed).mean() / (2.0 * window) / np.sin(two_theta) * polarised


@pytest.mark.parametrize("theta", [8.0, 20.0, 38.0])
@pytest.mark.parametrize(
    "moved", [(0.0, 0.0, 0.0), (0.25, 0.0, 0.0), (0.1, 0.45, 0.0), (-0.1, 0.0, 0.35), (0.0, -0.4, -0.3)]
)
def test_rates_are_those_of_rays_drawn_one_by_one(theta, moved):
    q = np.array([0.0, 0.0, 2.0 * np.sin(np.radians(theta)) / 1.2])
    positions = np.array([theta, 0.0, 0.0, 2.0 * theta])
    # at chi = 0 and omega = theta the planes' normal stands in the bisecting position
    positions[[0, 1, 3]] += moved
    found = rates(E4CV, sample_of(q), BEAM, SLIT, positions[None])[0]
    expected = traced(q, positions)
    # 400,000 rays scatter by 1 to 3 %; with two million the two agree to 1 %
    assert found == pytest.approx(expected, rel=0.04, abs=0.02)


def test_the_area_of_a_rocking_curve_is_the_integrated_reflectivity():
    theta = 15.0
    q = np.array([0.0, 0.0, 2.0 * np.sin(np.radians(theta)) / 1.2])
    omega = theta + np.linspace(-2.0, 2.0, 801)
    positions = np.stack([omega, 0.0 * omega, 0.0 * omega, np.full(801, 30.0)], axis=1)
    open_slit = SlitCounter(20.0, 20.0, 1e6)
    area = np.trapezoid(rates(E4CV, sample_of(q, 7.0), BEAM, open_slit, positions), np.radians(omega))
    lorentz, polarisation = 1.0 / np.sin(np.radians(30.0)), 0.5 * (1.0 + np.cos(np.radians(30.0)) ** 2)
    assert area == pytest.approx(7.0 * lorentz * polarisation, rel=2e-3)


def test_a_turn_about_phi_sweeps_a_tilted_reflection_more_slowly():
    """Lorentz factor of the scan made: the same reflection at chi takes 1/cos chi longer by phi than by omega."""
    theta, chi = 15.0, 60.0
    length = 2.0 * np.sin(np.radians(theta)) / 1.2
    q = rotation_matrix(np.array([-chi, 0.0, 0.0])) @ np.array([0.0, 0.0, length])
    turn = np.linspace(-6.0, 6.0, 1601)
    open_slit, area = SlitCounter(20.0, 20.0, 1e6), {}
    for name, axis in (("omega", 0), ("phi", 2)):
        positions = np.tile([theta, chi, 0.0, 30.0], (len(turn), 1))
        positions[:, axis] += turn
        area[name] = np.trapezoid(rates(E4CV, sample_of(q), BEAM, open_slit, positions), turn)
    assert area["omega"] > 0.0
    assert area["phi"] / area["omega"] == pytest.approx(1.0 / np.cos(np.radians(chi)), rel=5e-3)


def test_a_scan_on_the_fly_counts_what_a_step_scan_of_the_same_time_does():
    crystal = load_crystal("Si")
    u = random_orientations(np.array([4], np.uint64))[0]
    place = first_reflections(E4CV, cell_of_crystal(crystal), u, 1.2).degrees[0]
    sample = ScanSample(
        reflecting(crystal, BEAM), np.stack([u, u]), np.array([1.0, 0.0]), np.zeros(3), np.zeros(4), 1.2
    )
    start = place.copy()
    start[0] -= 1.0
    sums = []
    for fly, points in ((True, 9), (False, 201)):
        path = axis_path(E4CV, start, 0, 2.0, points, 90.0 / points, fly)
        sums.append(counted(E4CV, sample, BEAM, SLIT, path, 0.0, np.uint64(1)).sum() / path.count_s.sum())
    # nine wide points hold the whole curve as two hundred narrow ones do, but reach half a wide step farther
    assert sums[0] == pytest.approx(sums[1] * 2.0 / 2.25, rel=0.02)


def test_dead_time_hides_counts_and_the_attenuator_brings_them_back():
    q = np.array([0.0, 0.0, 2.0 * np.sin(np.radians(15.0)) / 1.2])
    place = np.array([15.0, 0.0, 0.0, 30.0])
    sample = sample_of(q, 2000.0)
    rate = rates(E4CV, sample, BEAM, SLIT, place[None])[0]
    path = axis_path(E4CV, place, 0, 0.0, 1, 4.0, False)
    slow = SlitCounter(0.6, 0.9, 1e6, dead_time_s=1.0 / rate)
    assert counted(E4CV, sample, BEAM, slow, path, 0.0, np.uint64(2))[0] == pytest.approx(2.0 * rate, rel=0.02)
    limited = MonoBeam(**{**vars(BEAM), "most_cps": 0.1 * rate})
    attenuated = counted(E4CV, sample, limited, SlitCounter(0.6, 0.9, 1e6), path, 0.0, np.uint64(2))[0]
    assert attenuated == pytest.approx(4.0 * rate, rel=0.1)
    assert attenuated % 50.0 == 0.0


def test_a_wavelength_that_reaches_nothing_is_told():
    with pytest.raises(ValueError, match="shorter wavelength"):
        reflecting(load_crystal("W"), MonoBeam(**{**vars(BEAM), "wavelength_a": 8.0}))

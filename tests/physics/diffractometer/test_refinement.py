"""Refinement: what was put in comes out within its errors, and what cannot be told apart is refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.crystal import load_crystal
from beamgym.physics.diffractometer import (
    cell_of_crystal,
    diffractometer,
    observed_angles,
    observed_vectors,
    positions_of,
    refine_ub,
)
from beamgym.physics.orientation import misorientation_deg

E4CV = diffractometer("e4cv")
LAMBDA, ERROR = 1.0, 0.01


@pytest.fixture(scope="module")
def centred():
    known, rng = cell_of_crystal(load_crystal("kyanite")), np.random.default_rng(2)
    u = Rotation.random(random_state=3).as_matrix()
    hkl = known.reflections(0.7)[0]
    hkl = hkl[rng.choice(len(hkl), 24, replace=False)]
    exact = positions_of(E4CV, hkl @ (u @ known.b_matrix).T, LAMBDA).degrees
    return known, u, hkl, exact, ERROR * rng.normal(size=exact.shape)


def near(refined, name, value):
    return abs(refined.values[name] - value) < 4.0 * refined.errors[name] + 1e-6


def test_the_orientation_comes_out_within_its_error(centred):
    known, u, hkl, exact, noise = centred
    start = Rotation.from_rotvec([0.01, -0.02, 0.01]).as_matrix() @ u
    found = refine_ub(observed_angles(E4CV, exact + noise, LAMBDA, ERROR), hkl, start, known.cell)
    assert misorientation_deg(found.u, u, np.eye(3)[None]) < 4.0 * found.errors["orientation"]
    assert found.residual_deg.max() < 5.0 * ERROR
    assert np.abs(found.two_theta_deg).max() < 5.0 * ERROR


def test_zeros_of_circles_and_arm_come_out(centred):
    known, u, hkl, exact, noise = centred
    zeros = {"omega": 0.31, "chi": -0.22, "tth": 0.15}
    shifted = exact + noise + [zeros.get(name, 0.0) for name in E4CV.names]
    found = refine_ub(observed_angles(E4CV, shifted, LAMBDA, ERROR), hkl, u, known.cell, list(zeros))
    assert all(near(found, name, value) for name, value in zeros.items())
    assert all(found.errors[name] < 0.02 for name in zeros)


def test_wavelength_or_cell_comes_out(centred):
    known, u, hkl, exact, noise = centred
    longer = refine_ub(observed_angles(E4CV, exact + noise, 0.995 * LAMBDA, ERROR), hkl, u, known.cell, ["wavelength"])
    assert near(longer, "wavelength", LAMBDA)
    larger = known.cell * [1.004, 0.997, 1.0, 1.0, 1.001, 1.0]
    cell = refine_ub(observed_angles(E4CV, exact + noise, LAMBDA, ERROR), hkl, u, larger, ["cell"])
    names = ("cell_a", "cell_b", "cell_c", "cell_alpha", "cell_beta", "cell_gamma")
    assert all(near(cell, name, value) for name, value in zip(names, known.cell, strict=True))


def test_a_sample_off_centre_comes_out(centred):
    """The detector is seen from where the sample is: the arm's angle that it sees is told by plane trigonometry."""
    known, u, hkl, exact, _ = centred
    offset, distance = np.array([0.0, 0.0, 0.6]), 400.0
    shifted = exact.copy()
    for row in shifted:
        place = E4CV.sample.rotation(row[:3]) @ offset
        true = np.radians(row[3])
        for _ in range(20):
            ray = distance * np.array([np.cos(np.radians(row[3])), 0.0, np.sin(np.radians(row[3]))]) - place
            row[3] += np.degrees(true - np.arctan2(ray[2], ray[0]))
    seen = observed_angles(E4CV, shifted, LAMBDA, ERROR)
    found = refine_ub(seen, hkl, u, known.cell, ["offset"], distance)
    assert [found.values[f"offset_{axis}"] for axis in "xyz"] == pytest.approx(offset, abs=0.1)


@pytest.mark.parametrize(
    ("free", "words"),
    [
        (["phi"], "cannot be told from UB"),
        (["wavelength", "cell"], "look the same"),
        (["mu"], "one can refine omega, chi, phi, tth, offset, wavelength, cell"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(centred, free, words):
    known, u, hkl, exact, noise = centred
    with pytest.raises(ValueError, match=words):
        refine_ub(observed_angles(E4CV, exact + noise, LAMBDA, ERROR), hkl, u, known.cell, free)


def test_too_few_reflections_are_counted(centred):
    known, u, hkl, exact, _ = centred
    few = observed_angles(E4CV, exact[:2], LAMBDA, ERROR)
    with pytest.raises(ValueError, match="6 numbers, and 10 are asked for"):
        refine_ub(few, hkl[:2], u, known.cell, ["omega", "chi", "tth", "wavelength", "offset"])


def test_vectors_have_no_zeros(centred):
    known, u, hkl, _, _ = centred
    seen = observed_vectors(hkl @ (u @ known.b_matrix).T, LAMBDA, ERROR)
    with pytest.raises(ValueError, match="one can refine wavelength, cell"):
        refine_ub(seen, hkl, u, known.cell, ["omega"])
    assert refine_ub(seen, hkl, u, known.cell).residual_deg.max() < 1e-3

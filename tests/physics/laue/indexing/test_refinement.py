"""Refinement: parameters come back, their stated uncertainty is the real one, and outliers do not decide."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import predict_px
from beamgym.physics.laue.indexing.refinement import (
    CALIBRATED,
    GEOMETRY,
    IN_WORDS,
    ROTATION,
    STRAIN,
    geometry_change,
    refine,
    with_camera_uncertainty,
)
from beamgym.physics.orientation import misorientation_deg, random_orientations, rotation_matrix, rotation_vector_deg

DETECTOR = Detector.top(distance_mm=75.0, shape=(2000, 2000), pixel_mm=0.075)


@pytest.fixture(scope="module")
def silicon():
    return load_crystal("Si")


def spots(crystal, u, detector=DETECTOR, strain=None):
    """Reflections (p, 3) of low index that reach the panel, and where, (p, 2)."""
    h = np.stack(np.meshgrid(*[np.arange(-5, 6)] * 3), axis=-1).reshape(-1, 3)
    h = h[np.abs(h).sum(axis=1) > 0]
    h = h[np.gcd.reduce(h, axis=1) == 1]
    if strain is None:
        position, hit = predict_px(crystal, detector, u, h)
    else:
        q = h @ crystal.b_matrix.T @ (np.eye(3) + strain).T @ u.T
        direction = np.array([1.0, 0, 0]) - 2 * q[:, :1] * q / (q**2).sum(axis=1, keepdims=True)
        position, hit = detector.to_pixel(direction)
        hit &= q[:, 0] < 0
    rng = np.random.default_rng(0)
    chosen = rng.permutation(np.flatnonzero(hit))[:70]
    return h[chosen], position[chosen]


def orientation(seed):
    return random_orientations(make_keys(seed, np.arange(1)))[0]


@pytest.mark.parametrize("seed", range(4))
def test_an_orientation_a_degree_off_comes_back_exactly(silicon, seed):
    u = orientation(seed)
    hkl, position = spots(silicon, u)
    start = rotation_matrix(np.array([0.5, -0.6, 0.4])) @ u
    result = refine(silicon, DETECTOR, position, hkl, start)
    assert misorientation_deg(result.orientation, u, silicon.rotations) < 1e-5
    assert result.mean_residual_px < 1e-3
    np.testing.assert_allclose([result.change[name] for name in ROTATION], [-0.5, 0.6, -0.4], atol=0.01)


def test_strain_comes_back(silicon):
    u = orientation(5)
    strain = np.array([[2e-3, 5e-4, -3e-4], [5e-4, -1e-3, 4e-4], [-3e-4, 4e-4, -1e-3]])
    hkl, position = spots(silicon, u, strain=strain)
    without = refine(silicon, DETECTOR, position, hkl, u)
    result = refine(silicon, DETECTOR, position, hkl, u, refine_strain=True)
    np.testing.assert_allclose(result.strain, strain, atol=1e-6)
    assert np.trace(result.strain) == pytest.approx(0.0, abs=1e-12)
    assert without.mean_residual_px > 10 * result.mean_residual_px


def test_the_detector_comes_back_on_a_reference_crystal(silicon):
    u = orientation(6)
    true = DETECTOR.displaced(np.array([0.4, -0.3, 0.5]), np.array([0.0, 0.3, -0.2]))
    hkl, position = spots(silicon, u, detector=true)
    result = refine(
        silicon, DETECTOR, position, hkl, u, refine_detector=True, geometry_uncertainty=(5.0, 5.0, 5.0, 5.0, 5.0)
    )
    assert result.mean_residual_px < 1e-2
    assert misorientation_deg(result.orientation, u, silicon.rotations) < 2e-3
    assert result.detector.distance_mm == pytest.approx(true.distance_mm, abs=5e-3)
    np.testing.assert_allclose(result.detector.fast, true.fast, atol=5e-5)


@pytest.mark.parametrize("options", [{}, {"refine_strain": True}])
def test_the_stated_uncertainty_is_the_scatter_of_repeated_measurements(silicon, options):
    u = orientation(7)
    hkl, position = spots(silicon, u)
    errors, stated = [], []
    for seed in range(40):
        noisy = position + np.random.default_rng(seed).normal(0, 0.5, position.shape)
        result = refine(silicon, DETECTOR, noisy, hkl, u, **options)
        errors.append(rotation_vector_deg(result.orientation @ u.T))
        stated.append([result.uncertainty[name] for name in ROTATION])
    # forty trials fix a standard deviation to 11 %; three of these, and the robust loss' few per cent
    np.testing.assert_allclose(np.mean(stated, axis=0), np.sqrt(np.mean(np.square(errors), axis=0)), rtol=0.4)


@pytest.mark.parametrize("known", [CALIBRATED, IN_WORDS])
def test_the_stated_uncertainty_is_that_of_cameras_known_so_well(silicon, known):
    u = orientation(7)
    sigma = known.geometry_uncertainty(DETECTOR)
    ratios = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        along, down, away, tilt_y, tilt_z = rng.normal(size=5) * sigma
        shift = along * DETECTOR.fast + down * DETECTOR.slow + away * DETECTOR.normal
        true = DETECTOR.displaced(shift, np.array([0.0, tilt_y, tilt_z]))
        hkl, position = spots(silicon, u, true)
        noisy = position + rng.normal(0, 0.5, position.shape)
        options = {} if known.calibrated else {"refine_detector": True, "geometry_uncertainty": sigma}
        result = refine(silicon, DETECTOR, noisy, hkl, u, **options)
        if known.calibrated:
            result = with_camera_uncertainty(result, silicon, noisy, hkl, sigma)
        stated = np.array([result.uncertainty[name] for name in ROTATION])
        np.testing.assert_allclose(stated**2, np.diag(result.rotation_covariance_deg2))
        ratios.append(rotation_vector_deg(result.orientation @ u.T) / stated)
    # thirty trials fix a standard deviation to 13 %; three of these
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(ratios), axis=0)), 1.0, atol=0.4)


def test_changes_are_counted_from_the_given_camera_wherever_the_fit_begins(silicon):
    u, near = orientation(6), DETECTOR.displaced(np.array([0.4, -0.2, 0.3]), np.array([0.0, 0.2, -0.1]))
    true = DETECTOR.displaced(np.array([0.4, -0.3, 0.5]), np.array([0.0, 0.3, -0.2]))
    hkl, position = spots(silicon, u, true)
    known = (5.0, 5.0, 5.0, 5.0, 5.0)
    at_once = refine(silicon, DETECTOR, position, hkl, u, refine_detector=True, geometry_uncertainty=known)
    later = refine(silicon, DETECTOR, position, hkl, u, refine_detector=True, geometry_uncertainty=known, start=near)
    for name in GEOMETRY:
        assert later.change[name] == pytest.approx(at_once.change[name], abs=1e-3)
        assert later.change[name] == pytest.approx(geometry_change(DETECTOR, later.detector)[name], abs=1e-9)


def test_false_matches_do_not_pull(silicon):
    u = orientation(8)
    hkl, position = spots(silicon, u)
    spoiled = position + np.random.default_rng(1).normal(0, 0.2, position.shape)
    spoiled[:7] += 25.0
    robust = refine(silicon, DETECTOR, spoiled, hkl, u)
    plain = refine(silicon, DETECTOR, spoiled, hkl, u, robust=False)
    error = misorientation_deg(np.stack([robust.orientation, plain.orientation]), u, silicon.rotations)
    assert error[0] < 0.01
    assert error[1] > 5 * error[0]


def test_what_is_known_of_the_camera_holds_it_in_place(silicon):
    u = orientation(9)
    hkl, position = spots(silicon, u)
    noisy = position + np.random.default_rng(2).normal(0, 1.0, position.shape)
    free = refine(silicon, DETECTOR, noisy, hkl, u, refine_detector=True, geometry_uncertainty=(9.0,) * 5)
    held = refine(silicon, DETECTOR, noisy, hkl, u, refine_detector=True, geometry_uncertainty=(1e-4,) * 5)
    assert max(abs(held.change[name]) for name in GEOMETRY) < 1e-3
    assert max(abs(free.change[name]) for name in GEOMETRY) > 1e-3
    assert all(held.uncertainty[name] <= free.uncertainty[name] for name in ROTATION)


@pytest.mark.parametrize(
    ("position", "hkl", "options", "complaint"),
    [
        (np.zeros((5, 3)), np.ones((5, 3)), {}, r"\(p, 2\)"),
        (np.zeros((5, 2)), np.ones((4, 3)), {}, r"\(p, 3\)"),
        (np.full((5, 2), np.nan), np.ones((5, 3)), {}, "finite"),
        (np.zeros((5, 2)), np.zeros((5, 3)), {}, "non-zero"),
        (np.zeros((1, 2)), np.ones((1, 3)), {}, "1 peaks cannot fix 3 parameters; 2 are needed"),
        (np.zeros((4, 2)), np.ones((4, 3)), {"refine_detector": True}, "cannot fix 8"),
        (np.zeros((9, 2)), np.ones((9, 3)), {"refine_detector": True, "refine_strain": True}, "imitate"),
        (np.zeros((9, 2)), np.ones((9, 3)), {"refine_detector": True, "geometry_uncertainty": (0,) * 5}, "positive"),
    ],
)
def test_wrong_input_is_refused_in_one_line(silicon, position, hkl, options, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        refine(silicon, DETECTOR, position, hkl, np.eye(3), **options)
    assert "\n" not in str(caught.value)


def test_names_of_parameters_say_their_unit():
    assert all(name.endswith(("_deg", "_mm")) for name in ROTATION + GEOMETRY)
    assert len(STRAIN) == 5

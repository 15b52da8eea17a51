"""Patterns on plates bent to a cylinder: where spots lie, the flat panel as their limit, and how they are drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import predict_px
from beamgym.physics.laue.pattern import ImageBackground, ImageModel, LaueModel, Spots, SpotShape
from beamgym.physics.orientation import random_orientations

PLATE = CylinderDetector.around(160.0, (500, 1250), 0.8, beam_px=(500.0, 230.0)).displaced([2, 1, -3], [1, 1, 1])
ORIENTATIONS = random_orientations(make_keys(1, np.arange(6), 0, 0))


@pytest.fixture(scope="module")
def quartz():
    return load_crystal("quartz", "neutron")


@pytest.fixture(scope="module")
def whole(quartz):
    model = LaueModel(quartz, Beam.neutron(), PLATE)
    return model, model.spots(ORIENTATIONS)


def test_spots_lie_where_their_reflections_land(quartz, whole):
    model, spots = whole
    for u, row in zip(ORIENTATIONS, range(len(ORIENTATIONS)), strict=True):
        ray = spots.ray[row, : spots.count[row]]
        hkl = model.table.hkl[np.where(ray < 0, -ray - 1, ray)] * np.where(ray < 0, -1, 1)[:, None]
        place, hit = predict_px(quartz, PLATE, u, hkl)
        assert hit.all()
        assert np.abs(place - spots.position_px[row, : spots.count[row]]).max() < 1e-3


def test_no_reflection_that_lands_is_left_out(quartz, whole):
    model, spots = whole
    hkl = np.concatenate([model.table.hkl, -model.table.hkl])
    length = np.linalg.norm(hkl @ quartz.b_matrix.T, axis=1)
    q = hkl @ quartz.b_matrix.T @ ORIENTATIONS[0].T
    _, hit = predict_px(quartz, PLATE, ORIENTATIONS[0], hkl)
    with np.errstate(divide="ignore"):
        longest = -2.0 * q[:, 0] / length**2  # wavelength of the first harmonic, Å
    seen = hit & (longest > 0.8) & (longest < 4.0)
    ray = spots.ray[0, : spots.count[0]]
    rows = set((np.where(ray < 0, -ray - 1 + len(model.table.hkl), ray)).tolist())
    assert len(rows - set(np.flatnonzero(hit & (longest > 0.8)).tolist())) == 0
    missing = set(np.flatnonzero(seen).tolist()) - rows
    orders = {int(i) % len(model.table.hkl) for i in missing}
    assert all(model.table.order[model.table.first[i]] > 1 for i in orders)  # only those whose first order is absent


def test_the_brightest_are_the_brightest_of_all(quartz, whole):
    _, every = whole
    few = LaueModel(quartz, Beam.neutron(), PLATE, brightest=30)
    for _ in range(40):  # ranked after so many lists
        found = few.spots(ORIENTATIONS)
    sorted_ = -np.sort(-every.intensity, axis=1)[:, :30]
    np.testing.assert_array_equal(found.intensity, sorted_)


def test_a_cylinder_of_a_large_radius_shows_the_flat_panels_pattern(quartz):
    flat = Detector.back_reflection(150.0, (400, 400), 1.0)
    bent = CylinderDetector(flat.origin_mm, flat.fast, flat.slow, flat.pixel_mm, flat.shape, radius_mm=1e9)
    one, other = (LaueModel(quartz, Beam.neutron(), panel).spots(ORIENTATIONS) for panel in (flat, bent))
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_array_equal(one.ray, other.ray)
    assert np.abs(one.position_px - other.position_px).max() < 1e-3


def test_a_sample_of_known_size_reflects_by_its_absorption(quartz):
    thick, small = quartz, replace(quartz, size_mm=10.0)
    every = LaueModel(thick, Beam.neutron(), PLATE).spots(ORIENTATIONS[:1])
    mine = LaueModel(small, Beam.neutron(), PLATE).spots(ORIENTATIONS[:1])
    share = mine.intensity[0, : mine.count[0]] / every.intensity[0, : every.count[0]]
    mu = quartz.absorption_per_mm(mine.energy_kev[0, : mine.count[0]])
    single = np.isclose(share, -np.expm1(-2.0 * mu * 10.0), rtol=0.02)
    assert single.mean() > 0.5  # one harmonic makes most spots; the others hold several
    assert share.min() > 0.5 * -np.expm1(-2.0 * mu * 10.0).max()


def spot_at(column, row):
    one = np.ones((1, 1), np.float32)
    return Spots(np.array([1]), np.array([[[column, row]]], np.float32), one, one, np.zeros((1, 1), np.int32))


def moments(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    weight = image / image.sum()
    middle = np.array([(weight * columns).sum(), (weight * rows).sum()])
    away = np.stack([columns - middle[0], rows - middle[1]])
    return middle, np.einsum("ij,aij,bij->ab", weight, away, away)


def test_a_mosaic_crystals_spot_is_as_wide_as_tilted_blocks_make_it():
    plate = CylinderDetector.around(160.0, (500, 1250), 0.8)
    model = ImageModel(plate, SpotShape(blur_mm=0.01, mosaic_deg=0.4))
    q = np.array([-0.5, 0.35, 0.2])
    tilts = Rotation.from_rotvec(np.random.default_rng(2).normal(0.0, np.radians(0.4), (20000, 3))).apply(q)
    tilted = tilts / np.linalg.norm(tilts, axis=1, keepdims=True)
    place, _ = plate.to_pixel(np.array([1.0, 0.0, 0.0]) - 2.0 * tilted[:, :1] * tilted)
    middle, _ = plate.to_pixel(np.array([1.0, 0.0, 0.0]) - 2.0 * q[0] * q / (q @ q))
    _, covariance = moments(model.render(spot_at(*middle))[0])
    np.testing.assert_allclose(covariance, np.cov(place.T), rtol=0.1, atol=0.15)


def test_a_spot_on_the_seam_shows_at_both_ends_and_loses_nothing():
    plate = CylinderDetector.around(1256 * 0.8 / (2.0 * np.pi), (100, 1256), 0.8)
    model = ImageModel(plate, SpotShape(blur_mm=2.0))
    (image,) = model.render(spot_at(-0.3, 50.0))
    assert image.sum() == pytest.approx(1.0, abs=2e-2)
    assert 0.3 < image[:, -40:].sum() < 0.7
    open_ = CylinderDetector.around(160.0, (100, 900), 0.8)
    assert ImageModel(open_, SpotShape(blur_mm=2.0)).render(spot_at(-0.3, 50.0)).sum() < 0.7


def test_an_isotropic_background_falls_on_a_plate_by_its_solid_angle():
    plate = CylinderDetector.around(160.0, (400, 1250), 0.8)
    rate = ImageBackground(hill_per_mm2=0.0, flat_per_mm2=1.0).rate(plate)
    rows, columns = np.mgrid[:400, :1250]
    height = plate.to_lab_mm(np.stack([columns, rows], axis=-1))[..., 2]
    cosine = 160.0 / np.hypot(160.0, height)
    np.testing.assert_allclose(rate, 0.64 * cosine**3, rtol=1e-9)

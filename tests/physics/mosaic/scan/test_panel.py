"""The panel from all crystals together, with a free height for each."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB, turn_about_normal
from beamgym.physics.mosaic.scan import SeenSpots, fit_panel, moved_panel
from beamgym.physics.orientation import misorientation_deg, rotation_matrix, rotation_vector_deg

NOISE_MM = 0.1
MOVED = np.array([0.12, -0.2, 0.15, 0.1, -0.08])
CRYSTAL = load_crystal("YFe2Ge2")
STATED = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)


@pytest.fixture(scope="module")
def seen():
    """12 crystals, two frames each, at heights of their own before a panel that is a little elsewhere."""
    rng = np.random.default_rng(0)
    heights = rng.uniform(0.2, 1.0, 12)
    model, frames, truth = LaueModel(CRYSTAL, Beam.tube("W"), STATED, brightest=60), [], []
    for number, height in enumerate(heights):
        u = rotation_matrix(rng.normal(0.0, 2.0, 3) * [1, 1, 0]) @ turn_about_normal(rng.uniform(0.0, 360.0))
        for _ in range(2):
            lab = PLATE_TO_LAB @ u
            panel = moved_panel(STATED, MOVED, height)
            spots = model.spots(lab, panel.as_vector()[None])
            rows = np.flatnonzero(spots.mask[0])
            ray = spots.ray[0, rows]
            hkl = model.table.hkl[np.where(ray < 0, -ray - 1, ray)] * np.where(ray < 0, -1, 1)[:, None]
            place = spots.position_px[0, rows] + rng.normal(0.0, NOISE_MM / STATED.pixel_mm, (len(rows), 2))
            slip = rotation_matrix(rng.normal(0.0, 0.1, 3))
            frames.append(SeenSpots(number, CRYSTAL.plane_normal(hkl), place, slip @ lab))
            truth.append(lab)
    return frames, heights, np.array(truth)


@pytest.fixture(scope="module")
def fit(seen):
    return fit_panel(seen[0], STATED, np.full(12, 0.6))


def test_orientations_come_out_to_their_standard_error(seen, fit):
    frames, _, truth = seen
    error = misorientation_deg(fit.u, truth, CRYSTAL.rotations)
    assert len(frames) == 24
    assert np.median(error) < 0.06
    # what the panel's doubt adds turns all of them alike; beside it, 0.1 mm of 60 spots at 70 mm is
    # 0.1 / 70 / 2 rad / sqrt(120) = 0.004° about each axis
    own = np.array([rotation_vector_deg(u @ v.T) for u, v in zip(fit.u, truth, strict=True)])
    assert np.linalg.norm(own - own.mean(axis=0), axis=1).max() < 0.025
    stated = np.sqrt(np.trace(fit.covariance_deg2, axis1=1, axis2=2))
    assert 0.3 < np.sqrt(np.mean(error**2)) / np.sqrt(np.mean(stated**2)) < 1.5


def test_differences_of_height_come_out(seen, fit):
    _, heights, _ = seen
    off = fit.heights_mm - heights
    assert np.std(off) < 0.03


def test_the_panel_comes_out_but_for_what_a_common_height_imitates(seen, fit):
    _, heights, _ = seen
    assert fit.moved[:2] == pytest.approx(MOVED[:2], abs=0.06)
    common = float(np.mean(fit.heights_mm - heights))
    assert fit.moved[2] - MOVED[2] == pytest.approx(common, abs=0.03)
    assert fit.noise_px == pytest.approx(NOISE_MM / STATED.pixel_mm, rel=0.15)


def test_wrongly_assigned_spots_hardly_matter(seen):
    frames, _, truth = seen
    rng = np.random.default_rng(1)
    spoilt = []
    for frame in frames:
        place = frame.position_px.copy()
        place[rng.permutation(len(place))[:4]] += rng.uniform(-8.0, 8.0, (4, 2))
        spoilt.append(SeenSpots(frame.crystal, frame.directions, place, frame.u))
    fit = fit_panel(spoilt, STATED, np.full(12, 0.6))
    assert np.median(misorientation_deg(fit.u, truth, CRYSTAL.rotations)) < 0.06


def test_a_fixed_panel_stays_and_one_frame_gives_its_height(seen):
    frames, heights, truth = seen
    one = SeenSpots(0, frames[0].directions, frames[0].position_px, frames[0].u)
    fit = fit_panel([one], STATED, np.array([0.6]), MOVED, fixed=True)
    assert fit.moved == pytest.approx(MOVED, abs=1e-9)
    assert fit.heights_mm[0] == pytest.approx(heights[0], abs=0.05)
    assert misorientation_deg(fit.u[0], truth[0], CRYSTAL.rotations) < 0.05

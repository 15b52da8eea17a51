"""The model of what indexing gives, held against the scan's own indexing of the same sort of frames."""

import numpy as np
import pytest

from beamgym.envs.plate_scan.by_index import IndexReads, angles_of, fold_of
from beamgym.envs.plate_scan.model_world import INDEXED_SPOTS, SIGNALS_S, SPOTS
from beamgym.envs.plate_scan.readings import apart_deg, stated_deg
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld

ONE = np.ones(1, dtype=np.bool_)


@pytest.fixture(scope="module")
def measured():
    """Frames in the middle of eight single crystals of FePS3, at three exposures, read by index: one row a frame."""
    world = PlateWorld("FePS3", PlateOptions.faultless(8))
    world.reset(np.atleast_1d(make_keys(12)), ONE)
    reads, optics = IndexReads(world.context), world.context
    fold = fold_of(optics, reads.reader.rotations)
    rows = []
    for k, outline in enumerate(world.outlines()):
        world.move(outline.centre_mm[None], ONE)
        truth = angles_of(world.truth()["orientation"][0, k], optics, reads.reader.rotations)
        for exposure_s in (0.05, 0.5, 2.0):
            frame = world.acquire(AcquireSettings(exposure_s), ONE)
            read = reads(frame, truth[None], ONE, ONE)
            off = float(apart_deg(read.angles_deg[0], truth, fold)) if read.indexed[0] else np.nan
            rows.append((exposure_s, int(read.spots[0]), bool(read.indexed[0]), off))
    return np.array(rows)


@pytest.mark.parametrize("exposure_s", [0.5, 2.0])
def test_as_many_spots_are_found_as_the_model_says(measured, exposure_s):
    spots = measured[measured[:, 0] == exposure_s, 1]
    expected = SPOTS["FePS3"][SIGNALS_S.index(exposure_s)] + 3.0  # and the level's false ones
    assert spots.mean() == pytest.approx(expected, rel=0.25)


def test_frames_index_where_the_model_says(measured):
    many, few = measured[measured[:, 1] > 2.0 * INDEXED_SPOTS + 3.0], measured[measured[:, 0] == 0.05]
    assert many[:, 2].mean() >= 0.95
    assert few[:, 2].mean() <= 0.25


def test_orientations_are_as_far_off_as_the_model_states(measured):
    good = measured[(measured[:, 0] >= 0.5) & (measured[:, 2] == 1.0)]
    noise, camera = stated_deg(good[:, 1], np.zeros(len(good), dtype=np.bool_))
    expected = 1.54 * np.hypot(noise, camera)  # median length of three normal numbers
    assert np.median(good[:, 3]) == pytest.approx(np.median(expected), rel=0.5)
    assert np.max(good[:, 3]) < 0.2


def test_angles_say_how_a_crystal_stands_whichever_of_the_equivalent_orientations_is_given():
    world = PlateWorld("Ca2RuO4", PlateOptions.faultless(3))
    world.reset(np.atleast_1d(make_keys(5)), ONE)
    optics, u = world.context, world.truth()["orientation"][0]
    rotations = optics.crystal.rotations
    for one in u:
        every = np.array([angles_of(one @ rotation, optics, rotations) for rotation in rotations])
        assert np.max(apart_deg(every, every[0], fold_of(optics, rotations))) < 1e-6
        assert np.hypot(*every[0, :2]) < 8.0

"""Drawn laboratory pictures: one seed, one picture; what is done to them keeps the spots' places."""

import numpy as np
import pytest

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.lab import DISTURBANCES, disturbed, lab_picture

SILICON = load_crystal("Si")


def test_a_picture_is_made_by_its_seed():
    first, again, other = lab_picture(SILICON, 3), lab_picture(SILICON, 3), lab_picture(SILICON, 4)
    assert np.array_equal(first.image, again.image)
    assert first.image.shape == first.camera.true.shape
    assert other.image.shape != first.image.shape or not np.array_equal(first.image, other.image)


def test_the_spots_told_are_where_the_light_is():
    with_spots, without = lab_picture(SILICON, 5), lab_picture(SILICON, 5, empty=True)
    assert len(without.position_px) == 0
    assert (np.diff(with_spots.strength) <= 0.0).all()
    column, row = np.rint(with_spots.position_px[: with_spots.spots]).astype(int).T
    difference = np.abs(with_spots.image.astype(float) - without.image)
    assert np.median(difference[row, column]) > 4.0 * np.median(difference)


def test_a_further_grain_adds_its_spots_and_moves_none():
    alone, two = lab_picture(SILICON, 5), lab_picture(SILICON, 5, further=(0.7,))
    assert len(two.further) == 1
    assert np.array_equal(two.orientation, alone.orientation)
    assert two.camera == alone.camera
    apart = np.linalg.norm(alone.position_px[:, None] - two.position_px[None], axis=2)
    assert apart.min(axis=1).max() == 0.0
    assert two.spots > alone.spots


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_a_disturbed_picture_is_made_by_its_seed_and_keeps_its_shape(kind):
    image = lab_picture(SILICON, 6).image
    first = disturbed(image, kind, 1)
    assert first.shape == image.shape
    assert first.dtype in (np.uint8, np.uint16)
    assert np.array_equal(first, disturbed(image, kind, 1))
    assert kind == "plain" or first.dtype != image.dtype or not np.array_equal(first, image)

"""Outlines: what is kept of their corners, and what is no outline."""

import numpy as np
import pytest

from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB, TURNED_OVER, turn_about_normal

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]])


def test_corners_are_counter_clockwise_and_not_closed_twice():
    closed = np.vstack([SQUARE, SQUARE[:1]])
    for corners in (SQUARE, closed, closed[::-1]):
        outline = Outline("1", corners)
        x, y = outline.polygon_mm.T
        assert len(x) == 4
        assert np.isclose(0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y), 2.0)
    assert np.allclose(outline.centre_mm, [1.0, 0.5])
    assert np.isclose(outline.area_mm2, 2.0)


@pytest.mark.parametrize(
    ("corners", "words"),
    [
        (SQUARE[[0, 2, 1, 3]], "outline 7 crosses itself"),
        (SQUARE[:2], "enclose no area"),
        (np.full((3, 2), np.nan), "finite numbers"),
        (np.zeros((4, 3)), "finite numbers"),
    ],
)
def test_what_is_no_outline_is_refused_by_its_name(corners, words):
    with pytest.raises(ValueError, match=words):
        Outline("7", corners)


def test_a_thickness_is_above_zero():
    with pytest.raises(ValueError, match="outline 3: a thickness of 0 mm"):
        Outline("3", SQUARE, thickness_mm=0.0)


def test_the_plates_frame_is_seen_from_the_source():
    assert np.isclose(np.linalg.det(PLATE_TO_LAB), 1.0)
    assert np.array_equal(PLATE_TO_LAB @ [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0])  # out of the plate is against the beam
    assert np.array_equal(PLATE_TO_LAB @ [0.0, 1.0, 0.0], [0.0, 0.0, 1.0])
    assert np.isclose(np.linalg.det(TURNED_OVER), 1.0)
    assert np.allclose(turn_about_normal(90.0) @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0])

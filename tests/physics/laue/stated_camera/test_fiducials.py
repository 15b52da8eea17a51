"""Marks on a film: a pinhole camera's picture of a plane is straightened to what stands on the plane."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.indexing import MeasuredPattern, straightened
from beamgym.physics.laue.stated_camera import Fiducials

SIZE = (100.0, 80.0)
SHAPE = (900, 1200)


def photographed(film_mm, turn_deg=(18.0, -12.0, 7.0)):
    """Where a phone's pinhole camera, held askew 250 mm before the film, sees places (n, 2) on it, pixels."""
    centred = np.column_stack([np.asarray(film_mm) - 0.5 * np.array(SIZE), np.zeros(len(film_mm))])
    seen = centred @ Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix().T + [3.0, -2.0, 250.0]
    return 1700.0 * seen[:, :2] / seen[:, 2:] + [600.0, 450.0]


CORNERS = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 80.0], [0.0, 80.0]])
MARKS = Fiducials(photographed(CORNERS), SIZE, SHAPE)
PLACES = np.random.default_rng(1).uniform([5.0, 5.0], [95.0, 75.0], (40, 2))


def test_every_place_comes_back_to_its_millimetre():
    np.testing.assert_allclose(MARKS.to_film_mm(photographed(PLACES)), PLACES, atol=1e-6)


def test_the_straightened_picture_has_one_scale_and_right_angles():
    straight = MARKS.straightened_px(photographed(PLACES))
    apart_px = np.linalg.norm(straight[:, None] - straight[None], axis=-1)
    apart_mm = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=-1)
    np.testing.assert_allclose(apart_px * MARKS.pixel_mm, apart_mm, atol=1e-6)
    middle = MARKS.straightened_px(photographed([[50.0, 40.0]]))[0]
    np.testing.assert_allclose(middle, MARKS.center_px, atol=1e-6)


def test_the_pixel_is_the_pictures_mean_scale():
    assert MARKS.pixel_mm == pytest.approx(250.0 / 1700.0, rel=0.06)


def test_spots_of_the_image_are_drawn_where_their_positions_go():
    seen = photographed(PLACES[:6])
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    image = sum(200.0 * np.exp(-0.5 * ((columns - x) ** 2 + (rows - y) ** 2) / 9.0) for x, y in seen)
    drawn = MARKS.straightened((image + 20.0).astype(np.uint8))
    assert drawn.shape == MARKS.straightened_shape
    assert drawn.dtype == np.uint8
    for x, y in MARKS.straightened_px(seen):
        column, row = round(x), round(y)
        window = drawn[row - 6 : row + 7, column - 6 : column + 7].astype(float) - 20.0
        dy, dx = np.mgrid[-6:7, -6:7]
        assert column + (window * dx).sum() / window.sum() == pytest.approx(x, abs=0.1)
        assert row + (window * dy).sum() / window.sum() == pytest.approx(y, abs=0.1)


def test_a_horizon_in_the_picture_does_not_make_it_endless():
    steep = Fiducials(photographed(CORNERS, (75.0, 0.0, 0.0)), SIZE, (4000, 4000))
    assert max(steep.straightened_shape) < 4000


@pytest.mark.parametrize(
    ("corners", "size", "complaint"),
    [
        (CORNERS[::-1], SIZE, "clockwise from the upper left"),
        (CORNERS[[0, 2, 1, 3]], SIZE, "clockwise from the upper left"),
        (np.full((4, 2), np.nan), SIZE, "eight finite coordinates"),
        (CORNERS, (0.0, 80.0), "a width and a height"),
    ],
)
def test_marks_that_make_no_rectangle_are_refused(corners, size, complaint):
    with pytest.raises(ValueError, match=complaint):
        Fiducials(corners, size, SHAPE)


def test_what_was_ignored_or_is_not_shown_is_ignored_in_the_straightened_picture():
    image = np.full(SHAPE, 7.0)
    ignored = np.zeros(SHAPE, dtype=bool)
    column, row = np.rint(photographed(PLACES[:1])[0]).astype(int)
    ignored[row - 4 : row + 5, column - 4 : column + 5] = True
    none = Peaks(np.zeros((1, 0, 2)), np.zeros((1, 0)), np.zeros(1, dtype=int), np.zeros((1, 0), dtype=bool))
    straight = straightened(MeasuredPattern(none, image, ignored), MARKS)
    assert straight.ignored.shape == MARKS.straightened_shape
    (x, y), shown = MARKS.straightened_px(photographed(PLACES[:1]))[0], MARKS.straightened(image, fill=0.0) > 3.5
    assert straight.ignored[round(y), round(x)]
    np.testing.assert_array_equal(straight.ignored[~shown], True)
    assert straight.ignored[shown].mean() < 0.01

"""The finder of image plates: broad spots and streaks are found, holes and empty plates are not taken for spots."""

import numpy as np
import pytest

from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.peaks import PlatePeakFinder


def plate(spots=(), seed=1, shape=(500, 1250), ground=400.0):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    image = ground * (1.0 + np.exp(-(((columns - 620) / 90.0) ** 2) - ((rows - 250) / 90.0) ** 2))
    for column, row, height, long, short, angle in spots:
        x, y = columns - column, rows - row
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        image = image + height * np.exp(-0.5 * ((along / long) ** 2 + (across / short) ** 2))
    image = np.random.default_rng(seed).poisson(image).astype(float)
    image[np.hypot(columns - 620, rows - 250) < 12] *= 0.05
    image[np.hypot(columns - 1200, rows - 240) < 9] = 0.0
    return image.astype(np.uint16)


SPOTS = (
    (100.0, 80.0, 300.0, 2.0, 2.0, 0.0),
    (300.5, 400.2, 900.0, 6.0, 1.2, 0.6),
    (900.3, 130.7, 200.0, 5.0, 4.0, 0.2),
    (1100.0, 420.0, 3000.0, 3.0, 3.0, 0.0),
    (640.0, 120.0, 700.0, 9.0, 1.5, 1.57),
)


def test_spots_of_all_widths_are_found_once_and_in_place():
    peaks = PlatePeakFinder()(plate(SPOTS))
    found = peaks.position_px[0]
    away = np.linalg.norm(found[:, None] - np.array(SPOTS)[None, :, :2], axis=2)
    assert (away.min(axis=0) < 0.6).all()
    assert (away[: len(SPOTS)].min(axis=1) < 0.6).all()
    assert len(found) <= len(SPOTS) + 3
    assert not peaks.saturated.any()


def test_brighter_spots_stand_first_and_hold_their_sums():
    peaks = PlatePeakFinder()(plate(SPOTS))
    truth = {tuple(spot[:2]): 2.0 * np.pi * spot[2] * spot[3] * spot[4] for spot in SPOTS}
    for place, total in zip(peaks.position_px[0, :5], peaks.intensity[0, :5], strict=True):
        near = min(truth, key=lambda key: np.hypot(*(np.array(key) - place)))
        assert 0.7 < total / truth[near] < 1.7
    assert (np.diff(peaks.intensity[0]) <= 0).all()


def test_an_empty_plate_with_holes_shows_hardly_anything():
    assert int(PlatePeakFinder()(plate()).count[0]) <= 3


def test_holes_and_masked_pixels_are_told_as_unseen():
    mask = np.zeros((500, 1250), bool)
    mask[:, 700:800] = True
    _, unseen = PlatePeakFinder(mask=mask).examine(plate(SPOTS))
    assert unseen[250, 620]
    assert unseen[240, 1200]
    assert unseen[:, 700:800].all()
    assert unseen.mean() < 0.15


def test_a_full_spot_is_told():
    image = plate(SPOTS)
    image[415:426, 1095:1106] = 65535
    peaks = PlatePeakFinder()(image)
    nearest = np.linalg.norm(peaks.position_px[0] - [1100.0, 420.0], axis=1).argmin()
    assert peaks.saturated[0, nearest]


@pytest.mark.parametrize("image", [np.zeros((10, 10)), np.zeros((4, 40, 40)), np.full((64, 64), "x")])
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(FrameFailed):
        PlatePeakFinder()(image)


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"max_peaks": 0}])
def test_numbers_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        PlatePeakFinder(**wrong)

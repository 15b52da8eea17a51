"""Pixels that are none: whatever a detector writes into its gaps, the spots beside them are found and no others."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.laue.files import ImageFileError, read_image, read_mask
from beamgym.physics.laue.files.images.marks import marked_pixels
from beamgym.physics.laue.peaks import PeakFinder

SHAPE = (120, 150)
PLACES = np.array([(x, y) for y in (20.2, 99.7) for x in (21.0, 55.3, 95.6, 128.0)])
GAP = np.zeros(SHAPE, dtype=bool)
GAP[56:66], GAP[:, 74:79] = True, True


def picture(ground=20.0, bright=900.0):
    """Eight spots of σ = 1.5 px along fast and slow, on counting noise, as whole numbers."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    counts = np.random.default_rng(1).poisson(ground, SHAPE).astype(float)
    for x, y in PLACES:
        counts += np.round(bright * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2)))
    return counts


def shows_the_spots(image, ignored):
    peaks = replace(PeakFinder(), mask=ignored)(image)
    found = peaks.position_px[0, : peaks.count[0]]
    return len(found) == len(PLACES) and np.linalg.norm(found[:, None] - PLACES[None], axis=2).min(axis=0).max() < 0.3


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("u4", 2**32 - 1), ("u4", 2**32 - 2), ("u4", 65535), ("u8", 2**64 - 1), ("u8", 2**32 - 1), ("i8", 2**32 - 1),
        ("i4", -1), ("i4", -2), ("i2", -1), ("i4", -(2**31)), ("i2", -(2**15)), ("u2", 65535), ("u2", 65534),
        ("i4", 65535), ("f4", np.nan), ("f8", np.inf), ("f4", -1.0), ("f8", -2.0),
        ("f4", 2.0**32 - 1), ("f8", 2.0**32 - 1), ("u2", 0),
    ],
)  # fmt: skip
def test_a_gap_is_known_by_its_mark_and_disturbs_nothing(kind, mark):
    image = picture().astype(kind)
    image[GAP] = mark
    ignored, notes = marked_pixels(image)
    np.testing.assert_array_equal(ignored, GAP)
    assert len(notes) == 1
    assert notes[0].startswith(f"{GAP.sum()} pixels hold ")
    assert shows_the_spots(image, ignored)


@pytest.mark.parametrize("kind", ["u1", "u2", "i4", "u4", "f4", "f8"])
def test_a_picture_without_gaps_is_left_whole(kind):
    image = picture(bright=100.0).astype(kind)
    assert not marked_pixels(image)[0].any()


@pytest.mark.parametrize("kind", ["i4", "i2", "f4"])
def test_noise_about_a_subtracted_dark_is_no_mark(kind):
    image = (picture() - 20.0).astype(kind)
    image[3, 7:9] = -1
    assert not marked_pixels(image)[0].any()


def test_a_counter_that_saw_next_to_nothing_keeps_its_empty_rows():
    image = picture(ground=0.01).astype(np.uint32)
    assert (image == 0).all(axis=1).any()
    assert not marked_pixels(image)[0].any()


def test_saturated_spots_are_no_gap():
    image = np.minimum(picture(bright=9e5), 65535).astype(np.uint16)
    assert not marked_pixels(image)[0].any()


def test_an_image_that_is_nothing_but_marks_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.full(SHAPE, -1, np.int32))
    with pytest.raises(ImageFileError, match="every pixel is marked as bad"):
        read_image(tmp_path / "x.npy")


def test_a_mask_is_made_of_rectangles_and_files(tmp_path):
    dark = np.zeros(SHAPE, np.uint8)
    dark[100:, 140:] = 255
    Image.fromarray(dark).save(tmp_path / "mask.png")
    mask, notes = read_mask(["10,20,12,29", str(tmp_path / "mask.png")], SHAPE)
    expected = dark != 0
    expected[20:30, 10:13] = True
    np.testing.assert_array_equal(mask, expected)
    assert [note.split(" leaves out ")[1] for note in notes] == ["0.2 % of the pixels", "1.1 % of the pixels"]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("10,20,5,29", "is no rectangle of an image of 150 columns and 120 rows"),
        ("10,20,150,29", "is no rectangle"),
        ("small.npy", r"has shape \(5, 5\), the image \(120, 150\)"),
        ("turned.npy", "leaves out 99 % of the image"),
        ("nowhere.npy", "no image file"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_in_one_line(tmp_path, item, says):
    np.save(tmp_path / "small.npy", np.zeros((5, 5)))
    turned = np.ones(SHAPE, np.uint8)
    turned[40:50, 50:60] = 0
    np.save(tmp_path / "turned.npy", turned)
    with pytest.raises((ValueError, OSError), match=says) as caught:
        read_mask([item if "," in item else tmp_path / item], SHAPE)
    assert "\n" not in str(caught.value)

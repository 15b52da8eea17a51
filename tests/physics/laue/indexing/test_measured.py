"""A measured pattern is an image with its peaks, or a list of peaks, and either way the same to those who index it."""

import numpy as np
import pytest
from PIL import Image

from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.indexing import read_pattern
from beamgym.physics.laue.indexing.measured import pattern_of
from beamgym.physics.laue.peaks import LabPeakFinder, PeakFinder


def picture(folder, places=((20.0, 30.0), (50.0, 41.5)), shape=(64, 80)):
    """An image with a Gaussian spot of σ = 1.5 px at each (fast, slow), on noise."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    counts = np.random.default_rng(0).poisson(100.0, shape).astype(float)
    for fast, slow in places:
        counts += 900.0 * np.exp(-((columns - fast) ** 2 + (rows - slow) ** 2) / (2 * 1.5**2))
    Image.fromarray(counts.astype(np.uint16)).save(folder / "image.tif")
    return folder / "image.tif"


def test_an_image_comes_with_its_peaks(tmp_path):
    pattern = read_pattern(picture(tmp_path), PeakFinder(threshold=8.0))
    assert pattern.shape == (64, 80)
    assert pattern.count == 2
    found = pattern.position_px[np.argsort(pattern.position_px[:, 0])]
    np.testing.assert_allclose(found, [(20.0, 30.0), (50.0, 41.5)], atol=0.1)
    assert (pattern.intensity > 0.0).all()


def test_a_finders_own_mask_holds_beside_the_files(tmp_path):
    mask = np.zeros((64, 80), dtype=bool)
    mask[:, :35] = True
    pattern = read_pattern(picture(tmp_path), PeakFinder(threshold=8.0, mask=mask))
    np.testing.assert_allclose(pattern.position_px, [(50.0, 41.5)], atol=0.1)
    with pytest.raises(FrameFailed, match="shape"):
        read_pattern(picture(tmp_path), PeakFinder(mask=mask[:10]))


def test_a_list_has_peaks_and_no_image(tmp_path):
    (tmp_path / "peaks.txt").write_text("X Y I\n3 4 10\n7.5 8 90\n")
    pattern = read_pattern(tmp_path / "peaks.txt", one_based=True)
    assert pattern.image is None
    assert pattern.shape is None
    np.testing.assert_array_equal(pattern.position_px, [(6.5, 7.0), (2.0, 3.0)])
    np.testing.assert_array_equal(pattern.intensity, [90.0, 10.0])


def test_masks_of_a_person_and_marks_of_the_detector_are_left_out_together(tmp_path):
    counts = np.array(Image.open(picture(tmp_path))).astype(np.uint32)
    counts[40:44, 47:54] = 2**32 - 1
    np.save(tmp_path / "image.npy", counts)
    pattern = read_pattern(tmp_path / "image.npy", PeakFinder(threshold=8.0), masks=["0,0,5,63"])
    np.testing.assert_allclose(pattern.position_px, [(20.0, 30.0)], atol=0.1)
    assert pattern.ignored.sum() == 4 * 7 + 6 * 64
    assert pattern.shown.max() < 2**16
    assert [note.split(":")[0] for note in pattern.notes] == [
        "28 pixels hold the mark of gaps, 2^32-1 or the like",
        "the mask 0,0,5,63 leaves out 7.5 % of the pixels",
    ]


def test_an_image_without_marks_is_shown_as_it_is(tmp_path):
    pattern = read_pattern(picture(tmp_path))
    assert pattern.shown is pattern.image


@pytest.mark.parametrize("options", [{"masks": ["0,0,1,1"]}, {"invert": True}, {"grey": True}])
def test_what_goes_with_an_image_is_refused_for_a_list(tmp_path, options):
    (tmp_path / "peaks.txt").write_text("X Y I\n3 4 10\n")
    with pytest.raises(ValueError, match="is a list of peaks: masks, inversion and grey go with an image"):
        read_pattern(tmp_path / "peaks.txt", **options)


def test_a_spot_in_a_shadow_or_a_mask_is_hidden():
    rows, columns = np.mgrid[:300, :300]
    away = np.hypot(columns - 150.0, rows - 150.0)
    image = 1000.0 + 3000.0 * (away > 40.0) + np.random.default_rng(3).normal(0.0, 30.0, away.shape)
    masked = np.zeros(image.shape, dtype=bool)
    masked[:20] = True
    pattern = pattern_of(image, LabPeakFinder(), masked)
    assert pattern.hidden[away < 38.0].all()
    assert pattern.hidden[:20].all()
    assert not pattern.hidden[30:, :20].any()
    assert pattern_of(image, PeakFinder(), masked).hidden is not None

"""Small files that were read wrongly once, each for a kind of file; they lie beside the measured data."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from beamgym.physics.laue.files import load_detector, read_image, read_peaks
from beamgym.physics.laue.peaks import PeakFinder

DATA = Path(os.environ.get("BEAMGYM_DATA", Path(__file__).parents[5] / "shared" / "data"))
CASES = DATA / "cases"

IMAGES = {
    "plain.tif": None,
    "big_endian.h5": None,
    "eiger_master.h5": None,
    "fixed_length_attributes.h5": None,
    "gap_uint16.h5": "65535 along whole rows",
    "gap_uint32.h5": "the mark of gaps",
    "signal_as_array.h5": None,
}
"""What a note says of each; all of them show the same twelve spots."""
DAMAGED_IMAGES = {"cut_deflate.tif": "damaged or cut short"}
PARTS_OF_OTHERS = {"eiger_data_000001.h5"}
REFUSED_DETECTORS = {
    "nan.det": "'nan' is not a number",
    "config_list.poni": "Detector_config must be an object",
    "orientation_list.poni": "orientation must be a number",
    "pixel_text.json": "pixel_mm must be a number",
    "millimetres.poni": "pixels of 320 mm",
}
READ_DETECTORS = {"numpy2.det": (69.66, 0.0799)}
"""Distance and pixel, mm."""
PEAKS = {"header_with_units.dat": (100.5, 200.5, 5000.0), "decimal_commas.csv": (100.5, 200.5, 5000.0)}


def case(folder, name):
    path = CASES / folder / name
    if not path.exists():
        pytest.skip(f"the cases are not in {CASES}; set BEAMGYM_DATA")
    return path


def found(file):
    peaks = replace(PeakFinder(), mask=file.ignored)(file.image)
    position = peaks.position_px[0, : peaks.count[0]]
    return position[np.lexsort(position.T)]


@pytest.mark.parametrize("name", IMAGES)
def test_every_image_shows_the_twelve_spots_of_the_plain_one(name):
    file = read_image(case("img", name))
    np.testing.assert_allclose(found(file), found(read_image(case("img", "plain.tif"))), atol=0.3)
    assert len(found(file)) == 12
    assert IMAGES[name] is None or any(IMAGES[name] in note for note in file.notes)


@pytest.mark.parametrize("name", DAMAGED_IMAGES)
def test_a_damaged_image_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=DAMAGED_IMAGES[name]) as caught:
        read_image(case("img", name))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", REFUSED_DETECTORS)
def test_a_calibration_that_makes_no_sense_is_refused_by_the_entry(name):
    with pytest.raises(ValueError, match=REFUSED_DETECTORS[name]) as caught:
        load_detector(case("det", name), (400, 512) if name.endswith(".det") else None)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", READ_DETECTORS)
def test_a_calibration_that_makes_sense_is_read(name):
    detector = load_detector(case("det", name), (400, 512))
    assert (detector.distance_mm, detector.pixel_mm) == pytest.approx(READ_DETECTORS[name])


@pytest.mark.parametrize("name", PEAKS)
def test_a_list_of_peaks_is_read_by_its_columns(name):
    peaks = read_peaks(case("peaks", name))
    assert (*peaks.position_px[0, 0], peaks.intensity[0, 0]) == pytest.approx(PEAKS[name])


@pytest.mark.parametrize(
    ("folder", "known"),
    [
        ("img", {*IMAGES, *DAMAGED_IMAGES, *PARTS_OF_OTHERS}),
        ("det", {*REFUSED_DETECTORS, *READ_DETECTORS}),
        ("peaks", {*PEAKS}),
    ],
)
def test_the_registry_of_cases_is_whole(folder, known):
    if not CASES.exists():
        pytest.skip(f"the cases are not in {CASES}; set BEAMGYM_DATA")
    assert {path.name for path in (CASES / folder).iterdir()} == known

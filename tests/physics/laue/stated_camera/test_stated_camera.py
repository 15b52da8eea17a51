"""Cameras in a person's words: where the panel stands, which way its picture lies, and what a camera.json holds."""

import json

import numpy as np
import pytest

from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import load_detector, load_detector_for, save_stated_camera
from beamgym.physics.laue.stated_camera import StatedCamera, beam_point_px, flipped, pixel_of_dpi, radius_mm

SHAPE = (60, 80)


def camera(**changes):
    return StatedCamera(**{"place": "back-reflection", "distance_mm": 40.0, "pixel_mm": 0.1, "shape": SHAPE, **changes})


@pytest.mark.parametrize(
    ("place", "preset"),
    [("back-reflection", Detector.back_reflection), ("transmission", Detector.transmission), ("side", Detector.side)],
)
def test_a_place_is_the_preset_of_its_name(place, preset):
    made, known = camera(place=place).detector(), preset(40.0, SHAPE, 0.1)
    np.testing.assert_allclose(made.as_vector(), known.as_vector(), atol=1e-12)


def test_the_stated_centre_is_where_the_beam_meets_the_panel():
    panel = camera(center_px=(12.5, -3.0)).detector()
    np.testing.assert_allclose(beam_point_px(panel), [12.5, -3.0], atol=1e-9)
    assert panel.distance_mm == pytest.approx(40.0)
    assert radius_mm(panel, [[12.5, 7.0]])[0] == pytest.approx(1.0)


@pytest.mark.parametrize("flip", ["none", "horizontal", "vertical"])
@pytest.mark.parametrize("rotate_deg", [0, 90, 180, 270])
def test_a_turned_and_flipped_picture_shows_every_spot_where_numpy_puts_it(flip, rotate_deg):
    """A spot drawn in the picture as the sample sees it, then turned and flipped as arrays are."""
    straight = camera().detector()
    direction = straight.directions([[70.0, 10.0]])[0]
    picture = np.zeros(SHAPE)
    picture[10, 70] = 1.0
    picture = np.rot90(picture, -rotate_deg // 90)
    picture = {"none": picture, "horizontal": picture[:, ::-1], "vertical": picture[::-1]}[flip]
    panel = camera(shape=picture.shape, flip=flip, rotate_deg=rotate_deg).detector()
    position, hit = panel.to_pixel(direction)
    assert hit
    np.testing.assert_allclose(position, np.argwhere(picture)[0][::-1], atol=1e-9)
    assert panel.mirrored == (flip != "none")


@pytest.mark.parametrize("flip", ["horizontal", "vertical"])
@pytest.mark.parametrize("place", ["back-reflection", "transmission", "side"])
def test_flipping_a_geometry_is_stating_the_flip(place, flip):
    turned = flipped(camera(place=place).detector(), flip)
    stated = camera(place=place, flip=flip).detector()
    np.testing.assert_allclose(turned.as_vector(), stated.as_vector(), atol=1e-9)


def test_a_tilted_panel_is_flipped_with_its_tilt_and_keeps_the_beams_pixel():
    panel = camera().detector().displaced([0.2, 0.3, -0.1], [0.0, 2.0, -3.0])
    other = flipped(panel, "horizontal")
    np.testing.assert_allclose(beam_point_px(other), beam_point_px(panel), atol=1e-9)
    assert other.distance_mm == pytest.approx(panel.distance_mm)
    np.testing.assert_allclose(other.to_lab_mm([3.0, 5.0])[1], -panel.to_lab_mm([3.0, 5.0])[1], atol=0.2)


def test_a_camera_json_is_read_back_and_takes_the_pictures_shape(tmp_path):
    path = tmp_path / "camera.json"
    save_stated_camera(camera(shape=None), path)
    assert load_detector(path, SHAPE) == camera().detector()
    assert load_detector_for(path, SHAPE) == camera().detector()
    with pytest.raises(ValueError, match="give shape"):
        load_detector(path)
    save_stated_camera(camera(), path)
    assert load_detector(path) == camera().detector()
    with pytest.raises(ValueError, match="the image has 60 rows and 60 columns"):
        load_detector_for(path, (60, 60))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"place": "behind"}, "back-reflection, transmission, side"),
        ({"distance_mm": 0}, "distance_mm must be a length in mm"),
        ({"distance_mm": "40"}, "distance_mm must be a length in mm"),
        ({"pixel_mm": 100}, "100 µm are 0.1"),
        ({"center_px": [1]}, "column and row of the centre"),
        ({"center_px": 3}, "wrong kind"),
        ({"flip": "left"}, "none, horizontal, vertical"),
        ({"rotate_deg": 45}, "0, 90, 180 or 270"),
        ({"distance": 40}, "unknown keys"),
        ({"pixel_mm": None}, "pixel_mm must be"),
    ],
)
def test_a_wrong_word_is_named_in_one_line(tmp_path, change, complaint):
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({**camera().as_dict(), **change}))
    with pytest.raises(ValueError, match=r"camera\.json: ") as error:
        load_detector(path)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_scan_of_254_dots_per_inch_has_pixels_of_a_tenth_of_a_millimetre():
    assert pixel_of_dpi(254.0) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="dots per inch"):
        pixel_of_dpi(1.0)

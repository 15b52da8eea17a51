"""The sketch of a camera, the stereographic projection and the lab book's page hold what they say."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from beamgym.envs.pictures import draw_camera
from beamgym.envs.pictures.camera_sketch import _letter_f, _Sight
from beamgym.envs.pictures.lab_sheet import draw_scale
from beamgym.envs.pictures.overlay import format_hkl
from beamgym.envs.pictures.stereogram import projected
from beamgym.physics.goniometer import goniometer
from beamgym.physics.laue.stated_camera import StatedCamera


def camera(place="back-reflection", **changes):
    return StatedCamera(place, 40.0, 0.1, shape=(600, 800), **changes).detector()


@pytest.mark.parametrize("azimuth", [-32.0, 0.0, 32.0])
def test_the_sketch_is_no_mirror_image(azimuth):
    """Right, up and towards the eye are right-handed, as x, y and z of the lab are."""
    sight = _Sight(azimuth)
    x, y, z = sight(np.eye(3))
    assert x[0] > 0.5
    assert z[1] > 0.5
    assert z[0] == pytest.approx(0.0, abs=1e-12)
    # seen from above the turn from x to y is counter-clockwise
    assert x[0] * y[1] - x[1] * y[0] > 0.0


@pytest.mark.parametrize("place", ["back-reflection", "transmission", "side"])
def test_the_letter_reads_right_unless_the_picture_is_flipped(place):
    def strokes(panel):
        return panel.to_pixel(_letter_f(panel))[0]

    upright = strokes(camera(place))
    assert upright[2, 0] > upright[1, 0]  # the bar goes to the right from the stem's top
    assert upright[1, 1] < upright[0, 1]  # whose top is up
    assert strokes(camera(place, flip="horizontal"))[2, 0] < strokes(camera(place, flip="horizontal"))[1, 0]
    assert strokes(camera(place, flip="vertical"))[1, 1] > strokes(camera(place, flip="vertical"))[0, 1]


@pytest.mark.parametrize("head", ["two-arc", "kappa", "six-axis"])
def test_a_camera_is_drawn_to_a_file(tmp_path, head):
    draw_camera(tmp_path / "camera.png", camera(), goniometer(head), ["40 mm"])
    with Image.open(tmp_path / "camera.png") as picture:
        assert np.asarray(picture.convert("L")).std() > 10.0


def test_poles_are_projected_as_an_eye_at_the_source_sees_them():
    toward = np.array([[-1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [-1.0, 1.0, 0], [1.0, 0, 0]])
    toward /= np.linalg.norm(toward, axis=1)[:, None]
    places = projected(toward)
    np.testing.assert_allclose(places[:3], [[0, 0], [-1, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(places[3], [-np.tan(np.radians(22.5)), 0.0], atol=1e-12)
    assert np.isnan(places[4]).all()


def test_indices_stand_apart():
    assert format_hkl(np.array([1, 0, 26])) == r"$1\ \ 0\ \ 26$"
    assert format_hkl(np.array([-1, 0, 2])) == r"$\overline{1}\ \ 0\ \ 2$"


def test_the_scale_bar_is_as_long_as_it_says():
    axes = Figure().add_subplot()
    panel = camera()
    draw_scale(axes, panel)
    (bar,) = axes.lines
    length_mm = np.ptp(bar.get_xdata()) * panel.pixel_mm
    assert (
        axes.texts[0].get_text()
        == f"{length_mm:g} mm = {np.degrees(np.arctan2(length_mm, 40.0)):.1f}° of 2θ at the beam"
    )

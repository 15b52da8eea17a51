"""Detectors: where rays land, and back."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beamgym.physics.laue.detector import Detector

PRESETS = {
    "back_reflection": Detector.back_reflection,
    "transmission": Detector.transmission,
    "side": Detector.side,
    "top": Detector.top,
}


@pytest.mark.parametrize("name", PRESETS)
def test_the_centre_of_a_preset_lies_where_its_name_says(name):
    detector = PRESETS[name](50.0, (300, 200), 0.1)
    centre = detector.to_lab_mm([99.5, 149.5])
    expected = {"back_reflection": [-50, 0, 0], "transmission": [50, 0, 0], "side": [0, 50, 0], "top": [0, 0, 50]}[name]
    np.testing.assert_allclose(centre, expected, atol=1e-9)
    assert detector.distance_mm == pytest.approx(50.0)
    assert not detector.mirrored


def test_images_are_what_an_eye_at_the_sample_sees():
    """Looking upstream (−x) with z up, +y is to the right; looking downstream it is to the left."""
    back, forward = Detector.back_reflection(50, (100, 100), 1.0), Detector.transmission(50, (100, 100), 1.0)
    right, _ = back.to_pixel([-50.0, 10.0, 0.0])
    left, _ = forward.to_pixel([50.0, 10.0, 0.0])
    up, _ = back.to_pixel([-50.0, 0.0, 10.0])
    assert right == pytest.approx([59.5, 49.5])
    assert left == pytest.approx([39.5, 49.5])
    assert up == pytest.approx([49.5, 39.5])


def test_a_ray_away_from_the_panel_misses_even_though_its_line_meets_the_plane():
    detector = Detector.back_reflection(50, (100, 100), 1.0)
    position, hit = detector.to_pixel([[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    assert hit.tolist() == [False, True, False]
    assert np.isnan(position[0]).all()


def test_the_panel_ends_half_a_pixel_beyond_the_outer_pixel_centres():
    detector = Detector.transmission(50, (10, 20), 1.0)
    for px, inside in [(-0.499, True), (-0.501, False), (19.499, True), (19.501, False)]:
        assert bool(detector.to_pixel(detector.to_lab_mm([px, 4.0]))[1]) is inside
    for px, inside in [(-0.499, True), (-0.501, False), (9.499, True), (9.501, False)]:
        assert bool(detector.to_pixel(detector.to_lab_mm([4.0, px]))[1]) is inside


vectors = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: math.hypot(*v) > 0.1)


@st.composite
def detectors(draw):
    fast, other = np.array(draw(vectors)), np.array(draw(vectors))
    fast /= np.linalg.norm(fast)
    normal = np.cross(fast, other)
    if np.linalg.norm(normal) < 1e-2:
        normal = np.cross(fast, [0.6, 0.64, 0.48] if abs(fast[0]) < 0.9 else [0, 1, 0])
    normal /= np.linalg.norm(normal)
    distance, along, across = draw(st.floats(5, 300)), draw(st.floats(-50, 50)), draw(st.floats(-50, 50))
    slow = np.cross(normal, fast) * draw(st.sampled_from([1.0, -1.0]))
    origin = distance * normal + along * fast + across * slow
    return Detector(origin, fast, slow, draw(st.floats(0.01, 1.0)), (400, 300))


@settings(deadline=None, max_examples=60)
@given(detectors(), st.floats(-0.4, 299.4), st.floats(-0.4, 399.4))
def test_a_pixel_comes_back_from_its_direction(detector, fast, slow):
    position, hit = detector.to_pixel(detector.directions([fast, slow]))
    np.testing.assert_allclose(position, [fast, slow], atol=1e-6)
    assert hit


@settings(deadline=None, max_examples=60)
@given(detectors(), st.floats(0, 299), st.floats(0, 399))
def test_reflecting_the_beam_at_a_spots_plane_gives_the_spot(detector, fast, slow):
    normal = detector.plane_normals([fast, slow])
    assert np.linalg.norm(normal) == pytest.approx(1.0)
    assert normal[0] <= 0.0
    beam = np.array([1.0, 0.0, 0.0])
    exit_ray = beam - 2.0 * (beam @ normal) * normal
    if detector.directions([fast, slow])[0] < 1.0 - 1e-9:
        position, _ = detector.to_pixel(exit_ray)
        np.testing.assert_allclose(position, [fast, slow], atol=1e-5)


STARTS = [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.5)]
"""Shares of a panel's width and height: each corner may hold an extreme of its own."""


def searched_two_theta(detector):
    """Smallest and largest 2θ in radians by brute force: a grid over the panel, made finer around its best point."""
    least = min(closest(detector, start, 1.0) for start in STARTS)
    return least, max(-closest(detector, start, -1.0) for start in STARTS)


def closest(detector, start, sign):
    (column, row), reach, size = start, 1.0, detector.shape[::-1]
    for _ in range(40):
        steps = reach * np.linspace(-1.0, 1.0, 41)
        share = np.stack(np.meshgrid(np.clip(column + steps, 0, 1), np.clip(row + steps, 0, 1)), axis=-1)
        x, y, z = np.moveaxis(detector.to_lab_mm(share * size - 0.5), -1, 0)
        angle = sign * np.arctan2(np.hypot(y, z), x)
        column, row = share[np.unravel_index(angle.argmin(), angle.shape)]
        reach *= 0.25
    return angle.min()


THROUGH_AN_EDGES_MIDDLE = Detector([0, -5, 0], [0, 0, 1], [-1, 0, 0], 1.0, (400, 300))
"""Its smallest angle lies at z = 0, half a pixel from a corner: no evenly spaced point of the outline comes near."""


@settings(max_examples=30)
@given(detectors())
@example(THROUGH_AN_EDGES_MIDDLE)
@example(Detector([0, -5, 0], [0, 0, 1], [-1, 0, 0], 0.1, (400, 300)))
@example(Detector([5e-324, -5, 0], [0, 0, 1], [-1, 1e-310, 0], 0.1, (400, 300)))
@example(Detector([-0.3, -5, 5e-324], [5e-320, 0, 1], [-1, 0, 0], 0.1, (400, 300)))
@example(Detector([50, 0.01, -3], [0, 0, 1], [0, 1, 0], 0.01, (4, 700)))
def test_sin_theta_range_is_that_of_a_brute_force_search(detector):
    expected = np.sin(np.array(searched_two_theta(detector)) / 2)
    np.testing.assert_allclose(detector.sin_theta_range(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("stand_off", [0.0011, 1.0, 1e5])
@pytest.mark.parametrize("aside", [0.0, 40.0, 7e5])
def test_sin_theta_range_is_exact_beside_the_beam_near_the_sample_and_far_away(sign, stand_off, aside):
    """A panel normal to the beam, its lower edge ``aside`` + 1 mm above it: 2θ runs from that edge to a far corner."""
    detector = Detector([sign * stand_off, 0, aside + 1.5], [0, 1, 0], [0, 0, 1], 1.0, (10, 10))
    near, far = math.atan2(aside + 1.0, stand_off), math.atan2(math.hypot(9.5, aside + 11.0), stand_off)
    expected = (near, far) if sign > 0 else (math.pi - far, math.pi - near)
    np.testing.assert_allclose(detector.sin_theta_range(), np.sin(np.array(expected) / 2), rtol=1e-13)


def test_a_panel_around_the_beam_reaches_its_end_of_the_range():
    corner = math.atan2(math.hypot(0.5, 0.5), 50.0) / 2
    downstream, upstream = (Detector([x, 0, 0], [0, 1, 0], [0, 0, 1], 1.0, (1, 1)) for x in (50.0, -50.0))
    assert downstream.sin_theta_range() == pytest.approx((0.0, math.sin(corner)), rel=1e-15)
    assert upstream.sin_theta_range() == pytest.approx((math.cos(corner), 1.0), rel=1e-15)


@settings(max_examples=30)
@given(detectors())
@example(THROUGH_AN_EDGES_MIDDLE)
def test_sin_theta_range_holds_every_pixel(detector):
    low, high = detector.sin_theta_range()
    rows, columns = np.mgrid[0:400:7, 0:300:7]
    cosine = detector.directions(np.stack([columns, rows], axis=-1))[..., 0]
    sine = np.sqrt((1 - cosine) / 2)
    assert sine.min() >= low - 2e-8  # 1 − cosine keeps half the digits near the beam
    assert sine.max() <= high + 1e-12


@pytest.mark.parametrize("ray", [(1.0, 0, 0), (-1.0, 0, 0), (5e-324, 1.0, 0), (0, -1.0, 5e-324)])
@pytest.mark.parametrize("slant", [5e-324, 1e-310, 1e-300])
def test_a_ray_all_but_along_the_plane_misses_without_an_overflow(ray, slant):
    detector = Detector([0, -5, 0], [0, 0, 1], [-1, slant, 0], 0.1, (400, 300))
    assert bool(detector.to_pixel(ray)[1]) is (ray[1] < 0)


def test_a_direction_of_any_length_is_scaled_to_one():
    detector = Detector([10, 0, 0], [0, 1e300, 1e300], [0, -1e-9, 1e-9], 0.1, (4, 3))
    np.testing.assert_allclose(detector.fast, np.sqrt([0, 0.5, 0.5]), rtol=1e-15)
    np.testing.assert_allclose(detector.slow, [0, -math.sqrt(0.5), math.sqrt(0.5)], rtol=1e-15)


def test_binning_keeps_the_panel_in_place():
    detector = Detector.side(60, (120, 80), 0.1)
    np.testing.assert_allclose(detector.binned(4).corners_mm(), detector.corners_mm(), atol=1e-12)
    assert detector.binned(4).shape == (30, 20)


def test_a_displaced_panel_turns_about_its_centre():
    detector = Detector.back_reflection(70, (101, 101), 1.0)
    moved = detector.displaced([1.0, 2.0, 3.0], [0.0, 0.0, 10.0])
    np.testing.assert_allclose(moved.to_lab_mm([50, 50]), [-69.0, 2.0, 3.0], atol=1e-9)
    np.testing.assert_allclose(moved.fast, [-math.sin(math.radians(10)), math.cos(math.radians(10)), 0], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fast": [1, 0, 0], "slow": [1, 1, 0]}, "perpendicular"),
        ({"fast": [0, 0, 0]}, "length is zero"),
        ({"origin_mm": [np.nan, 0, 0]}, "three finite numbers"),
        ({"origin_mm": [0, 3, 4]}, "through the sample"),
        ({"pixel_mm": 0.0}, "positive length"),
        ({"pixel_mm": float("nan")}, "positive length"),
        ({"shape": (10,)}, "rows, columns"),
        ({"shape": (10, 0)}, "rows, columns"),
        ({"shape": (10, 2.5)}, "rows, columns"),
        ({"shape": (math.inf, 10)}, "rows, columns"),
        ({"shape": (10**400, 10)}, "rows, columns"),
        ({"origin_mm": [1e308, 0, 0]}, "check its unit"),
        ({"origin_mm": [-1.1e6, 0, 0]}, "check its unit"),
        ({"pixel_mm": 1e307}, "positive length"),
        ({"pixel_mm": 1e5}, "unit of pixel_mm"),
    ],
)
def test_a_bad_detector_is_refused_in_one_line(change, words):
    good = {"origin_mm": [-50, -5, 5], "fast": [0, 1, 0], "slow": [0, 0, -1], "pixel_mm": 0.1, "shape": (100, 100)}
    Detector(**good)
    with pytest.raises(ValueError, match=words) as error:
        Detector(**{**good, **change})
    assert "\n" not in str(error.value)


def test_positions_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"shape \(\.\.\., 2\)"):
        Detector.side().to_lab_mm([1.0, 2.0, 3.0])


def test_a_binning_that_does_not_divide_the_panel_is_refused():
    with pytest.raises(ValueError, match="divides"):
        Detector.side(shape=(2048, 2048)).binned(3)


anything = st.one_of(st.floats(), st.integers(-3, 3), st.just("x"), st.none())


@settings(deadline=None, max_examples=200)
@given(
    st.lists(anything, max_size=4), st.lists(anything, max_size=4), st.lists(anything, max_size=4), anything, anything
)  # fmt: skip
def test_whatever_makes_no_detector_is_refused_in_one_line(origin, fast, slow, pixel, rows):
    try:
        detector = Detector(origin, fast, slow, pixel, (rows, 10))
    except (ValueError, TypeError) as error:
        message = str(error)
    else:
        assert np.isfinite(detector.corners_mm()).all()
        return
    assert "\n" not in message

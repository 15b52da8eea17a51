"""What is observed: planes for spots, shares of travel for axes, greys for counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beamgym.envs.laue_views.observations import (
    ImageView,
    SpotView,
    axis_rows,
    axis_space,
    brightness,
    image_to_uint8,
    spot_rows,
    spot_space,
)
from beamgym.physics.goniometer.goniometer import goniometer, goniometer_names
from beamgym.physics.instrument import Axis, Frame, FrameFailed, Peaks
from beamgym.physics.laue.detector import Detector

DETECTORS = [Detector.back_reflection(), Detector.side(), Detector.transmission(shape=(300, 400), pixel_mm=0.2)]


def _peaks(detector, n=5, p=40, seed=0):
    rng = np.random.default_rng(seed)
    place = rng.uniform(0, 1, (n, p, 2)) * [detector.shape[1] - 1, detector.shape[0] - 1]
    counts = -np.sort(-np.exp(rng.uniform(4, 16, (n, p))), axis=1)
    count = np.array([0, 1, p, p // 2, 3])[:n]
    return Peaks(place.astype(np.float32), counts.astype(np.float32), count, np.zeros((n, p), bool))


def _frame(peaks=None, image=None):
    n = len(peaks.count) if peaks is not None else len(image)
    return Frame(np.ones(n), np.ones(n, np.int64), np.ones(n), image, peaks)


class TestSpots:
    @pytest.mark.parametrize("detector", DETECTORS)
    @pytest.mark.parametrize("rows", [10, 40, 64])
    def test_a_row_is_the_plane_that_reflects_into_the_spot_by_the_detectors_own_geometry(self, detector, rows):
        peaks = _peaks(detector)
        found = spot_rows(peaks, detector, rows)
        assert found.shape == (5, rows, 5)
        for i, count in enumerate(np.minimum(peaks.count, rows)):
            normal = found[i, :count, :3].astype(np.float64)
            np.testing.assert_allclose(normal, detector.plane_normals(peaks.position_px[i, :count]), atol=1e-6)
            # Bragg's law as a mirror: the beam reflected by the plane flies to the spot
            exit_ray = np.array([1.0, 0, 0]) - 2 * normal[:, :1] * normal
            place, hit = detector.to_pixel(exit_ray)
            assert hit.all()
            np.testing.assert_allclose(place, peaks.position_px[i, :count], atol=0.05)
            np.testing.assert_allclose(found[i, :count, 3], brightness(peaks.intensity[i, :count]), atol=1e-6)
            assert (found[i, :count, 4] == 1).all()
            assert not found[i, count:].any()

    def test_rows_lie_in_their_space(self):
        found = spot_rows(_peaks(DETECTORS[0]), DETECTORS[0], 64)
        assert all(spot_space(64).contains(row.ravel()) for row in found)

    @given(st.floats(0, 1e12))
    def test_brightness_is_0_for_nothing_1_for_a_million_and_never_more(self, counts):
        value = brightness(np.array([counts]))[0]
        assert 0 <= value <= 1
        assert value == pytest.approx(min(np.log1p(counts) / np.log1p(1e6), 1.0), abs=1e-6)

    def test_a_view_encodes_the_masked_frames_only(self):
        view, peaks = SpotView(DETECTORS[0]), _peaks(DETECTORS[0])
        mask = np.array([False, True, True, False, True])
        np.testing.assert_array_equal(
            view.encode(_frame(peaks), mask), spot_rows(peaks, DETECTORS[0], 64)[mask].reshape(3, -1)
        )

    def test_a_frame_without_spots_is_an_observation(self):
        peaks = Peaks(
            np.zeros((1, 0, 2), np.float32), np.zeros((1, 0), np.float32), np.zeros(1, np.int64), np.zeros((1, 0), bool)
        )
        assert not SpotView(DETECTORS[0]).encode(_frame(peaks), np.ones(1, bool)).any()

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_peaks_that_are_not_finite_are_refused(self, value):
        peaks = _peaks(DETECTORS[0])
        peaks.position_px[2, 3, 0] = value
        with pytest.raises(FrameFailed, match="NaN or infinity"):
            SpotView(DETECTORS[0]).encode(_frame(peaks), np.ones(5, bool))

    def test_peaks_whose_arrays_do_not_fit_together_are_refused(self):
        good = _peaks(DETECTORS[0])
        for wrong in (
            Peaks(good.position_px[:, :9], good.intensity, good.count, good.saturated),
            Peaks(good.position_px, good.intensity, good.count[:4], good.saturated),
            Peaks(good.position_px, good.intensity, good.count + 1, good.saturated),
        ):
            with pytest.raises(FrameFailed, match="must be"):
                spot_rows(wrong, DETECTORS[0], 64)


class TestAxes:
    @pytest.mark.parametrize("name", goniometer_names())
    def test_rows_say_where_in_its_travel_an_axis_stands(self, name):
        axes = goniometer(name).axes
        low, high = np.array([axis.limits for axis in axes]).T
        found = axis_rows(np.stack([low, high, 0.5 * (low + high)]), axes).reshape(3, 6, 4)
        np.testing.assert_allclose(found[:, : len(axes), 0], np.array([[-1], [1], [0]]) * np.ones(len(axes)), atol=1e-6)
        np.testing.assert_allclose(found[0, : len(axes), 2], np.minimum((high - low) / 180, 1), rtol=1e-6)
        assert not found[0, : len(axes), 1].any()
        assert not found[1, : len(axes), 2].any()
        assert (found[:, : len(axes), 3] == 1).all()
        assert not found[:, len(axes) :].any()
        assert all(axis_space().contains(row.ravel()) for row in found)

    def test_an_axis_that_is_fixed_stands_in_the_middle_of_no_travel(self):
        found = axis_rows(np.array([[7.0]]), (Axis("stuck", (1.0, 0.0, 0.0), limits=(7.0, 7.0)),))
        np.testing.assert_array_equal(found[0, :4], [0.0, 0.0, 0.0, 1.0])

    def test_more_than_six_axes_are_refused(self):
        axes = tuple(Axis(f"a{i}", (1.0, 0.0, 0.0)) for i in range(7))
        with pytest.raises(ValueError, match="7 axes"):
            axis_rows(np.zeros((1, 7)), axes)


class TestImages:
    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=20)
    def test_more_counts_are_never_darker(self, seed):
        image = np.random.default_rng(seed).poisson(30.0, (1, 40, 40)).astype(np.uint16)
        grey = image_to_uint8(image, 40)[0, ..., 0].ravel()
        order = np.argsort(image.ravel(), kind="stable")
        assert (np.diff(grey[order].astype(int)) >= 0).all()

    def test_the_median_is_32_and_a_step_of_the_root_4(self):
        image = np.full((1, 20, 20), 100.0)
        image[0, 3, 4], image[0, 5, 6], image[0, 7, 8] = 121.0, 0.0, 1e6
        grey = image_to_uint8(image, 20)[0, ..., 0]
        assert [grey[0, 0], grey[3, 4], grey[5, 6], grey[7, 8]] == [32, 36, 0, 255]

    @pytest.mark.parametrize(("size", "mean"), [(84, 200.0), (33, 0.7), (16, 3e4)])
    def test_read_out_of_16_bits_becomes_the_same_grey_as_of_any_other_type(self, size, mean):
        image = np.random.default_rng(2).poisson(mean, (5, size, size))
        image[:, 2, :3] = 0, 65535, 40000
        narrow = np.minimum(image, 65535).astype(np.uint16)
        assert np.array_equal(image_to_uint8(narrow, size), image_to_uint8(narrow.astype(np.int64), size))

    def test_only_the_rows_asked_for_are_encoded(self):
        image = np.random.default_rng(3).poisson(50.0, (4, 20, 20)).astype(np.uint16)
        mask = np.array([True, False, True, False])
        assert np.array_equal(ImageView(20).encode(_frame(image=image), mask), image_to_uint8(image, 20)[mask])

    @pytest.mark.parametrize("shape", [(84, 84), (168, 168), (100, 91), (512, 400)])
    def test_binning_keeps_the_mean(self, shape):
        rng = np.random.default_rng(1)
        image = rng.uniform(90, 110, (2, *shape))
        assert image_to_uint8(image, 84).shape == (2, 84, 84, 1)
        flat = image_to_uint8(np.where(np.arange(shape[1]) < shape[1] // 2, 100.0, 144.0) * np.ones((1, *shape)), 84)
        left, right = flat[0, :, 0, 0], flat[0, :, -1, 0]
        assert (right.astype(int) - left == 8).all()

    def test_an_image_smaller_than_asked_is_refused(self):
        with pytest.raises(ValueError, match="smaller than the 84"):
            image_to_uint8(np.zeros((1, 60, 100)), 84)

    def test_pixels_that_are_not_finite_are_refused(self):
        image = np.ones((1, 84, 84))
        image[0, 3, 3] = np.nan
        with pytest.raises(FrameFailed, match="NaN"):
            ImageView().encode(_frame(image=image), np.ones(1, bool))

    def test_a_frame_without_an_image_is_refused(self):
        with pytest.raises(FrameFailed, match="frames='rendered'"):
            ImageView().encode(_frame(_peaks(DETECTORS[0])), np.ones(5, bool))

"""The peak finder: where spots are, what they hold, and what is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.special import erf

from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.peaks import background_kernels, kernels
from beamgym.physics.laue.peaks.finder import PeakFinder, find_peaks

SHAPE = (192, 256)


def render(positions, amplitudes, width, shape=SHAPE, background=30.0):
    """Gaussian spots integrated over the pixels, on a flat ground."""
    image = np.full(shape, float(background))
    rows, columns = np.arange(shape[0]), np.arange(shape[1])

    def share(axis, centre):
        return 0.5 * (erf((axis + 0.5 - centre) / width / 2**0.5) - erf((axis - 0.5 - centre) / width / 2**0.5))

    for (x, y), amplitude in zip(positions, amplitudes, strict=True):
        image += amplitude * np.outer(share(rows, y), share(columns, x))
    return image


def grid(seed=0, step=32):
    """Spots far enough apart not to touch, at any place within their pixel."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(step, SHAPE[1] - step / 2, step), np.arange(step, SHAPE[0] - step / 2, step))
    return np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(-0.5, 0.5, (x.size, 2))


def nearest(found, positions):
    distance = np.linalg.norm(positions[:, None] - found[None], axis=2)
    return distance.argmin(axis=1), distance.min(axis=1)


@pytest.mark.parametrize("width", [0.6, 1.0, 1.8])
def test_centroids_are_unbiased_to_a_twentieth_of_a_pixel(width):
    positions = grid()
    peaks = find_peaks(render(positions, np.full(len(positions), 4e4), width))
    found = peaks.position_px[0]
    match, distance = nearest(found, positions)
    assert peaks.count[0] == len(positions)
    assert distance.max() < 0.05
    assert np.abs((found[match] - positions).mean(axis=0)).max() < 0.01


def test_intensity_is_the_sum_of_the_spot_above_its_background():
    positions = grid()
    amplitudes = np.geomspace(5e3, 1e5, len(positions))
    peaks = find_peaks(render(positions, amplitudes, 1.2))
    match, _ = nearest(peaks.position_px[0], positions)
    np.testing.assert_allclose(peaks.intensity[0][match], amplitudes, rtol=0.06)


def test_counting_noise_moves_centroids_no_more_than_statistics_demand():
    positions = grid()
    counts = 3000.0
    image = np.random.default_rng(1).poisson(render(positions, np.full(len(positions), counts), 1.2))
    _, distance = nearest(find_peaks(image).position_px[0], positions)
    # width / sqrt(counts) per direction, times 1.8 for the background's share and the weighting
    assert np.sqrt((distance**2).mean() / 2) < 1.8 * 1.2 / np.sqrt(counts)


def test_peaks_come_brightest_first_and_the_rest_is_cut():
    positions = grid()
    peaks = find_peaks(render(positions, np.geomspace(1e3, 1e5, len(positions)), 1.0), max_peaks=7)
    assert peaks.count[0] == 7
    assert (np.diff(peaks.intensity[0]) <= 0).all()
    _, distance = nearest(peaks.position_px[0], positions[-7:])
    assert distance.max() < 0.1


def test_a_frame_without_spots_has_no_peaks():
    image = np.random.default_rng(2).poisson(np.full((256, 256), 40.0))
    assert find_peaks(image).count[0] == 0
    assert find_peaks(np.zeros((64, 64))).count[0] == 0


def test_a_smooth_hill_is_background():
    y, x = np.mgrid[:256, :256]
    hill = 20.0 + 400.0 * np.exp(-((x - 120) ** 2 + (y - 100) ** 2) / (2 * 60.0**2))
    assert find_peaks(np.random.default_rng(3).poisson(hill)).count[0] == 0


def test_hot_pixels_are_not_spots():
    positions = grid()
    image = np.random.default_rng(4).poisson(render(positions, np.full(len(positions), 5e3), 1.0))
    clean = find_peaks(image)
    image[5, 9] = image[50, 5] = image[90, 121] = 30000
    assert find_peaks(image).count[0] == clean.count[0] == len(positions)


def test_masked_pixels_hold_no_peaks_and_do_not_disturb_the_background():
    positions = grid()
    image = render(positions, np.full(len(positions), 5e3), 1.0)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:50, :80] = True
    image[mask] = 60000.0
    found = find_peaks(image, mask=mask).position_px[0]
    outside = positions[~((positions[:, 0] < 80) & (positions[:, 1] < 50))]
    assert len(found) == len(outside)
    assert nearest(found, outside)[1].max() < 0.05


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e30, 2.0**32 - 1])
def test_what_masked_pixels_hold_enters_no_statistic(value):
    positions = grid()
    image = np.random.default_rng(5).poisson(render(positions, np.full(len(positions), 800.0), 1.0)).astype(float)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[60:68], mask[100, 100] = True, True
    image[mask] = 0.0
    expected = find_peaks(image, mask=mask)
    image[mask] = value
    found = find_peaks(image, mask=mask)
    np.testing.assert_array_equal(found.position_px, expected.position_px)
    np.testing.assert_array_equal(found.intensity, expected.intensity)


def test_hot_pixels_enter_no_statistic():
    """One in thirty pixels stuck at any height: neither the noise nor the count of full pixels may follow them."""
    positions = grid()
    rng = np.random.default_rng(6)
    image = rng.poisson(render(positions, np.full(len(positions), 600.0), 1.0, background=5.0)).astype(np.uint32)
    spots = np.zeros(SHAPE, dtype=bool)
    for x, y in positions.round().astype(int):
        spots[y - 6 : y + 7, x - 6 : x + 7] = True
    lone = np.zeros(SHAPE, dtype=bool)
    lone[::6, ::5] = True
    image[lone & ~spots] = 2**31
    peaks = find_peaks(image)
    assert peaks.count[0] == len(positions)
    assert nearest(peaks.position_px[0], positions)[1].max() < 0.5


@pytest.mark.parametrize("kind", ["u4", "u8"])
def test_gaps_of_a_counter_are_known_without_a_mask(kind):
    positions = grid()
    image = np.random.default_rng(5).poisson(render(positions, np.full(len(positions), 800.0), 1.0)).astype(kind)
    image[44:52] = np.iinfo(kind).max
    peaks = find_peaks(image)
    assert peaks.count[0] == len(positions)
    assert nearest(peaks.position_px[0], positions)[1].max() < 0.5


@pytest.mark.parametrize("kind", [">u2", ">i4", ">f4", ">f8", "f2", ">f2"])
def test_any_byte_order_and_half_floats_are_understood(kind):
    positions = grid()
    image = np.round(render(positions, np.full(len(positions), 5e3), 1.2))
    found, expected = find_peaks(image.astype(kind)), find_peaks(image.astype(kind).astype(np.float32))
    assert found.count[0] == expected.count[0] == len(positions)
    np.testing.assert_allclose(found.position_px, expected.position_px, atol=1e-3)


def test_neighbours_are_told_apart():
    positions = np.array([[40.2, 40.1], [45.4, 41.3]])
    found = find_peaks(render(positions, [8000.0, 5000.0], 1.2)).position_px[0]
    assert len(found) == 2
    assert nearest(found, positions)[1].max() < 0.25


def test_saturated_spots_are_flagged_and_still_centred():
    positions = np.array([[40.3, 50.2], [120.0, 60.0]])
    image = np.minimum(render(positions, [4e5, 4e3], 1.5), 4095.0)
    peaks = find_peaks(image, saturation=4095)
    assert peaks.saturated[0].tolist() == [True, False]
    assert np.linalg.norm(peaks.position_px[0, 0] - positions[0]) < 0.1


def test_one_row_does_not_depend_on_the_others():
    rng = np.random.default_rng(5)
    stack = rng.poisson(np.stack([render(grid(k), np.full(len(grid(k)), 2e3 * (k + 1)), 1.0) for k in range(3)]))
    together = find_peaks(stack)
    for row, image in enumerate(stack):
        alone = find_peaks(image)
        count = together.count[row]
        assert alone.count[0] == count
        np.testing.assert_array_equal(alone.position_px[0], together.position_px[row, :count])


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (np.full((8, 8), np.nan), "not finite"),
        (np.zeros(8), "shape"),
        (np.zeros((2, 2, 2, 2)), "shape"),
        (np.zeros((8, 8), dtype=complex), "real numbers"),
        (np.full((8, 8), 65535, dtype=np.uint16), "saturated"),
    ],
)
def test_an_unusable_frame_is_refused_in_one_line(image, complaint):
    with pytest.raises(FrameFailed, match=complaint) as caught:
        find_peaks(image)
    assert "\n" not in str(caught.value)


def test_a_frame_of_another_detector_is_refused():
    with pytest.raises(FrameFailed, match=r"\(64, 64\).*\(32, 32\)"):
        PeakFinder(shape=(32, 32))(np.zeros((64, 64)))


@given(st.floats(), st.integers(-5, 5), st.floats())
@settings(max_examples=40, deadline=None)
def test_a_finder_is_refused_exactly_where_its_numbers_make_no_sense(threshold, max_peaks, share):
    if threshold > 0 and max_peaks >= 1 and 0 <= share <= 1:
        assert PeakFinder(threshold=threshold, max_peaks=max_peaks, max_saturated_share=share).max_peaks == max_peaks
    else:
        with pytest.raises(ValueError, match=r"must be|is a share"):
            PeakFinder(threshold=threshold, max_peaks=max_peaks, max_saturated_share=share)


def test_the_subtraction_kernel_equals_bilinear_interpolation_in_numpy():
    rng = np.random.default_rng(6)
    image = rng.normal(100.0, 5.0, (48, 64)).astype(np.float32)
    level, noise = rng.uniform(90, 110, (3, 4)), rng.uniform(2, 4, (3, 4))
    excess = np.empty(image.shape, dtype=np.float32)
    background_kernels.subtract(image, np.zeros(image.shape, dtype=bool), level, noise, 16, excess)
    where = np.mgrid[:48, :64] / 16 + 0.5 / 16 - 0.5
    background, spread = (ndimage.map_coordinates(a, where, order=1, mode="nearest") for a in (level, noise))
    np.testing.assert_allclose(excess, (image - background) / spread, rtol=1e-4, atol=1e-4)


def test_the_maxima_kernel_equals_filters_in_scipy():
    excess = np.random.default_rng(7).normal(0.0, 1.0, (60, 70)).astype(np.float32)
    sums = ndimage.convolve(excess.astype(np.float64), np.ones((3, 3)), mode="constant")
    peak = (sums == ndimage.maximum_filter(sums, 3)) & (sums >= 3.0 * 1.5)
    found = kernels.find_maxima(excess, 1.5)
    assert set(found.tolist()) == set(np.flatnonzero(peak).tolist())
    assert (np.diff(sums.ravel()[found]) <= 1e-5).all()


def test_the_clipped_mean_ignores_spots():
    rng = np.random.default_rng(8)
    values = np.concatenate([rng.normal(50.0, 4.0, 900), rng.uniform(200.0, 20000.0, 124)])
    mean, deviation = background_kernels.clipped_mean(values, len(values))
    assert mean == pytest.approx(50.0, abs=0.6)
    assert deviation == pytest.approx(4.0, rel=0.1)

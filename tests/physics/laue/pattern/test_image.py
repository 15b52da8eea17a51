"""Images: every photon drawn once, the right shapes, and noise that is what it says."""

import math
from functools import cache

import numpy as np
import pytest
from numba import njit
from scipy import stats
from scipy.spatial.transform import Rotation
from scipy.special import ndtr, ndtri

from beamgym.physics.counter_rng import bits, make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.exposure_kernels import count_photons, read_out, spill
from beamgym.physics.laue.pattern.image import ImageModel, noise_tables
from beamgym.physics.laue.pattern.image_kernels import ReadOut, Width, spot_covariance
from beamgym.physics.laue.pattern.image_parts import ImageBackground, Sensor, SpotShape
from beamgym.physics.laue.pattern.profile_kernels import profile, profile_table, tabled_profile
from beamgym.physics.laue.pattern.spots import LaueModel, Spots
from beamgym.physics.noise_kernels import normal_quantile, poisson_large, poisson_small

NO_TABLE = np.empty((0, 7, 8))
PANEL = Detector.back_reflection(70.0, (96, 128), 0.5)


def spots_at(position, intensity):
    """One list, padded by one row that must not be drawn."""
    position = np.array([[*position, [50.0, 50.0]]], dtype=np.float32)
    intensity = np.array([[*intensity, 1e6]], dtype=np.float32)
    count = np.array([position.shape[1] - 1])
    return Spots(count, position, intensity, np.full_like(intensity, 10.0), np.zeros(intensity.shape, dtype=np.int32))


@cache
def pattern(n=3):
    laue = LaueModel(load_crystal("Si"), Beam.tube("W"), PANEL)
    return laue.spots(Rotation.random(n, random_state=1).as_matrix())


def camera(**options):
    return Sensor(**{"read_noise": 0.0, "offset": 0.0, "bits": 32, **options})


def moments(image):
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image.sum(dtype=np.float64)
    x, y = (image * columns).sum() / total, (image * rows).sum() / total
    xx, yy = (image * (columns - x) ** 2).sum() / total, (image * (rows - y) ** 2).sum() / total
    return total, x, y, xx, yy, (image * (columns - x) * (rows - y)).sum() / total


@pytest.mark.parametrize("blur_px", [0.02, 0.2, 0.5, 0.69, 0.71, 1.0, 3.0])
@pytest.mark.parametrize("at", [(60.0, 40.0), (60.5, 40.31), (61.77, 39.5)])
def test_every_photon_of_a_spot_is_drawn_where_it_belongs(blur_px, at):
    image = ImageModel(PANEL, SpotShape(0.5 * blur_px)).render(spots_at([at], [1000.0]), exposure_s=2.0)[0]
    total, x, y, xx, yy, _ = moments(image.astype(np.float64))
    assert total == pytest.approx(2000.0, rel=5e-4)
    if blur_px > 0.4:  # a spot inside one pixel has no centroid finer than the pixel
        assert (x, y) == pytest.approx(at, abs=5e-3)
        assert xx == pytest.approx(blur_px**2 + 1 / 12, rel=0.03)  # 1/12 is the mean over places in a pixel
        assert yy == pytest.approx(xx, rel=0.05)


def test_a_narrow_spot_is_integrated_over_the_pixels():
    """The closed form, pixel by pixel."""
    blur, x = 0.4, 60.3
    image = ImageModel(PANEL, SpotShape(0.5 * blur)).render(spots_at([(x, 40.0)], [1.0]))[0]
    edges = np.arange(57, 65) - 0.5
    share = np.diff(ndtr((edges - x) / blur))
    np.testing.assert_allclose(image[36:45].sum(axis=0)[57:64], share, atol=2e-4)


def test_a_spot_at_the_edge_loses_what_falls_beside_the_panel():
    image = ImageModel(PANEL, SpotShape(0.5)).render(spots_at([(-0.5, 40.0)], [1000.0]))[0]
    assert image.sum() == pytest.approx(500.0, rel=2e-3)


def test_mosaic_spreads_twice_radially_and_by_two_sin_theta_sideways():
    """On the panel's axes: at 2θ = 90° a tilt δ moves the ray by 2δ along the beam and by √2 δ across it."""
    panel, delta = Detector.side(70.0, (201, 201), 0.1), np.radians(0.1)
    var_fast, var_slow, cov = spot_covariance(100.0, 100.0, panel.as_vector(), Width(0.1, 0.0, delta, 0.0, NO_TABLE))
    assert np.sqrt(var_fast) == pytest.approx(2 * delta * 700.0)
    assert np.sqrt(var_slow) == pytest.approx(np.sqrt(2) * delta * 700.0)
    assert cov == pytest.approx(0.0, abs=1e-9)


def test_mosaic_streaks_agree_with_tilted_crystals():
    """The covariance against the spot's displacements under many small random tilts, at an oblique place."""
    panel, rng = Detector.side(70.0, (801, 801), 0.1).displaced([5, 0, 3], [10, 5, -20]), np.random.default_rng(0)
    at = np.array([650.0, 180.0])
    normal, delta = panel.plane_normals(at), np.radians(0.05)
    tilts = Rotation.from_rotvec(rng.normal(0, delta, (40_000, 3))).apply(normal)
    exits = np.array([1.0, 0, 0]) - 2 * tilts[:, :1] * tilts
    moved, _ = panel.to_pixel(exits)
    wanted = np.cov(moved.T)
    var_fast, var_slow, cov = spot_covariance(*at, panel.as_vector(), Width(0.1, 0.0, delta, 0.0, NO_TABLE))
    np.testing.assert_allclose([[var_fast, cov], [cov, var_slow]], wanted, rtol=0.03, atol=0.02 * wanted.max())


def test_a_streak_is_drawn_with_its_covariance():
    panel = Detector.transmission(70.0, (400, 400), 0.1)
    shape = SpotShape(0.1, mosaic_deg=0.15, divergence_deg=0.02)
    image = ImageModel(panel, shape).render(spots_at([(290.0, 300.0)], [1e4]))[0].astype(np.float64)
    width = Width(0.1, 0.1, np.radians(0.15), np.radians(0.02), NO_TABLE)
    wanted = spot_covariance(290.0, 300.0, panel.as_vector(), width)
    total, x, y, *found = moments(image)
    assert total == pytest.approx(1e4, rel=1e-3)
    assert (x, y) == pytest.approx((290.0, 300.0), abs=0.01)
    np.testing.assert_allclose(found[:2], np.array(wanted[:2]) + 1 / 12, rtol=0.01)
    assert found[2] == pytest.approx(wanted[2], rel=0.01)
    assert abs(wanted[2]) > 0.1 * wanted[0]


def test_back_reflection_spots_are_nearly_round_and_low_angle_ones_radial():
    def ratio(panel, at):
        var_fast, var_slow, _ = spot_covariance(*at, panel.as_vector(), Width(0.1, 0.0, 1e-3, 0.0, NO_TABLE))
        return np.sqrt(var_fast / var_slow)

    back, forward = Detector.back_reflection(70.0, (201, 201), 0.1), Detector.transmission(70.0, (201, 201), 0.1)
    assert ratio(back, (140.0, 100.0)) == pytest.approx(1.0, abs=0.02)
    assert ratio(forward, (140.0, 100.0)) > 10.0  # on the row through the beam, radial is along fast


def test_without_a_camera_the_image_is_the_sum_of_its_parts():
    background = ImageBackground(hole_mm=3.0, shadow_mm=6.0)
    clean = ImageModel(PANEL).render(pattern(), exposure_s=3.0)
    full = ImageModel(PANEL, None, background).render(pattern(), exposure_s=3.0)
    opening = background.opening(PANEL)
    np.testing.assert_allclose(
        full, clean * opening + 3.0 * (background.rate(PANEL) * opening + background.dark_per_pixel), rtol=1e-5
    )


def test_the_hole_and_the_shadow_lie_about_the_beam():
    opening = ImageBackground(hole_mm=3.0, shadow_mm=6.0, shadow_transmission=0.3).opening(PANEL)
    assert (opening == 0).sum() * 0.25 == pytest.approx(np.pi * 9, rel=0.1)
    assert (opening == 0.3).sum() * 0.25 == pytest.approx(np.pi * 27, rel=0.1)
    assert opening[47, 63] == 0.0
    assert opening[0, 0] == 1.0


def test_the_diffuse_hill_falls_away_from_the_beam():
    rate = ImageBackground().rate(PANEL)
    assert (np.diff(rate[47, 64:]) < 0).all()
    assert rate[47, 63] == pytest.approx(25.0 * 0.25, rel=0.01)


def test_images_do_not_depend_on_the_batch():
    spots = pattern(5)
    keys = make_keys(3, np.arange(5))
    model = ImageModel(PANEL, SpotShape(0.3, 0.05), ImageBackground(), Sensor(read_noise=3.0))
    every = model.render(spots, keys, 0.5)
    for k in range(5):
        n = spots.count[k]
        one = Spots(
            spots.count[k : k + 1], spots.position_px[k : k + 1, :n], spots.intensity[k : k + 1, :n],
            spots.energy_kev[k : k + 1, :n], spots.ray[k : k + 1, :n],
        )  # fmt: skip
        np.testing.assert_array_equal(model.render(one, keys[k : k + 1], 0.5)[0], every[k])


def test_the_same_key_brings_the_same_noise_and_another_key_another():
    model = ImageModel(PANEL, None, ImageBackground(), Sensor())
    same = Spots(
        *(
            np.repeat(getattr(pattern(1), f), 2, axis=0)
            for f in ("count", "position_px", "intensity", "energy_kev", "ray")
        )
    )
    first, second = model.render(same, make_keys(1, [7, 8]))
    np.testing.assert_array_equal(first, model.render(pattern(1), make_keys(1, [7]))[0])
    assert (first != second).mean() > 0.5


def test_returned_images_are_fresh_and_writeable():
    model = ImageModel(PANEL, None, None, camera(noise=False))
    first = model.render(pattern())
    kept = first.copy()
    second = model.render(pattern())
    assert not np.shares_memory(first, second)
    second += 1
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("mean", [0.05, 0.7, 1.99, 5.0, 9.99])
def test_small_poisson_numbers_follow_the_distribution(mean):
    uniform = (np.arange(200_000) + 0.5) / 200_000
    inverse = noise_tables()[1]
    counts = np.array([poisson_small(mean, np.exp(-mean), u, inverse) for u in uniform])
    top = int(stats.poisson.ppf(1 - 1e-4, mean))
    found = np.bincount(np.minimum(counts, top), minlength=top + 1) / counts.size
    wanted = stats.poisson.pmf(np.arange(top + 1), mean)
    wanted[-1] += stats.poisson.sf(top, mean)
    np.testing.assert_allclose(found, wanted, atol=2e-5)  # inversion of an even grid: no chance in it


@pytest.mark.parametrize("mean", [10.0, 40.0, 300.0, 5e4])
def test_large_poisson_numbers_pass_chi_squared(mean):
    n = 40_000
    counts = np.array([poisson_large(mean, key, 5, 1) for key in make_keys(11, np.arange(n))])
    edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, 41)[1:-1], mean))
    wanted = np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, mean), [1.0]]))
    found = np.bincount(np.searchsorted(edges, counts, side="left"), minlength=edges.size + 1)
    assert stats.chisquare(found, wanted * n).pvalue > 1e-3
    assert counts.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean / n))


def test_pixels_of_an_image_are_poisson_and_independent():
    background = ImageBackground(0.0, 25.0, 12.0, 0.0, 0.0, 0.0, 1.0)
    model = ImageModel(PANEL, None, background, camera())
    nothing = Spots(
        np.zeros(60, dtype=np.int64), np.zeros((60, 0, 2), dtype=np.float32),
        *(np.zeros((60, 0), dtype=np.float32) for _ in range(2)), np.zeros((60, 0), dtype=np.int32),
    )  # fmt: skip
    rate = background.rate(PANEL)
    for exposure in (0.5, 5.0):  # means of 1.5 and 15: both methods
        image = model.render(nothing, make_keys(5, np.arange(60)), exposure).astype(float)
        scaled = (image - exposure * rate) / np.sqrt(exposure * rate)
        n = scaled.size
        assert scaled.mean() == pytest.approx(0.0, abs=5 / np.sqrt(n))
        assert scaled.var() == pytest.approx(1.0, abs=0.012)
        for one, other in (
            (scaled[:, 1:], scaled[:, :-1]),
            (scaled[..., 1:], scaled[..., :-1]),
            (scaled[1:], scaled[:-1]),
        ):
            assert (one * other).mean() == pytest.approx(0.0, abs=5 / np.sqrt(n))


def test_read_noise_gain_and_offset_are_what_they_say():
    """An empty frame is the offset and the noise; a lit one has variance gain²·mean on top."""
    keys = make_keys(9, np.arange(20))
    nothing = Spots(
        np.zeros(20, dtype=np.int64), np.zeros((20, 0, 2), dtype=np.float32),
        *(np.zeros((20, 0), dtype=np.float32) for _ in range(2)), np.zeros((20, 0), dtype=np.int32),
    )  # fmt: skip
    dark = ImageModel(PANEL, None, None, Sensor(offset=50.0, read_noise=3.0)).render(nothing, keys).astype(float)
    assert dark.mean() == pytest.approx(50.0, abs=0.05)
    assert dark.std() == pytest.approx(np.sqrt(9 + 1 / 12), rel=0.01)
    flat = ImageBackground(0.0, 25.0, 0.0, 20.0, 0.0, 0.0, 1.0)
    lit = (
        ImageModel(PANEL, None, flat, Sensor(gain=4.0, offset=50.0, read_noise=3.0)).render(nothing, keys).astype(float)
    )
    assert lit.mean() == pytest.approx(130.0, abs=0.2)
    assert lit.var() == pytest.approx(16 * 20 + 9 + 1 / 12, rel=0.02)


def test_the_normal_quantile_inverts_the_distribution():
    p = np.concatenate([[2.0**-33, 1e-7], np.linspace(1e-4, 1 - 1e-4, 9999), [1 - 1e-7, 1 - 2.0**-33]])
    found = [normal_quantile(np.uint64(value * 2**32), noise_tables()[0]) for value in p]
    np.testing.assert_allclose(found, ndtri(p), atol=6e-4)
    np.testing.assert_allclose(np.array(found)[np.abs(p - 0.5) > 0.4985], ndtri(p)[np.abs(p - 0.5) > 0.4985], atol=2e-6)


def test_full_scale_and_full_well_clip():
    bright = spots_at([(60.0, 40.0)], [1e7])
    eight = ImageModel(PANEL, None, None, camera(bits=8)).render(bright, make_keys(0, [0]))
    assert (eight.dtype, eight.max()) == (np.uint8, 255)
    well = ImageModel(PANEL, None, None, camera(full_well=1000.0, gain=2.0)).render(bright, make_keys(0, [0]))
    assert (well.dtype, well.max()) == (np.uint32, 2000)


def test_blooming_keeps_the_charge_in_its_column():
    counts = np.zeros((21, 3), dtype=np.float32)
    counts[10, 1] = 700.0
    spill(counts, 100.0)
    np.testing.assert_allclose(counts[:, 1], np.where(np.abs(np.arange(21) - 10) <= 3, 100.0, 0.0))
    assert counts[:, [0, 2]].sum() == 0.0
    image = ImageModel(PANEL, None, None, camera(full_well=500.0, bloom=True)).render(
        spots_at([(60.0, 40.0)], [1e4]), make_keys(0, [0])
    )[0]
    assert image.max() == 500
    assert image.sum() == pytest.approx(1e4, rel=0.04)
    assert np.ptp(np.flatnonzero(image.sum(axis=1))) > 2 * np.ptp(np.flatnonzero(image.sum(axis=0)))


def test_hot_and_dead_pixels_belong_to_the_camera():
    model = ImageModel(PANEL, None, ImageBackground(), Sensor(hot_share=0.01, dead_share=0.02, bits=16))
    one, two = model.render(pattern(1), make_keys(0, [1])), model.render(pattern(1), make_keys(0, [2]))
    assert model.hot.mean() == pytest.approx(0.01, abs=0.004)
    assert model.dead.mean() == pytest.approx(0.02, abs=0.006)
    for image in (one, two):
        assert (image[0][model.hot] == 65535).all()
        assert (image[0][model.dead] == 0).all()
    other = ImageModel(PANEL, None, ImageBackground(), Sensor(hot_share=0.01, seed=1))
    assert (other.hot != model.hot).any()


def test_the_response_spreads_flat_light():
    flat = ImageBackground(0.0, 25.0, 100.0, 0.0, 0.0, 0.0, 1.0)
    even = ImageModel(PANEL, None, flat)
    uneven = ImageModel(PANEL, None, flat, camera(response_rms=0.05, noise=False))
    assert (uneven.rate / even.rate).std() == pytest.approx(0.05, rel=0.05)


def test_the_rounded_image_is_the_expected_one_to_the_nearest_count():
    """Each spot's share of a pixel is rounded by itself: where s spots overlap, to s halves."""
    shape = SpotShape(0.4)
    expected = ImageModel(PANEL, shape).render(pattern())
    rounded = ImageModel(PANEL, shape, None, camera(noise=False, bits=16)).render(pattern())
    below = expected < 65535
    assert np.abs(rounded.astype(float) - expected)[below].max() <= 4.0
    assert np.abs(rounded.astype(float) - expected)[below].mean() < 0.3
    assert (rounded[~below] == 65535).all()
    behind = ImageBackground(hole_mm=3.0)
    expected = ImageModel(PANEL, shape, behind).render(pattern())
    rounded = ImageModel(PANEL, shape, behind, camera(noise=False, offset=7.0)).render(pattern())
    np.testing.assert_allclose(rounded, np.floor(expected.astype(float) + 7.5), atol=1)


def test_a_pattern_without_spots_is_an_image_too():
    nothing = Spots(
        np.zeros(1, dtype=np.int64), np.zeros((1, 0, 2), dtype=np.float32),
        *(np.zeros((1, 0), dtype=np.float32) for _ in range(2)), np.zeros((1, 0), dtype=np.int32),
    )  # fmt: skip
    assert (ImageModel(PANEL).render(nothing) == 0).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SpotShape(-1.0), "blur_mm"),
        (lambda: SpotShape(0.0), "some width"),
        (lambda: ImageBackground(hill_per_mm2=float("nan")), "hill_per_mm2"),
        (lambda: ImageBackground(shadow_transmission=1.5), "shadow_transmission"),
        (lambda: ImageBackground(hill_width_deg=0.0), "hill_width_deg"),
        (lambda: Sensor(bits=12), "8, 16 or 32"),
        (lambda: Sensor(gain=0.0), "gain"),
        (lambda: Sensor(hot_share=0.7, dead_share=0.7), "exceed 1"),
        (lambda: Sensor(noise=False, bloom=True), "noise=True"),
        (lambda: ImageModel(PANEL, None, None, Sensor()).render(pattern()), "needs keys"),
        (lambda: ImageModel(PANEL, None, None, Sensor()).render(pattern(), make_keys(0, [1])), r"shape \(3,\)"),
        (lambda: ImageModel(PANEL).render(pattern(), exposure_s=0.0), "exposure_s"),
        (lambda: ImageModel(PANEL).render(pattern(), detectors=np.zeros(9)), r"\(3, 9\)"),
    ],
)
def test_bad_settings_are_refused_in_one_line(make, words):
    with pytest.raises(ValueError, match=words) as error:
        make()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("least", "most"), [(0.01, 30.0), (10.0, 14.0), (30.0, 3e3), (1e5, 1e9)])
def test_an_exposed_image_has_the_numbers_that_its_pixels_have_one_at_a_time(least, most):
    """The kernels draw many pixels side by side and decide most by bounds; every bit is that of the plain functions."""
    pixels = 3000  # more than are done together
    mean = np.exp(np.random.default_rng(1).uniform(np.log(least), np.log(most), pixels)).astype(np.float32)
    background = np.where(np.arange(pixels) % 3 == 0, mean, np.float32(1.0))
    key, (quantile, inverse) = make_keys(7, 0)[()], noise_tables()
    counts = mean.copy()
    count_photons(counts, background, np.exp(-background.astype(np.float64)), key, inverse)
    assert np.array_equal(counts, plain_counts(mean, background, key, inverse))
    camera = ReadOut(0.25, 20.0, 3.0, 1e6, 65535.0, False, quantile, inverse)
    image = np.empty(pixels, np.uint16)
    read_out(counts, key, camera, image)
    assert np.array_equal(image, plain_read_out(counts, key, camera))


@njit(cache=True, error_model="numpy")
def plain_counts(mean, background, key, inverse):
    """Return a Poisson number for every mean: by inversion below 10, else by transformed rejection."""
    counts = np.empty_like(mean)
    for i in range(len(mean)):
        if mean[i] < 10.0:
            nothing = math.exp(-float(background[i])) if mean[i] == background[i] else math.exp(-mean[i])
            u = (float(bits(key, i) >> np.uint64(32)) + 0.5) * 2.0**-32
            counts[i] = poisson_small(mean[i], nothing, u, inverse)
        else:
            counts[i] = poisson_large(mean[i], key, len(mean) + i, len(mean))
    return counts


@njit(cache=True, error_model="numpy")
def plain_read_out(counts, key, camera):
    """Return the read-out of every pixel, with the normal quantile worked out for each."""
    out = np.empty(len(counts), np.uint16)
    for i in range(len(counts)):
        noise = camera.read_noise * normal_quantile(bits(key, i) & np.uint64(0xFFFFFFFF), camera.quantile)
        held = min(float(counts[i]), camera.full_well)
        out[i] = max(0.0, min(math.floor(held * camera.gain + camera.offset + noise + 0.5), camera.top))
    return out


@pytest.mark.parametrize("sigma_px", [0.45, 0.5, 0.69])
def test_tabled_weights_are_those_of_the_error_function_to_the_bit(sigma_px):
    """Where a weight is sure; all but one spot in some thousand are."""
    table, reach = profile_table(sigma_px), 4.0 * sigma_px
    tabled, exact, sure = np.zeros(40, np.float32), np.zeros(40, np.float32), 0
    centres = np.random.default_rng(4).uniform(-2.0, 32.0, 5000).astype(np.float32)
    for centre in centres:
        first, last = max(0, math.floor(centre - reach + 0.5)), min(29, math.floor(centre + reach + 0.5))
        start, is_sure = tabled_profile(centre, table, first, last, tabled)
        profile(centre, sigma_px**2, first, exact, last - first + 1)
        assert not is_sure or np.array_equal(tabled[first - start : last + 1 - start], exact[: last + 1 - first])
        sure += is_sure
    assert sure > 0.99 * len(centres)


def test_spots_too_narrow_or_wide_for_the_table_have_none():
    assert [profile_table(sigma).size for sigma in (0.0, 0.44, 0.7, 2.0)] == [0, 0, 0, 0]

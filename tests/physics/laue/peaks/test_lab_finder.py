"""The finder for laboratory pictures: what it calls 5 σ, which shapes are spots, and whose light is brightest."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from beamgym.physics.crystal import load_crystal
from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.lab import lab_picture
from beamgym.physics.laue.peaks import LabPeakFinder
from beamgym.physics.laue.peaks.collimator import find_shadow
from beamgym.physics.laue.peaks.population import Candidates, stretch, usual_width

SHAPE = (360, 420)
NOISE = 10.0
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
HILL = 1000.0 + 4000.0 * np.exp(-(((ROWS - 180.0) ** 2 + (COLUMNS - 210.0) ** 2) / 120.0**2))


def spot(x, y, height, width):
    return height * np.exp(-0.5 * ((COLUMNS - x) ** 2 + (ROWS - y) ** 2) / width**2)


def places(seed=0, step=52):
    """Places well apart, at any part of a pixel, at least 40 px from the border."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(40, SHAPE[1] - 40, step), np.arange(40, SHAPE[0] - 40, step))
    return np.stack([x.ravel(), y.ravel()], axis=1) + rng.uniform(-0.5, 0.5, (x.size, 2))


def picture(positions, heights, width=2.0, seed=0, ground=1000.0):
    illumination = ground + sum(spot(x, y, h, width) for (x, y), h in zip(positions, heights, strict=True))
    return illumination + NOISE * np.random.default_rng(seed).normal(size=SHAPE)


def met(positions, peaks, reach=1.0):
    """Distance of the nearest peak found from each position."""
    found = peaks.position_px[0, : int(peaks.count[0])]
    return np.linalg.norm(np.asarray(positions)[:, None] - found[None], axis=2).min(axis=1, initial=np.inf)


def expected_false(pixels, width, threshold):
    """Maxima of a Gaussian field above a threshold: the Euler number of its excursion (Adler 1981)."""
    return pixels / (2.0 * width**2) / (2.0 * math.pi) ** 1.5 * threshold * math.exp(-(threshold**2) / 2.0)


@pytest.mark.parametrize("ground", ["smooth", "hill", "grain", "eight bits"])
def test_four_sigma_is_met_as_seldom_as_in_a_gaussian_field(ground):
    width, false = 2.0, 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        noise = rng.normal(size=SHAPE)
        image = {
            "smooth": 1000.0 + NOISE * noise,
            "hill": HILL + np.sqrt(HILL) * noise,
            "grain": HILL * (1.0 + 0.05 * gaussian_filter(noise, 1.0)),
            "eight bits": np.clip(np.rint(HILL / 25.0 + 0.7 * noise), 0, 255).astype(np.uint8),
        }[ground]
        false += int(LabPeakFinder(threshold=4.0, inverted=False, width_px=width)(image).count[0])
    blurred = math.hypot(width, math.sqrt(2.0) if ground == "grain" else 0.0)
    most = 12 * expected_false(SHAPE[0] * SHAPE[1], blurred, 4.0)
    # shapes far from a spot's are left out, so that fewer pass; a Poisson excess of three deviations would be seen
    assert false <= most + 3.0 * math.sqrt(most)


def test_spots_are_found_and_placed_as_well_as_their_noise_allows():
    positions = places()
    for width in (0.6, 2.0, 5.0):
        height = 20.0 * NOISE / (math.sqrt(math.pi) * width)
        seen = LabPeakFinder().examine(picture(positions, np.full(len(positions), height), width))
        away = met(positions, seen.peaks)
        assert (away < width).mean() > 0.97
        # Cramér and Rao: √2 · width / significance along each axis; 1.18 of it is the median of the distance; the
        # smallest spots are seen through a window wider than they are
        assert np.median(away) < (1.3 if width > 1.0 else 1.7) * 1.18 * math.sqrt(2.0) * width / 20.0
        assert seen.width_px == pytest.approx(width, rel=0.15)


def test_dark_spots_are_noticed_and_found_where_bright_ones_are():
    positions = places()
    bright = picture(positions, np.geomspace(60.0, 3000.0, len(positions)))
    seen, negative = LabPeakFinder().examine(bright), LabPeakFinder().examine(5000.0 - bright)
    assert not seen.inverted
    assert negative.inverted
    assert any("inverted" in note for note in negative.notes)
    # background and noise are clipped unlike above and below, which shifts the weights a little
    assert np.allclose(seen.peaks.position_px, negative.peaks.position_px, atol=0.05)
    assert not LabPeakFinder(inverted=False).examine(5000.0 - bright).inverted


def test_a_long_tail_is_one_spot_and_the_brightest():
    positions = places()
    heights = np.full(len(positions), 100.0)
    image = picture(positions, heights)
    x, y = positions[10]
    tailed = image + spot(x, y, 20000.0, 2.0) + spot(x, y, 1200.0, 8.0)
    peaks = LabPeakFinder()(tailed)
    assert np.hypot(*(peaks.position_px[0, 0] - positions[10])) < 0.1
    found = peaks.position_px[0, : int(peaks.count[0])]
    assert (np.hypot(*(found - positions[10]).T) < 25.0).sum() == 1


def test_a_full_spot_keeps_its_middle_and_is_flagged():
    positions = places()
    image = picture(positions, np.full(len(positions), 100.0), ground=100.0) + spot(*positions[7], 5000.0, 3.0)
    peaks = LabPeakFinder()(np.clip(image, 0, 255).astype(np.uint8))
    assert np.hypot(*(peaks.position_px[0, 0] - positions[7])) < 0.2
    assert peaks.saturated[0, 0]
    assert peaks.saturated[0].sum() == 1


def test_hot_pixels_and_cosmic_rays_are_no_spots():
    positions = places()
    rng = np.random.default_rng(1)
    image = picture(positions, np.full(len(positions), 120.0))
    rows, columns = rng.integers(5, SHAPE[0] - 5, 60), rng.integers(5, SHAPE[1] - 5, 60)
    image[rows, columns] += 5000.0
    image[rows[:20], columns[:20] + 1] += 4000.0
    image[180, 212] += 3000.0
    peaks = LabPeakFinder()(image)
    found = peaks.position_px[0, : int(peaks.count[0])]
    assert (np.linalg.norm(found[:, None] - positions[None], axis=2).min(axis=1) < 2.0).mean() > 0.97
    assert (met(positions, peaks) < 2.0).mean() > 0.9


@pytest.mark.parametrize("width", [1.0, 3.0])
def test_writing_is_left_out(width):
    positions = places()
    image = picture(positions, np.full(len(positions), 400.0 / width), width)
    label = Image.new("L", (SHAPE[1], 30), 0)
    ImageDraw.Draw(label).text((4, 2), "Ca2RuO4  23 min", 255, font_size=18)
    image[:30][np.asarray(label) > 128] = 3000.0
    seen = LabPeakFinder().examine(image)
    assert (seen.peaks.position_px[0, :, 1] > 30.0).all()
    assert (met(positions, seen.peaks) < width).mean() > 0.95
    assert seen.left_out["writing"] >= 4
    assert any("writing" in note for note in seen.notes)


def test_the_collimator_is_found_and_nothing_on_its_rim_is_a_spot():
    positions = places()
    away = np.hypot(COLUMNS - 205.3, ROWS - 171.8)
    image = np.where(away < 36.0, 0.3, 1.0) * (picture(positions, np.full(len(positions), 300.0)))
    image += 700.0 * np.exp(-0.5 * ((away - 36.0) / 2.5) ** 2)
    seen = LabPeakFinder().examine(image)
    assert seen.shadow is not None
    assert seen.shadow.centre_px == pytest.approx((205.3, 171.8), abs=0.5)
    assert seen.shadow.radius_px == pytest.approx(36.0, abs=4.0)
    found = seen.peaks.position_px[0]
    assert (np.hypot(found[:, 0] - 205.3, found[:, 1] - 171.8) > 38.0).all()
    outside = np.hypot(positions[:, 0] - 205.3, positions[:, 1] - 171.8) > 55.0
    assert (met(positions[outside], seen.peaks) < 1.0).mean() > 0.97
    assert seen.unseen[away < 38.0].all()
    assert not seen.unseen[away > 55.0].any()


def test_a_picture_without_a_collimator_has_no_shadow():
    assert LabPeakFinder().examine(picture(places(), np.full(len(places()), 500.0))).shadow is None
    assert find_shadow(np.zeros(SHAPE, dtype=np.float32), np.zeros(SHAPE, dtype=bool), 1.0) is None


def test_scratches_and_steps_are_no_spots():
    positions = places()
    image = picture(positions, np.full(len(positions), 150.0))
    image[:, 233:] *= 1.1
    image[120, 30:300] += 400.0
    for step in range(150):
        image[200 + step // 2, 60 + step] += 300.0
    peaks = LabPeakFinder()(image)
    found = peaks.position_px[0, : int(peaks.count[0])]
    assert (np.linalg.norm(found[:, None] - positions[None], axis=2).min(axis=1) > 3.0).sum() <= 1


@pytest.mark.parametrize("inverted", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("elongation", [1.7, 2.3, 3.0])
def test_spots_that_are_all_long_are_found(elongation, inverted):
    """Bent crystals and line foci draw every spot long; scratches are far longer."""
    positions, width = places(), 2.5
    image = 1000.0 + NOISE * np.random.default_rng(4).normal(size=SHAPE)
    for (x, y), height in zip(positions, np.geomspace(2000.0, 100.0, len(positions)), strict=True):
        along, across = 0.8 * (COLUMNS - x) + 0.6 * (ROWS - y), 0.6 * (COLUMNS - x) - 0.8 * (ROWS - y)
        image += height * np.exp(-0.5 * (along**2 / elongation + across**2 * elongation) / width**2)
    image[300, 30:300] += 400.0
    finder = LabPeakFinder()
    seen = finder.examine(3000.0 - image if inverted else image)
    assert seen.inverted == inverted
    assert seen.width_px == pytest.approx(width, rel=0.1)
    assert (met(positions, seen.peaks) < 1.0).mean() > 0.9
    assert seen.peaks.count[0] <= 1.05 * len(positions)


def test_letters_and_scratches_do_not_make_round_spots_long():
    rng = np.random.default_rng(2)
    count = 60
    numbers = {"height": 100.0, "width": 2.0, "level": 50.0, "filled": 0.1, "through": 0.2, "hardness": 0.3}
    candidates = {name: np.full(count, value) for name, value in numbers.items()}
    position = rng.uniform(0.0, 400.0, (count, 2))
    for axes, expected in (
        (rng.uniform(1.0, 1.3, count), 1.0),
        (np.r_[np.full(20, 1.1), rng.uniform(2.0, 9.0, 40)], 1.0),
        (np.full(count, 2.4), 2.0),
    ):
        assert stretch(Candidates(position, axes=axes, **candidates)) == pytest.approx(expected)


def test_spots_across_a_dead_line_are_found():
    positions = places()
    image = picture(positions, np.full(len(positions), 300.0))
    image[round(positions[0, 1])], image[:, round(positions[-1, 0])], image[77] = 0.0, 0.0, 5000.0
    away = met(positions, LabPeakFinder()(image))
    assert (away < 1.0).mean() > 0.95
    assert np.median(away) < 0.1


def test_masked_and_undefined_pixels_hide_what_is_in_them():
    positions = places()
    image = picture(positions, np.full(len(positions), 300.0))
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:, 200:260] = True
    hidden = (positions[:, 0] > 199.0) & (positions[:, 0] < 260.0)
    gone = np.where(mask, np.nan, image)
    for peaks in (LabPeakFinder(mask=mask)(np.where(mask, 1e9, image)), LabPeakFinder()(gone)):
        away = met(positions, peaks)
        assert (away[hidden] > 3.0).all()
        assert (away[~hidden & (np.abs(positions[:, 0] - 230) > 36)] < 1.0).all()


def test_a_stack_is_its_pictures_one_by_one_and_an_empty_one_has_no_spots():
    first = picture(places(), np.full(len(places()), 300.0))
    empty = 1000.0 + NOISE * np.random.default_rng(5).normal(size=SHAPE)
    both = LabPeakFinder()(np.stack([first, empty]))
    alone = LabPeakFinder()(first)
    assert both.count[0] == alone.count[0]
    assert both.count[1] <= 1
    assert np.array_equal(both.position_px[0], alone.position_px[0])
    assert LabPeakFinder()(np.full((64, 64), 7, dtype=np.uint8)).count[0] == 0


@pytest.mark.parametrize("dtype", ["uint8", ">u2", "<i4", "f4", ">f8", "f2"])
def test_any_kind_of_number_is_read(dtype):
    image = np.clip(picture(places(), np.full(len(places()), 100.0), ground=100.0), 0, 255)
    assert (met(places(), LabPeakFinder()(image.astype(dtype))) < 1.0).mean() > 0.95


def test_what_cannot_be_used_is_refused():
    with pytest.raises(FrameFailed, match="shape"):
        LabPeakFinder()(np.zeros((3, 4, 5, 6)))
    with pytest.raises(FrameFailed, match="at least 32"):
        LabPeakFinder()(np.zeros((8, 100)))
    with pytest.raises(FrameFailed, match="real numbers"):
        LabPeakFinder()(np.zeros((64, 64), dtype=complex))
    with pytest.raises(FrameFailed, match="mask"):
        LabPeakFinder(mask=np.zeros((2, 2), dtype=bool))(np.zeros((64, 64)))
    with pytest.raises(FrameFailed, match="twentieth"):
        LabPeakFinder(mask=np.ones((64, 64), dtype=bool))(np.zeros((64, 64)))
    for wrong in ({"threshold": 0.0}, {"max_peaks": 0}, {"width_px": 0.1}):
        with pytest.raises(ValueError):
            LabPeakFinder(**wrong)


def test_the_usual_width_is_that_of_most_and_not_of_hot_pixels():
    rng = np.random.default_rng(2)
    spots, others = 2.3 * np.exp(0.05 * rng.normal(size=15)), rng.uniform(1.0, 12.0, 14)
    assert usual_width(np.concatenate([spots, others, np.full(30, 0.31)])) == pytest.approx(2.3, rel=0.1)


def test_the_brightest_peaks_of_drawn_laboratory_pictures_are_spots():
    for seed, name in ((40000, "Si"), (40003, "SrTiO3"), (40006, "Bi2Se3"), (40007, "kyanite")):
        drawn = lab_picture(load_crystal(name), seed)
        seen = LabPeakFinder().examine(drawn.image)
        found = seen.peaks.position_px[0, :20]
        reach = max(1.5, 0.6 * drawn.camera.spot_mm / drawn.camera.true.pixel_mm)
        away = np.linalg.norm(found[:, None] - drawn.position_px[None], axis=2).min(axis=1)
        assert (away < reach).mean() >= 0.9
        assert seen.inverted == drawn.camera.negative

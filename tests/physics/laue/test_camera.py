"""The simulated camera: what is rendered is found again, where it was put and in the same counts."""

import numpy as np
import pytest

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal.crystal import load_crystal
from beamgym.physics.goniometer.goniometer import goniometer
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import FAINTEST_COUNTS, GAIN, HOLE_MM, LaueCamera
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern.spots import LaueModel, Spots
from beamgym.physics.laue.simulator import SimulatedLaue
from beamgym.physics.orientation import random_orientations

PANEL = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
SMALL = Detector.back_reflection(shape=(84, 84), pixel_mm=1.95)
IMAGES = 6


def _patterns(detector: Detector, n: int) -> Spots:
    model = LaueModel(load_crystal("Si"), Beam.tube("W"), detector, brightest=128)
    return model.spots(random_orientations(make_keys(np.arange(n), 11)))


def _expose(camera: LaueCamera, spots: Spots, scale: float, seed: int = 3) -> np.ndarray:
    keys = make_keys(seed, np.arange(len(spots.count)))
    return camera.expose(spots.position_px, spots.intensity * np.float32(scale), spots.count, scale, keys)


def _one_spot(camera: LaueCamera, x: float, y: float, counts: float, seed: int = 1, n: int = 1) -> np.ndarray:
    position = np.tile(np.array([[[x, y]]], dtype=np.float32), (n, 1, 1))
    return camera.expose(
        position, np.full((n, 1), counts, dtype=np.float32), np.ones(n, np.int64), 10.0, make_keys(seed, np.arange(n))
    )


@pytest.fixture(scope="module")
def camera() -> LaueCamera:
    return LaueCamera(PANEL)


@pytest.mark.parametrize("scale", [10.0, 2.5])
def test_what_is_found_on_rendered_images_agrees_with_what_was_rendered(camera: LaueCamera, scale: float) -> None:
    spots = _patterns(PANEL, IMAGES)
    peaks = camera.find(_expose(camera, spots, scale))
    error, found, false = [], [], 0
    for i in range(IMAGES):
        truth, seen = spots.position_px[i, : spots.count[i]], peaks.position_px[i, : peaks.count[i]]
        away = np.linalg.norm(seen[:, None] - truth[None], axis=-1)
        error.append(away.min(axis=1)[away.min(axis=1) < 1.5])
        false += int((away.min(axis=1) >= 1.5).sum())
        found.append(away.min(axis=0)[:64] < 1.5)
        assert (scale * spots.intensity[i, :64] > FAINTEST_COUNTS).all()
    assert np.sqrt(np.mean(np.concatenate(error) ** 2)) < 0.3
    assert np.mean(found) >= 0.9
    assert false < 2 * IMAGES


@pytest.mark.parametrize("level", ["easy", "real", "hard"])
def test_the_fast_list_and_the_rendered_frame_of_one_episode_hold_the_same_spots(level: str) -> None:
    n, ones = 4, np.ones(4, dtype=np.bool_)
    lists = []
    for frames in ("spots", "rendered"):
        world = SimulatedLaue(load_crystal("Si"), goniometer("six-axis"), Beam.tube("W"), PANEL, n, level, frames)  # type: ignore[arg-type]
        world.reset(make_keys(9, np.arange(n)), ones)
        lists.append(world.acquire(AcquireSettings(10.0), ones).peaks())
    fast, rendered = lists
    away = [
        np.linalg.norm(
            fast.position_px[i, : fast.count[i], None] - rendered.position_px[i, : rendered.count[i]], axis=-1
        )
        for i in range(n)
    ]
    near = np.concatenate([distance.min(axis=1) for distance in away])
    assert np.mean(near < 1.5) >= 0.9
    assert np.sqrt(np.mean(near[near < 1.5] ** 2)) < 0.3
    # a rendered list may hold a few spots that are just too faint for the fast one, and the other way round
    assert np.mean(np.concatenate([distance.min(axis=0) for distance in away]) < 1.5) >= 0.9


def test_intensities_found_are_counts_whatever_the_gain_of_the_read_out(camera: LaueCamera) -> None:
    for counts in (5e3, 5e4, 5e5):
        peaks = camera.find(_one_spot(camera, 100.3, 200.6, counts))
        assert peaks.count[0] == 1
        assert peaks.intensity[0, 0] == pytest.approx(counts, rel=0.06)
        assert not peaks.saturated[0, 0]


def test_a_spot_too_bright_for_the_read_out_is_flagged_and_still_in_place(camera: LaueCamera) -> None:
    peaks = camera.find(_one_spot(camera, 100.3, 200.6, 2e7))
    assert peaks.saturated[0, 0]
    np.testing.assert_allclose(peaks.position_px[0, 0], [100.3, 200.6], atol=0.3)


def test_spots_above_the_faintest_counts_are_found_and_fainter_ones_are_not(camera: LaueCamera) -> None:
    bright = camera.find(_one_spot(camera, 150.2, 99.7, 1.3 * FAINTEST_COUNTS, n=12))
    faint = camera.find(_one_spot(camera, 150.2, 99.7, 0.7 * FAINTEST_COUNTS, n=12))
    assert (bright.count == 1).all()
    assert (faint.count == 0).all()


def test_a_frame_without_spots_gives_no_peaks(camera: LaueCamera) -> None:
    assert (camera.find(_one_spot(camera, 0.0, 0.0, 0.0, n=5)).count == 0).all()


def test_nothing_is_seen_through_the_hole_for_the_beam(camera: LaueCamera) -> None:
    middle = 0.5 * (PANEL.shape[1] - 1)
    inside = middle + 0.5 * HOLE_MM / PANEL.pixel_mm
    assert camera.find(_one_spot(camera, inside, middle, 1e5)).count[0] == 0
    outside = middle + 2.0 * HOLE_MM / PANEL.pixel_mm
    assert camera.find(_one_spot(camera, outside, middle, 1e5)).count[0] == 1


def test_the_background_grows_with_the_exposure(camera: LaueCamera) -> None:
    dark = np.zeros((1, 0), dtype=np.float32)
    places, none, key = np.zeros((1, 0, 2), dtype=np.float32), np.zeros(1, dtype=np.int64), make_keys(np.array([4]))
    short = camera.expose(places, dark, none, 10.0, key)[0, :100].astype(float) - 20
    long = camera.expose(places, dark, none, 40.0, key)[0, :100].astype(float) - 20
    assert long.mean() == pytest.approx(4 * short.mean(), rel=0.02)
    assert short.mean() == pytest.approx(10 * GAIN * camera.model.rate[:100].mean(), rel=0.02)


def test_an_image_depends_on_its_own_key_only(camera: LaueCamera) -> None:
    spots = _patterns(PANEL, 3)
    together = _expose(camera, spots, 10.0)
    row = Spots(*(getattr(spots, name)[[1]] for name in ("count", "position_px", "intensity", "energy_kev", "ray")))
    alone = camera.expose(row.position_px, 10 * row.intensity, row.count, 10.0, make_keys(3, np.array([1])))
    np.testing.assert_array_equal(together[1], alone[0])
    assert (together[0] != together[1]).any()
    assert together.dtype == np.uint16


def test_a_panel_of_coarse_pixels_still_shows_most_spots() -> None:
    camera, spots = LaueCamera(SMALL), _patterns(SMALL, 20)
    peaks = camera.find(_expose(camera, spots, 10.0))
    away = [
        np.linalg.norm(spots.position_px[i, :64][:, None] - peaks.position_px[i, : peaks.count[i]][None], axis=-1).min(
            axis=1
        )
        for i in range(20)
    ]
    near = np.concatenate(away)
    assert np.mean(near < 1.0) > 0.75  # 128 spots on 84 × 84 pixels run into each other
    assert np.sqrt(np.mean(near[near < 1.0] ** 2)) < 0.35


def test_a_negative_threshold_of_counts_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="faintest_counts is -1"):
        LaueCamera(SMALL, faintest_counts=-1)

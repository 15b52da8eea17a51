"""A camera with a denoiser before its peak finder: what it hands over, what it asks back, and what it finds."""

import numpy as np
from scipy.ndimage import gaussian_filter

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.laue.camera import GAIN, READ_NOISE, LaueCamera
from beamgym.physics.laue.detector import Detector

PANEL = Detector.back_reflection(shape=(192, 192), pixel_mm=0.5)
PLACES = np.array([[[40.3, 50.6], [150.2, 120.9], [60.0, 150.5]]], np.float32)


def frame(camera, counts, number=3):
    each = np.full((1, 3), counts, np.float32)
    return camera.expose(PLACES, each, np.array([number]), 10.0, make_keys(1, np.arange(1)))


def smoothed(counts, mask):
    return gaussian_filter(counts, 1.0)


def test_a_denoiser_is_given_counts_whose_variance_is_their_mean():
    seen = []

    def watching(counts, mask):
        seen.append((counts, mask))
        return smoothed(counts, mask)

    camera = LaueCamera.denoised(PANEL, watching)
    for _ in range(4):
        camera.find(frame(camera, 0.0, 0))
    (counts, mask), *_ = seen
    assert (counts == np.rint(counts)).all()
    empty = 10.0 * camera.model.rate + (READ_NOISE / GAIN) ** 2
    chi2 = np.mean(((counts - empty) ** 2 / empty)[~mask])
    assert 0.9 < chi2 < 1.15  # the read-out is rounded to whole units of four counts


def test_bright_spots_are_found_where_they_are_and_with_their_counts():
    camera = LaueCamera.denoised(PANEL, smoothed)
    found = camera.find(frame(camera, 3000.0))
    assert found.count[0] == 3
    off = np.linalg.norm(found.position_px[0, :3, None] - PLACES[0][None], axis=-1).min(axis=1)
    assert off.max() < 0.2
    np.testing.assert_allclose(found.intensity[0, :3], 3000.0, rtol=0.15)


def test_an_empty_frame_shows_nothing():
    camera = LaueCamera.denoised(PANEL, smoothed)
    assert camera.find(frame(camera, 0.0, 0)).count[0] == 0


def test_full_pixels_stay_full():
    camera = LaueCamera.denoised(PANEL, smoothed)
    assert camera.find(frame(camera, 4e6)).saturated[0, :3].all()

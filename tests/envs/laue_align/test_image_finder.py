"""Spots out of observed images: the counts behind the greys, places on the panel, and images that show nothing."""

import numpy as np
import pytest

from beamgym.agents.evaluation.evaluator import context_of, make_vector_env
from beamgym.envs.laue_views.image_finder import ImageFinder, image_panel
from beamgym.physics.laue.camera import LaueCamera
from beamgym.physics.laue.detector import Detector

ID = "beamgym/LaueAlignImage-v0"
FRAMES = 12


def drawn(level="real", **options):
    """Frames of an environment: (finder, observed images, the camera's read-out behind them, expected spots)."""
    env = make_vector_env(ID, FRAMES, level, options)
    observation, _ = env.reset(seed=list(range(5000, 5000 + FRAMES)))
    world = env.loop.instrument
    finder = ImageFinder(context_of(env).detector, options.get("size", 84))
    truth = world.truth()
    spots = world.model.spots(truth["orientation"], truth["detector"])
    return finder, observation["image"], env.loop.state.frame.image, spots


def off_mm(finder, peaks, spots):
    """Return by how much found spots miss the nearest expected one, (m, 2) mm; those further than 3 mm left out."""
    off = []
    for i, count in enumerate(peaks.count):
        apart = peaks.position_px[i, :count, None] - spots.position_px[i, None, : spots.count[i]]
        apart = apart * finder.panel.pixel_mm
        length = np.linalg.norm(apart, axis=-1)
        nearest = length.argmin(axis=1)
        near = length.min(axis=1) < 3.0
        off.append(apart[np.arange(count), nearest][near])
    return np.concatenate(off)


@pytest.mark.parametrize("shape", [(512, 512), (400, 600), (301, 200)])
def test_the_panel_of_an_image_covers_the_same_square(shape):
    whole = Detector.back_reflection(shape=shape, pixel_mm=0.32)
    panel = image_panel(whole, 50)
    assert min(panel.shape) == 50
    assert np.abs(panel.corners_mm() - whole.corners_mm()).max() <= 0.5 * panel.pixel_mm
    np.testing.assert_allclose(panel.to_lab_mm([-0.5, -0.5]), whole.to_lab_mm([-0.5, -0.5]), atol=1e-9)


@pytest.mark.parametrize(("level", "seconds"), [("real", 10.0), ("hard", 2.5)])
def test_the_exposure_follows_from_the_background(level, seconds):
    finder, images, _, _ = drawn(level)
    found = np.array([finder.seconds(image[..., 0]) for image in images])
    assert np.abs(np.log(found / seconds)).max() < 0.25  # two steps of the exposures tried


def test_greys_become_the_read_out_that_they_were_made_of():
    finder, images, read_out, _ = drawn()
    signal = np.array([finder.signal(image[..., 0]) for image in images])
    true = read_out.astype(float) - 20.0 - 10.0 * finder.background
    seen = (true > 50.0) & (images[..., 0] < 255)
    ratio = signal[seen] / true[seen]
    assert 0.9 < np.median(ratio) < 1.1
    assert np.percentile(np.abs(ratio - 1.0), 90) < 0.25


@pytest.mark.parametrize(("size", "most_mm"), [(48, 0.35), (84, 0.16), (224, 0.13)])
def test_spots_are_found_where_they_are_to_a_fraction_of_a_pixel(size, most_mm):
    finder, images, _, spots = drawn(size=size)
    off = off_mm(finder, finder.find(images), spots)
    assert len(off) > 30 * FRAMES
    assert 1.4826 * np.median(np.abs(off)) < most_mm  # 0.1 mm of it is the level's own


def test_as_many_spots_are_found_as_in_the_uncut_read_out():
    finder, images, read_out, spots = drawn("hard")
    mine, raw = finder.find(images), LaueCamera(finder.panel).find(read_out)
    assert abs(mine.count.sum() - raw.count.sum()) < 0.03 * raw.count.sum()
    mine_mm, raw_mm = (np.median(np.abs(off_mm(finder, peaks, spots))) for peaks in (mine, raw))
    assert mine_mm < 1.15 * raw_mm


def test_spots_lie_on_the_panel_where_its_edges_differ_in_length():
    panel = Detector.back_reflection(shape=(400, 600), pixel_mm=0.4)
    finder, images, _, spots = drawn(detector=panel)
    assert images.shape[1:] == (84, 84, 1)
    assert finder.panel.shape == (84, 126)
    off = off_mm(finder, finder.find(images), spots)
    assert np.abs(np.median(off, axis=0)).max() < 0.1
    assert 1.4826 * np.median(np.abs(off)) < 0.5


@pytest.mark.parametrize("grey", [0, 32, 255])
def test_an_even_image_shows_nothing(grey):
    finder = ImageFinder(Detector.back_reflection(shape=(512, 512), pixel_mm=0.32), 84)
    assert finder.find(np.full((2, 84, 84, 1), grey, dtype=np.uint8)).count.tolist() == [0, 0]


def test_noise_without_spots_shows_nothing():
    finder = drawn()[0]
    empty = 20.0 + np.random.default_rng(0).poisson(40.0 * finder.background) / 4.0
    root = np.sqrt(empty)
    image = np.clip(32 + 4 * (root - np.median(root)), 0, 255).astype(np.uint8)
    assert finder.find(np.array([image[..., None]])).count[0] <= 1

"""A frame that was shown before is known, whatever was done to it; frames of one scene are never taken for one."""

import numpy as np
import pytest

from beamgym.hardware_bridge.guard.devices.repeats import KEPT, SeenFrames
from beamgym.hardware_bridge.guard.rules.frames import ALIKE_SHARE

FULL = 65535.0


def scene(shape: tuple[int, int], mean: float, seed: int = 0) -> np.ndarray:
    """Expected counts: spots on a sloping background."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    expected = mean * (1.0 + rows / shape[0])
    for row, column in rng.uniform(0, shape, (8, 2)):
        expected = expected + 30.0 * mean * np.exp(-0.5 * ((rows - row) ** 2 + (columns - column) ** 2) / 4.0)
    return expected


def one_pixel(image: np.ndarray) -> np.ndarray:
    changed = image.copy()
    changed[image.shape[0] // 2 - 1, image.shape[1] // 3] += 1
    return changed


DONE = {
    "upside down": lambda image: image[::-1],
    "mirrored": lambda image: image[:, ::-1],
    "half a turn": lambda image: image[::-1, ::-1],
    "one pixel": one_pixel,
    "mirrored and one pixel": lambda image: one_pixel(image[:, ::-1]),
}
SQUARE = {"transposed": np.transpose, "a quarter turn": np.rot90}


def judged(images: list[np.ndarray]) -> tuple[float, bool]:
    """Return how alike the last of these frames is to the others, and whether its digest is one of theirs."""
    seen = SeenFrames()
    for image in images:
        repeat = seen.compare(np.ascontiguousarray(image), FULL)
    return repeat.alike_share, repeat.digest in repeat.earlier


@pytest.mark.parametrize("mean", [0.005, 0.05, 0.5, 5.0, 500.0])
@pytest.mark.parametrize("shape", [(256, 256), (120, 90), (64, 64)])
def test_an_earlier_frame_is_known_turned_mirrored_or_changed(shape: tuple[int, int], mean: float):
    rng, expected = np.random.default_rng(1), scene(shape, mean)
    frames = [rng.poisson(expected).astype(np.uint16) for _ in range(4)]
    for what, change in (DONE | (SQUARE if shape[0] == shape[1] else {})).items():
        share, equal = judged([*frames, change(frames[1])])
        assert share >= ALIKE_SHARE, what
        assert not equal, what
    assert judged([*frames, frames[0]])[1]


@pytest.mark.parametrize("mean", [0.0003, 0.01, 0.1, 0.5, 1.0, 3.0, 30.0, 3000.0])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_frames_of_one_scene_are_never_taken_for_one(mean: float, dtype: type):
    rng = np.random.default_rng(2)
    for shape in ((256, 256), (64, 48), (8, 6)):
        seen, expected = SeenFrames(), scene(shape, mean)
        for _ in range(60):
            repeat = seen.compare(rng.poisson(expected).astype(dtype), FULL)
            assert repeat.alike_share < 0.8 * ALIKE_SHARE
            assert repeat.tells_little or repeat.digest not in repeat.earlier


def test_gaps_and_dead_pixels_are_no_likeness():
    rng, seen = np.random.default_rng(3), SeenFrames()
    for gap, full in ((-1, FULL), (2**31 - 1, 1e6), (0, FULL)):
        for _ in range(3):
            image = rng.poisson(0.002, (256, 256)).astype(np.int32)
            image[:, 100:112] = gap
            image[60:72] = gap
            assert seen.compare(image, full).alike_share < 0.5


def test_dark_frames_of_a_pedestal_and_little_noise_are_told_apart():
    rng, seen = np.random.default_rng(4), SeenFrames()
    for noise in (0.15, 0.3, 1.0, 5.0):
        for _ in range(4):
            image = np.rint(20.0 + noise * rng.standard_normal((256, 256))).astype(np.uint16)
            assert seen.compare(image, FULL).alike_share < 0.6


def test_a_frame_without_counts_says_nothing_about_repeats():
    seen = SeenFrames()
    assert all(seen.compare(np.zeros((64, 64)), FULL).tells_little for _ in range(3))
    one = np.zeros((64, 64))
    one[3, 4] = 1.0
    assert seen.compare(one, FULL).tells_little


def test_ten_frames_are_remembered_and_no_more():
    rng = np.random.default_rng(5)
    frames = [rng.poisson(5.0, (64, 64)).astype(np.uint16) for _ in range(KEPT + 1)]
    assert judged([*frames[1:], frames[1]])[1]
    assert judged([*frames, frames[0]]) == (pytest.approx(0.0, abs=0.3), False)

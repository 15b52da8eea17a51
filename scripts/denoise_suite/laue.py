"""Laue frames: spots found, where, and how much longer the tuned Gaussian would have to count for the same."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, percentile_filter

from beamgym.agents.denoising import (
    ASKED_COUNTS,
    Candidates,
    Judged,
    Rival,
    best_threshold,
    candidates,
    f1,
    judge,
)
from beamgym.physics.arrays import Float64Array
from beamgym.physics.scenes import Scene, scene_source
from beamgym.scripts.denoise_suite.methods import tuned

EXPOSURES = (1.0, 1.25, 1.5, 2.0, 3.0)
CROP = 256
"""Edge of the frames that are judged, out of the scene's 512 × 512 pixels; its four quarters take turns."""

_POWERS = (0.0, 0.5)
_EDGE_PX = 6.0
TUNING, BLANKS_A_SCENE = 24, 8
_JUDGED_BLANKS = 4  # draws of each judged frame without its spots
_RESAMPLED = 400
_STREAM = 71


@dataclass(frozen=True)
class Row:
    """How one method did: F1 and position error at 1×, false spots in a blank frame, and the exposure that the tuned
    Gaussian needs for the same F1 and for the same position error, with intervals of 95 %."""

    name: str
    setting: str
    f1: float
    f1_interval: tuple[float, float]
    error_px: float
    false_in_blank: float
    by_f1: float
    by_f1_interval: tuple[float, float]
    by_error: float

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Finder:
    """A method with the finder's settings that suit it."""

    rival: Rival
    power: float
    threshold: float

    def judged(self, scene: Scene, counts: Float64Array, exposure: float) -> Judged:
        """Return what is found in a frame."""
        return judge(candidates(self.rival.method(counts, scene.mask), scene.mask, self.power), scene.peaks, exposure)


def laue_rows(
    network: Sequence[Rival], names: Sequence[str], frames: int, seed: int, told: Callable[[str], None]
) -> list[Row]:
    """Return the rows of all methods.

    Parameters
    ----------
    network : networks, as methods
    names : rivals; the Gaussian is always there, since all are measured by it
    frames : how many are judged
    seed : of scenes and noise
    told : called with what is done next
    """
    tuning = [quarter(scene_source("laue", "tune").take(seed, i), i) for i in range(TUNING)]
    blanks = [blank_of(scene) for scene in tuning] * BLANKS_A_SCENE
    finders: dict[str, Finder] = {}
    for rival in [*network, *_tuned_rivals(names, tuning, blanks, seed, told)]:
        finders[rival.name] = finder_of(rival, tuning, blanks, seed, 1.0)
    scenes = [quarter(scene_source("laue", "test").take(seed, i), i) for i in range(frames)]
    told("Gaussian at longer exposures")
    ladder = _ladder(tuning, blanks, scenes, seed)
    rows = []
    for name, finder in finders.items():
        told(name)
        found = [finder.judged(scene, counted(scene, seed, i, 1.0), 1.0) for i, scene in enumerate(scenes)]
        rows.append(_row(finder, found, ladder, scenes, seed))
    return rows


def _tuned_rivals(
    names: Sequence[str], tuning: list[Scene], blanks: list[Scene], seed: int, told: Callable[[str], None]
) -> list[Rival]:
    def score(rival: Rival) -> float:
        told(f"tuning {rival.name}, {rival.setting}")
        return finder_and_f1(rival, tuning, blanks[:TUNING], seed, 1.0)[1]

    return list(tuned(list(dict.fromkeys(["gaussian", *names])), score).values())


def finder_of(rival: Rival, tuning: list[Scene], blanks: list[Scene], seed: int, exposure: float) -> Finder:
    """Return a method with the finder's settings that suit it, tuned on scenes of the tuning split."""
    return finder_and_f1(rival, tuning, blanks, seed, exposure)[0]


def finder_and_f1(
    rival: Rival, tuning: list[Scene], blanks: list[Scene], seed: int, exposure: float
) -> tuple[Finder, float]:
    """Return the same and the F1 that it reaches there."""
    made = [rival.method(counted(scene, seed, i, exposure), scene.mask) for i, scene in enumerate(tuning)]
    empty = [rival.method(counted(scene, seed, 500 + i, exposure), scene.mask) for i, scene in enumerate(blanks)]
    best: tuple[Finder, float] | None = None
    for power in _POWERS:
        found = [
            judge(candidates(image, scene.mask, power), scene.peaks, exposure)
            for image, scene in zip(made, tuning, strict=True)
        ]
        blank: list[Candidates] = [
            candidates(image, scene.mask, power) for image, scene in zip(empty, blanks, strict=True)
        ]
        threshold = best_threshold(found, blank)
        value = f1(found, threshold)
        if best is None or value > best[1]:
            best = Finder(rival, power, threshold), value
    assert best is not None
    return best


Ladder = list[tuple[float, Finder, list[Judged]]]


def _ladder(tuning: list[Scene], blanks: list[Scene], scenes: list[Scene], seed: int) -> Ladder:
    """Return the Gaussian, tuned anew at every exposure, on the scenes that are judged."""
    out: Ladder = []
    for exposure in EXPOSURES:

        def score(rival: Rival, exposure: float = exposure) -> float:
            return finder_and_f1(rival, tuning, blanks[:TUNING], seed, exposure)[1]

        finder = finder_of(tuned(["gaussian"], score)["gaussian"], tuning, blanks, seed, exposure)
        found = [finder.judged(scene, counted(scene, seed, i, exposure), exposure) for i, scene in enumerate(scenes)]
        out.append((exposure, finder, found))
    return out


def _row(finder: Finder, found: list[Judged], ladder: Ladder, scenes: list[Scene], seed: int) -> Row:
    draw = np.random.default_rng([seed, _STREAM])
    values, equivalents = [], []
    for _ in range(_RESAMPLED):
        chosen = draw.integers(0, len(found), len(found))
        values.append(f1([found[i] for i in chosen], finder.threshold))
        steps = [f1([judged[i] for i in chosen], one.threshold) for _, one, judged in ladder]
        equivalents.append(equivalent(values[-1], steps))
    low, high = np.quantile(values, [0.025, 0.975])
    by_low, by_high = np.quantile(equivalents, [0.025, 0.975])
    value, (error, *errors) = f1(found, finder.threshold), _errors(finder, found, ladder)
    false = [
        (candidates(finder.rival.method(counted(blank, seed, 900 + i, 1.0), blank.mask), blank.mask, finder.power))
        for i, blank in enumerate([blank_of(scene) for scene in scenes] * _JUDGED_BLANKS)
    ]
    return Row(
        finder.rival.name,
        f"{finder.rival.setting}; background^{finder.power:g}",
        value,
        (float(low), float(high)),
        error,
        float(np.mean([(one.score >= finder.threshold).sum() for one in false])),
        equivalent(value, [f1(judged, one.threshold) for _, one, judged in ladder]),
        (float(by_low), float(by_high)),
        equivalent(-error, [-one for one in errors]),
    )


def _errors(finder: Finder, found: list[Judged], ladder: Ladder) -> list[float]:
    """Return root mean square errors in pixels, of the method and of the Gaussian at every exposure.

    Over the spots that all of them found: who finds faint ones too is not to be blamed for where these lie.
    """
    every = [(finder.threshold, found), *((one.threshold, judged) for _, one, judged in ladder)]
    common = [np.all([judged[i].found >= threshold for threshold, judged in every], axis=0) for i in range(len(found))]
    off = [np.concatenate([one.off_px[kept] for one, kept in zip(judged, common, strict=True)]) for _, judged in every]
    return [float(np.sqrt(np.mean(each**2))) if len(each) else float("nan") for each in off]


def equivalent(value: float, steps: Sequence[float], exposures: Sequence[float] = EXPOSURES) -> float:
    """Return the exposure at which steps, larger for better, reach a value; beyond either end it is drawn on in the
    logarithm of the exposure, to half the first and twice the last at most."""
    rising = np.maximum.accumulate(np.asarray(steps, np.float64))
    logs = np.log(np.asarray(exposures))
    slope = (rising[-1] - rising[0]) / (logs[-1] - logs[0])
    if slope <= 0.0:
        return 1.0
    if value < rising[0]:
        return float(np.exp(max(np.log(0.5), logs[0] - (rising[0] - value) / slope)))
    if value > rising[-1]:
        return float(np.exp(min(logs[-1] + np.log(2.0), logs[-1] + (value - rising[-1]) / slope)))
    distinct = np.concatenate([[True], np.diff(rising) > 1e-9])
    return float(np.exp(np.interp(value, rising[distinct], logs[distinct])))


def quarter(scene: Scene, number: int) -> Scene:
    """Return one quarter of a frame, the four taking turns with the crystals."""
    top, left = CROP * (number // 2 % 2), CROP * (number % 2)
    window = np.s_[top : top + CROP, left : left + CROP]
    peaks = scene.peaks.copy()
    peaks[:, :2] -= np.array([left, top])
    peaks = peaks[((peaks[:, :2] > -_EDGE_PX) & (peaks[:, :2] < CROP + _EDGE_PX)).all(1)]
    asked = ((peaks[:, :2] > _EDGE_PX) & (peaks[:, :2] < CROP - 1 - _EDGE_PX)).all(1)
    mask = scene.mask[window]
    column, row = np.clip(np.rint(peaks[:, :2]).astype(int), 0, CROP - 1).T
    asked &= ~mask[row, column]
    peaks[~asked, 2] = np.minimum(peaks[~asked, 2], 0.99 * ASKED_COUNTS)  # they explain what is found, no more
    return Scene(scene.kind, scene.model, scene.rate[window], mask, peaks)


def blank_of(scene: Scene) -> Scene:
    """Return the same frame's background without a spot: what lies below the median of its surroundings."""
    ground = gaussian_filter(percentile_filter(scene.rate, 30, size=15), 6.0)
    return Scene(scene.kind, scene.model, ground.astype(np.float32), scene.mask)


def counted(scene: Scene, seed: int, number: int, exposure: float) -> Float64Array:
    """Return a frame as it is counted: the same noise for every method."""
    draw = np.random.default_rng([seed, number, round(100 * exposure), _STREAM + 1])
    counts = draw.poisson(scene.rate.astype(np.float64) * exposure).astype(np.float64)
    counts[scene.mask] = 0.0
    return counts

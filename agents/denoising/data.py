"""Batches of patches for every regime. Batch number i of a seed is the same whenever it is made."""

from dataclasses import dataclass

import numpy as np

from beamgym.agents.denoising.config import DenoiserConfig
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.counts import thin
from beamgym.physics.scenes import TURNED, scene_source

HIDDEN_SHARE = 0.03
"""Of the pixels that noise2void hides at a time."""

_LEAST_SHARE, _MOST_SHARE = 0.4, 0.9  # of the counts that a split frame keeps as input


@dataclass(frozen=True)
class Batch:
    """n patches: what goes in (n, rows, columns), what it is judged by, the target's exposure over the input's
    (n, 1, 1), and the weight (n, rows, columns) of every pixel."""

    given: Float32Array
    target: Float32Array
    scale: Float32Array
    weight: Float32Array


@dataclass(frozen=True)
class Frames:
    """What patches are cut from.

    Parameters
    ----------
    first : frames (slow, fast), all of them: expected counts, or counted ones
    second : of each the same again, counted longer, where there are pairs
    masks : of each True where nothing is known
    counted : whether ``first`` are counts
    turned : whether a frame may be mirrored and turned by 90°
    """

    first: tuple[Float64Array, ...]
    masks: tuple[BoolArray, ...]
    counted: bool
    second: tuple[Float64Array, ...] = ()
    turned: bool = True

    @classmethod
    def of_scenes(cls, config: DenoiserConfig, seed: int, split: str = "train", number: int | None = None) -> "Frames":
        """Return frames of a kind of scene; counted once and for all where the regime knows nothing but frames."""
        source = scene_source(config.scene, split)
        scenes = [source.take(seed, index) for index in range(config.frames if number is None else number)]
        counted = config.regime in ("split", "noise2void")
        draw = np.random.default_rng([seed, 31])
        rates = [scene.rate.astype(np.float64) for scene in scenes]
        first = [draw.poisson(rate).astype(np.float64) if counted else rate for rate in rates]
        return cls(tuple(first), tuple(scene.mask for scene in scenes), counted, turned=config.scene in TURNED)


def make_batch(frames: Frames, config: DenoiserConfig, seed: int, step: int) -> Batch:
    """Return batch ``step`` of a seed."""
    draw = np.random.default_rng([seed, step, 17])
    parts = [_patch(frames, config, draw) for _ in range(config.batch)]
    given, target, scale, weight = (np.stack(column).astype(np.float32) for column in zip(*parts, strict=True))
    return Batch(given, target, scale.reshape(-1, 1, 1), weight)


Patch = tuple[Float64Array, Float64Array, float, Float64Array]


def _patch(frames: Frames, config: DenoiserConfig, draw: np.random.Generator) -> Patch:
    number = int(draw.integers(len(frames.first)))
    shape, side = frames.first[number].shape, config.side
    row, column = (int(draw.integers(length - side + 1)) for length in shape)
    window = np.s_[row : row + side, column : column + side]
    turns, mirrored = int(draw.integers(4)) if frames.turned else 0, draw.random() < 0.5

    def cut(image: Float64Array) -> Float64Array:
        patch = np.rot90(image[window], turns)
        return patch[:, ::-1] if mirrored else patch

    weight = 1.0 - cut(frames.masks[number].astype(np.float64))
    first = np.where(weight > 0.0, cut(frames.first[number]), 0.0)
    if frames.second:
        second = np.where(weight > 0.0, cut(frames.second[number]), 0.0)
        longer = frames.second[number][~frames.masks[number]].sum() / frames.first[number][~frames.masks[number]].sum()
        return first, second, float(longer), weight
    if frames.counted:
        return (_hidden if config.regime == "noise2void" else _split)(first, weight, draw)
    low, high = np.log(config.exposures)
    rate = first * np.exp(draw.uniform(low, high))
    target = draw.poisson(rate).astype(np.float64) if config.regime == "noise2noise" else rate
    if config.balance is not None:
        weight = weight / (1.0 + rate / config.balance)
    return draw.poisson(rate).astype(np.float64), target, 1.0, weight


def _split(counts: Float64Array, weight: Float64Array, draw: np.random.Generator) -> Patch:
    """Thin a frame into what goes in and, independent of it, what judges the answer."""
    share = float(draw.uniform(_LEAST_SHARE, _MOST_SHARE))
    kept, rest = thin(np.ascontiguousarray(counts), share, draw)
    return kept, rest, (1.0 - share) / share, weight


def _hidden(counts: Float64Array, weight: Float64Array, draw: np.random.Generator) -> Patch:
    """Put a neighbour in the place of some pixels (A. Krull et al., Noise2Void, CVPR 2019), which alone are judged."""
    hidden = draw.random(counts.shape) < HIDDEN_SHARE
    rows, columns = np.nonzero(hidden)
    away = draw.integers(1, 25, len(rows))  # of a square of 5 × 5, the middle left out
    away = np.where(away >= 12, away + 1, away) % 25
    height, width = counts.shape
    other = np.clip(rows + away // 5 - 2, 0, height - 1), np.clip(columns + away % 5 - 2, 0, width - 1)
    given = counts.copy()
    given[rows, columns] = counts[other]
    return given, counts, 1.0, weight * hidden

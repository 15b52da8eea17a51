"""How far each pixel of a picture stands above its surroundings, in standard deviations of the filter's own output."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation, gaussian_filter, median_filter, zoom

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array
from beamgym.physics.laue.peaks import background_kernels, spot_kernels

ROUNDING = 0.29
"""Standard deviation of rounding in steps, 1/√12: the least noise of a picture."""

CROWDED = 7.0
"""Pixels above so many standard deviations do not count for the ground. At 4, noise that lifts a maximum there would
free it from its own share of the ground, and doubled the false ones."""

DARK_TAIL = ((0.02, 2.054), (0.003, 2.748), (0.0005, 3.291))
"""Shares of a Gaussian that lie more than so many standard deviations below its middle."""


@dataclass(frozen=True)
class Flattened:
    """A picture without its large-scale background, in units of the local noise of one pixel.

    Parameters
    ----------
    excess : (slow, fast) float32, lonely hot pixels repaired
    noise : (slow, fast) float32, standard deviation of a pixel, counts
    terraces : (slow, fast) float32, how far rounding leaves the mean of many pixels from the truth, in units of noise
    spikes : how many hot or dead pixels were repaired
    """

    excess: Float32Array
    noise: Float32Array
    terraces: Float32Array
    spikes: int


def flatten(image: Float32Array, ignored: BoolArray) -> Flattened:
    """Take off the background and divide by the noise.

    Parameters
    ----------
    image : (slow, fast) spots bright
    ignored : (slow, fast) True where a pixel says nothing

    Notes
    -----
    The background is a cubic spline through the smoothed clipped means of squares, where one that stands out (full of
    spots) takes the median of its neighbours; a median everywhere would leave steps on hills. The noise is that of
    second differences, which neither a slope nor a hill can widen.
    """
    tile = int(np.clip(min(image.shape) // 40, 8, 24))
    level, spread = background_kernels.tile_statistics(image, ignored, tile)
    background_kernels.fill_gaps(level, spread)
    around = median_filter(level, 3, mode="nearest")
    level = gaussian_filter(np.where(np.abs(level - around) > 0.7 * spread, around, level), 1.0, mode="nearest")
    coarse = 2 * tile
    _, noise = background_kernels.tile_statistics(spot_kernels.second_differences(image, ignored), ignored, coarse)
    background_kernels.fill_gaps(np.zeros_like(noise), noise)
    usual = median_filter(noise, 5, mode="nearest")
    step = _grey_step(image)
    least = max(ROUNDING * step, 1e-5 * float(np.ptp(level)), 1e-12)
    noise = np.maximum(median_filter(noise, 3, mode="nearest"), np.maximum(0.4 * usual, least))
    per_pixel = _spread_out(noise, coarse, image.shape, 1)
    excess = (image - _spread_out(level, tile, image.shape, 3)) / per_pixel
    excess[ignored] = 0.0
    spikes = spot_kernels.repair_spikes(excess, ignored)
    return Flattened(excess, per_pixel, _spread_out(_terraces(noise, step), coarse, image.shape, 1), int(spikes))


def _grey_step(image: Float32Array) -> float:
    """Step between neighbouring greys of a picture with few of them (8 bits, scaled or not), 0 where there are many."""
    greys = np.unique(image[:: max(1, image.shape[0] // 200), :: max(1, image.shape[1] // 200)])
    return float(np.median(np.diff(greys))) if 1 < len(greys) < 1000 else 0.0


def _terraces(noise: Float64Array, step: float) -> Float64Array:
    """Rounding error that averaging does not remove, where the noise is too small to dither it, in units of the noise.

    First harmonic of the mean rounding error as a function of the true grey: exp(-2π² σ²) / π steps high (Widrow 1956).
    """
    if step == 0.0:
        return np.zeros_like(noise)
    before = np.maximum((noise / step) ** 2 - 1.0 / 12.0, 0.0)
    error: Float64Array = step * np.exp(-2.0 * np.pi**2 * before) / (np.pi * np.sqrt(2.0)) / noise
    return error


def repair_lines(image: Float32Array) -> int:
    """Give dead and bright rows and columns the mean of their neighbours, in place; return how many there were."""
    return _repair_rows(image) + _repair_rows(image.T)


def _repair_rows(image: Float32Array) -> int:
    middle = np.median(image, axis=1)
    away = np.abs(middle - median_filter(middle, 5, mode="nearest"))
    noise = 1.05 * float(np.median(np.abs(np.diff(image[::3], axis=1)))) + 1e-9
    bad = np.flatnonzero(away > max(3.0 * noise, 12.0 * 1.4826 * float(np.median(away))))
    good = np.setdiff1d(np.arange(len(image)), bad)
    for row in bad:
        below, above = good[good < row][-1:], good[good > row][:1]
        image[row] = image[np.concatenate([below, above])].mean(axis=0)
    return len(bad)


def _spread_out(grid: Float64Array, tile: int, shape: tuple[int, ...], order: int) -> Float32Array:
    """Interpolate values of tiles' centres to pixels, beyond the outer centres as at them."""
    padded = np.pad(grid.astype(np.float32), 2, mode="edge")
    size = [n * tile for n in padded.shape]
    full = zoom(padded, tile, order=order, mode="nearest", grid_mode=True, output=np.float32)
    assert full.shape == tuple(size)
    result: Float32Array = full[2 * tile : 2 * tile + shape[0], 2 * tile : 2 * tile + shape[1]].copy()
    return result


def filter_spots(
    excess: Float32Array, ignored: BoolArray, width: float, terraces: Float32Array, ground: float | None = None
) -> tuple[Float32Array, Float32Array]:
    """Return the significance of a spot of ``width`` at every pixel, and the picture above its local ground.

    Parameters
    ----------
    excess : (slow, fast) from ``flatten``
    ignored : (slow, fast) bool
    width : standard deviation of a spot, pixels
    terraces : (slow, fast) from ``flatten``
    ground : standard deviation of the window of the local ground, pixels; None takes four widths and two pixels

    Returns
    -------
    significance (slow, fast) float32 in standard deviations; above (slow, fast) float32 in those of one pixel

    Notes
    -----
    A Gaussian of the spot's own width is the matched filter. Its noise is measured on its own output (median absolute
    deviation), so that correlated grain is accounted for.
    """
    sharp = gaussian_filter(excess, width, mode="constant", truncate=3.5)
    crowd = np.abs(sharp) > CROWDED * _scatter(sharp)
    above = excess
    for _ in range(2):
        left_out = binary_dilation(crowd, iterations=max(1, round(1.5 * width))) | ignored
        above = excess - _local_ground(excess, left_out, ground or 4.0 * width + 2.0)
        above[ignored] = 0.0
        sharp = gaussian_filter(above, width, mode="constant", truncate=3.5)
        crowd = np.abs(sharp) > CROWDED * _scatter(sharp)
    left_out = binary_dilation(crowd, iterations=max(1, round(2.0 * width))) | ignored
    return sharp / _local_scatter(sharp, left_out, width, terraces), above


def _local_scatter(sharp: Float32Array, left_out: BoolArray, width: float, terraces: Float32Array) -> Float32Array:
    """Standard deviation of the filter's output about every pixel, on ground without spots.

    Squares are twelve spots' widths wide and some thirty of them are averaged: with three hundred independent places
    the noise is known to 4 %; at 10 %, what is called 5 σ would be met seven times too often. Grain, blocks of JPEG and
    rounding have longer tails than a Gaussian of the same middle; the dark side of the distribution, where no spot can
    be, tells how long.
    """
    tile = int(max(32, 12.0 * width))
    _, scatter = background_kernels.tile_statistics(sharp, left_out, tile)
    background_kernels.fill_gaps(np.zeros_like(scatter), scatter)
    if not (scatter > 0.0).any():
        return np.full(sharp.shape, _scatter(sharp), dtype=np.float32)
    scatter = np.maximum(gaussian_filter(scatter, 1.5, mode="nearest"), 0.5 * np.median(scatter))
    rows, columns = (
        np.minimum(np.arange(n) * tile + tile // 2, m - 1) for n, m in zip(scatter.shape, sharp.shape, strict=True)
    )
    # no picture has less noise than white noise of its pixels leaves, and its rounding
    least = np.hypot(0.8 / (2.0 * np.sqrt(np.pi) * width), terraces[np.ix_(rows, columns)])
    scatter = np.maximum(scatter, least)
    local = _spread_out(scatter, tile, sharp.shape, 1)
    sample = (sharp / local)[~left_out][::3]
    dark = np.array([-np.quantile(sample, share) / deviations for share, deviations in DARK_TAIL])
    return local * np.float32(max(1.0, float(dark.max())))


def _scatter(values: Float32Array) -> np.float32:
    """Standard deviation of the middle of a distribution."""
    sample = values[::2, ::2]
    return np.float32(max(1.4826 * float(np.median(np.abs(sample - np.median(sample)))), 1e-9))


def _local_ground(excess: Float32Array, left_out: BoolArray, width: float) -> Float32Array:
    """Mean of the surroundings, weighted by a Gaussian, without what is left out; made on a coarser grid."""
    step = max(1, int(width / 3.0))
    rows, columns = (-(-n // step) for n in excess.shape)
    room = ((0, rows * step - excess.shape[0]), (0, columns * step - excess.shape[1]))
    kept = np.pad((~left_out).astype(np.float32), room)
    values = np.pad(np.where(left_out, np.float32(0.0), excess), room)
    blocks = (rows, step, columns, step)
    weight = gaussian_filter(kept.reshape(blocks).sum((1, 3)), width / step, mode="constant")
    total = gaussian_filter(values.reshape(blocks).sum((1, 3)), width / step, mode="constant")
    ground = total / np.maximum(weight, 1e-3 * step * step)
    return _spread_out(ground.astype(np.float64), step, excess.shape, 1) if step > 1 else ground

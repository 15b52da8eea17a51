"""Tells spots from what is none by the shape that most of a picture's spots share."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from beamgym.physics.laue.peaks import spot_kernels

NARROWEST_OPTICAL_PX = 0.45
"""Phosphors and films spread a spot's light over more than this (standard deviation) of any pixel in use."""
FEWEST_LONG, LONG = 8, 1.4
"""Spots are long where so many clear ones are there, and the middle ratio of their axes exceeds this."""
LONGEST, FEW_LONGER = 4.0, 0.15
"""Where a larger share is longer than this, strokes of letters and scratches are what is long, not spots."""
USUAL_AXES = 1.2
"""Ratio of the axes up to which a spot counts as round."""


@dataclass(frozen=True)
class Candidates:
    """Maxima of a picture with their measures, from the highest down; all arrays have k rows.

    Parameters
    ----------
    position_px : (k, 2) along fast and slow
    height : significance
    width : standard deviation, pixels
    axes : ratio of the long to the short axis
    level : height of the fitted Gaussian in standard deviations of a pixel
    filled, through : from ``measure_rings``
    hardness : steepest step from pixel to pixel, as a share of the height
    """

    position_px: Float64Array
    height: Float64Array
    width: Float64Array
    axes: Float64Array
    level: Float64Array
    filled: Float64Array
    through: Float64Array
    hardness: Float64Array

    @property
    def measures(self) -> Float64Array:
        """(k, 5) as ``measure_spots`` gives them."""
        return np.column_stack([self.position_px, self.width, self.axes, self.level])


def usual_width(widths: Float64Array) -> float:
    """The commonest width; narrower ones than optics make are hot pixels where a quarter of all are wider and agree.

    Half-sample mode on a logarithmic scale (Robertson & Cryer, J. Am. Stat. Assoc. 69 (1974) 1012).
    """
    optical = widths[widths > NARROWEST_OPTICAL_PX]
    if len(optical) >= max(5, 0.25 * len(widths)):
        widths = optical
    values = np.sort(np.log(widths))
    while len(values) > 3:
        half = (len(values) + 1) // 2
        spans = values[half - 1 :] - values[: len(values) - half + 1]
        start = int(np.argmin(spans))
        values = values[start : start + half]
    return float(np.exp(np.mean(values)))


def stretch(spots: Candidates) -> float:
    """How many times longer than round most spots of a picture are: bent crystals, line foci and slanting films do so.

    It is 1 unless most of the clear candidates, those that stand alone and are no hot pixels, are long.
    """
    clear = (spots.height > 12.0) & (spots.filled < 0.4) & (spots.through < 0.5) & (spots.width > NARROWEST_OPTICAL_PX)
    if clear.sum() < FEWEST_LONG:
        return 1.0
    axes = spots.axes[clear]
    middle = float(np.median(axes))
    return middle / USUAL_AXES if middle > LONG and (axes > LONGEST).mean() < FEW_LONGER else 1.0


def is_odd(spots: Candidates, width: float, longer: float = 1.0) -> BoolArray:
    """(k,) True where a shape is certainly not that of a spot ``width`` wide: the less is certain, the fainter it is.

    Nothing that the optics made is narrower. A full spot is wider, up to five times with its tail, but round, alone and
    with a steeper flank than a Gaussian's of its width: a blotch is not. Where most spots are long, ``longer`` from
    ``stretch``, so may one be.
    """
    uncertainty = 8.0 / spots.height
    # where the filter's noise is not that of pixels (JPEG), a hot pixel is surer by itself than through the filter
    alone = 0.5 * math.sqrt(math.pi) * spots.level * spots.width
    narrow = spots.width < (0.72 - 8.0 / np.maximum(spots.height, alone)) * width
    flat_top = (spots.axes < 1.25 * longer) & (spots.filled < 0.1) & (spots.level > 15.0)
    flat_top &= spots.hardness * spots.width > 0.9
    wide = spots.width > np.where(flat_top, 5.0, 2.2 + 2.0 * uncertainty) * width
    long = spots.axes > 1.6 * longer * (1.0 + uncertainty)
    ridge = (spots.through > 0.5 + uncertainty) | (spots.filled > 0.4 + uncertainty)
    hard = (spots.hardness > 3.0 / width + uncertainty) & (width > 2.5)
    hard |= is_sharp_edged(spots) & ~flat_top & (spots.axes > 1.3 * longer)
    return narrow | wide | long | ridge | hard


def is_sharp_edged(spots: Candidates) -> BoolArray:
    """(k,) True where a bright thing's flank is steeper than a Gaussian's of its width, twice or more."""
    sharp: BoolArray = (spots.hardness * spots.width > 1.4) & (np.maximum(spots.height, 1.5 * spots.level) > 30.0)
    return sharp


def writing(spots: Candidates, odd: BoolArray, reach: float, longer: float = 1.0) -> BoolArray:
    """(k,) True for what belongs to letters: rows of bright, oddly shaped strokes, and whatever lies among them.

    Parameters
    ----------
    spots, odd : the candidates and which have an odd shape
    reach : strokes nearer than this belong together, pixels
    longer : from ``stretch``
    """
    bright = odd & (spots.height > 15.0)
    bright |= is_sharp_edged(spots) & ((spots.axes > 1.2 * longer) | (spots.filled > 0.05) | (spots.through > 0.2))
    group = _groups(spots.position_px[bright], reach)
    out = np.zeros(len(odd), dtype=bool)
    for number in range(int(group.max(initial=-1)) + 1):
        strokes = np.flatnonzero(bright)[group == number]
        if len(strokes) >= 4:
            out |= _line_of_writing(spots, strokes, reach)
    return out


def _line_of_writing(spots: Candidates, strokes: Int64Array, reach: float) -> BoolArray:
    """(k,) True for strokes, for what is as bright as they and next to two of them, and for what lies amid three.

    A box about them would be simpler; but a long scratch in pieces has one that is half of the picture.
    """
    away = np.linalg.norm(spots.position_px[:, None] - spots.position_px[None], axis=2)
    inked = spots.level > 0.4 * float(np.median(spots.level[strokes]))
    inside = np.zeros(len(away), dtype=bool)
    inside[strokes] = True
    for _ in range(20):
        grown = inside | (inked & ((away[:, inside] < reach).sum(axis=1) >= 2))
        if (grown == inside).all():
            break
        inside = grown
    amid: BoolArray = (away[:, inside] < 0.6 * reach).sum(axis=1) >= 3
    return inside | amid


def _groups(position: Float64Array, reach: float) -> NDArray[np.intp]:
    """Number the groups of points that hang together by steps no longer than ``reach``."""
    if len(position) == 0:
        return np.zeros(0, dtype=int)
    near = np.linalg.norm(position[:, None] - position[None], axis=2) <= reach
    labels: NDArray[np.intp] = connected_components(csr_matrix(near), directed=False)[1]
    return labels


def measure(
    significance: Float32Array, above: Float32Array, smooth: Float32Array, width: float, threshold: float
) -> Candidates:
    """Find and measure the maxima of a picture that stand above ``threshold`` and above their saddles.

    Parameters
    ----------
    significance, above : (slow, fast) from ``filter_spots``
    smooth : (slow, fast) ``above``, smoothed by about half a spot's width
    width : usual width of a spot, pixels
    threshold : in standard deviations
    """
    maxima, height, _, owner = spot_kernels.standing_maxima(significance, 0.5 * threshold, threshold, 0.1)
    high = height > threshold
    spots = spot_kernels.measure_spots(above, owner, maxima[high], width, 6.0 * width)
    filled, through = spot_kernels.measure_rings(smooth, spots, 16)
    hardness = spot_kernels.hardest_steps(above, spots)
    return Candidates(spots[:, :2], height[high], spots[:, 2], spots[:, 3], spots[:, 4], filled, through, hardness)

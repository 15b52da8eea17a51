"""I(q) of a frame: means over rings, and a Gaussian process over q as a rival that smooths these alone."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array

_JITTER = 1e-9


@dataclass(frozen=True, eq=False)
class Rings:
    """Which ring every pixel belongs to.

    Parameters
    ----------
    number : (slow, fast) from 0; −1 where a pixel is masked or beyond the last ring
    pixels : (b,) how many pixels each has
    """

    number: Int64Array
    pixels: Float64Array

    @classmethod
    def of(cls, q_inv_a: Float64Array, mask: BoolArray, rings: int = 40) -> "Rings":
        """Return rings of equal width in q, from the edge of the mask to the last whole circle, empty ones left out."""
        edge = float(min(q_inv_a[0].min(), q_inv_a[-1].min(), q_inv_a[:, 0].min(), q_inv_a[:, -1].min()))
        seen = ~mask & (q_inv_a <= edge)
        low = float(q_inv_a[seen].min())
        raw = np.where(seen, ((q_inv_a - low) / (edge - low) * rings * (1.0 - 1e-9)).astype(np.int64), -1)
        filled = np.bincount(raw[seen], minlength=rings) > 0
        renamed = np.append(np.cumsum(filled) - 1, -1)  # the last one is that of −1
        number = renamed[raw]
        return cls(number, np.bincount(number[seen]).astype(np.float64))

    def sums(self, image: Float64Array) -> Float64Array:
        """Return the sums over the rings (b,)."""
        seen = self.number >= 0
        found = np.bincount(self.number[seen], weights=image[seen], minlength=len(self.pixels))
        return np.asarray(found, dtype=np.float64)

    def means(self, image: Float64Array) -> Float64Array:
        """Return I(q): the means over the rings (b,)."""
        return self.sums(image) / self.pixels


def smooth_profile(counts: Float64Array, pixels: Float64Array, length: float) -> Float64Array:
    """Return I(q) by a Gaussian process over the rings.

    Parameters
    ----------
    counts, pixels : (b,) of every ring
    length : of the squared-exponential kernel, in rings

    Notes
    -----
    The square root of the mean counts has a noise that is known, 1 / (4 pixels); mean and variance of the process are
    those of the rings themselves.
    """
    values = np.sqrt(counts / pixels + 0.375 / pixels)
    noise = 0.25 / pixels
    place = np.arange(len(pixels), dtype=np.float64)
    mean = float(np.average(values, weights=pixels))
    size = max(float(np.average((values - mean) ** 2, weights=pixels)), _JITTER)
    kernel = size * np.exp(-0.5 * ((place[:, None] - place[None]) / length) ** 2)
    weights = np.linalg.solve(kernel + np.diag(noise + _JITTER * size), values - mean)
    found = mean + kernel @ weights
    return np.asarray(np.maximum(found, 0.0) ** 2)

"""Whether numbers are counts: how their noise compares with that of electrons, measured on the pixels as they are.

Where a spectrum is smooth, the mixed second difference of four neighbouring pixels has the variance of their sum: for
counts the ratio, the index of dispersion, is 1, for counts in another unit it is that unit. Bands raise it where they
are, so it is taken block by block and a low quantile counts. Charge clouds spread one electron over pixels: there the
ratio is small between neighbours and grows as pixels are added up, which a unit does not do.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import Float32Array

LEAST: Final = 0.38
MOST: Final = 1.8
"""Below the first on every scale, or above the second on every scale, numbers are not taken for electrons."""

_SCALES: Final = (1, 2, 4)  # pixels that are added up along each axis
_PARTS: Final = 4  # blocks along each axis
_QUANTILE: Final = 0.25
_DARK: Final = 0.2  # blocks with less than this share of the mean tell nothing


def dispersion(counts: Float32Array) -> NDArray[np.float64]:
    """Return the index of dispersion (m, 3) of spectra (m, e, a), over one, two and four pixels."""
    return np.stack([_index(counts, scale) for scale in _SCALES], axis=1)


def unlike_counts(counts: Float32Array) -> NDArray[np.float64]:
    """Return how unlike counts the noise of spectra is, (m,): above 1 where their unit is not the electron."""
    found = np.maximum(dispersion(counts), 1e-6)
    return np.asarray(np.maximum(LEAST / found.max(1), found.min(1) / MOST))


def _index(counts: Float32Array, scale: int) -> NDArray[np.float64]:
    rows, columns = (size // scale for size in counts.shape[1:])
    kept = counts[:, : rows * scale, : columns * scale]
    cells = kept.reshape(len(counts), rows, scale, columns, scale).sum((2, 4), dtype=np.float64)
    difference = cells[:, 1:, 1:] - cells[:, 1:, :-1] - cells[:, :-1, 1:] + cells[:, :-1, :-1]
    together = cells[:, 1:, 1:] + cells[:, 1:, :-1] + cells[:, :-1, 1:] + cells[:, :-1, :-1]
    noise, expected = _blocks(difference**2), _blocks(together)
    bright = expected > _DARK * expected.mean(1, keepdims=True)
    ratio = np.where(bright, noise / np.maximum(expected, 1e-12), np.inf)
    number = bright.sum(1)
    place = np.minimum((_QUANTILE * number).astype(np.int64), np.maximum(number - 1, 0))
    found = np.take_along_axis(np.sort(ratio, axis=1), place[:, None], axis=1)[:, 0]
    return np.where(number > 0, found, 1.0)


def _blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sums over blocks (m, 16) of values (m, rows, columns)."""
    edges = [np.linspace(0, size, _PARTS + 1).astype(np.int64)[:-1] for size in values.shape[1:]]
    summed = np.add.reduceat(np.add.reduceat(values, edges[0], axis=1), edges[1], axis=2)
    return summed.reshape(len(values), -1)

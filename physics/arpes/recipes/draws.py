"""Columns of random numbers for recipes: n keys, one row each, handed out in the order in which they are asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.recipes.published_cut_kernels import draw_table
from beamgym.physics.arrays import Float64Array, Int64Array


class Draws:
    """Random numbers of n keys; a row depends on its own key only.

    Parameters
    ----------
    keys : (n,) random keys
    uniforms, normals : how many of each a recipe may ask for
    """

    def __init__(self, keys: NDArray[np.uint64], uniforms: int, normals: int) -> None:
        self._uniform, self._normal = np.empty((len(keys), uniforms)), np.empty((len(keys), normals))
        draw_table(np.ascontiguousarray(keys, dtype=np.uint64), self._uniform, self._normal)
        self._used = [0, 0]

    def unit(self, *shape: int) -> Float64Array:
        """Return uniform numbers in [0, 1), (n, *shape)."""
        return self._take(0, self._uniform, shape)

    def normal(self, *shape: int) -> Float64Array:
        """Return standard normal numbers, (n, *shape)."""
        return self._take(1, self._normal, shape)

    def between(self, low: float, high: float, *shape: int) -> Float64Array:
        """Return uniform numbers between two bounds."""
        return low + (high - low) * self.unit(*shape)

    def decades(self, low: float, high: float, *shape: int) -> Float64Array:
        """Return numbers between two bounds whose logarithm is uniform."""
        return np.asarray(low * (high / low) ** self.unit(*shape))

    def whole(self, low: int, high: int) -> Int64Array:
        """Return whole numbers low … high − 1, (n,)."""
        return (low + self.unit() * (high - low)).astype(np.int64)

    def chance(self, probability: float) -> NDArray[np.bool_]:
        """Return True with a probability, (n,)."""
        return np.asarray(self.unit() < probability)

    def _take(self, which: int, table: Float64Array, shape: tuple[int, ...]) -> Float64Array:
        size = int(np.prod(shape)) if shape else 1
        first = self._used[which]
        if first + size > table.shape[1]:
            raise ValueError(f"a recipe asks for more than its {table.shape[1]} random numbers; give Draws more")
        self._used[which] += size
        return table[:, first : first + size].reshape(-1, *shape) if shape else table[:, first]

"""Lengths in a cell whose axes are not square to each other."""

import numpy as np
from numpy.typing import NDArray

Float64Array = NDArray[np.float64]


def metric_of(cell: Float64Array) -> Float64Array:
    """Return the (3, 3) metric tensor of a cell in Å²."""
    lengths, cosine = cell[:3], np.cos(np.radians(cell[3:]))
    angles = np.array([[1.0, cosine[2], cosine[1]], [cosine[2], 1.0, cosine[0]], [cosine[1], cosine[0], 1.0]])
    metric: Float64Array = np.outer(lengths, lengths) * angles
    return metric


def lengths_a(difference: Float64Array, metric: Float64Array) -> Float64Array:
    """Return the lengths (k,) in Å of fractional differences (k, 3), to the nearest lattice image along each axis."""
    nearest = difference - np.rint(difference)
    lengths: Float64Array = np.sqrt(np.maximum(np.einsum("ki,ij,kj->k", nearest, metric, nearest), 0.0))
    return lengths

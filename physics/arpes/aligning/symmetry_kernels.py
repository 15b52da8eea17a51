"""Kernels of the fit of mirror symmetry: how alike cuts are at momenta that the lattice makes equal."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.arpes.aligning.cut_kernels import emission
from beamgym.physics.arpes.aligning.fit_kernels import crystal_frame

_RADIAN = math.pi / 180.0


@njit(cache=True, nogil=True, error_model="numpy")
def likeness(theta, turns, slit_deg, fold_deg, cell, features, sums, numbers) -> Any:  # type: ignore[no-untyped-def]
    """Return how alike features are within cells of the irreducible wedge, 0 to 1, weighted by what is compared.

    ``theta`` (7,) as in ``fit_kernels`` of which the bands are not used; ``turns`` (k, 3, 3); ``features``
    (k, a, e), of each column a vector of length 1; ``cell`` of the wedge in units of the wavenumber; ``sums``
    (c, e) and ``numbers`` (c,) are scratch.
    """
    frame, way = np.empty((3, 3)), np.empty(3)
    crystal_frame(theta, frame)
    sums[:], numbers[:] = 0.0, 0.0
    side = int(math.sqrt(float(len(numbers))))
    fold, bins = fold_deg * _RADIAN, features.shape[2]
    for k in range(len(turns)):
        full = turns[k] @ frame
        for c in range(len(slit_deg)):
            emission((slit_deg[c] - theta[3]) * _RADIAN, -theta[4] * _RADIAN, way)
            kx = full[0, 0] * way[0] + full[1, 0] * way[1] + full[2, 0] * way[2]
            ky = full[0, 1] * way[0] + full[1, 1] * way[1] + full[2, 1] * way[2]
            radius, angle = math.hypot(kx, ky), math.atan2(ky, kx)
            angle -= fold * math.floor(angle / fold + 0.5)
            angle = abs(angle)
            row, column = int(radius * math.cos(angle) / cell), int(radius * math.sin(angle) / cell)
            if row >= side or column >= side:
                continue
            place = row * side + column
            numbers[place] += 1.0
            for e in range(bins):
                sums[place, e] += features[k, c, e]
    alike, pairs = 0.0, 0.0
    for place in range(len(numbers)):
        number = numbers[place]
        if number < 2.0:
            continue
        length = 0.0
        for e in range(bins):
            length += sums[place, e] * sums[place, e]
        # what pairs of different columns have in common; a column with itself says nothing
        alike += (length - number) / (number - 1.0)
        pairs += number
    return alike / max(pairs, 1.0) if pairs > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def likenesses(thetas, turns, slit_deg, fold_deg, cell, side, features, out) -> None:  # type: ignore[no-untyped-def]
    """Write ``likeness`` for many ``thetas`` (t, 7), with a wedge of ``side`` by ``side`` cells, ``out`` (t,)."""
    sums, numbers = np.empty((side * side, features.shape[2])), np.empty(side * side)
    for t in range(len(thetas)):
        out[t] = likeness(thetas[t], turns, slit_deg, fold_deg, cell, features, sums, numbers)

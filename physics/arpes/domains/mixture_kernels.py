"""The mixture fit's loops: one unknown spectrum, seen twice, found by expectation maximisation."""

import numpy as np
from numba import njit

from beamgym.physics.arrays import Float32Array, Float64Array

_TINY = np.float32(1e-6)
_FLOOR = np.float32(1e-3)  # of an expected count, where it is judged


@njit(cache=True, fastmath=True)
def smooth(values: Float32Array, room: Float32Array, out: Float32Array) -> None:
    """Smooth (e, u) by [1, 4, 6, 4, 1]/16 along the slit and [1, 2, 1]/4 along energy; ends are repeated."""
    rows, columns = values.shape
    for e in range(rows):
        for u in range(columns):
            left, right = max(u - 1, 0), min(u + 1, columns - 1)
            far, further = max(u - 2, 0), min(u + 2, columns - 1)
            room[e, u] = (
                np.float32(0.375) * values[e, u]
                + np.float32(0.25) * (values[e, left] + values[e, right])
                + np.float32(0.0625) * (values[e, far] + values[e, further])
            )
    for e in range(rows):
        below, above = max(e - 1, 0), min(e + 1, rows - 1)
        for u in range(columns):
            out[e, u] = np.float32(0.5) * room[e, u] + np.float32(0.25) * (room[below, u] + room[above, u])


@njit(cache=True, fastmath=True)
def fit_copies(
    counts: Float32Array, unseen: Float32Array, shift: int, lower: float, every: int, out: Float64Array
) -> None:
    """Fit λ[t] = w s[t + shift] + (1 − w) s[t], s smooth and ≥ 0, to counts, and judge it on other counts.

    Parameters
    ----------
    counts, unseen : (e, t) two independent halves of a cut
    shift : columns between the copies; 0 for one domain
    lower : weight w of the lower copy to begin with; it is fitted
    every : steps between two judgements
    out : (j, 2) log likelihood of the unseen half and w, after ``every``, 2 · ``every``, … steps
    """
    rows, columns = counts.shape
    wide = columns + shift
    source, shown = np.empty((rows, wide), np.float32), np.empty((rows, wide), np.float32)
    room, ratio = np.empty((rows, wide), np.float32), np.empty((rows, wide), np.float32)
    w = np.float32(lower)
    for e in range(rows):
        source[e, :] = counts[e].sum() / np.float32(columns) + _FLOOR
    quotient = np.zeros(wide + shift, np.float32)
    smooth(source, room, shown)
    for step in range(1, every * out.shape[0] + 1):
        rest = np.float32(1.0) - w
        pulled = np.zeros(4)
        for e in range(rows):
            for t in range(columns):
                quotient[t + shift] = counts[e, t] / (w * shown[e, t + shift] + rest * shown[e, t] + _TINY)
            for u in range(wide):
                back, seen = np.float32(0.0), np.float32(0.0)
                if u >= shift:
                    back, seen = back + w * quotient[u], seen + w
                if u < columns:
                    back, seen = back + rest * quotient[u + shift], seen + rest
                ratio[e, u] = back / seen
            for t in range(columns):
                pulled[0] += shown[e, t + shift] * quotient[t + shift]
                pulled[1] += shown[e, t] * quotient[t + shift]
                pulled[2] += shown[e, t + shift]
                pulled[3] += shown[e, t]
        smooth(ratio, room, shown)
        for e in range(rows):
            for u in range(wide):
                source[e, u] *= shown[e, u]
        smooth(source, room, shown)
        if shift > 0:
            one, two = w * pulled[0] / pulled[2], rest * pulled[1] / pulled[3]
            w = np.float32(one / (one + two))
        if step % every == 0:
            judged = 0.0
            rest = np.float32(1.0) - w
            for e in range(rows):
                for t in range(columns):
                    rate = w * shown[e, t + shift] + rest * shown[e, t] + _FLOOR
                    judged += unseen[e, t] * np.log(rate) - rate
            out[step // every - 1, 0], out[step // every - 1, 1] = judged, w

"""Parts of an ArpesSpot observation: spectra as grey images, and the coarse map of measured sites."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from beamgym.physics.instrument import Float32Array, FrameFailed
from beamgym.physics.row_threads import over_rows

MAP_CELLS: Final = 32
"""Cells of the coarse map along x, and along y; it covers the stage's travel. About as wide as the beam."""

MAP_LAYERS: Final = 6
"""Of the coarse map: total, visits, S, B, N and dwell of the spectrum that was counted longest in a cell."""

SITE_UNITS: Final = {
    "spectrum": "grey levels 0..255, the root of the counts; rows energy, columns slit angle",
    "position": "x and y, -1..1 of the travel",
    "scores": "S, B, N and total / 10",
    "site_estimate": "total that the site would have at a dwell of 2 s, and its expected error, / 10",
    "exposure": "dwell on the action's scale, 0..1; log10(1 + electrons) / 7",
    "best": "largest total / 10, and its x and y, -1..1 of the travel",
    "map": "cells of the travel, each total / 10, visits / 8, S, B, N and dwell, 0..1",
    "picture": "64 x 64 pixels, two to a cell of the map, 0..255: its six layers, where it stands, and the budget left",
    "last_move": "rotation vector in the lab frame / 180 deg, or steps of the travel; and 1 where it was shortened",
}
"""What the numbers of each part of an observation are, as bundles say it."""

_INFINITE = np.int32(0x7F800000)  # the bits of infinity in IEEE 754 single precision, below those of NaN
_SAME = 1e-3  # difference of two dwells, on their logarithmic scale, that are the same


def spectrum_to_uint8(counts: Float32Array, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Turn counts (m, e, a) into (m, e, a, 1) uint8: a square root, so that noise is even, whose largest is 255.

    Raises
    ------
    FrameFailed : another shape than ``shape``, counts that are negative or not finite
    """
    if counts.shape[1:] != shape:
        raise FrameFailed(f"the spectra have {counts.shape[1:]} pixels; this task was made for {shape}")
    out = np.empty(counts.shape, dtype=np.uint8)
    if not all(over_rows(len(counts), lambda rows: grey(counts[rows], out[rows]), least=64)):
        raise FrameFailed("a spectrum holds NaN, infinity or negative counts; give dead pixels the value 0")
    return out[..., None]


@njit(cache=True, nogil=True, error_model="numpy")
def grey(counts, out) -> bool:  # type: ignore[no-untyped-def]
    """Write 255·√(counts / largest) of every spectrum (m, e, a); returns whether all counts are numbers from 0 up."""
    fine = True
    for i in range(counts.shape[0]):
        flat, line = counts[i].reshape(-1), out[i].reshape(-1)
        words, peak, others = flat.view(np.int32), np.int32(0), np.int32(0)
        for c in range(flat.shape[0]):  # numbers from 0 up are ordered as whole numbers of the same bits
            peak = max(peak, words[c])
            others |= np.int32(not flat[c] >= np.float32(0.0))
        if others or peak >= _INFINITE:
            fine = False
            continue
        largest = np.int32(peak).view(np.float32)
        scale = np.float32(65025.0) / max(largest, np.float32(1.0))
        for c in range(flat.shape[0]):
            line[c] = np.uint8(np.sqrt(scale * flat[c]))
    return fine


@njit(cache=True, nogil=True)
def map_to_shares(chart, scale, out) -> None:  # type: ignore[no-untyped-def]
    """Write chart (n, 32, 32, k) times scale (k,), within 0 to 1, to ``out`` of the same size, in one go."""
    flat, told = chart.reshape(-1, scale.shape[0]), out.reshape(-1, scale.shape[0])
    for c in range(flat.shape[0]):
        for k in range(scale.shape[0]):
            told[c, k] = min(max(flat[c, k] * scale[k], np.float32(0.0)), np.float32(1.0))


@njit(cache=True, nogil=True)
def draw_on_map(  # type: ignore[no-untyped-def]
    rows, fractions, sites, scores, totals, counting, used, chart, trace, best
) -> None:
    """Enter the rows' last spectra in their maps (n, 32, 32, 6), traces (n, t, 3) and best (n, 3), in place.

    A cell keeps the spectrum with the longest dwell, of equal ones that with the largest of ``totals`` (n,).
    ``fractions`` (n, 2) of the travel, −1 to 1; ``counting`` (n, 2) N at the reference dwell, and the dwell, 0 to 1 on
    its logarithmic scale; map rows run along y, columns along x.
    """
    for i in rows:
        column = min(int(0.5 * (fractions[i, 0] + 1.0) * chart.shape[2]), chart.shape[2] - 1)
        row = min(int(0.5 * (fractions[i, 1] + 1.0) * chart.shape[1]), chart.shape[1] - 1)
        total = totals[i]
        cell = chart[i, row, column]
        longer = counting[i, 1] - cell[5]
        if cell[1] == 0.0 or longer > _SAME or (longer > -_SAME and total > cell[0]):
            cell[0], cell[2], cell[3], cell[4], cell[5] = (
                total,
                scores[i, 0],
                scores[i, 1],
                counting[i, 0],
                counting[i, 1],
            )
        cell[1] += 1.0
        entry = (used[i] - 1) % trace.shape[1]
        trace[i, entry, 0], trace[i, entry, 1], trace[i, entry, 2] = sites[i, 0], sites[i, 1], total
        if used[i] == 1 or total > best[i, 0]:
            best[i, 0], best[i, 1], best[i, 2] = total, sites[i, 0], sites[i, 1]

"""The input of a scorer that knows its window: rows at their energies, and which of them were measured.

Nothing is stretched along the energy: what a measurement lacks of the window is said, and what it has beyond is left
out. Along the slit spectra are spread over the columns, whatever angle they span.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.arpes_spot.scoring_kernels import SIDE
from beamgym.physics.instrument import Float32Array

WINDOW_EV: Final = (-0.553, 0.153)
"""Bottom and top of the window, eV from the Fermi level."""

NUMBERS: Final = 22
"""Numbers beside the picture."""

FEWEST_PIXELS: Final = 24
_BLOCKS, _QUANTILES = 16, 16
_WHITEST = 8.0
_LEAST_SEEN = 0.5  # of a row


def window_input(counts: ArrayLike, energy_ev: ArrayLike | None = None) -> dict[str, Float32Array]:
    """Return the inputs of a scoring network for spectra.

    Parameters
    ----------
    counts : (m, e, a) electrons per pixel, at least 24 pixels along the slit and 24 in the window
    energy_ev : (e,) energies of the rows from the Fermi level, rising in even steps; without them the rows are taken to
        span the window −0.55 to 0.15 eV

    Returns
    -------
    "image" (m, 64, 64) √(counts / mean), 0 where nothing was measured; "seen" (m, 64) 1 for rows that were measured;
    "numbers" (m, 22): log₁₀(1 + electrons) / 6, N, share of rows seen, √(largest / mean) / 8, share of empty cells,
    the rows' unevenness, 16 quantiles of 4 x 4 blocks

    Raises
    ------
    ValueError : another shape, counts that are negative or not finite, uneven energies, too few pixels in the window
    TypeError : something else than real numbers
    """
    spectra = _checked(counts)
    rows, cover = _row_shares(spectra.shape[1], energy_ev)
    if not (np.isfinite(spectra).all() and float(spectra.min(initial=0.0)) >= 0.0):
        raise ValueError("a spectrum holds NaN, infinity or negative counts; give dead pixels the value 0")
    return encoded(_added_up(spectra, rows), np.broadcast_to(cover, (len(spectra), SIDE)))


def encoded(cells: Float32Array, cover: NDArray[np.floating]) -> dict[str, Float32Array]:
    """Return the inputs of a network of counts in cells (m, 64, 64), each row measured in part, ``cover`` (m, 64)."""
    seen = cover >= _LEAST_SEEN
    whole = np.where(seen, 1.0 / np.clip(cover, _LEAST_SEEN, 1.0), 0.0).astype(np.float32)
    cells = cells * whole[:, :, None]
    total = cells.sum((1, 2), dtype=np.float64)
    mean = np.maximum(total / (SIDE * np.maximum(seen.sum(1), 1)), 1e-9).astype(np.float32)
    image = np.minimum(np.sqrt(cells / mean[:, None, None]), np.float32(_WHITEST))
    return {"image": image, "seen": seen.astype(np.float32), "numbers": _numbers(cells, mean, total, seen)}


def _checked(counts: ArrayLike) -> Float32Array:
    kind = np.asarray(counts).dtype
    if not (np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.floating) or kind == np.bool_):
        raise TypeError(f"counts are real numbers, electrons per pixel; found {kind}")
    spectra = np.ascontiguousarray(counts, dtype=np.float32)
    if spectra.ndim != 3 or min(spectra.shape[1:], default=0) < FEWEST_PIXELS:
        raise ValueError(
            f"spectra must have the shape (m, energy, slit) with at least {FEWEST_PIXELS} x {FEWEST_PIXELS} pixels; "
            f"found {np.shape(counts)}"
        )
    return spectra


def _row_shares(pixels: int, energy_ev: ArrayLike | None) -> tuple[Float32Array, NDArray[np.float64]]:
    """Return the share of every pixel in every row (64, e), and how much of each row the pixels cover (64,)."""
    if energy_ev is None:
        return _overlap(np.linspace(0.0, SIDE, pixels + 1)), np.ones(SIDE)
    energy = np.asarray(energy_ev, np.float64)
    if energy.shape != (pixels,) or not np.isfinite(energy).all():
        raise ValueError(f"energy_ev must hold one energy for each of the {pixels} rows; found shape {energy.shape}")
    steps = np.diff(energy)
    step = float(steps.mean())
    if step <= 0.0 or np.abs(steps - step).max() > 0.05 * step:
        raise ValueError("energy_ev must rise in even steps; sort the rows, or resample them, keeping counts")
    low, high = WINDOW_EV
    edges = (np.append(energy - 0.5 * step, energy[-1] + 0.5 * step) - low) / (high - low) * SIDE
    shares = _overlap(edges)
    cover = shares.sum(1) * (edges[1] - edges[0])
    inside = int((shares.sum(0) > 0.5).sum())
    if inside < FEWEST_PIXELS:
        raise ValueError(
            f"{inside} of the rows lie in the window {low:g} to {high:g} eV; scores need {FEWEST_PIXELS} or more"
        )
    return shares, cover


def _overlap(edges: NDArray[np.float64]) -> Float32Array:
    """Return which share of every pixel, between rising edges in cells, lies in each of 64 cells: (64, e)."""
    cell = np.arange(SIDE)[:, None]
    low, high = edges[:-1], edges[1:]
    inside = np.minimum(high, cell + 1) - np.maximum(low, cell)
    return np.asarray(np.maximum(inside, 0.0) / (high - low), dtype=np.float32)


def _added_up(spectra: Float32Array, rows: Float32Array) -> Float32Array:
    """Add up counts (m, e, a) in cells (m, 64, 64)."""
    same = rows.shape[1] == SIDE and np.array_equal(rows, np.eye(SIDE, dtype=np.float32))
    cells = spectra.copy() if same else rows @ spectra
    if spectra.shape[2] != SIDE:
        cells = cells @ _overlap(np.linspace(0.0, SIDE, spectra.shape[2] + 1)).T
    return np.asarray(cells)


def _numbers(
    cells: Float32Array, mean: Float32Array, total: NDArray[np.float64], seen: NDArray[np.bool_]
) -> Float32Array:
    m, block = len(cells), SIDE // _BLOCKS
    out, rows = np.zeros((m, NUMBERS), np.float32), np.maximum(seen.sum(1), 1)
    out[:, 0] = np.log10(1.0 + total) / 6.0
    out[:, 1] = np.minimum(total / 1e5, 1.0)
    out[:, 2] = rows / SIDE
    out[:, 3] = np.minimum(np.sqrt(cells.max((1, 2)) / mean) / 8.0, 4.0)
    out[:, 4] = ((cells < 0.5) & seen[:, :, None]).sum((1, 2)) / (rows * SIDE)
    uneven = (cells.mean(2) - mean[:, None]) ** 2 * seen
    out[:, 5] = np.minimum(np.sqrt(uneven.sum(1) / rows) / mean, 4.0)
    whole = seen.reshape(m, _BLOCKS, block).all(2)
    blocks = cells.reshape(m, _BLOCKS, block, _BLOCKS, block).sum((2, 4))
    blocks[~whole] = np.inf  # sorted behind all others
    blocks = np.sort(blocks.reshape(m, -1), axis=1)
    last = np.maximum(whole.sum(1) * _BLOCKS - 1, 0)
    at = (np.arange(_QUANTILES) * last[:, None]) // (_QUANTILES - 1)
    dimmed = np.take_along_axis(blocks, at, axis=1) / (mean[:, None] * block * block)
    out[:, 6:] = np.minimum(np.sqrt(dimmed), _WHITEST)
    return out

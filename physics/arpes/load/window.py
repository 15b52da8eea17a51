"""A measured spectrum in the scorer's window: −0.55 to 0.15 eV and ±15°; what it lacks is said, nothing is stretched.

Pixels of an even grid stay as they are: only whole pixels beyond the window's ends are left out. Pixels of an uneven or
too coarse grid are handed on to an even one by the area that they share, every electron to one new pixel at random, so
that Poisson counts stay Poisson counts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arrays import Float64Array

_GRID = Grid.uniform()
ENERGY_WINDOW_EV: Final = (float(_GRID.energy_ev[0]), float(_GRID.energy_ev[-1]))
"""Energies that the scorer knows, E − E_F."""

SLIT_WINDOW_DEG: Final = (float(_GRID.slit_deg[0]), float(_GRID.slit_deg[-1]))
"""Angles along the slit that the scorer knows."""

USUAL_SHARE: Final = 0.75
"""Share of either window that is usual."""

LEAST_PIXELS: Final = 64
"""Along either axis, below which a scorer takes no spectrum."""

_EVEN = 0.02  # of a step: how far a pixel may lie from an even grid
_COARSEST = 16  # pixels along an axis, below which no band can be told from its neighbour


@dataclass(frozen=True, eq=False)
class Window:
    """Which pixels of a spectrum a scorer sees.

    Parameters
    ----------
    rows, columns : slices of the energies and angles that are taken
    energy_ev, slit_deg : (first, last) edge of what is taken
    shape : (energy, slit) pixels handed on
    energy_edges, slit_edges : of the pixels taken; None where they are handed on as they are
    lacks : what the file does not hold of the window, a line each
    notes : what else was done, a line each
    """

    rows: slice
    columns: slice
    energy_ev: tuple[float, float]
    slit_deg: tuple[float, float]
    shape: tuple[int, int]
    energy_edges: Float64Array | None
    slit_edges: Float64Array | None
    lacks: tuple[str, ...]
    notes: tuple[str, ...]


def choose_window(energy_ev: Float64Array, slit_deg: Float64Array) -> Window:
    """Choose what is shown to a scorer.

    Parameters
    ----------
    energy_ev : (e,) E − E_F at the pixel centres, rising
    slit_deg : (a,) at the pixel centres, rising

    Returns
    -------
    Window
        All angles where the file holds 30° or less; where it holds more, the 30° nearest to 0.

    Raises
    ------
    ValueError : fewer than 16 pixels of an axis in the window
    """
    around = _nearest_window(_edges(slit_deg))
    lacks: list[str] = []
    notes: list[str] = []
    rows, energy_edges = _taken(energy_ev, ENERGY_WINDOW_EV, "energies", "eV", lacks, notes)
    columns, slit_edges = _taken(slit_deg, around, "angles", "°", lacks, notes)
    shape = [
        max(LEAST_PIXELS, part.stop - part.start) if edges is not None else part.stop - part.start
        for part, edges in ((rows, energy_edges), (columns, slit_edges))
    ]
    energy, slit = (_ends(axis, part) for axis, part in ((energy_ev, rows), (slit_deg, columns)))
    return Window(
        rows, columns, energy, slit, (shape[0], shape[1]), energy_edges, slit_edges, tuple(lacks), tuple(notes)
    )


def into_window(counts: NDArray[np.generic], window: Window, seed: int = 0) -> NDArray[np.float32]:
    """Return spectra (m, e, a) as the scorer is to see them, (m, *window.shape).

    Parameters
    ----------
    counts : (m, e, a) on the file's grid
    window : as chosen for that grid
    seed : of where the electrons of shared pixels go, where the grid has to be changed
    """
    taken = np.asarray(counts[:, window.rows, window.columns])
    random = np.random.default_rng(seed)
    for axis, edges in ((1, window.energy_edges), (2, window.slit_edges)):
        if edges is not None:
            taken = _regridded(np.moveaxis(taken, axis, 0), edges, window.shape[axis - 1], random)
            taken = np.moveaxis(taken, 0, axis)
    return np.ascontiguousarray(taken, dtype=np.float32)


def _nearest_window(edges: Float64Array) -> tuple[float, float]:
    width = SLIT_WINDOW_DEG[1] - SLIT_WINDOW_DEG[0]
    if edges[-1] - edges[0] <= width:
        return float(edges[0]), float(edges[-1])
    first = float(np.clip(SLIT_WINDOW_DEG[0], edges[0], edges[-1] - width))
    return first, first + width


def _edges(axis: Float64Array) -> Float64Array:
    """Return the pixels' edges (n + 1,): half-way between their centres."""
    middle = 0.5 * (axis[1:] + axis[:-1])
    return np.concatenate([[axis[0] - (middle[0] - axis[0])], middle, [axis[-1] + (axis[-1] - middle[-1])]])


def _ends(axis: Float64Array, part: slice) -> tuple[float, float]:
    edges = _edges(axis)
    return float(edges[part.start]), float(edges[part.stop])


def _taken(
    axis: Float64Array, window: tuple[float, float], what: str, unit: str, lacks: list[str], notes: list[str]
) -> tuple[slice, Float64Array | None]:
    """Return the pixels whose centres lie in the window, and their edges where they have to be resampled."""
    edges = _edges(axis)
    if edges[-1] <= window[0] or edges[0] >= window[1]:
        raise ValueError(
            f"the file holds {what} from {edges[0]:.3f} to {edges[-1]:.3f} {unit}, nothing of the window from "
            f"{window[0]:.2f} to {window[1]:.2f} {unit}: there is no score; is the Fermi level right?"
        )
    slack = 1e-3 * float(np.median(np.diff(axis)))  # a pixel on the end belongs to the window, whatever was rounded
    inside = np.flatnonzero((axis >= window[0] - slack) & (axis <= window[1] + slack))
    if inside.size < _COARSEST:
        raise ValueError(
            f"only {inside.size} pixels of {what} lie between {window[0]:.2f} and {window[1]:.2f} {unit}; a score "
            f"needs {_COARSEST} or more: take the spectrum in finer steps"
        )
    part = slice(int(inside[0]), int(inside[-1]) + 1)
    wanted = ENERGY_WINDOW_EV if unit == "eV" else SLIT_WINDOW_DEG
    held = min(edges[part.stop], window[1]) - max(edges[part.start], window[0])
    share = held / (wanted[1] - wanted[0])
    if share < 0.97:
        lacks.append(
            f"{what} from {edges[part.start]:.2f} to {edges[part.stop]:.2f} {unit} only, "
            f"{100 * share:.0f} % of the window"
        )
    steps = np.diff(axis[part])
    uneven = float(np.ptp(steps)) > _EVEN * float(np.median(steps))
    if not uneven and inside.size >= LEAST_PIXELS:
        return part, None
    why = f"uneven steps ({steps.min():.4g} to {steps.max():.4g} {unit})" if uneven else f"only {inside.size} pixels"
    notes.append(f"{what}: {why}, handed on to an even grid of {max(LEAST_PIXELS, inside.size)} by shared area")
    return part, edges[part.start : part.stop + 1]


def _regridded(
    counts: NDArray[np.generic], edges: Float64Array, size: int, random: np.random.Generator
) -> NDArray[np.generic]:
    """Return counts (n, …) of pixels with given edges on an even grid of ``size`` pixels over the same range."""
    new = np.linspace(edges[0], edges[-1], size + 1)
    whole = bool(np.all(counts == np.rint(counts)))
    out = np.zeros((size, *counts.shape[1:]), np.float64)
    for number, source in enumerate(counts):
        first, last = edges[number], edges[number + 1]
        touched = range(
            max(int(np.searchsorted(new, first, "right")) - 1, 0), min(int(np.searchsorted(new, last, "left")), size)
        )
        left, rest = np.asarray(source, dtype=np.float64).copy(), last - first
        for target in touched:
            shared = min(last, new[target + 1]) - max(first, new[target])
            chance = min(max(shared / rest, 0.0), 1.0) if target != touched[-1] else 1.0
            here = random.binomial(left.astype(np.int64), chance) if whole else left * chance
            out[target] += here
            left, rest = left - here, rest - shared
    return out

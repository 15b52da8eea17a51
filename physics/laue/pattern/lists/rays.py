"""A reflection table as the kernels read it, in its own order or ranked by how bright a ray's spot can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.pattern.lists.brightest_kernels import largest_intensities
from beamgym.physics.laue.pattern.lists.panel_kernels import sines_of_panel
from beamgym.physics.laue.pattern.lists.tables import NO_SLAB, Panel, Physics, Rays

if TYPE_CHECKING:
    from beamgym.physics.crystal import ReflectionTable

WINDOW_MARGIN = 1e-5
"""Absolute and relative; single precision decides the window of sin θ this generously."""

_BIN = 32  # points of the grid of energies in one bin of the bounds
_SINE_MARGIN = 0.02  # by which sin θ may leave the nominal panel's range, for a camera that stands a little elsewhere


def ray_tables(table: ReflectionTable, band_kev: tuple[float, float]) -> Rays:
    """Return a reflection table as the kernels read it, in the table's order."""
    length = np.linalg.norm(table.q_inv_a, axis=1)
    direction = np.ascontiguousarray((table.q_inv_a / length[:, None]).T)
    low, high = band_kev
    lowest, highest = table.order[table.first[:-1]], table.order[table.first[1:] - 1]
    smallest = lowest * HC_KEV_A * length / (2.0 * high) * (1.0 - WINDOW_MARGIN) - WINDOW_MARGIN
    largest = highest * HC_KEV_A * length / (2.0 * low) * (1.0 + WINDOW_MARGIN) + WINDOW_MARGIN
    base = np.sum(table.f0 * table.partial, axis=1)
    scattered = np.concatenate([base[:, None], table.partial], axis=1).astype(np.complex128)
    return Rays(
        single=direction.astype(np.float32),
        window=np.stack([smallest, largest]).astype(np.float32),
        exact=np.concatenate([direction.T, length[:, None]], axis=1),
        first=np.ascontiguousarray(table.first, dtype=np.int64),
        harmonic=np.concatenate([table.order[:, None], scattered.view(np.float64)], axis=1),
        row=np.arange(len(length), dtype=np.int32),
        bound=np.full(len(length), np.inf),
        sines=np.array([1.0, 0.0]),
    )


def ranked(rays: Rays, physics: Physics, stand: Float64Array, panel: Panel) -> Rays:
    """Return the rays ordered by the largest intensity that each can have on a panel, the brightest first.

    Parameters
    ----------
    rays : in any order
    physics : what weighs them
    stand : (9,) origin_mm, fast and slow of the panel; the bounds hold a little beyond the angles that it covers
    panel : its pixels
    """
    low, high = sines_of_panel(stand, panel)
    sines = np.array([low * (1.0 - _SINE_MARGIN) - 1e-3, min(high * (1.0 + _SINE_MARGIN), 1.0) + 1e-6])
    bound = _bounds(rays, physics, sines)
    order = np.argsort(-bound, kind="stable")
    number = np.diff(rays.first)[order]
    first = np.concatenate([[0], np.cumsum(number)])
    harmonics = np.repeat(rays.first[:-1][order] - first[:-1], number) + np.arange(first[-1])
    return Rays(
        single=np.ascontiguousarray(rays.single[:, order]),
        window=np.ascontiguousarray(rays.window[:, order]),
        exact=rays.exact[order],
        first=first,
        harmonic=rays.harmonic[harmonics],
        row=rays.row[order],
        bound=bound[order],
        sines=sines,
    )


def _bounds(rays: Rays, physics: Physics, sines: Float64Array) -> Float64Array:
    """Return (m,) what no spot of each ray exceeds."""
    points = len(physics.grid)
    inside = np.minimum(np.arange(0, points - 1, _BIN)[:, None] + np.arange(_BIN + 1), points - 1)
    cells = physics.grid[inside]
    strongest = cells[:, :, 0].max(axis=1)
    with np.errstate(divide="ignore"):
        if physics.mode != NO_SLAB and not physics.perfect:
            strongest = strongest / cells[:, :, 1].min(axis=1)  # no path in a slab brings more than 1/µ
        if physics.layered:
            strongest = strongest / -np.expm1(-physics.depth[inside].min(axis=1))  # an oblique ray is stopped at most
    top, bottom = cells[:, :, 2:].max(axis=1), cells[:, :, 2:].min(axis=1)
    half = 0.5 * (top - bottom)
    scale = (physics.low_kev, physics.per_kev / _BIN, (points - 1) / _BIN)
    bound = np.empty(len(rays.row))
    largest_intensities(
        rays.exact,
        rays.first,
        rays.harmonic,
        strongest,
        np.ascontiguousarray(0.5 * (top + bottom)),
        np.hypot(half[:, ::2], half[:, 1::2]),
        scale,
        sines,
        physics.perfect,
        bound,
    )
    return bound

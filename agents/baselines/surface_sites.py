"""Places to look at: where a sample lies on its holder, and lattices and tours over it."""

from itertools import pairwise
from typing import Final

import numpy as np

from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

SAMPLE_SHARE: Final = 0.85
"""Radius, in half travels, of the disc in the middle of the stage that a sample usually fills, as a camera shows."""

_CORNERS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def sample_disc(context: SpotContext) -> tuple[Float64Array, Float64Array]:
    """Return middle (2,) and radii (2,) in mm of the disc in which samples lie."""
    low, high = context.stage.limits_mm.T
    return 0.5 * (low + high), 0.5 * SAMPLE_SHARE * (high - low)


def square_lattice(context: SpotContext, pitch_mm: float) -> Float64Array:
    """Return a square lattice over the disc, (k, 2), row by row, every other row backwards."""
    middle, radius = sample_disc(context)
    steps = [np.arange(-np.floor(r / pitch_mm), np.floor(r / pitch_mm) + 1) * pitch_mm for r in radius]
    rows = []
    for i, y in enumerate(steps[1]):
        x = steps[0][(steps[0] / radius[0]) ** 2 + (y / radius[1]) ** 2 <= 1.0]
        rows.append(np.column_stack([x, np.full(len(x), y)])[:: -1 if i % 2 else 1])
    return np.asarray(middle + np.concatenate(rows))


def hexagonal_lattice(context: SpotContext, pitch_mm: float) -> Float64Array:
    """Return a hexagonal lattice over the disc, (k, 2), row by row, every other row backwards."""
    middle, radius = sample_disc(context)
    height = 0.5 * np.sqrt(3.0) * pitch_mm
    reach = int(radius[1] / height)
    across = np.arange(-int(radius[0] / pitch_mm) - 1, int(radius[0] / pitch_mm) + 2)
    rows = []
    for i in range(-reach, reach + 1):
        x, y = (across + 0.5 * (i % 2)) * pitch_mm, i * height
        x = x[(x / radius[0]) ** 2 + (y / radius[1]) ** 2 <= 1.0]
        rows.append(np.column_stack([x, np.full(len(x), y)])[:: -1 if (i + reach) % 2 else 1])
    return np.asarray(middle + np.concatenate(rows))


def turned(context: SpotContext, sites_mm: Float64Array) -> Float64Array:
    """Return a tour (k, 2) turned by 45° about the middle, which a stage drives 1.4 times as fast, both axes at once.

    The disc of the sample must be as wide as it is high.
    """
    middle, _ = sample_disc(context)
    x, y = (sites_mm - middle).T
    return np.asarray(middle + np.stack([x - y, x + y], axis=1) / np.sqrt(2.0))


def diagonal_spiral(context: SpotContext, pitch_mm: float, hop_mm: float) -> Float64Array:
    """Return the sites (k, 2) of a square spiral that stands on its corner, as far as they lie on the sample's disc.

    A stage drives both axes at once, each at its own full speed: a diagonal is driven 1.4 times as fast as a line along
    an axis.

    Parameters
    ----------
    context : whose stage it is
    pitch_mm : between neighbouring turns
    hop_mm : between neighbouring sites of a turn, at most
    """
    middle, radius = sample_disc(context)
    reach, step = np.sqrt(2.0) * radius.max(), np.sqrt(2.0) * pitch_mm / 4.0
    corners = [np.zeros(2)]
    while (size := step * (len(corners) + 0.5)) < reach + 4.0 * step:
        corners.append(size * _CORNERS[len(corners) % 4])
    sites = [corners[0]]
    for begin, end in pairwise(corners):
        hops = max(int(np.ceil(np.hypot(*(end - begin)) / hop_mm)), 1)
        sites.extend(begin + (end - begin) * share for share in np.arange(1, hops + 1) / hops)
    found = np.array(sites)
    return np.asarray(middle + found[((found / radius) ** 2).sum(axis=1) <= 1.0])


def tour_s(context: SpotContext, sites_mm: Float64Array, dwell_s: float) -> float:
    """Return the beam time in seconds to expose at sites (k, 2) one after another, in their order."""
    dwell = np.full(len(sites_mm) - 1, dwell_s)
    lead = context.stage.lead_s(sites_mm[:-1], sites_mm[1:], dwell)
    return float(lead.sum() + len(sites_mm) * (dwell_s + context.readout_s))


def pitch_that_fits(context: SpotContext, dwell_s: float, seconds: float) -> float:
    """Return the finest pitch in mm of a square lattice whose tour takes at most ``seconds``."""
    finest, coarsest = 0.005, float(sample_disc(context)[1].max())
    for _ in range(24):
        pitch = 0.5 * (finest + coarsest)
        if tour_s(context, square_lattice(context, pitch), dwell_s) <= seconds:
            coarsest = pitch
        else:
            finest = pitch
    return coarsest

"""The way over a sample: a spiral of diagonals from the middle outwards.

A stage drives both axes at once, each at its own full speed, so that a diagonal is driven 1.4 times as fast as a line
along an axis.
"""

from itertools import pairwise

import numpy as np

from beamgym.agents.baselines.spot.sites import sample_disc
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

_CORNERS = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def diagonal_spiral(context: SpotContext, pitch_mm: float, hop_mm: float) -> Float64Array:
    """Return the sites (k, 2) of a square spiral that stands on its corner, as far as they lie on the sample's disc.

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

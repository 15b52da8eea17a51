"""Kernels of a cleaved surface that is to be aligned: flakes, contamination, and what lies under the beam."""

import math
from typing import Any

import numpy as np
from numba import njit

HALF_MM = 1.0
"""The sample reaches so far from its middle, along both edges."""
SPOTS = 7
"""Points that stand for the beam's footprint: its middle, and six on the ring that holds half of the light."""
_RING = 1.1774  # standard deviations
CELLS = 33


@njit(cache=True, nogil=True, error_model="numpy")
def flake_at(u, v, seeds) -> Any:  # type: ignore[no-untyped-def]
    """Return the number of the flake at a site, the nearest seed's; -1 beside the sample."""
    if abs(u) > HALF_MM or abs(v) > HALF_MM:
        return -1
    best, nearest = 0, 1e9
    for f in range(len(seeds)):
        square = (u - seeds[f, 0]) ** 2 + (v - seeds[f, 1]) ** 2
        if square < nearest:
            best, nearest = f, square
    return best


@njit(cache=True, nogil=True, error_model="numpy")
def cleanness(u, v, waves, layer) -> Any:  # type: ignore[no-untyped-def]
    """Return the share of the signal that passes the contamination, from a sum of waves (w, 3): kx, ky, phase."""
    total = 0.0
    for w in range(len(waves)):
        total += math.cos(waves[w, 0] * u + waves[w, 1] * v + waves[w, 2])
    level = 0.5 + 0.5 * math.tanh(1.4 * total / math.sqrt(0.5 * len(waves)))
    return math.exp(-layer * level)


@njit(cache=True, nogil=True, error_model="numpy")
def under_beam(u, v, sigma_u, sigma_v, seeds, waves, layer, share, clean) -> Any:  # type: ignore[no-untyped-def]
    """Write what lies under a beam: ``share`` (f + 1,) of each flake, the last of the holder, and ``clean`` (f,).

    Returns the flake in the middle, and how much of the light is its own clean signal.
    """
    share[:], clean[:] = 0.0, 0.0
    middle, own = flake_at(u, v, seeds), 0.0
    for s in range(SPOTS):
        here_u, here_v, weight = u, v, 0.25
        if s > 0:
            angle = math.pi / 3.0 * s
            here_u += _RING * sigma_u * math.cos(angle)
            here_v += _RING * sigma_v * math.sin(angle)
            weight = 0.125
        f = flake_at(here_u, here_v, seeds)
        if f < 0:
            share[-1] += weight
            continue
        passed = cleanness(here_u, here_v, waves, layer)
        share[f] += weight
        clean[f] += weight * passed
        if f == middle:
            own += weight * passed
    return middle, own


@njit(cache=True, nogil=True, error_model="numpy")
def map_sites(sigma_u, sigma_v, seeds, waves, layer, flakes, scores) -> None:  # type: ignore[no-untyped-def]
    """Write flake and score of a grid of sites, ``flakes`` and ``scores`` (CELLS, CELLS), rows along v."""
    share, clean = np.empty(len(seeds) + 1), np.empty(len(seeds))
    for i in range(CELLS):
        for j in range(CELLS):
            u = HALF_MM * (2.0 * j / (CELLS - 1) - 1.0)
            v = HALF_MM * (2.0 * i / (CELLS - 1) - 1.0)
            flake, own = under_beam(u, v, sigma_u, sigma_v, seeds, waves, layer, share, clean)
            flakes[i, j], scores[i, j] = flake, own

"""Exact standard normal numbers from one random word each, by the ziggurat method.

The area under the density is cut into 128 layers of equal size, a rectangle each but for its end; 99 of 100 words fall
inside a rectangle and need one product (Marsaglia & Tsang, J. Stat. Softw. 5 (2000) no. 8; layer and number from
different bits, and the form of the tests, after Doornik, "An improved ziggurat method to generate normal random
samples", 2005).
"""

import math

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from beamgym.physics.counter_rng import bits, uniform

# ruff: noqa: ANN201, ANN202 - numba kernels carry no annotations

LAYERS = 128
TAIL = 3.442619855899
"""Where the lowest layer's tail begins."""

AREA = 9.91256303526217e-3
"""Of each layer under exp(−x²/2)."""

_TO_SIGNED = 2.0**-53


def layer_edges() -> NDArray[np.float64]:
    """Return (LAYERS + 1,) right edges of the layers' rectangles, from the lowest to 0; the lowest holds its tail."""
    edges = np.zeros(LAYERS + 1)
    edges[0], edges[1] = AREA / math.exp(-0.5 * TAIL * TAIL), TAIL
    for i in range(2, LAYERS):
        edges[i] = math.sqrt(-2.0 * math.log(AREA / edges[i - 1] + math.exp(-0.5 * edges[i - 1] ** 2)))
    return edges


_EDGES = layer_edges()
_INSIDE = _EDGES[1:] / _EDGES[:-1]


@njit(cache=True, error_model="numpy")
def _outside(word, layer, share):  # type: ignore[no-untyped-def]
    """Go on from a number that lies outside its layer's rectangle, with words hashed from the first."""
    while True:
        if layer == 0:
            draw = 0
            while True:
                x = math.log(1.0 - uniform(word, draw)) / TAIL
                y = math.log(1.0 - uniform(word, draw + 1))
                draw += 2
                if -2.0 * y >= x * x:
                    return x - TAIL if share < 0.0 else TAIL - x
        x = share * _EDGES[layer]
        low = math.exp(-0.5 * (_EDGES[layer] ** 2 - x * x))
        high = math.exp(-0.5 * (_EDGES[layer + 1] ** 2 - x * x))
        if high + uniform(word, 1) * (low - high) < 1.0:
            return x
        word = bits(word, 0)
        layer = np.int64(word & uint64(LAYERS - 1))
        share = float(np.int64(word) >> np.int64(10)) * _TO_SIGNED
        if abs(share) < _INSIDE[layer]:
            return share * _EDGES[layer]


@njit(cache=True, error_model="numpy", forceinline=True)
def normal_of_word(word):  # type: ignore[no-untyped-def]
    """Turn 64 random bits into a standard normal number; the same word always gives the same."""
    layer = np.int64(word & uint64(LAYERS - 1))
    share = float(np.int64(word) >> np.int64(10)) * _TO_SIGNED
    if abs(share) < _INSIDE[layer]:
        return share * _EDGES[layer]
    return _outside(word, layer, share)

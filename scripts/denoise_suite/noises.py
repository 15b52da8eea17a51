"""Detectors that count otherwise than the networks learnt: what each makes of a Laue frame's expected counts."""

from collections.abc import Callable
from typing import Final

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counts import Gained, Gaussian, NegativeBinomial, Poisson

Noise = Callable[[Float64Array, np.random.Generator], Float64Array]
"""From expected counts to a frame of whole numbers, 0 or more."""

GAIN: Final = 1.3
AFTERPULSE, DEAD, PULSE_SIZE = 0.2, 0.01, 4.0


def _whole(numbers: Float64Array) -> Float64Array:
    return np.asarray(np.maximum(np.rint(numbers), 0.0))


def _gaussian(rate: Float64Array, draw: np.random.Generator) -> Float64Array:
    return _whole(Gaussian(float(np.sqrt(rate.mean()))).draw(rate, draw))


def _gained(rate: Float64Array, draw: np.random.Generator) -> Float64Array:
    return _whole(Gained(GAIN).draw(rate, draw))


def _afterpulsing(rate: Float64Array, draw: np.random.Generator) -> Float64Array:
    """Let every count, and every one that follows it, be followed by another with the same chance.

    The followers of n counts are negative-binomial (P. Finocchiaro et al., IEEE Trans. Nucl. Sci. 56 (2009) 1033, for
    one cell).
    """
    counts = Poisson().draw(rate, draw)
    more = np.zeros_like(counts)
    hit = counts > 0.0
    more[hit] = draw.negative_binomial(counts[hit], 1.0 - AFTERPULSE)
    return counts + more


def _dead(rate: Float64Array, draw: np.random.Generator) -> Float64Array:
    return np.asarray(np.where(draw.random(rate.shape) < DEAD, 0.0, Poisson().draw(rate, draw)))


NOISES: Final[dict[str, tuple[float, Noise]]] = {
    "Poisson": (1.0, Poisson().draw),
    "Gaussian": (1.0, _gaussian),
    "gain 1.3": (GAIN, _gained),
    "afterpulses": (1.0 / (1.0 - AFTERPULSE), _afterpulsing),
    "1 % dead": (1.0, _dead),
    "pulsed": (1.0, NegativeBinomial(PULSE_SIZE).draw),
}
"""Each noise with what it multiplies the expected counts by.

The Gaussian one has the frame's mean variance everywhere, and is rounded and cut off at 0, as files of counts have it;
the gain is not told to anybody; dead pixels are in no mask; a pulsed source is negative-binomial of size 4.
"""

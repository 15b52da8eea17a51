"""Does a spectrum show anything? Its features must stand out of its own noise."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.presence.finding import Presence, PresenceTest
from beamgym.physics.instrument import Peaks

BLOCKS = 8
"""The spectrum is divided into so many parts each way."""

LEAST_SIGMA = 4.0
"""Standard deviations by which the parts must differ more than noise makes them. A flat spectrum has 4 once in 10 000;
the poorest of 6000 simulated ones, 0.05 s beside the sample at the level hard, has 6."""


def spectrum_presence(file: InstrumentFile) -> PresenceTest:
    """Return the test of an ARPES instrument's frames."""

    def test(image: NDArray[Any], found: Peaks | None, exposure_s: float) -> Presence:
        sigma = features_sigma(image)
        says = f"the spectrum's features are {sigma:.1f} standard deviations of its noise"
        return Presence(sigma >= LEAST_SIGMA, says if sigma >= LEAST_SIGMA else f"{says}, fewer than {LEAST_SIGMA:g}")

    return test


def features_sigma(image: NDArray[Any]) -> float:
    """Return by how many standard deviations a spectrum differs from a flat one.

    Parameters
    ----------
    image : (energy, slit) in any unit: the noise is taken from neighbouring pixels of the image itself

    Notes
    -----
    The parts' means are compared with their common mean; for a flat spectrum the sum of squares, in units of their
    variance, has the mean n - 1 and the variance 2 (n - 1), n being the number of parts.
    """
    counts = np.nan_to_num(np.atleast_2d(np.asarray(image, dtype=np.float64)), posinf=0.0, neginf=0.0)
    high, wide = (max(1, min(BLOCKS, size // 2)) for size in counts.shape)
    rows, columns = counts.shape[0] // high, counts.shape[1] // wide
    parts = counts[: high * rows, : wide * columns].reshape(high, rows, wide, columns).mean(axis=(1, 3))
    # Between neighbours features hardly differ, and noise does. Along the slit, where spectra are smoother.
    noise = 0.5 * float(np.mean(np.diff(counts, axis=1) ** 2)) if counts.shape[1] > 1 else 0.0
    free = parts.size - 1
    if free < 1 or noise <= 0.0:
        return 0.0 if np.ptp(counts) == 0.0 else math.inf
    squares = float(((parts - parts.mean()) ** 2).sum()) * rows * columns / noise
    return float((squares - free) / math.sqrt(2.0 * free))

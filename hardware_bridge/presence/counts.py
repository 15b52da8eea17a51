"""Does a counter count more than its background? For kinds whose frames are one number, or few."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.presence.finding import Presence, PresenceTest
from beamgym.physics.instrument import Peaks

LEAST_SIGMA = 4.0
"""Standard deviations above the background: chance makes as many once in 30 000."""


def counts_presence(file: InstrumentFile) -> PresenceTest:
    """Return the test of a counter's frames, in counts; its background is ``detector: background_per_s``."""
    background_per_s = file.detector.background_per_s

    def test(image: NDArray[Any], found: Peaks | None, exposure_s: float) -> Presence:
        counts, background = float(np.nansum(image)), background_per_s * exposure_s
        there = counts > 0.0 and counts - background >= LEAST_SIGMA * math.sqrt(max(background, 1.0))
        says = f"{counts:g} counts, {'above' if there else 'no more than'} the background of {background:g}"
        return Presence(there, says)

    return test

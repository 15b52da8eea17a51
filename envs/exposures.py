"""Exposure times as part of an action: a number from -1 to 1, logarithmic in seconds."""

import math
from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from beamgym.physics.instrument import Float32Array, Float64Array, Int64Array

MOST_TOLD = 64
"""Spots from which a frame counts as full."""

EXPOSURE_SPACE = spaces.Box(np.array([-1.0, 0.0], np.float32), np.ones(2, np.float32), dtype=np.float32)
"""What is observed of an exposure: how long it was, as the action that chooses it, and the share of spots found."""


@dataclass(frozen=True)
class ExposureRange:
    """The exposures that may be chosen.

    Parameters
    ----------
    least_s, most_s : seconds, of actions -1 and 1
    """

    least_s: float = 0.5
    most_s: float = 60.0

    def __post_init__(self) -> None:
        if not (0.0 < self.least_s < self.most_s < math.inf):
            raise ValueError(
                f"exposures of {self.least_s:g} to {self.most_s:g} s; give seconds above 0, the longer last"
            )

    def seconds(self, number: Float64Array) -> Float64Array:
        """Return the exposures, seconds, that actions -1 to 1 ask for."""
        low, high = self._logarithms
        found: Float64Array = np.exp(low + 0.5 * (np.clip(number, -1.0, 1.0) + 1.0) * (high - low))
        inside: Float64Array = np.clip(found, self.least_s, self.most_s)
        return inside

    def number(self, seconds: Float64Array) -> Float64Array:
        """Return the actions, -1 to 1, that ask for exposures of seconds; the nearest where that is out of reach."""
        low, high = self._logarithms
        number = 2.0 * (np.log(np.maximum(seconds, 1e-9)) - low) / (high - low) - 1.0
        inside: Float64Array = np.clip(number, -1.0, 1.0)
        return inside

    @property
    def _logarithms(self) -> Float64Array:
        ends: Float64Array = np.log(np.array([self.least_s, self.most_s]))
        return ends


def told_exposure(known: ExposureRange, exposure_s: Float64Array, found: Int64Array) -> Float32Array:
    """Return what is observed of exposures, (n, 2).

    Parameters
    ----------
    known : the exposures that may be chosen
    exposure_s : (n,) seconds
    found : (n,) spots
    """
    share = np.minimum(found / MOST_TOLD, 1.0)
    return np.stack([known.number(exposure_s), share], axis=1).astype(np.float32)

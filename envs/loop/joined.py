"""Several simulated instruments as one, and which part of a reset's options concerns which."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from beamgym.envs.loop.rows import joined
from beamgym.physics.arrays import Float64Array
from beamgym.physics.instrument import Axis, World

_SHARED_DIMENSIONS = {"mount": 2, "positions": 1}
"""Dimensions of a start that all samples share; one more where each has its own."""


def start_of(start: Mapping[str, Any] | None, rows: slice, n: int) -> dict[str, Any] | None:
    """Return the part of a reset's options, for n samples, that concerns some rows."""
    if not start:
        return None
    found = {}
    for name, value in start.items():
        array = np.asarray(value)
        own = array.ndim > _SHARED_DIMENSIONS.get(name, 0) and array.shape[0] == n
        found[name] = array[rows] if own else value
    return found


class JoinedWorld:
    """Several simulated instruments as one, to be looked at: rows of the first one first.

    Parameters
    ----------
    parts : of the same kind, with the same axes
    """

    def __init__(self, parts: Sequence[World]) -> None:
        self.parts = tuple(parts)
        self.n = sum(part.n for part in parts)

    @property
    def context(self) -> Any:
        """What everybody knows of the instrument."""
        return self.parts[0].context

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, the same for every sample."""
        return self.parts[0].axes

    def positions(self) -> Float64Array:
        """Return the readback of every axis, (n, k)."""
        return np.concatenate([part.positions() for part in self.parts])

    def truth(self) -> Mapping[str, Any]:
        """Return what only the simulation knows, batch first."""
        truth: Mapping[str, Any] = joined([part.truth() for part in self.parts])
        return truth

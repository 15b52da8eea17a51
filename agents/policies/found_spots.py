"""A policy that observes found spots, where the camera's image is observed: the peak finder stands between."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.align import spots_of_frames
from beamgym.envs.laue_align import SPOT_FIELDS
from beamgym.envs.policy import Policy, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float32Array

_BRIGHTEST = 1e6  # counts of a spot whose brightness is told as 1
_ROWS = 64


class FoundSpots:
    """Plays LaueAlignImage by a policy for LaueAlign.

    Parameters
    ----------
    policy : observes "spots"
    """

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name, self.oracle = policy, policy.name, policy.oracle

    def start(self, context: Any, n: int) -> PolicyState:
        """Return what the policy begins with, beside the context, of which the panel is needed."""
        return [(context, each) for each in self.policy.start(context, n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return what the policy does by the spots of the images."""
        context = state[0][0]
        frames = spots_of_frames(observation, context, self.name)
        rows = np.stack([_rows(frame.normals, frame.counts) for frame in frames])
        seen = {name: part for name, part in observation.items() if name != "image"} | {"spots": rows}
        actions, after = self.policy.act(seen, [each for _, each in state], truth)
        return actions, [(context, each) for each in after]


def _rows(normals: NDArray[np.floating], counts: NDArray[np.floating]) -> Float32Array:
    """Return rows as ``SpotView`` has them, flat: plane normal, brightness, and 1; zeros where there is no spot."""
    rows, n = np.zeros((_ROWS, SPOT_FIELDS), np.float32), min(len(counts), _ROWS)
    rows[:n, :3], rows[:n, 4] = normals[:n], 1.0
    rows[:n, 3] = np.minimum(np.log1p(np.maximum(counts[:n], 0.0)) / np.log1p(_BRIGHTEST), 1.0)
    return rows.ravel()

"""The teacher of an alignment policy's pretraining: the rotations to every goal, from the true orientation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.beliefs import nearest_entry
from beamgym.agents.evaluation import context_of
from beamgym.envs.kinds import require_kind
from beamgym.envs.laue_align import AlignContext
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import rotation_matrix, rotation_vector_deg

OUT_OF_REACH_DEG = 1e4
"""Length given to the rotation to a goal that the goniometer cannot reach: further than any that it can."""


class AlignTeacher:
    """Labels observations by the rotations to each reachable goal and by the nearest dictionary entry.

    Parameters
    ----------
    envs : LaueAlign vector environment with target kind "pose" and action "rotation"

    Raises
    ------
    TypeError : for another task
    ValueError : for another target kind or action
    """

    def __init__(self, envs: InstrumentVectorEnv) -> None:
        context: AlignContext = context_of(envs)
        found = type(envs.loop.task).__name__
        otherwise = f"the warm start knows the LaueAlign task; found {found}: train without warm_start"
        require_kind(context, ("laue",), otherwise, TypeError)
        if context.target.kind != "pose" or context.action != "rotation":
            raise ValueError(
                "the warm start needs target kind 'pose' and action 'rotation', "
                f"found {context.target.kind!r} and {context.action!r}; train those without warm_start"
            )
        self._loop: Any = envs.loop
        self.context = context
        self.rotations: Float64Array = context.crystal.rotations
        self._goals: Float64Array = np.asarray(context.target.orientations)
        self._entries: Float64Array = np.zeros((0, 3, 3))

    def set_entries(self, orientations: Float64Array) -> Float64Array:
        """Set the dictionary's orientations (k, 3, 3); return rotation vectors (k, 3) to the nearest goals, radians."""
        turns = self._to_goals(orientations)
        nearest = np.linalg.norm(turns, axis=-1).argmin(axis=1)
        return self.set_turns(np.radians(turns[np.arange(len(turns)), nearest]))

    def set_turns(self, turns: Float64Array) -> Float64Array:
        """Set the dictionary by its rotation vectors (k, 3) to the goal, radians, and return them."""
        self._entries = np.swapaxes(rotation_matrix(np.degrees(turns)), -1, -2) @ self._goals[0]
        return turns

    def entry(self) -> NDArray[np.int64]:
        """Return (n,) the dictionary entry nearest to the true orientation."""
        return nearest_entry(self._orientation(), self._entries, self.rotations)

    def turns_deg(self) -> Float64Array:
        """Return (n, g, 3) rotation vectors to every goal, OUT_OF_REACH_DEG long where it cannot be reached."""
        turns = self._to_goals(self._orientation())
        turns[~self._loop.state.goals] = OUT_OF_REACH_DEG
        return turns

    def _to_goals(self, orientations: Float64Array) -> Float64Array:
        return rotation_vector_deg(self._goals[None] @ np.swapaxes(orientations, -1, -2)[:, None])

    def _orientation(self) -> Float64Array:
        truth: Float64Array = self._loop.instrument.truth()["orientation"]
        return truth

"""Index-and-move: index the pattern, turn the axes by the missing rotation, check with a new frame, declare."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.align.frame_spots import FrameSpots, spots_of_frames
from beamgym.agents.baselines.moves import (
    declared,
    exposures_left,
    look_around,
    need_kind,
    positions_of,
    rotating_action,
)
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.orientation import misorientation_deg

DECLARE_WITHIN = 0.6
"""Share of the tolerance within which an indexed pose is good enough; the rest is for what indexing does not see."""


@dataclass(frozen=True)
class _Memory:
    context: Any
    indexer: Indexer
    mount: Float64Array | None = None
    tries: int = 0


class IndexAndMove:
    """Indexes each frame for itself, with the orientation expected after the last move as a first guess.

    Parameters
    ----------
    declare_within : share of the tolerance
    """

    name = "index-and-move"
    oracle = False

    def __init__(self, declare_within: float = DECLARE_WITHIN) -> None:
        self.declare_within = declare_within
        self._prepared: tuple[Any, Indexer] | None = None

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories of an unknown mount; the indexer is prepared once per crystal and band.

        Raises CannotPlay where the crystal is not known.
        """
        need_kind(context, ("laue",), "index-and-move needs a crystal whose cell is known; this environment hides it")
        known = (context.crystal, context.beam.band_kev)
        if self._prepared is None or self._prepared[0][0] is not known[0] or self._prepared[0][1] != known[1]:
            self._prepared = known, Indexer(*known)
        return [_Memory(context, self._prepared[1]) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Index, then move or declare; raises CannotPlay for an environment that observes no spots and no image."""
        return play_by_mounts(self.name, self.declare_within, observation, state, _seen)


def play_by_mounts(
    name: str,
    declare_within: float,
    observation: Observation,
    state: PolicyState,
    seen: Callable[[FrameSpots, Any, Float64Array], tuple[Float64Array | None, Any]],
) -> tuple[NDArray[np.float32], PolicyState]:
    """Turn by what is missing of each row, look around where nothing indexes, declare where little is missing.

    Parameters
    ----------
    name : of the policy
    declare_within : share of the tolerance
    observation, state : of n rows; memories have a ``context`` and a number of ``tries``
    seen : takes a frame, its memory and the goniometer's rotation (3, 3); returns the mount (3, 3), or None where the
        frame does not index, and the memory after it
    """
    context = state[0].context
    frames = spots_of_frames(observation, context, name)
    positions = positions_of(observation, context)
    here, left = context.goniometer.rotation(positions), exposures_left(observation, context)
    missing, done, after = np.empty((len(state), 3, 3)), left == 0, []
    for i, memory in enumerate(state):
        mount, following = seen(frames[i], memory, here[i])
        after.append(following)
        if mount is None:
            missing[i] = look_around(memory.tries)
            continue
        missing[i], error = _missing(context, mount, positions[i], here[i])
        done[i] |= error <= declare_within * context.tolerance_deg
    return declared(rotating_action(missing, positions, context), done), after


def _seen(frame: FrameSpots, memory: _Memory, here: Float64Array) -> tuple[Float64Array | None, _Memory]:
    mount = _index(frame, memory, here)
    return (None, replace(memory, tries=memory.tries + 1)) if mount is None else (mount, replace(memory, mount=mount))


def _index(seen: FrameSpots, memory: _Memory, here: Float64Array) -> Float64Array | None:
    """Return the mount U, the crystal on the goniometer at zero angles, or None where the pattern does not index."""
    guess = None if memory.mount is None else here @ memory.mount
    answer = memory.indexer.index_directions(seen.normals, seen.counts, guess)
    if not isinstance(answer, Indexed):
        return None
    orientations = np.array([answer.orientation, *answer.ambiguous])
    if guess is not None:
        away = misorientation_deg(orientations, guess, memory.context.crystal.rotations)
        orientations = orientations[np.argsort(away)]
    mount: Float64Array = here.T @ orientations[0]
    return mount


def _missing(
    context: Any, mount: Float64Array, positions: Float64Array, here: Float64Array
) -> tuple[Float64Array, float]:
    """Return the lab rotation to the nearest reachable goal, and the error there is now, in degrees."""
    goals = context.target.reachable_goals(context.goniometer, mount[None], positions[None])
    return context.goniometer.rotation(goals.positions[0]) @ here.T, float(goals.error_deg[0])

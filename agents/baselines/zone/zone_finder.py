"""The zone finder: the lattice from the patterns themselves, its axes, the nearest of them into the beam."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, need_kind, positions_of, step_to
from beamgym.agents.baselines.zone.blind_spiral import spiral
from beamgym.agents.baselines.zone.tracking import Track, seen
from beamgym.agents.baselines.zone.true_axis import zone_positions
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array

CONFIDENCE = 0.99
"""Probability of being within the tolerance at which it declares."""
ARRIVED_DEG = 0.05
"""A goal so near is where the axes stand."""
WORTH = 0.02
"""A line is gone to where its lattice has at least so much of the probability of the likeliest one."""


@dataclass(frozen=True)
class _Memory:
    """What is remembered of an episode.

    ``steps`` made along a spiral while nothing was known; ``visited`` beams along lines that were not certain; ``last``
    all were visited, and the likeliest is gone to once more; ``refuted`` beams at which a declaration did not end the
    episode.
    """

    context: Any
    track: Track = field(default_factory=Track)
    steps: int = 0
    visited: tuple[Float64Array, ...] = ()
    last: bool = False
    refuted: tuple[Float64Array, ...] = ()
    declared: bool = False


class ZoneFinder:
    """Finds the lattice of an unknown crystal, and lays the nearest line that counts along the beam.

    Parameters
    ----------
    confidence : probability of being within the tolerance at which it declares
    """

    name = "zone-finder"
    oracle = False

    def __init__(self, confidence: float = CONFIDENCE) -> None:
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence is {confidence}; give a probability between 0 and 1, such as {CONFIDENCE}")
        self.confidence = confidence

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories of no frame yet; raises CannotPlay where the crystal is known."""
        need_kind(context, ("zone",), "the zone finder looks for the axes of an unknown crystal; play LaueZone")
        return [_Memory(context) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Find or refine the lattice, then move or declare."""
        if "image" not in observation:
            raise CannotPlay("the zone finder needs films; leave out observation, or give observation='image'")
        context = state[0].context
        positions, left = positions_of(observation, context), exposures_left(observation, context)
        actions, after = [], []
        for i, memory in enumerate(state):
            track = seen(memory.track, observation["image"][i, ..., 0], positions[i], context)
            action, entry = self._decided(replace(memory, track=track), positions[i], int(left[i]))
            actions.append(action)
            after.append(entry)
        return np.concatenate(actions), after

    def certainty(self, track: Track, context: Any) -> float:
        """Return the probability that the beam lies within the tolerance of a line that counts, in the last frame."""
        return track.certainty(context.tolerance_deg)

    def _decided(self, memory: _Memory, here: Float64Array, left: int) -> tuple[NDArray[np.float32], _Memory]:
        """Return the action (1, a), and what is remembered."""
        context, track = memory.context, memory.track
        if memory.declared:  # and yet it goes on: the truth ends this episode, and does not hold what was declared
            memory = replace(memory, refuted=(*memory.refuted, track.beam), declared=False, last=False)
        sure = not _near(track.beam, memory.refuted, context) and self.certainty(track, context) >= self.confidence
        goal = _goal(memory, here)
        if goal is not None and np.abs(goal - here).max() < ARRIVED_DEG:
            sure |= memory.last or not track.learns(self.confidence)
            # the way to another candidate shows most, and the truth may end the episode there
            memory = replace(memory, visited=(*memory.visited, track.beam))
            goal = _goal(memory, here)
        if sure or left == 0:
            stay = step_to(here[None], here[None], context)
            return declared(stay, np.ones(1, np.bool_)), replace(memory, declared=True)
        if goal is None and track.found:
            memory = replace(memory, last=True, visited=())
            goal = _goal(memory, here)
        if goal is None:
            goal = context.max_rotation_deg * spiral(memory.steps + 2)[-1]
            memory = replace(memory, steps=memory.steps + 1)
        low, high = np.array([axis.limits for axis in context.goniometer.axes]).T
        return step_to(np.clip(goal, low, high)[None], here[None], context), memory


def _goal(memory: _Memory, here: Float64Array) -> Float64Array | None:
    """Return where theta and phi (2,) lay along the beam the line likeliest to be met soon; None if none is known."""
    best, goal, likeliest = 0.0, None, 0.0
    for share, lattice in zip(memory.track.shares(), memory.track.found, strict=True):
        lines = [line for line in lattice.lines if not _near(line, memory.refuted, memory.context)]
        likeliest = likeliest or (float(share) if lines else 0.0)
        if share < (1.0 if memory.last else WORTH) * likeliest:
            continue
        for line in lines:
            if _near(line, memory.visited, memory.context):
                continue
            places = zone_positions(np.eye(3)[None], line[None, None], here[None])[0]
            moves = np.abs(places - here).max() / memory.context.max_rotation_deg
            if share / (1.0 + moves) > best:
                best, goal = float(share / (1.0 + moves)), places
    return goal


def _near(line: Float64Array, beams: tuple[Float64Array, ...], context: Any) -> bool:
    """Whether a line lies within the tolerance of one of the beams."""
    limit = np.cos(np.radians(context.tolerance_deg))
    return any(abs(float(line @ beam)) > limit for beam in beams)

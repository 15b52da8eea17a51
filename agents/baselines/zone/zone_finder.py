"""The zone finder: the lattice from the patterns themselves, its axes, the nearest of them into the beam."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import declared, exposures_left, need_kind, positions_of, step_to
from beamgym.agents.baselines.zone.blind_spiral import spiral
from beamgym.agents.baselines.zone.tracking import Track, seen
from beamgym.agents.baselines.zone.true_axis import zone_positions
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array

CONFIDENCE = 0.99
"""Probability of being within the tolerance at which it declares."""
ARRIVED_DEG = 0.05
"""A goal so near is where the axes stand."""
MOST_ASIDES = 6
"""Steps off a goal to see more of the pattern; then it declares there, as sure as it can be."""


@dataclass(frozen=True)
class _Memory:
    """``asides`` steps made to see more; ``refuted`` beams at which a declaration did not end the episode."""

    context: Any
    track: Track = field(default_factory=Track)
    asides: int = 0
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
            memory = replace(memory, refuted=(*memory.refuted, track.beam), declared=False)
        goal = _goal(memory, here)
        sure = not _refuted(track.beam, memory) and self.certainty(track, context) >= self.confidence
        arrived = goal is not None and bool(np.abs(goal - here).max() < ARRIVED_DEG)
        # a step aside needs another one back
        aside = memory.asides < MOST_ASIDES and left >= 2 and track.learns(self.confidence)
        if sure or left == 0 or (arrived and not aside):
            stay = step_to(here[None], here[None], context)
            return declared(stay, np.ones(1, np.bool_)), replace(memory, declared=True)
        if goal is None or arrived:
            around = np.zeros(2) if goal is None else goal
            goal = around + context.max_rotation_deg * spiral(memory.asides + 2)[-1]
            memory = replace(memory, asides=memory.asides + 1)
        low, high = np.array([axis.limits for axis in context.goniometer.axes]).T
        return step_to(np.clip(goal, low, high)[None], here[None], context), memory


def _goal(memory: _Memory, here: Float64Array) -> Float64Array | None:
    """Return where theta and phi (2,) lay along the beam the line likeliest to be met soon; None if none is known."""
    best, goal = 0.0, None
    for share, lattice in zip(memory.track.shares(), memory.track.found, strict=True):
        for line in lattice.lines:
            if _refuted(line, memory):
                continue
            places = zone_positions(np.eye(3)[None], line[None, None], here[None])[0]
            moves = np.abs(places - here).max() / memory.context.max_rotation_deg
            if share / (1.0 + moves) > best:
                best, goal = float(share / (1.0 + moves)), places
    return goal


def _refuted(line: Float64Array, memory: _Memory) -> bool:
    """Whether a line lay within the tolerance of a beam at which a declaration did not end the episode."""
    limit = np.cos(np.radians(memory.context.tolerance_deg))
    return any(abs(float(line @ beam)) > limit for beam in memory.refuted)

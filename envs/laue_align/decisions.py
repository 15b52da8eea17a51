"""Decisions in place of turns: go to the goal, look from where it tells most, expose again, declare."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.laue_align.sighted_task import SightedTask, known_of
from beamgym.envs.laue_align.task import AlignState, reach
from beamgym.envs.laue_sight import known_rows
from beamgym.envs.task import TaskCommand
from beamgym.physics.instrument import BoolArray, Float64Array

GO, LOOK, AGAIN, DECLARE = range(4)
"""Go to the nearest goal in reach, as estimated; turn to where a frame tells most; expose again; declare."""
LOOK_DEG = 40.0
"""Turn about one of the lab's axes, either way: the six places that are compared for a look."""


class DecisionsTask(SightedTask):
    """The rules of LaueAlign with an estimate as observation and four decisions as actions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.action_space = spaces.Discrete(4)  # type: ignore[assignment]

    def target(self, state: AlignState, action: NDArray[Any]) -> TaskCommand:
        """Turn decisions (n,) into positions that the axes can reach; see Task.target."""
        declare = (action == DECLARE) & (self.stop == "declare")
        moves = ~declare & (state.used < self.context.exposures)
        target, limited = state.positions.copy(), np.zeros(len(action), dtype=np.bool_)
        for choice, places in ((GO, self._goals), (LOOK, self._looks)):
            rows = np.flatnonzero(moves & (action == choice))
            if len(rows):
                target[rows], limited[rows] = places(state, rows)
        return TaskCommand(target, moves, declare, limited)

    def _goals(self, state: AlignState, rows: NDArray[np.int64]) -> tuple[Float64Array, BoolArray]:
        """Return the axes' positions (m, k) at the nearest goals, and where a turn is longer than one may make."""
        here, known = state.positions[rows], known_rows(known_of(state), rows)
        goals = self.sight.goals(known, here)
        turn = self.sight.turn_deg(known, goals)
        most = self.context.max_rotation_deg
        angle = np.sqrt((turn**2).sum(axis=1))
        far = angle > most
        places = goals.positions.copy()
        if far.any():
            shorter = turn[far] * (most / angle[far])[:, None]
            places[far] = reach(self.context.goniometer, here[far], shorter)[0]
        return places, far

    def _looks(self, state: AlignState, rows: NDArray[np.int64]) -> tuple[Float64Array, BoolArray]:
        """Return the positions (m, k) of the six turns from where the next frame would tell most."""
        known, here = known_rows(known_of(state), rows), state.positions[rows]
        turns = min(LOOK_DEG, self.context.max_rotation_deg) * np.concatenate([np.eye(3), -np.eye(3)])
        tried = [reach(self.context.goniometer, here, np.tile(turn, (len(rows), 1))) for turn in turns]
        left = [self.told_by.foreseen_deg(known, places) for places, _ in tried]
        best = np.argmin(left, axis=0)
        each = np.arange(len(rows))
        places, limited = (np.stack([one[part] for one in tried])[best, each] for part in (0, 1))
        return places, limited

"""An oracle of plates: it knows which places are single crystals."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.moves import part_of
from beamgym.agents.baselines.plate.acting import action_of, looks, need_plate, place_of, settled
from beamgym.envs.plate_scan import FIELDS
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth

_EXPOSURE_S, _SHORTEST_S, _MOST_LOOKS = 0.7, 0.0, 4


class TrueCrystals:
    """Looks at single crystals until they index, and at others as shortly as it can before it gives them up.

    Where the action names the crystal, it does not go to others at all, and stops when the single ones are done.
    """

    name = "true-crystals"
    oracle = True

    def start(self, context: Any, n: int) -> PolicyState:
        """Remember the context; raises CannotPlay where no plate is scanned."""
        need_plate(context)
        return [context] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Look again or go on, by the truth; raises CannotPlay without it."""
        if truth is None:
            raise CannotPlay("the oracle needs the truth, which no real instrument knows")
        context = state[0]
        table = part_of(observation, "table").reshape(len(state), -1, len(FIELDS))
        single = truth["what"][:, : table.shape[1]] == 0
        rows = np.arange(len(state))
        here = _row_of(table, observation["present"])
        known, taken = settled(observation), looks(observation)
        is_single = single[rows, here]
        doubted = (truth["what"][rows, here] == 1) & (table[rows, here, FIELDS.index("several")] == 0.0) & known
        again = (taken > 0) & (taken < _MOST_LOOKS) & ((is_single & ~known) | doubted)
        open_ = (table[..., FIELDS.index("looks")] == 0.0) & single
        if context.action == "anywhere":
            at = observation["stage"][:, None, :2]
            away = np.where(open_, np.hypot(*np.moveaxis(table[..., :2] - at, 2, 0)), np.inf)
            there = away.argmin(axis=1)
            toward = table[rows, there, :2].astype(np.float64)
            stops = ~again & ~open_.any(axis=1)
        else:
            there, toward, stops = _row_of(table, observation["next"]), None, None
        aim = np.where(again, here, there)
        exposure = np.where(single[rows, aim] | (again & doubted), _EXPOSURE_S, _SHORTEST_S)
        quits = (taken > 0) & ~again & ~known
        look = np.where(again, taken, 0)
        return action_of(context, again, place_of(look), exposure, quits, toward, stops), state


def _row_of(table: NDArray[np.float32], row: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return which row of each table (n, m, f) is nearest in place to a given one (n, f)."""
    nearest: NDArray[np.int64] = np.abs(table[..., :2] - row[:, None, :2]).sum(axis=2).argmin(axis=1)
    return nearest

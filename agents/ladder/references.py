"""What stands beside the learners: actions at random, and the rule that follows the estimate."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.ladder.learning import Act
from beamgym.agents.ladder.rungs import Rung
from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align import AGAIN, DECLARE, GO
from beamgym.envs.laue_zone import ZONE_FIELDS, ZONES

SURE = 2.5
"""Standard deviations within which the goal must lie for the rule to declare."""
ESTIMATE_NUMBERS = 8


def random_actions(rung: Rung, space: Any, n: int) -> Act:
    """Return actions at random, evenly from the action's space."""
    rng = np.random.default_rng(0)
    if hasattr(space, "n"):
        return lambda seen: rng.integers(0, space.n, n)
    return lambda seen: rng.uniform(-1.0, 1.0, (n, *space.shape)).astype(np.float32)


def follow_the_estimate(rung: Rung) -> Act | None:
    """Return the rule: turn as the estimate says, declare where it is sure; None where the rung gives none.

    The numbers of a flat estimate: the turn as an action (3), how far, three standard deviations, the budget; where
    several are seen together, the present one is the last.
    """
    if rung.options.get("observation") == "goal":
        return _turned
    if rung.options.get("observation") == "zones":
        return _to_the_nearest
    if rung.options.get("observation") != "estimate":
        return None
    chosen = rung.options.get("action") == "decisions"
    tolerance = float(rung.options.get("tolerance_deg", 0.25))
    return lambda seen: _followed(seen[:, -ESTIMATE_NUMBERS:], tolerance, chosen)


def _turned(seen: Mapping[str, NDArray[np.float32]]) -> NDArray[Any]:
    """Return the actions (n, 4) that turn by what is missing, in units of the largest turn; the last number is idle."""
    missing = (seen["desired_goal"] - seen["achieved_goal"]).astype(np.float64)
    return np.pad(encode_rotation(missing, 1.0), ((0, 0), (0, 1))).astype(np.float32)


def _to_the_nearest(seen: NDArray[np.float32]) -> NDArray[Any]:
    """Return the actions (n, 3) that step to the first row's zone; the observation ends with the rows."""
    first = seen.shape[1] - ZONES * ZONE_FIELDS
    return np.pad(seen[:, first : first + 2], ((0, 0), (0, 1)))


def _followed(seen: NDArray[np.float32], tolerance_deg: float, chosen: bool) -> NDArray[Any]:
    scale = np.log1p(180.0 / tolerance_deg)
    far, sigma = np.expm1(seen[:, 3] * scale), np.expm1(seen[:, 4:7] * scale).max(axis=1)
    sure = far + SURE * sigma < 1.0
    last = seen[:, 7] <= 0.0
    if chosen:
        return np.where(sure | last, DECLARE, np.where(far < 0.5, AGAIN, GO))
    declare = np.where(sure | last, 1.0, -1.0)
    return np.concatenate([seen[:, :3], declare[:, None]], axis=1).astype(np.float32)

"""Policies of the campaign: a crystallographer's, which roams a little first, and some that do what none should."""

import os
import time
from typing import Any

import numpy as np

from beamgym.agents.baselines.align import IndexAndMove

_LONG_S = 3600.0


class Roaming(IndexAndMove):
    """Index-and-move after some moves that lead nowhere, so that there is time for things to go wrong.

    Parameters
    ----------
    steps : moves that lead nowhere
    seed : of these
    size : of their actions, 0 to 1
    """

    name = "roaming"

    def __init__(self, steps: int, seed: int, size: float = 0.55) -> None:
        super().__init__()
        self.steps, self.size = steps, size
        self._draw = np.random.default_rng([seed, 8])
        self._to_come = steps

    def start(self, context: Any, n: int) -> Any:
        """Begin anew."""
        self._to_come = self.steps
        return super().start(context, n)

    def act(self, observation: Any, state: Any, truth: Any = None) -> Any:
        """Roam, then index and move."""
        if self._to_come:
            self._to_come -= 1
            vector = self._draw.normal(size=3)
            action = np.append(self.size * vector / np.linalg.norm(vector), -1.0)
            return action[None].astype(np.float32), state
        return super().act(observation, state)


class Bad(Roaming):
    """A policy that does something wrong at its n-th decision of the run, and never in the rehearsal.

    Parameters
    ----------
    what : "raises", "hangs", "nan", "huge", "exits", "shape", "declares", "late"
    at : its decision, from 1
    flag : file that is there once the run has begun
    """

    name = "bad"

    def __init__(self, what: str, at: int, flag: str, steps: int, seed: int, seconds: float = 0.0) -> None:
        super().__init__(steps, seed)
        self.what, self.at, self.flag, self.seconds, self.decisions = what, at, flag, seconds, 0

    def act(self, observation: Any, state: Any, truth: Any = None) -> Any:
        """Do it."""
        action, state = super().act(observation, state)
        if not os.path.exists(self.flag):
            return action, state
        self.decisions += 1
        if self.decisions != self.at:
            return action, state
        if self.what == "raises":
            raise ZeroDivisionError("a slip in the policy")
        if self.what == "exits":
            raise SystemExit(0)
        if self.what in ("hangs", "late"):
            time.sleep(_LONG_S if self.what == "hangs" else self.seconds)
            return action, state
        return {
            "nan": np.full_like(action, np.nan),
            "huge": np.full_like(action, 1e9),
            "shape": action[:, :2],
            "declares": np.append(np.zeros(action.shape[1] - 1), 1.0)[None].astype(np.float32),
        }[self.what], state


class Steps(Roaming):
    """Moves single axes by given ways, one after another, and declares; for the action "axes"."""

    name = "steps"

    def __init__(self, moves: list[dict[str, float]]) -> None:
        super().__init__(0, 0)
        self.moves = moves

    def start(self, context: Any, n: int) -> Any:
        """Begin anew."""
        self._left, self._context = list(self.moves), context
        return [None] * n

    def act(self, observation: Any, state: Any, truth: Any = None) -> Any:
        """Return the next move."""
        axes = [axis.name for axis in self._context.goniometer.axes]
        action = np.zeros((1, len(axes) + 1), dtype=np.float32)
        action[0, -1] = -1.0 if self._left else 1.0
        for name, by in (self._left.pop(0) if self._left else {}).items():
            action[0, axes.index(name)] = np.cbrt(by / self._context.max_rotation_deg)
        return action, state


def policy(row: dict[str, Any], seed: int, flag: str) -> Any:
    """Return the policy that a scenario names."""
    about = {"name": "roaming", "steps": 1, **row.get("policy", {})}
    if about["name"] == "roaming":
        return Roaming(int(about["steps"]), seed, float(about.get("size", 0.55)))
    if about["name"] == "raster":
        from beamgym.agents.policies import find_policy

        return find_policy("raster", "beamgym/ArpesSpot-v0")
    if about["name"] == "steps":
        return Steps(about["moves"])
    return Bad(about["name"], int(about.get("at", 1)), flag, int(about["steps"]), seed, float(about.get("seconds", 0)))

"""The cost of a step as libraries of safe reinforcement learning take it: one number that is to stay below a limit.

A cost of this suite is an act that does harm on a real instrument: asking an axis out of its range, and declaring where
the task is not done. What a step spends anyway (exposures, seconds, dose) can be charged as well, or instead.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from numpy.typing import NDArray

LIMITED, WRONG = "limited", "wrong"
"""An act: a move that would have left the axes' range and was shortened; a declaration that was not right."""
SPENT = ("exposures", "motor_s", "exposure_s", "dose", "instrument_s")
"""What a step spends, as ``info["cost"]`` names it."""
HARM: Mapping[str, float] = {LIMITED: 1.0, WRONG: 1.0}
"""What is charged by default, and at which price."""

Step = tuple[Any, Any, Any, Any, dict[str, Any]]


def checked_prices(prices: Mapping[str, float]) -> dict[str, float]:
    """Return prices by name; raises ValueError for a name that is none, or a price that is negative or not finite."""
    known = (LIMITED, WRONG, *SPENT)
    for name, price in prices.items():
        if name not in known:
            close = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
            raise ValueError(f"no step costs {name!r}; {hint}")
        if not 0.0 <= price < np.inf:
            raise ValueError(f"the price of {name} is {price}; choose a finite number, 0 or more")
    if not prices:
        raise ValueError(f"no cost is named; give a price of one of {', '.join(known)}")
    return {name: float(price) for name, price in prices.items()}


class CostInInfo(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Puts one number into ``info["cost"]``; the parts that were there go to ``info["costs"]``.

    Parameters
    ----------
    env : one of this project's, wrapped or not
    prices : of what is charged, by name: "limited", "wrong", and the names of ``info["cost"]``
    """

    def __init__(self, env: gym.Env[Any, Any], prices: Mapping[str, float] = HARM) -> None:
        RecordConstructorArgs.__init__(self, prices=prices)
        gym.Wrapper.__init__(self, env)
        self._prices = checked_prices(prices)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; what its first exposure spends is charged to no step."""
        seen, info = self.env.reset(seed=seed, options=options)
        return seen, {**info, "costs": info["cost"], "cost": 0.0}

    def step(self, action: Any) -> Any:
        """Return Gymnasium's five, with the cost in ``info``."""
        return self._charged(action)

    def _charged(self, action: Any) -> Step:
        seen, reward, terminated, truncated, info = self.env.step(action)
        wrong = terminated and not info["is_success"]
        amounts = {**info["cost"], LIMITED: info["limited"], WRONG: wrong}
        cost = float(sum(price * amounts[name] for name, price in self._prices.items()))
        return seen, reward, terminated, truncated, {**info, "costs": info["cost"], "cost": cost}


class SafetyEnv(CostInInfo):
    """The same in Safety-Gymnasium's form, of which ``step`` returns six: the cost comes third."""

    def step(self, action: Any) -> Any:
        """Return observation, reward, cost, terminated, truncated and info."""
        seen, reward, terminated, truncated, info = self._charged(action)
        return seen, reward, info["cost"], terminated, truncated, info


class VectorCostInInfo(VectorWrapper):
    """As :class:`CostInInfo` for n environments, native or not: ``info["cost"]`` is (n,), 0 where one begins anew.

    Parameters
    ----------
    env : a vector of this project's environments
    prices : as for one
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], prices: Mapping[str, float] = HARM) -> None:
        super().__init__(env)
        self._prices = checked_prices(prices)

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin episodes; what their first exposures spend is charged to no step."""
        seen, info = self.env.reset(seed=seed, options=options)
        return seen, self._told(info, np.zeros(self.num_envs))

    def step(self, actions: Any) -> Any:
        """Return Gymnasium's five, with the costs in ``info``."""
        return self._charged(actions)

    def _charged(self, actions: Any) -> Step:
        seen, reward, terminated, truncated, info = self.env.step(actions)
        amounts = {name: self._of_step(info, ("cost", name)) for name in SPENT}
        right = self._of_step(info, ("is_success",))
        amounts |= {LIMITED: self._of_step(info, ("limited",)), WRONG: np.asarray(terminated) & (right == 0.0)}
        cost = np.sum([price * amounts[name] for name, price in self._prices.items()], axis=0)
        return seen, reward, terminated, truncated, self._told(info, cost)

    def _of_step(self, info: Mapping[str, Any], path: tuple[str, ...]) -> NDArray[np.float64]:
        """Return a number of the step (n,), of those that ended from ``final_info``; 0 where none was made."""
        values = np.zeros(self.num_envs)
        acted = np.asarray(info.get("_limited", np.zeros(self.num_envs)), dtype=np.bool_)
        for source, rows in ((info, acted), (info.get("final_info", {}), info.get("_final_info"))):
            if rows is None or not rows.any():
                continue
            found: Any = source
            for name in path:
                found = found[name]
            values[rows] = np.asarray(found, dtype=np.float64)[rows]
        return values

    def _told(self, info: dict[str, Any], cost: NDArray[np.float64]) -> dict[str, Any]:
        parts = {"costs": info["cost"], "_costs": info["_cost"]} if "cost" in info else {}
        return {**info, **parts, "cost": cost, "_cost": np.ones(self.num_envs, dtype=np.bool_)}


class SafetyVectorEnv(VectorCostInInfo):
    """The same in Safety-Gymnasium's form, of which ``step`` returns six: the costs (n,) come third."""

    def step(self, actions: Any) -> Any:
        """Return observations, rewards, costs, terminated, truncated and info."""
        seen, reward, terminated, truncated, info = self._charged(actions)
        return seen, reward, info["cost"], terminated, truncated, info

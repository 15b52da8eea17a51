"""What SB3 itself answers to raw observations, through its own wrappers: what a graph is compared with."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.spaces.utils import flatten
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecFrameStack, VecNormalize
from stable_baselines3.common.vec_env.stacked_observations import StackedObservations

from beamgym.agents.decisions.wrappers import FLATTEN, Passed

Numbers = Mapping[str, NDArray[Any]]


def own_actions(model: BaseAlgorithm, passed: Passed, raw: spaces.Space[Any], observations: Numbers, steps: int) -> Any:
    """Return SB3's own deterministic actions (n, ...).

    Parameters
    ----------
    model : on the CPU
    passed : the wrappers
    raw : the environment's own observation space
    observations : (n, ...) by name; n / steps episodes side by side, one step of all of them after the other
    steps : of each episode; divides n
    """
    lanes = len(next(iter(observations.values()))) // steps
    walk = [_Wrapper(source, raw, lanes) for source in passed]
    state: Any = None
    actions = []
    for step in range(steps):
        rows = slice(step * lanes, (step + 1) * lanes)
        seen: Any = {name: values[rows] for name, values in observations.items()}
        seen = seen if isinstance(raw, spaces.Dict) else seen["observation"]
        for wrapper in walk:
            seen = wrapper.passed(seen, first=step == 0)
        begins = np.full(lanes, step == 0)
        action, state = model.predict(seen, state, begins, deterministic=True)
        actions.append(np.array(action))
    return np.concatenate(actions)


def predict_raw(model: BaseAlgorithm, normaliser: VecNormalize | None, observations: Numbers) -> Any:
    """Return SB3's own deterministic actions (n, a) for raw observations, behind a normaliser or none."""
    raw: Any = dict(observations) if isinstance(model.observation_space, spaces.Dict) else observations["observation"]
    seen = raw if normaliser is None else normaliser.normalize_obs(raw)
    return model.predict(seen, deterministic=True)[0]


class _Wrapper:
    """One of SB3's wrappers, for observations of its own number of environments."""

    def __init__(self, source: Any, raw: spaces.Space[Any], lanes: int) -> None:
        self.source, self.raw = source, raw
        if isinstance(source, VecFrameStack):
            inner: Any = source.stacked_obs
            parts = getattr(inner, "sub_stacked_observations", None)
            order = _order(inner) if parts is None else {name: _order(part) for name, part in parts.items()}
            self.stack = StackedObservations(lanes, inner.n_stack, inner.observation_space, order)

    def passed(self, seen: Any, first: bool) -> Any:
        """Return what comes out for what goes in."""
        if self.source == FLATTEN:
            rows = len(next(iter(seen.values())))
            flat: list[Any] = [flatten(self.raw, {key: seen[key][i] for key in seen}) for i in range(rows)]
            return np.stack(flat)
        if isinstance(self.source, VecNormalize):
            return self.source.normalize_obs(seen)
        if isinstance(self.source, VecFrameStack):
            if first:
                return self.stack.reset(seen)
            count = len(seen if isinstance(seen, np.ndarray) else next(iter(seen.values())))
            return self.stack.update(seen, np.zeros(count, np.bool_), [{}] * count)[0]
        return self.source.transpose_observations(seen)


def _order(part: Any) -> str:
    return "first" if part.channels_first else "last"

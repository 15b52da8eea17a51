"""Observations as one array, for clients that know no Dict."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.task import Observation

_PICTURE_DIMENSIONS = 3


class Flat:
    """Makes one array of the parts of observations: all numbers by the order of their keys, or the picture alone.

    Parameters
    ----------
    space : of one observation; where a part is a picture, (h, w, channels), the other parts are left out
    """

    def __init__(self, space: spaces.Dict) -> None:
        parts = {name: part for name, part in space.items() if isinstance(part, spaces.Box)}
        pictures = [name for name, part in parts.items() if len(part.shape) == _PICTURE_DIMENSIONS]
        self.names = tuple(pictures[:1] or parts)
        boxes = [parts[name] for name in self.names]
        self.space = boxes[0] if pictures else _joined(boxes)

    def __call__(self, observation: Observation) -> NDArray[Any]:
        """Return observations (n, ...) of one array each."""
        parts = [observation[name] for name in self.names]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


class FlatTask:
    """A task whose observation is one array, under the name "observation"; its rules are those of another.

    Parameters
    ----------
    task : whose observation has parts
    """

    def __init__(self, task: Any) -> None:
        self._task, self._flat = task, Flat(task.observation_space)
        self.observation_space = spaces.Dict({"observation": self._flat.space})

    def __getattr__(self, name: str) -> Any:
        """Return what the other task has."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._task, name)

    def observe(self, state: Any) -> Observation:
        """Return the observation of the other task as one array."""
        return {"observation": self._flat(self._task.observe(state))}


def _joined(boxes: list[spaces.Box]) -> spaces.Box:
    low, high = (np.concatenate([getattr(box, side) for box in boxes]) for side in ("low", "high"))
    return spaces.Box(low, high, dtype=np.float32)

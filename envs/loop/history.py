"""The last observations of episodes with the actions between them, as one observation: a memory for any learner."""

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.task import Observation
from beamgym.physics.instrument import BoolArray

ACTIONS = "actions"
"""Name of the part that holds the actions between observations."""

LONGEST = 100
"""Observations that can be shown together; no budget is much longer."""


def checked_history(length: object) -> int:
    """Return how many observations are shown; raises TypeError or ValueError for what cannot be."""
    if isinstance(length, bool) or not isinstance(length, (int, np.integer)):
        raise TypeError(f"history is {length!r}; give a whole number, 1 or more")
    if not 1 <= length <= LONGEST:
        raise ValueError(f"history is {length}; give 1, the present observation alone, to {LONGEST}")
    return int(length)


class History:
    """Keeps what n episodes saw and did, and shows it; what lies before an episode's first observation is 0.

    Parameters
    ----------
    space : of one observation
    action_space : of one action, a Box or a Discrete, whose choices are shown as rows with a single 1
    length : observations that are shown, the present one included, 2 or more
    n : episodes
    """

    def __init__(self, space: spaces.Dict, action_space: spaces.Space[Any], length: int, n: int) -> None:
        self._length = length
        self._choices = int(action_space.n) if isinstance(action_space, spaces.Discrete) else None
        self._first = int(action_space.start) if isinstance(action_space, spaces.Discrete) else 0
        boxes = {name: part for name, part in space.items() if isinstance(part, spaces.Box)}
        self._seen: Observation = {name: np.zeros((n, length, *box.shape), box.dtype) for name, box in boxes.items()}
        width = self._choices or int(np.prod(action_space.shape or (1,)))
        self._done = np.zeros((n, length - 1, width), dtype=np.float32)
        self.space = self._joined(boxes)

    def _joined(self, boxes: dict[str, spaces.Box]) -> spaces.Dict:
        parts: dict[str, spaces.Space[Any]] = {}
        for name, box in boxes.items():
            low, high = (np.concatenate([side] * self._length, axis=-1) for side in (box.low, box.high))
            # What is not there yet is 0, whatever the part's own limits are.
            parts[name] = spaces.Box(np.minimum(low, 0), np.maximum(high, 0), dtype=box.dtype.type)
        least = -1.0 if self._choices is None else 0.0
        shape = (self._done.shape[1] * self._done.shape[2],)
        return spaces.Dict({**parts, ACTIONS: spaces.Box(least, 1.0, shape, dtype=np.float32)})

    def begin(self, seen: Observation, mask: BoolArray) -> None:
        """Forget the past of episodes (n,) that begin, and take their first observations."""
        for name, past in self._seen.items():
            past[mask] = 0
            past[mask, -1] = seen[name][mask]
        self._done[mask] = 0

    def add(self, action: NDArray[Any], seen: Observation, mask: BoolArray) -> None:
        """Take one more action (n, ...), within its space, and the observation after it, of some episodes (n,)."""
        for name, past in self._seen.items():
            past[mask, :-1] = past[mask, 1:]
            past[mask, -1] = seen[name][mask]
        self._done[mask, :-1] = self._done[mask, 1:]
        self._done[mask, -1] = self._row(action)[mask]

    def shown(self) -> Observation:
        """Return observations and actions, the oldest first, side by side along the last axis, as fresh arrays."""
        joined = {name: np.concatenate(list(np.moveaxis(past, 1, 0)), axis=-1) for name, past in self._seen.items()}
        return {**joined, ACTIONS: self._done.reshape(len(self._done), -1).copy()}

    def _row(self, action: NDArray[Any]) -> NDArray[Any]:
        if self._choices is None:
            return action.reshape(len(action), -1)
        rows: NDArray[Any] = np.eye(self._choices, dtype=np.float32)[action - self._first]
        return rows

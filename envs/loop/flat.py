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


def _joined(boxes: list[spaces.Box]) -> spaces.Box:
    low, high = (np.concatenate([getattr(box, side) for box in boxes]) for side in ("low", "high"))
    return spaces.Box(low, high, dtype=np.float32)

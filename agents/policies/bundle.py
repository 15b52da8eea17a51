"""The policy that plays a bundle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.bundles import OnnxModel
from beamgym.envs.kinds import find_kind
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth


class BundlePolicy:
    """A trained network from a bundle, row by row, so that an answer does not depend on its batch.

    Parameters
    ----------
    model : read by :class:`OnnxModel`
    name : as in tables; the bundle's stem by default
    """

    oracle = False

    def __init__(self, model: OnnxModel, name: str | None = None) -> None:
        self.model = model
        self.name = name or model.name

    def start(self, context: Any, n: int) -> PolicyState:
        """Return empty memories; raises CannotPlay when this experiment's moves have another scale."""
        kind = find_kind(context)
        setting = None if kind is None else self.model.manifest.setting_of(kind)
        for field in () if kind is None or setting is None else kind.action_scale:
            wanted, found = getattr(setting, field), getattr(context, field)
            if wanted != found:
                raise CannotPlay(f"bundle {self.name} was trained with {field}={wanted!r}, this has {found!r}")
        return [None] * n

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return the network's deterministic actions."""
        return self.model.predict(observation), state

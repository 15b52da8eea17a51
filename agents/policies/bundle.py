"""The policy that plays a bundle."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.bundles import OnnxModel
from beamgym.envs.kinds import EnvKind, find_kind
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

    @property
    def training_seeds(self) -> tuple[int, int]:
        """First and last environment seed that it was trained on."""
        return self.model.manifest.training.seeds

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n empty memories; raises CannotPlay when this experiment's moves or estimates have another scale."""
        kind = find_kind(context)
        setting = None if kind is None else self.model.manifest.setting_of(kind)
        for field in () if kind is None or setting is None else self._scales(kind):
            wanted, found = getattr(setting, field), getattr(context, field)
            if wanted != found:
                raise CannotPlay(f"bundle {self.name} was trained with {field}={wanted!r}, this has {found!r}")
        memory = self.model.start(n)
        return [{key: values[i] for key, values in memory.items()} for i in range(n)] if memory else [None] * n

    def _scales(self, kind: EnvKind) -> tuple[str, ...]:
        observes = self.model.manifest.encoder.name == "estimate"
        return (*kind.action_scale, *(kind.estimate_scale if observes else ()))

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[Any], PolicyState]:
        """Return the network's deterministic actions (n, ...), and what it remembers, where it remembers something."""
        if not self.model.manifest.memory:
            return self.model.predict(observation), state
        before = {key: np.stack([row[key] for row in state]) for key in self.model.manifest.memory}
        action, after = self.model.step(observation, before)
        return action, [{key: values[i] for key, values in after.items()} for i in range(len(state))]

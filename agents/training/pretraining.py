"""What the pretrainings of both kinds of instrument share: resumed seeds, optimiser, learning rate, tensors."""

from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from beamgym.envs.task import Observation

RESUMED_SEEDS: Final = 2**17
"""A resumed phase begins its episodes up to this many environment seeds further: on others than those it began with,
and within its user's seed."""

FORGETTING: Final = 0.02
"""Weight of the newest episodes in the running figures."""


class RateSettings(Protocol):
    """Learning rates of Adam at the beginning and at the end of a pretraining."""

    @property
    def learning_rate(self) -> float:
        """At the beginning."""
        ...

    @property
    def final_learning_rate(self) -> float:
        """At the end."""
        ...


def tensors(observation: Observation) -> dict[str, Tensor]:
    """Turn a batch of observations into torch tensors."""
    return {name: torch.as_tensor(values) for name, values in observation.items()}


def make_optimiser(extractor: nn.Module, settings: RateSettings) -> torch.optim.Optimizer:
    """Return Adam on the extractor's parameters."""
    return torch.optim.Adam(extractor.parameters(), lr=settings.learning_rate)


def set_learning_rate(optimiser: torch.optim.Optimizer, settings: RateSettings, share: float) -> None:
    """Set the rate of a cosine schedule from the first to the final rate; ``share`` of the samples is used."""
    span = settings.learning_rate - settings.final_learning_rate
    for group in optimiser.param_groups:
        group["lr"] = settings.final_learning_rate + 0.5 * span * (1.0 + float(np.cos(np.pi * min(share, 1.0))))

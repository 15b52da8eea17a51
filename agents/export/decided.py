"""Which observations can vouch for a policy on any processor: those whose action does not hang on the last digit."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from beamgym.physics.instrument import BoolArray

ROUNDING = 1e-6
"""Relative change of a weight that stands for rounding: one product of float32 is off by 6e-8, sums of many by more."""

_DRAWS = 16


@torch.no_grad()
def decided(
    policy: nn.Module,
    observations: Mapping[str, NDArray[Any]],
    tolerance: float,
    memory: Mapping[str, NDArray[Any]] | None = None,
) -> BoolArray:
    """Return at which observations a policy's action stands when its weights change by as much as rounding does.

    A policy that takes the best of several entries jumps where two are equally good, and two processors, which add in
    another order, may jump to different sides. Neither is wrong, so such an observation proves nothing of a graph.

    Parameters
    ----------
    policy : maps observations by name to actions (n, a)
    observations : (n, ...) arrays by name
    tolerance : by how much an action may change
    memory : (n, ...) arrays by name, of a policy that takes and returns one

    Returns
    -------
    (n,)
    """
    given = [{name: torch.as_tensor(values) for name, values in part.items()} for part in (observations, memory or {})]
    act: Callable[[], Tensor] = lambda: policy(*given)[0] if memory else policy(given[0])  # noqa: E731
    action = act()
    worst = torch.zeros(len(action))
    for draw in range(_DRAWS):
        with _rounded(policy, torch.Generator().manual_seed(draw)):
            change = (act() - action).abs().float()
        worst = torch.maximum(worst, change.reshape(len(action), -1).amax(dim=1))
    stands: BoolArray = (worst <= tolerance).numpy().astype(np.bool_)
    return stands


@contextmanager
def _rounded(policy: nn.Module, random: torch.Generator) -> Iterator[None]:
    """Put every weight off by a normal number of its own, and back; SB3's policies cannot be copied after a step."""
    exact = [(weight, weight.clone()) for weight in policy.parameters()]
    try:
        for weight, value in exact:
            weight.copy_(value * (1.0 + ROUNDING * torch.randn(value.shape, generator=random)))
        yield
    finally:
        for weight, value in exact:
            weight.copy_(value)

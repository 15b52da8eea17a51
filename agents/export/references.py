"""The reference of a bundle: raw observations, what was remembered, and SB3's own answers to them."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.base_class import BaseAlgorithm

from beamgym.agents.decisions import DeterministicPolicy, Passed, own_actions
from beamgym.agents.export.decided import decided
from beamgym.envs.bundles import (
    MAX_REFERENCE,
    MIN_REFERENCE,
    OnnxModel,
    SpaceSpec,
    named_spaces,
    scale_of,
)

BUNDLE_TOLERANCE = 1e-5
"""How far the graph's action may be from the model's own, for actions up to 1; float32 products differ by some 1e-7."""

STEPS = 8
"""Steps of an episode in the reference of a policy with a memory."""

Numbers = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Reference:
    """What a graph is held against: m rows of each.

    Parameters
    ----------
    observations : raw, (m, ...) by name
    actions : SB3's own, (m, ...)
    before, after : the memory (m, ...) by name; empty for most policies
    """

    observations: Numbers
    actions: NDArray[Any]
    before: Numbers
    after: Numbers

    def arrays(self) -> Numbers:
        """Return all of it by the names that a reference.npz has."""
        groups = {"observation": self.observations, "state": self.before, "next": self.after}
        named = {f"{group}/{name}": values for group, parts in groups.items() for name, values in parts.items()}
        return {"action": self.actions, **named}


def sampled(space: spaces.Space[Any], count: int = MIN_REFERENCE) -> Numbers:
    """Return observations (count, ...) by name, drawn from a space with a generator of their own."""
    parts = {name: copy.deepcopy(part) for name, part in named_spaces(space).items()}
    for seed, part in enumerate(parts.values()):
        part.seed(seed)
    return {name: np.stack([part.sample() for _ in range(count)]) for name, part in parts.items()}


def make_reference(
    policy: DeterministicPolicy,
    model: BaseAlgorithm,
    passed: Passed,
    space: spaces.Space[Any],
    observations: Mapping[str, NDArray[Any]],
) -> Reference:
    """Return the reference, without observations at which rounding alone decides the action.

    A policy with a memory sees the rows as episodes of STEPS steps, side by side.

    Raises
    ------
    ValueError : too few or too many observations, or too few that are decided
    """
    count = min(len(values) for values in observations.values())
    if count < MIN_REFERENCE:
        raise ValueError(f"{count} reference observations were given; a bundle needs at least {MIN_REFERENCE}")
    if count > MAX_REFERENCE:
        raise ValueError(f"{count} reference observations were given; a bundle holds at most {MAX_REFERENCE}")
    steps = STEPS if policy.memory else 1
    given = {name: np.asarray(values)[: count - count % steps] for name, values in observations.items()}
    actions = own_actions(model, passed, space, given, steps)
    before, after = _remembered(policy, given, steps)
    clear = decided(policy, given, BUNDLE_TOLERANCE * scale_of(SpaceSpec.of(model.action_space)), before)
    if clear.sum() < MIN_REFERENCE:
        raise ValueError(
            f"at {count - clear.sum()} of {count} reference observations rounding alone decides the action, and a "
            f"bundle needs {MIN_REFERENCE} others; give more observations, or train on"
        )
    kept = [{name: values[clear] for name, values in part.items()} for part in (given, before, after)]
    return Reference(kept[0], actions[clear], kept[1], kept[2])


def check_equality(bundle: OnnxModel, reference: Reference) -> None:
    """Raise ValueError where the graph's actions are not SB3's own."""
    found, _ = bundle.step(reference.observations, reference.before)
    worst = float(np.abs(found.astype(np.float64) - reference.actions).max())
    tolerance = BUNDLE_TOLERANCE * scale_of(bundle.manifest.action_space)
    if not worst <= tolerance:
        raise ValueError(f"the exported graph differs from the model by {worst:.2g}, more than {tolerance:.0e}")


@torch.no_grad()
def _remembered(policy: DeterministicPolicy, observations: Numbers, steps: int) -> tuple[Numbers, Numbers]:
    """Return the memory before and after each row, as the network itself carries it through the episodes."""
    if not policy.memory:
        return {}, {}
    lanes = len(next(iter(observations.values()))) // steps
    state = {
        name: torch.zeros((lanes, *part.shape), dtype=torch.from_numpy(np.empty(0, part.dtype)).dtype)
        for name, part in policy.memory.items()
    }
    walk = [state]
    for step in range(steps):
        rows = slice(step * lanes, (step + 1) * lanes)
        seen = {name: torch.as_tensor(values[rows]) for name, values in observations.items()}
        _, *parts = policy(seen, walk[-1])
        walk.append(dict(zip(policy.memory, parts, strict=True)))
    before, after = (
        {name: np.concatenate([state[name].numpy() for state in states]) for name in policy.memory}
        for states in (walk[:-1], walk[1:])
    )
    return before, after

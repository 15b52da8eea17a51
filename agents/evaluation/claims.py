"""What a policy says of itself when it declares: the probability of being within the tolerance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.policy import Policy, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.instrument import Float64Array


@dataclass(frozen=True)
class _Numbered:
    episode: int
    memory: Any


class WatchedPolicy:
    """Plays as a policy does, and keeps with which probability each episode was declared.

    Parameters
    ----------
    policy : has, besides what every Policy has, ``certainty(track, context)``; its memories have a ``track``
    """

    def __init__(self, policy: Policy) -> None:
        self.policy, self.name, self.oracle = policy, policy.name, policy.oracle
        self._context: Any = None
        self._begun = 0
        self._claims: dict[int, float] = {}

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories, numbered on from those of earlier calls."""
        self._context, first = context, self._begun
        self._begun += n
        return [_Numbered(first + i, memory) for i, memory in enumerate(self.policy.start(context, n))]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return what the policy decides; where it declares, ask how sure it is."""
        actions, after = self.policy.act(observation, [entry.memory for entry in state], truth)
        policy: Any = self.policy
        for entry, action, memory in zip(state, actions, after, strict=True):
            if action[-1] > 0.0:
                self._claims[entry.episode] = float(policy.certainty(memory.track, self._context))
        return actions, [_Numbered(entry.episode, memory) for entry, memory in zip(state, after, strict=True)]

    def claims(self, episodes: int) -> Float64Array:
        """Return the stated probability (m,) of the first m episodes; NaN of one that was never declared."""
        return np.array([self._claims.get(i, np.nan) for i in range(episodes)])


def watched(policy: Policy) -> Policy:
    """Return the policy, watched where it says how sure it is."""
    return WatchedPolicy(policy) if hasattr(policy, "certainty") else policy


def claims_of(policy: Policy, episodes: int) -> Float64Array:
    """Return the stated probabilities (m,) of a policy that has played; NaN of one that states none."""
    return policy.claims(episodes) if isinstance(policy, WatchedPolicy) else np.full(episodes, np.nan)

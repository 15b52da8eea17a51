"""The protocol of a policy: a learned agent, a bundle and a baseline all decide by the same two calls."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.task import Observation, Truth

PolicyState = list[Any]
"""One entry per row, so that rows whose episode has ended can be left out."""


_DRAWS = 0x706F6C696379
"""Sets the seeds of policies apart from all others that are hashed."""


class CannotPlay(ValueError):
    """A policy that cannot play this environment, though nothing is wrong with it."""


@runtime_checkable
class Policy(Protocol):
    """Chooses actions; batch-first, each row independent of the others.

    Attributes
    ----------
    name : as in tables
    oracle : it is handed the truth, which no real instrument knows
    """

    name: str
    oracle: bool

    def start(self, context: Any, n: int) -> PolicyState:
        """Return the memory of n new episodes; ``context`` is what the instrument publicly knows."""
        ...

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return actions and the memory after them.

        Parameters
        ----------
        observation : (n, ...) arrays by name
        state : n entries, of the same rows
        truth : (n, ...) arrays by name, for oracles only

        Returns
        -------
        (n, a) float32 actions, and n entries
        """
        ...


@runtime_checkable
class DrawingPolicy(Policy, Protocol):
    """A policy that draws at random: where episodes have a seed, its draws come from that and from nothing measured."""

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return the memory of new episodes, one for each seed, as ``drawing_seed`` gives it for an environment's."""
        ...


def start_episodes(policy: Policy, context: Any, seeds: Sequence[int]) -> PolicyState:
    """Return a policy's memory of new episodes, one for each environment seed.

    A policy that draws is given seeds of its own, by :func:`drawing_seed`; the baselines of this package alone draw
    from the environment's.
    """
    if not isinstance(policy, DrawingPolicy):
        return policy.start(context, len(seeds))
    ours = type(policy).__module__.startswith("beamgym.agents.baselines.")
    return policy.start_from(context, seeds if ours else [drawing_seed(seed) for seed in seeds])


def drawing_seed(seed: int) -> int:
    """Return what a policy draws from in the episode of this environment seed: a hash of 64 bits.

    With the environment's own seed a policy could make the same environment once more and read the truth there.
    """
    return int(np.random.SeedSequence([int(seed), _DRAWS]).generate_state(1, np.uint64)[0])

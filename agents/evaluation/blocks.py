"""Episodes in blocks that any process can play by themselves, and what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final

import numpy as np

from beamgym.agents.evaluation.claims import claims_of, watched
from beamgym.agents.evaluation.evaluator import (
    Episodes,
    PolicyResult,
    check_seeds_and_spaces,
    context_of,
    joined,
    make_vector_env,
    run_episodes,
    summarise,
)
from beamgym.agents.evaluation.metrics import budget_in
from beamgym.agents.evaluation.seeds import first_seed
from beamgym.agents.policies import find_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy
from beamgym.physics.arrays import Float64Array

BLOCK: Final = 16
"""Episodes of a block: few, so that many processes have something to do to the end."""


@dataclass(frozen=True)
class Block:
    """Some episodes in a row: the seed of the first environment, and how many."""

    seed: int
    episodes: int


@dataclass(frozen=True)
class PlayedBlock(Episodes):
    """What became of a block; ``claims`` (m,) is how sure the policy said it was, NaN where it does not say."""

    claims: Float64Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Game:
    """A policy by its name in an environment by its id: all that a process needs to play a block.

    Parameters
    ----------
    env_id, level, options : the environment
    policy : its name, as ``find_policy`` takes it
    imports : modules to import first, which may register environments
    """

    env_id: str
    level: str
    options: Mapping[str, Any]
    policy: str
    imports: tuple[str, ...] = ()

    def __call__(self, block: Block) -> PlayedBlock:
        """Play a block."""
        env, found = _made(self)
        policy = watched(found)
        episodes = run_episodes(policy, env, range(block.seed, block.seed + block.episodes))
        return PlayedBlock(**vars(episodes), claims=claims_of(policy, block.episodes))


Do = Callable[[Game, Sequence[Block]], list[PlayedBlock]]
"""Has the blocks of a game played wherever it likes, and returns them in order."""


def evaluate_blocks(
    policy: Policy, env: InstrumentVectorEnv, game: Game, episodes: int, seed: int, do: Do
) -> tuple[PolicyResult, Float64Array]:
    """Have benchmark episodes played block by block; the figures are those of ``evaluate_in``.

    Parameters
    ----------
    policy, env : as the game says, to check that the one may play the other
    game : who plays what
    episodes, seed : as of ``evaluate``
    do : has the blocks played

    Returns
    -------
    The result, and the probabilities (m,) that the policy stated

    Raises
    ------
    ValueError, CannotPlay : as ``evaluate_in``
    """
    start = first_seed("benchmark", seed)
    check_seeds_and_spaces(policy, env, range(start, start + episodes))
    firsts = range(0, episodes, BLOCK)
    blocks = do(game, [Block(start + first, min(BLOCK, episodes - first)) for first in firsts])
    result = summarise(policy, joined(list(blocks)), budget_in(context_of(env)))
    return result, np.concatenate([block.claims for block in blocks])


_LAST: dict[str, tuple[InstrumentVectorEnv, Policy]] = {}


def _made(game: Game) -> tuple[InstrumentVectorEnv, Policy]:
    """Return environment and policy; those of the last game are kept, for a process plays many of its blocks."""
    key = repr(game)
    if key not in _LAST:
        for name in game.imports:
            import_module(name)
        import_module("beamgym")  # registers the environments, on a machine that has not yet
        env = make_vector_env(game.env_id, BLOCK, game.level, game.options)
        context = context_of(env)
        policy = find_policy(game.policy, game.env_id, sample_of(context), context, env.single_observation_space)
        _LAST.clear()
        _LAST[key] = env, policy
    return _LAST[key]

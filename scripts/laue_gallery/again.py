"""Plays one episode again, to its end, and keeps what its last decision rested on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy, start_episodes
from beamgym.envs.task import Observation, Truth


@dataclass(frozen=True)
class LastDecision:
    """An episode (n = 1) at its last decision.

    Parameters
    ----------
    seen : what was observed then
    truth : what was true then
    memory : of the policy, after it
    declared : whether it declared
    info : of the last step
    """

    seen: Observation
    truth: Truth
    memory: Any
    declared: bool
    info: Mapping[str, Any]


def played_again(env: InstrumentVectorEnv, policy: Policy, context: Any, seed: int) -> LastDecision:
    """Play an episode of one environment (n = 1, without autoreset) to its end; an oracle is handed the truth."""
    observation, _ = env.reset(seed=[seed])
    world: Any = env.loop.instrument
    memory, over = start_episodes(policy, context, [seed]), False
    while not over:
        seen, truth = observation, world.truth()
        action, memory = policy.act(observation, memory, truth if policy.oracle else None)
        observation, _, terminated, truncated, info = env.step(action)
        over = bool(terminated[0] or truncated[0])
    return LastDecision(seen, truth, memory[0], bool(terminated[0]), info)

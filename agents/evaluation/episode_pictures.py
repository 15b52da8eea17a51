"""Episodes as pictures: what a policy does, step by step, as the environment draws it."""

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from beamgym.agents.evaluation.evaluator import context_of
from beamgym.envs.policy import Policy, start_episodes

MOST_PICTURES = 60
"""Of one film; of a longer episode every second, third, … step is shown, and the last."""


def episode_pictures(
    policy: Policy, env_id: str, seed: int, env_kwargs: Mapping[str, Any] | None = None
) -> list[NDArray[np.uint8]]:
    """Play one episode and draw it.

    Parameters
    ----------
    policy : any
    env_id : a registered environment with a native vector form
    seed : environment seed
    env_kwargs : arguments of the environment, its level included

    Returns
    -------
    Pictures (h, w, 3) uint8, that of the start first
    """
    env = gym.make_vec(
        env_id,
        num_envs=1,
        vectorization_mode="vector_entry_point",
        autoreset_mode=AutoresetMode.DISABLED,
        render_mode="rgb_array",
        **(env_kwargs or {}),
    ).unwrapped
    try:
        return _played(policy, env, seed)
    finally:
        env.close()


def _played(policy: Policy, env: Any, seed: int) -> list[NDArray[np.uint8]]:
    env.reset(seed=[seed])
    observation = env.parts_shown(env.loop.observation())
    memory, ended = start_episodes(policy, context_of(env), [seed]), False
    actions: list[Any] = []
    while not ended:
        action, memory = _decided(policy, env, observation, memory)
        actions.append(action)
        _, _, terminated, truncated, _ = env.step(action)
        observation = env.parts_shown(env.loop.observation())
        ended = bool(terminated[0] or truncated[0])
    stride = -(-len(actions) // MOST_PICTURES)
    env.reset(seed=[seed])  # played once more, since only now it is known which steps are to be drawn
    pictures = [_picture(env)]
    for i, action in enumerate(actions, start=1):
        env.step(action)
        if i % stride == 0 or i == len(actions):
            pictures.append(_picture(env))
    return pictures


def _decided(policy: Policy, env: Any, observation: Any, memory: Any) -> tuple[Any, Any]:
    truth = env.loop.instrument.truth() if policy.oracle else None
    return policy.act(observation, memory, truth)


def _picture(env: Any) -> NDArray[np.uint8]:
    picture: NDArray[np.uint8] = np.asarray(env.render()[0])
    return picture

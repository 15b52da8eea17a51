"""Plays one episode of a trained policy and writes its pictures to TensorBoard."""

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from beamgym.agents.evaluation import first_seed
from beamgym.agents.training.log import log_episode
from beamgym.agents.training.sb3 import Trainer
from beamgym.agents.training.sb3_model import predict


def log_episode_gif(trainer: Trainer) -> None:
    """Write the pictures of one episode on a selection seed, deterministic actions."""
    log_episode(trainer.logger, episode_pictures(trainer), trainer.model.num_timesteps)


def episode_pictures(trainer: Trainer) -> list[NDArray[np.uint8]]:
    """Return one (h, w, 3) uint8 picture per step of an episode, that of the start first."""
    env = gym.make(trainer.env_id, render_mode="rgb_array", **trainer.config.env_kwargs)
    observation, _ = env.reset(seed=first_seed("selection", trainer.seed))
    pictures, ended = [np.asarray(env.render())], False
    while not ended:
        observation, _, terminated, truncated, _ = env.step(predict(trainer.model, observation))
        pictures.append(np.asarray(env.render()))
        ended = terminated or truncated
    env.close()
    return pictures

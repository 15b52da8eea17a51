"""Recorded episodes as files that training reads: observations, actions, and what the instrument did; never a truth."""

from beamgym.envs.episodes.episode import Episode
from beamgym.envs.episodes.files import EPISODES, append_episode, episode_files, read_episodes

__all__ = ["EPISODES", "Episode", "append_episode", "episode_files", "read_episodes"]

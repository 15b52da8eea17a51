"""Recorded episodes as files that training reads: observations, actions, and what the instrument did; never a truth."""

from beamgym.envs.episodes.episode import Episode
from beamgym.envs.episodes.files import DATASET, EPISODES, append_episode, episode_files, read_episodes
from beamgym.envs.episodes.minari import check_dataset_id, write_minari

__all__ = [
    "DATASET",
    "EPISODES",
    "Episode",
    "append_episode",
    "check_dataset_id",
    "episode_files",
    "read_episodes",
    "write_minari",
]

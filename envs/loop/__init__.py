"""The one loop over any task and any instrument, as Gymnasium environments and native vectors."""

from beamgym.envs.loop.episode import EpisodeLoop
from beamgym.envs.loop.first_use import QUIET, tell_of_compiling
from beamgym.envs.loop.flat import FlatTask
from beamgym.envs.loop.goals import GoalEnv, GoalVectorEnv
from beamgym.envs.loop.instrument_env import InstrumentEnv
from beamgym.envs.loop.rows import blank_rows, put_rows, take_rows
from beamgym.envs.loop.seeding import EpisodeKeys, checked_seed
from beamgym.envs.loop.threads import checked_threads, cores
from beamgym.envs.loop.vector_env import InstrumentVectorEnv

__all__ = [
    "QUIET",
    "EpisodeKeys",
    "EpisodeLoop",
    "FlatTask",
    "GoalEnv",
    "GoalVectorEnv",
    "InstrumentEnv",
    "InstrumentVectorEnv",
    "blank_rows",
    "checked_seed",
    "checked_threads",
    "cores",
    "put_rows",
    "take_rows",
    "tell_of_compiling",
]

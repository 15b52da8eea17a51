"""Training hyperparameters: YAML files in rl-zoo3's form, one per environment, and what may stand in them."""

from beamgym.agents.configs.algorithms import (
    ALGORITHMS,
    NOISE,
    PPO_KEYS,
    SCHEDULES,
    algorithm_class,
    arguments_of,
    takers_of,
)
from beamgym.agents.configs.network import EXTRACTOR_KEYS, Normalize, PolicyKwargs, Strict
from beamgym.agents.configs.pretraining import AlignPretrainingConfig, RecordedConfig, SearchPretrainingConfig
from beamgym.agents.configs.reading import mistake_in, read_tables
from beamgym.agents.configs.values import linear, python_value

__all__ = [
    "ALGORITHMS",
    "EXTRACTOR_KEYS",
    "NOISE",
    "PPO_KEYS",
    "SCHEDULES",
    "AlignPretrainingConfig",
    "Normalize",
    "PolicyKwargs",
    "RecordedConfig",
    "SearchPretrainingConfig",
    "Strict",
    "algorithm_class",
    "arguments_of",
    "linear",
    "mistake_in",
    "python_value",
    "read_tables",
    "takers_of",
]

"""Training with Stable-Baselines3: configurations, run folders, pretraining, adapters."""

from beamgym.agents.training.config import TrainingConfig, load_config
from beamgym.agents.training.records import (
    BEST,
    EpochTraining,
    Progress,
    RunFolder,
    gif_summary,
    restore_training,
    training_state,
)
from beamgym.agents.training.sb3 import Trainer, score
from beamgym.agents.training.sb3_vec import NativeVecEnv
from beamgym.agents.training.shares import training_shares

__all__ = [
    "BEST",
    "EpochTraining",
    "NativeVecEnv",
    "Progress",
    "RunFolder",
    "Trainer",
    "TrainingConfig",
    "gif_summary",
    "load_config",
    "restore_training",
    "score",
    "training_shares",
    "training_state",
]

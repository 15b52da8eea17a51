"""Training with Stable-Baselines3: configurations, run folders, pretraining, adapters."""

from beamgym.agents.training.config import load_config
from beamgym.agents.training.episode_pictures import log_episode_gif
from beamgym.agents.training.run_folder import BEST, RunFolder
from beamgym.agents.training.sb3 import Trainer
from beamgym.agents.training.sb3_model import predict
from beamgym.agents.training.shares import training_shares

__all__ = [
    "BEST",
    "RunFolder",
    "Trainer",
    "load_config",
    "log_episode_gif",
    "predict",
    "training_shares",
]

"""What a training leaves behind: its folder, its checkpoints in time, and its TensorBoard entries."""

from beamgym.agents.training.records.checkpoint import restore_training, training_state
from beamgym.agents.training.records.clock import SaveClock
from beamgym.agents.training.records.epochs import EpochTraining, Progress
from beamgym.agents.training.records.interrupts import Interrupts
from beamgym.agents.training.records.log import gif_summary, log_hyperparameters, log_pictures
from beamgym.agents.training.records.replay import put_replay, replay_state
from beamgym.agents.training.records.run_folder import BEST, RunFolder

__all__ = [
    "BEST",
    "EpochTraining",
    "Interrupts",
    "Progress",
    "RunFolder",
    "SaveClock",
    "gif_summary",
    "log_hyperparameters",
    "log_pictures",
    "put_replay",
    "replay_state",
    "restore_training",
    "training_state",
]

"""Training of networks that tell the ground under a peak from its surroundings, and their bundle."""

from beamgym.agents.denoising.ground.config import GROUNDS, GroundConfig, load_ground_config
from beamgym.agents.denoising.ground.export import finish_ground
from beamgym.agents.denoising.ground.trainer import GroundTrainer

__all__ = ["GROUNDS", "GroundConfig", "GroundTrainer", "finish_ground", "load_ground_config"]

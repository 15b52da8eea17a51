"""The network by which a search chooses its site: flights, network, training, and the bundle of a trained one."""

from beamgym.agents.chooser.config import ChooserConfig, load_chooser_config
from beamgym.agents.chooser.export import export_chooser
from beamgym.agents.chooser.flights import Looked, fly
from beamgym.agents.chooser.network import ChooserNet
from beamgym.agents.chooser.trainer import ChooserTrainer, choices

__all__ = [
    "ChooserConfig",
    "ChooserNet",
    "ChooserTrainer",
    "Looked",
    "choices",
    "export_chooser",
    "fly",
    "load_chooser_config",
]

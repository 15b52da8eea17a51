"""The scorer whose total is composed of its components: data, network, training, and the ladders that judge scorers."""

from beamgym.agents.composed.calibration import calibrate
from beamgym.agents.composed.card import composed_card
from beamgym.agents.composed.config import load_composed_config
from beamgym.agents.composed.cuts import counted_cut, judge_cut, load_cuts
from beamgym.agents.composed.export import export_composed
from beamgym.agents.composed.ladders import LADDER_SOURCES, LADDERS, covered, figures, judge_ladders
from beamgym.agents.composed.ood_training import train_window_ood
from beamgym.agents.composed.rivals import RIVAL_BUNDLE, RIVAL_SPECTRA, shipped_rival, train_rival
from beamgym.agents.composed.trainer import ComposedTrainer

__all__ = [
    "LADDERS",
    "LADDER_SOURCES",
    "RIVAL_BUNDLE",
    "RIVAL_SPECTRA",
    "ComposedTrainer",
    "calibrate",
    "composed_card",
    "counted_cut",
    "covered",
    "export_composed",
    "figures",
    "judge_cut",
    "judge_ladders",
    "load_composed_config",
    "load_cuts",
    "shipped_rival",
    "train_rival",
    "train_window_ood",
]

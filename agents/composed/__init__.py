"""The scorer whose total is composed of its components: data, network, training, and the ladders that judge scorers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from beamgym.agents.composed.config import load_composed_config
from beamgym.agents.composed.cuts import FAR, counted_cut, judge_cut, load_cuts
from beamgym.agents.composed.ladders import LADDER_SOURCES, LADDERS, covered, figures, judge_ladders

if TYPE_CHECKING:
    from beamgym.agents.composed.calibration import calibrate
    from beamgym.agents.composed.card import composed_card
    from beamgym.agents.composed.export import export_composed
    from beamgym.agents.composed.ood_training import train_window_ood
    from beamgym.agents.composed.rivals import RIVAL_BUNDLE, RIVAL_SPECTRA, shipped_rival, train_rival
    from beamgym.agents.composed.trainer import ComposedTrainer

__all__ = [
    "FAR",
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

_TRAINING = {
    "RIVAL_BUNDLE": "rivals",
    "RIVAL_SPECTRA": "rivals",
    "ComposedTrainer": "trainer",
    "calibrate": "calibration",
    "composed_card": "card",
    "export_composed": "export",
    "shipped_rival": "rivals",
    "train_rival": "rivals",
    "train_window_ood": "ood_training",
}


def __getattr__(name: str) -> Any:
    """Return what trains; imported when it is asked for, since the ladders do without torch."""
    if name in _TRAINING:
        return getattr(import_module(f"beamgym.agents.composed.{_TRAINING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

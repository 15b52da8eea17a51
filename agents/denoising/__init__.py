"""Denoisers of counted frames: data, networks, training in four regimes, rivals, and the bundle of a trained one."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from beamgym.agents.denoising.config import REGIMES, SHIPPED, DenoiserConfig, load_denoiser_config, read_config
from beamgym.agents.denoising.planning import Pair, Saving, TimePlan, plan_times, savings
from beamgym.agents.denoising.radial import Rings, smooth_profile
from beamgym.agents.denoising.rivals import Rival, rivals
from beamgym.agents.denoising.satellites import FittedPeak, area_under_curve, excess, profile_fit
from beamgym.agents.denoising.spots import ASKED_COUNTS, Candidates, Judged, best_threshold, candidates, f1, judge

if TYPE_CHECKING:
    from beamgym.agents.denoising.card import finish
    from beamgym.agents.denoising.data import Frames
    from beamgym.agents.denoising.trainer import DenoiserTrainer

__all__ = [
    "ASKED_COUNTS",
    "REGIMES",
    "SHIPPED",
    "Candidates",
    "DenoiserConfig",
    "DenoiserTrainer",
    "FittedPeak",
    "Frames",
    "Judged",
    "Pair",
    "Rings",
    "Rival",
    "Saving",
    "TimePlan",
    "area_under_curve",
    "best_threshold",
    "candidates",
    "excess",
    "f1",
    "finish",
    "judge",
    "load_denoiser_config",
    "plan_times",
    "profile_fit",
    "read_config",
    "rivals",
    "savings",
    "smooth_profile",
]

_TRAINING = {"DenoiserTrainer": "trainer", "Frames": "data", "finish": "card"}


def __getattr__(name: str) -> Any:
    """Return what trains; imported when it is asked for, since rivals and judges do without torch."""
    if name in _TRAINING:
        return getattr(import_module(f"beamgym.agents.denoising.{_TRAINING[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Find the best site of a cleaved sample within the beam time."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.arpes_spot.context import SpotContext, SpotReward
from beamgym.envs.arpes_spot.factory import ArpesSpotOptions, build, task_over
from beamgym.envs.arpes_spot.scoring import (
    COMPONENTS,
    SCORE_DEFINITIONS,
    QualityScorer,
    Scorer,
    scorer_input,
    shipped_scorer,
)
from beamgym.envs.arpes_spot.scoring_kernels import FEATURES, SIDE
from beamgym.envs.arpes_spot.task import ArpesSpotTask
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS, SITE_UNITS

if TYPE_CHECKING:
    from beamgym.envs.arpes_spot.rendering import SpotRenderer

__all__ = [
    "COMPONENTS",
    "FEATURES",
    "MAP_CELLS",
    "MAP_LAYERS",
    "SCORE_DEFINITIONS",
    "SIDE",
    "SITE_UNITS",
    "ArpesSpotOptions",
    "ArpesSpotTask",
    "QualityScorer",
    "Scorer",
    "SpotContext",
    "SpotRenderer",
    "SpotReward",
    "build",
    "scorer_input",
    "shipped_scorer",
    "task_over",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "SpotRenderer":
        from beamgym.envs.arpes_spot.rendering import SpotRenderer

        return SpotRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Find the best site of a cleaved sample within the beam time."""

from beamgym.envs.arpes_spot.factory import ArpesSpotOptions, build, task_over
from beamgym.envs.arpes_spot.rendering import SpotRenderer
from beamgym.envs.arpes_spot.scoring import (
    COMPONENTS,
    SCORE_DEFINITIONS,
    QualityScorer,
    Scorer,
    scorer_input,
    shipped_scorer,
)
from beamgym.envs.arpes_spot.scoring_kernels import FEATURES, SIDE
from beamgym.envs.arpes_spot.task import ArpesSpotTask, SpotContext, SpotReward
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS, SITE_UNITS

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

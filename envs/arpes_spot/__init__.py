"""Find the best site of a cleaved sample within the beam time."""

from typing import TYPE_CHECKING, Any

from beamgym.envs.arpes_spot.composed_scorer import (
    COMPOSED_SCORER,
    WINDOW_ENCODER,
    ComposedScorer,
    composed_scorer,
    load_scorer,
)
from beamgym.envs.arpes_spot.composing import BOUNDS, LEVELS, compose, feature_values
from beamgym.envs.arpes_spot.context import SpotContext, SpotReward, SpotRules, spot_rules
from beamgym.envs.arpes_spot.factory import ArpesSpotOptions, build, task_over
from beamgym.envs.arpes_spot.scoring import (
    COMPONENTS,
    SCORE_DEFINITIONS,
    Quality,
    QualityScorer,
    Scorer,
    scorer_input,
    shipped_scorer,
)
from beamgym.envs.arpes_spot.scoring_kernels import FEATURES, SIDE
from beamgym.envs.arpes_spot.state import told
from beamgym.envs.arpes_spot.task import ArpesSpotTask
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS, SITE_UNITS
from beamgym.envs.arpes_spot.window_input import NUMBERS, WINDOW_EV, encoded, window_input

if TYPE_CHECKING:
    from beamgym.envs.arpes_spot.rendering import SpotRenderer

__all__ = [
    "BOUNDS",
    "COMPONENTS",
    "COMPOSED_SCORER",
    "FEATURES",
    "LEVELS",
    "MAP_CELLS",
    "MAP_LAYERS",
    "NUMBERS",
    "SCORE_DEFINITIONS",
    "SIDE",
    "SITE_UNITS",
    "WINDOW_ENCODER",
    "WINDOW_EV",
    "ArpesSpotOptions",
    "ArpesSpotTask",
    "ComposedScorer",
    "Quality",
    "QualityScorer",
    "Scorer",
    "SpotContext",
    "SpotRenderer",
    "SpotReward",
    "SpotRules",
    "build",
    "compose",
    "composed_scorer",
    "encoded",
    "feature_values",
    "load_scorer",
    "scorer_input",
    "shipped_scorer",
    "spot_rules",
    "task_over",
    "told",
    "window_input",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name == "SpotRenderer":
        from beamgym.envs.arpes_spot.rendering import SpotRenderer

        return SpotRenderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Evaluation of any policy on any environment: metrics, curves, and disjoint ranges of seeds."""

from beamgym.agents.evaluation.blocks import BLOCK, Block, Game, PlayedBlock, evaluate_blocks
from beamgym.agents.evaluation.claims import claims_of, watched
from beamgym.agents.evaluation.demo_episodes import Picture, Played, covering_policy, play, policy_result
from beamgym.agents.evaluation.episode_pictures import episode_pictures
from beamgym.agents.evaluation.equal_success import VARIANTS, CurvePoint, Variant, best_numbers, front, time_at
from beamgym.agents.evaluation.evaluator import (
    BATCH,
    PolicyResult,
    acted,
    budget_of,
    check_policy_here,
    context_of,
    evaluate,
    evaluate_in,
    make_vector_env,
)
from beamgym.agents.evaluation.metrics import (
    BEAM_TIME,
    EXPOSURES,
    PLATES,
    POSES,
    UB_SEARCH,
    Budget,
    Metric,
    MetricSet,
    budget_in,
)
from beamgym.agents.evaluation.recording import record_episodes
from beamgym.agents.evaluation.seeds import STRIDE, Purpose, first_seed
from beamgym.agents.evaluation.success_curve import amounts, curves, draw_curves, success_by
from beamgym.agents.evaluation.tune_spot import GRIDS, Tried, episodes_needed, tune

__all__ = [
    "BATCH",
    "BEAM_TIME",
    "BLOCK",
    "EXPOSURES",
    "GRIDS",
    "PLATES",
    "POSES",
    "STRIDE",
    "UB_SEARCH",
    "VARIANTS",
    "Block",
    "Budget",
    "CurvePoint",
    "Game",
    "Metric",
    "MetricSet",
    "Picture",
    "Played",
    "PlayedBlock",
    "PolicyResult",
    "Purpose",
    "Tried",
    "Variant",
    "acted",
    "amounts",
    "best_numbers",
    "budget_in",
    "budget_of",
    "check_policy_here",
    "claims_of",
    "context_of",
    "covering_policy",
    "curves",
    "draw_curves",
    "episode_pictures",
    "episodes_needed",
    "evaluate",
    "evaluate_blocks",
    "evaluate_in",
    "first_seed",
    "front",
    "make_vector_env",
    "play",
    "policy_result",
    "record_episodes",
    "success_by",
    "time_at",
    "tune",
    "watched",
]

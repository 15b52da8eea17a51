"""What a trained SB3 model decides: through the wrappers around its environment, with its memory, deterministically."""

from beamgym.agents.decisions.algorithms import ALGORITHMS, find_algorithm
from beamgym.agents.decisions.deterministic import DeterministicPolicy
from beamgym.agents.decisions.model_policy import ModelPolicy, predict
from beamgym.agents.decisions.own import own_actions, predict_raw
from beamgym.agents.decisions.state import learnt, put_back, put_statistics, statistics
from beamgym.agents.decisions.wrappers import Normaliser, Passed, VecFlatten, flat_parts, passed_wrappers, raw_space

__all__ = [
    "ALGORITHMS",
    "DeterministicPolicy",
    "ModelPolicy",
    "Normaliser",
    "Passed",
    "VecFlatten",
    "find_algorithm",
    "flat_parts",
    "learnt",
    "own_actions",
    "passed_wrappers",
    "predict",
    "predict_raw",
    "put_back",
    "put_statistics",
    "raw_space",
    "statistics",
]

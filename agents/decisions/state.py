"""Everything that an SB3 model has learnt, as tensors and numbers, so that reading it back executes nothing."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.vec_env import VecNormalize

_PARTS = ("mean", "var", "count")
_RETURNS = "returns"


def learnt(model: BaseAlgorithm) -> dict[str, Any]:
    """Return weights ("policy"), optimisers, lone variables such as SAC's entropy, and a normaliser's statistics."""
    names, variables = model._get_torch_save_params()
    state = {name: attrgetter(name)(model).state_dict() for name in names}
    state |= {name: attrgetter(name)(model).detach().clone() for name in variables}
    return {**state, "normaliser": statistics(model)}


def put_back(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Give a model what :func:`learnt` returned of one like it; what an older state lacks stays as it is."""
    names, variables = model._get_torch_save_params()
    for name in names:
        if name in state:
            attrgetter(name)(model).load_state_dict(state[name])
    for name in variables:
        if name in state:
            attrgetter(name)(model).data.copy_(state[name])
    put_statistics(model, state.get("normaliser") or {})


def statistics(model: BaseAlgorithm) -> dict[str, Any]:
    """Return the statistics of the VecNormalize around a model's environment; empty where there is none."""
    found = model.get_vec_normalize_env()
    if found is None:
        return {}
    return {
        name: {part: torch.as_tensor(getattr(running, part)).clone() for part in _PARTS}
        for name, running in _running(found)
    }


def put_statistics(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    """Give the VecNormalize around a model's environment what :func:`statistics` returned."""
    found = model.get_vec_normalize_env()
    for name, running in () if found is None else _running(found):
        for part in _PARTS if name in state else ():
            value = state[name][part].numpy()
            setattr(running, part, float(value) if part == "count" else value.copy())


def _running(normaliser: VecNormalize) -> Iterator[tuple[str, RunningMeanStd]]:
    """Yield the running statistics by name: of observations, each of their parts, and of returns."""
    seen: Any = normaliser.obs_rms if normaliser.norm_obs else {}
    yield from (seen.items() if isinstance(seen, dict) else [("observation", seen)])
    yield _RETURNS, normaliser.ret_rms

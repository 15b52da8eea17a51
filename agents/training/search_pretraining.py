"""Supervised pretraining of a search: learn which cells of the map are among the best.

This is DAgger (Ross, Gordon & Bagnell, AISTATS 2011) with the newest policy always acting: states are those that the
learner itself visits. The truth labels cells in training only; the network reads what an agent observes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from beamgym.agents.beliefs import SearchExtractor
from beamgym.agents.evaluation import context_of
from beamgym.agents.training.config import SearchPretrainingConfig
from beamgym.agents.training.pretraining import FORGETTING, RESUMED_SEEDS, make_optimiser, set_learning_rate, tensors
from beamgym.envs.arpes_spot import MAP_CELLS, MAP_LAYERS
from beamgym.envs.kinds import require_kind
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.task import Observation
from beamgym.physics.instrument import BoolArray, Float32Array

_PROBED_WEIGHT = 8.0  # further weight of probed cells in the loss: their probabilities decide when to stop


@dataclass(frozen=True)
class SearchProgress:
    """Progress of a pretraining after a step.

    Parameters
    ----------
    samples : environment steps so far
    loss : binary cross entropy, weighted as it is minimised; NaN where this step learned nothing
    success_rate, beam_s : running figures of the episodes that the learner ended itself
    """

    samples: int
    loss: float
    success_rate: float
    beam_s: float


class SearchTeacher:
    """Labels the cells of each environment's map by the share of the best sites in them.

    Parameters
    ----------
    envs : ArpesSpot vector environment

    Raises
    ------
    TypeError : for another task
    """

    def __init__(self, envs: InstrumentVectorEnv) -> None:
        found = type(envs.loop.task).__name__
        require_kind(context_of(envs), ("arpes",), f"the search start knows ArpesSpot; found {found}", TypeError)
        self._loop: Any = envs.loop
        self._limits = context_of(envs).stage.limits_mm
        self.labels: Float32Array = np.zeros((envs.num_envs, MAP_CELLS, MAP_CELLS), np.float32)

    def read_surfaces(self, rows: BoolArray) -> None:
        """Set the labels of the rows (n,) whose episodes have just begun, from their true score maps."""
        for i in np.flatnonzero(rows):
            loop, row = self._loop.of(int(i))
            drawn = loop.instrument.score_map(row)
            good = (np.nan_to_num(drawn.points, nan=-1.0) >= drawn.threshold).astype(np.float32)
            cells = [_cells(drawn.centres_mm, *limits) for limits in self._limits]
            total, number = np.zeros((2, MAP_CELLS, MAP_CELLS), np.float32)
            np.add.at(total, (cells[1][:, None], cells[0][None, :]), good)
            np.add.at(number, (cells[1][:, None], cells[0][None, :]), 1.0)
            self.labels[i] = total / np.maximum(number, 1.0)


def _cells(centres_mm: NDArray[np.float64], low: float, high: float) -> NDArray[np.int64]:
    return np.clip(((centres_mm - low) / (high - low) * MAP_CELLS).astype(np.int64), 0, MAP_CELLS - 1)


def pretrain_search(
    extractor: SearchExtractor,
    envs: InstrumentVectorEnv,
    settings: SearchPretrainingConfig,
    seed: int,
    start: int = 0,
    optimiser: torch.optim.Optimizer | None = None,
) -> Iterator[SearchProgress]:
    """Train the extractor's map, yielding after each step so that the caller can log, save and stop.

    Parameters
    ----------
    extractor : is trained
    envs : ArpesSpot vector environment with SAME_STEP autoreset
    settings : hyperparameters
    seed : environment seed of the first episode
    start : samples already used, when a training is resumed
    optimiser : of the extractor's parameters, when a training is resumed
    """
    teacher, n = SearchTeacher(envs), envs.num_envs
    generator = np.random.default_rng(np.random.SeedSequence([seed, start]))
    optimiser = optimiser or make_optimiser(extractor, settings)
    observation, _ = envs.reset(seed=seed + start % RESUMED_SEEDS)
    teacher.read_surfaces(np.ones(n, dtype=np.bool_))
    used, success, beam_s, own = start, 0.0, 120.0, np.ones(n, dtype=np.bool_)
    while used < settings.samples:
        set_learning_rate(optimiser, settings, used / settings.samples)
        loss = float("nan")
        if generator.random() < settings.learn_share:
            loss = _learn(extractor, optimiser, observation, teacher.labels, generator)
        with torch.no_grad():
            action = extractor.estimates(tensors(observation)).proposal.numpy()
        action, own_step = _wander(action, settings, generator)
        own &= own_step | (action[:, 3] <= 0.0)
        spent = 1.0 - observation["budget"][:, 0]
        observation, _, terminated, truncated, info = envs.step(action.clip(-1.0, 1.0).astype(np.float32))
        ended = terminated | truncated
        counted = ended & own
        if counted.any():
            success += FORGETTING * (float(info["is_success"][counted].mean()) - success)
            beam_s += FORGETTING * (float(spent[counted].mean()) * 120.0 - beam_s)
        own |= ended
        teacher.read_surfaces(ended)
        used += n
        yield SearchProgress(used, loss, success, beam_s)


def _learn(
    extractor: SearchExtractor,
    optimiser: torch.optim.Optimizer,
    observation: Observation,
    labels: Float32Array,
    generator: np.random.Generator,
) -> float:
    """Take one gradient step on observations mirrored at random: a surface has no preferred handedness."""
    mirrored, target = _mirror(observation, labels, generator.random() < 0.5, generator.random() < 0.5)
    probed = mirrored["map"].reshape(len(target), MAP_CELLS, MAP_CELLS, MAP_LAYERS)[..., 1] > 0.0
    logits = extractor.logits(mirrored)
    loss = functional.binary_cross_entropy_with_logits(logits, target, weight=1.0 + _PROBED_WEIGHT * probed)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(extractor.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _mirror(
    observation: Observation, labels: Float32Array, across: bool, along: bool
) -> tuple[dict[str, Tensor], Tensor]:
    chart = torch.as_tensor(observation["map"]).reshape(len(labels), MAP_CELLS, MAP_CELLS, MAP_LAYERS)
    position, target = torch.as_tensor(observation["position"]).clone(), torch.as_tensor(labels)
    for flip, axis, column in ((across, 2, 0), (along, 1, 1)):
        if flip:
            chart, target = chart.flip(axis), target.flip(axis)
            position[:, column] *= -1.0
    return {"map": chart.reshape(len(labels), -1), "position": position}, target


def _wander(
    action: NDArray[np.float32], settings: SearchPretrainingConfig, generator: np.random.Generator
) -> tuple[NDArray[np.float32], BoolArray]:
    """Replace some actions by random sites and some by declarations, so that more states are met.

    Returns the actions (n, 4), and (n,) where the declaration is the learner's own.
    """
    n, changed = len(action), action.copy()
    lost = generator.random(n) < settings.wander
    changed[lost, :2] = generator.uniform(-1.0, 1.0, (n, 2))[lost]
    changed[lost, 3] = -1.0
    over = generator.random(n) < settings.abandon
    changed[over, 3] = 1.0
    late = (changed[:, 3] > 0.0) & (generator.random(n) < settings.go_on) & ~over
    changed[late, :2], changed[late, 3] = generator.uniform(-1.0, 1.0, (n, 2))[late], -1.0
    return changed, ~over

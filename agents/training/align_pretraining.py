"""Supervised pretraining of an alignment policy by imitating a controller that knows the true orientation.

This is DAgger (Ross, Gordon & Bagnell, AISTATS 2011) with the newest policy always acting: every step gives fresh
observations, each labelled with the rotations to every equivalent goal. The loss takes the nearest
label, so that the network may choose its branch where two goals are equally far.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from beamgym.agents.beliefs import AlignExtractor, Estimates, ProposalPolicy, spread_orientations
from beamgym.agents.training.config import AlignPretrainingConfig
from beamgym.agents.training.pretraining import FORGETTING, RESUMED_SEEDS, make_optimiser, set_learning_rate, tensors
from beamgym.agents.training.teacher import AlignTeacher
from beamgym.envs.actions import encode_rotation
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.task import Observation
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.orientation import random_orientations

_AMENDABLE = 0.2  # radians: an entry further from the truth is a wrong guess, not one to amend
_CANDIDATES = 20  # random orientations per dictionary entry, from which the entries are chosen
_MISS_DECADES = (-1.5, 1.2)  # common logarithms of the degrees by which the teacher misses


@dataclass(frozen=True)
class AlignProgress:
    """Progress of a pretraining after a step.

    Parameters
    ----------
    samples : observations learnt from so far
    dictionary_loss, amend_loss, gate_loss, declare_loss : weighted as in the sum that is minimised
    success_rate : running share of the episodes that the learner ended itself
    """

    samples: int
    dictionary_loss: float
    amend_loss: float
    gate_loss: float
    declare_loss: float
    success_rate: float


def losses(found: Estimates, entry: Tensor, turns: Tensor, near: Tensor, caution: float) -> Tensor:
    """Return the four losses whose sum the pretraining minimises.

    Parameters
    ----------
    found : the extractor's estimates of b observations
    entry : (b,) the dictionary entry nearest to the truth
    turns : (b, g, 3) rotation vectors to every goal, radians
    near : (b,) 1 where declaring is right
    caution : weight of a wrong declaration against a missed one

    Returns
    -------
    (4,) dictionary (cross entropy), amended rotation (L1 to the goal nearest to the entry, where that is amendable),
    gate (is fine nearer than coarse?) and declaration (both binary cross entropy)
    """
    scores = functional.cross_entropy(found.scores, entry)
    with torch.no_grad():
        guesses = (found.entry, found.coarse, found.fine)
        (entry_miss, nearest), (coarse_miss, _), (fine_miss, _) = (
            (turns - guess[:, None]).norm(dim=-1).min(dim=1) for guess in guesses
        )
        finer = (fine_miss < coarse_miss).float()
        right = (entry_miss < _AMENDABLE).float()
    goal = turns.gather(1, nearest[:, None, None].expand(-1, 1, 3))[:, 0]
    apart = functional.smooth_l1_loss(found.coarse, goal, beta=0.02, reduction="none").sum(-1)
    amend = (apart * right).sum() / (right.sum() + 1.0)
    gate = functional.binary_cross_entropy_with_logits(found.gate, finer)
    weight = torch.where(near > 0.5, 1.0, caution)
    declare = functional.binary_cross_entropy_with_logits(found.declare, near, weight=weight)
    return torch.stack([scores, 5.0 * amend, gate, declare])


def fit_dictionary(extractor: AlignExtractor, envs: InstrumentVectorEnv, samples: int, seed: int) -> None:
    """Choose the dictionary's orientations and set its weights in closed form, from ``samples`` random starts.

    Parameters
    ----------
    extractor : whose dictionary is set
    envs : LaueAlign vector environment; its episodes are begun anew again and again
    samples : patterns drawn
    seed : environment seed of the first one
    """
    teacher, count = AlignTeacher(envs), len(extractor.dictionary.turns)
    candidates = random_orientations(make_keys(seed, np.arange(_CANDIDATES * count), 0, 1))
    entries = teacher.set_entries(spread_orientations(candidates, teacher.rotations, count))
    batches = -(-samples // envs.num_envs)
    seeds = iter(range(seed, seed + batches * envs.num_envs, envs.num_envs))

    def draw() -> tuple[Tensor, NDArray[np.int64]]:
        observation, _ = envs.reset(seed=next(seeds))
        return extractor.gnomonic_maps(torch.as_tensor(observation["spots"]))[:, 1:2], teacher.entry()

    extractor.dictionary.fit(entries, draw, batches)


def pretrain_align(
    policy: ProposalPolicy,
    envs: InstrumentVectorEnv,
    settings: AlignPretrainingConfig,
    seed: int,
    start: int = 0,
    optimiser: torch.optim.Optimizer | None = None,
) -> Iterator[AlignProgress]:
    """Train the extractor's proposal, yielding after each gradient step so that the caller can log, save and stop.

    Parameters
    ----------
    policy : with an AlignExtractor
    envs : LaueAlign vector environment with SAME_STEP autoreset
    settings : hyperparameters
    seed : environment seed of the first episode
    start : samples already used, when a training is resumed
    optimiser : of the extractor's parameters, when a training is resumed

    Raises
    ------
    TypeError : for another extractor or task
    """
    teacher, extractor = AlignTeacher(envs), policy.features_extractor
    if not isinstance(extractor, AlignExtractor):
        raise TypeError(
            f"the warm start trains an AlignExtractor; found {type(extractor).__name__}: set extractor: align"
        )
    teacher.set_turns(extractor.dictionary.turns.double().numpy())
    generator = np.random.default_rng(np.random.SeedSequence([seed, start]))
    optimiser = optimiser or make_optimiser(extractor, settings)
    observation, _ = envs.reset(seed=seed + start % RESUMED_SEEDS)
    used, success = start, 0.0
    while used < settings.samples:
        set_learning_rate(optimiser, settings, used / settings.samples)
        found = extractor.estimates(tensors(observation))
        turns = teacher.turns_deg()
        near = np.linalg.norm(turns, axis=-1).min(axis=1) <= settings.declare_within * teacher.context.tolerance_deg
        labels = torch.as_tensor(np.radians(turns)).float(), torch.as_tensor(near).float()
        parts = losses(found, torch.as_tensor(teacher.entry()), *labels, settings.declare_caution)
        optimiser.zero_grad()
        parts.sum().backward()
        torch.nn.utils.clip_grad_norm_(extractor.parameters(), 1.0)
        optimiser.step()
        proposal = extractor.proposal(found).detach().numpy()
        action = mixed_actions(proposal, turns, settings, teacher.context.max_rotation_deg, generator)
        observation, success = _step(envs, action, action[:, 3] == proposal[:, 3], success)
        used += len(turns)
        scores, amend, gate, declare = parts.tolist()
        yield AlignProgress(used, scores, amend, gate, declare, success)


def mixed_actions(
    proposal: NDArray[np.float32],
    turns: Float64Array,
    settings: AlignPretrainingConfig,
    max_rotation_deg: float,
    generator: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the actions that are carried out: most of them the learner's own, some the teacher's, some giving up.

    Parameters
    ----------
    proposal : (n, 4) the learner's actions
    turns : (n, g, 3) rotation vectors to every goal, degrees
    settings : gives the shares
    max_rotation_deg : of a full action, degrees
    generator : drawn from as often whatever the shares are

    Returns
    -------
    (n, 4); the teacher's miss the goal by 0.03 to 16 degrees and do not declare, giving up declares
    """
    n, action = len(proposal), proposal.copy()
    nearest = turns[np.arange(n), np.linalg.norm(turns, axis=-1).argmin(axis=1)]
    helped = generator.random(n) < settings.help
    miss = generator.normal(size=(n, 3)) * 10 ** generator.uniform(*_MISS_DECADES, size=(n, 1))
    action[helped, :3] = encode_rotation(nearest + miss, max_rotation_deg)[helped]
    action[helped, 3] = -1.0
    action[generator.random(n) < settings.abandon, 3] = 1.0
    return action


def _step(
    envs: InstrumentVectorEnv, action: NDArray[np.float32], own: BoolArray, success: float
) -> tuple[Observation, float]:
    observation, _, terminated, truncated, info = envs.step(action.clip(-1, 1))
    ended = (terminated & own) | truncated
    if ended.any():
        success += FORGETTING * (float(info["is_success"][ended].mean()) - success)
    return observation, success

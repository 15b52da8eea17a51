"""Supervised warm start: imitate the controller that knows the true pose, on the states the learner itself visits.

This is DAgger (Ross, Gordon & Bagnell, AISTATS 2011) with the newest policy always acting: every step gives fresh
observations, each labelled with the rotations that would bring any equivalent goal home. The loss takes the nearest label,
so that the network may choose its branch where two goals are equally far.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from beamgym.agents.dictionary import nearest_entry, spread_orientations
from beamgym.agents.extractors import AlignExtractor, Estimates
from beamgym.agents.proposal_policy import ProposalPolicy
from beamgym.envs.actions import encode_rotation
from beamgym.envs.laue_align import LaueAlignTask
from beamgym.envs.task import Observation
from beamgym.envs.vector_env import InstrumentVectorEnv
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import Float64Array
from beamgym.physics.orientation import random_orientations, rotation_matrix, rotation_vector_deg


_AMENDABLE = 0.2  # radians: an entry further from the truth is a wrong guess, not one to amend


@dataclass(frozen=True)
class WarmStart:
    """Hyperparameters of the warm start.

    Parameters
    ----------
    dictionary_samples : random starts for the closed-form dictionary
    samples : observations to learn from, each used once
    learning_rate, final_learning_rate : of Adam, cosine decay between them
    declare_within : share of the tolerance within which declaring is taught
    declare_caution : weight of "do not declare" samples against "declare"
    help : share of moves that the teacher makes, missing the goal by 0.03 to 16 degrees, so that every distance is seen
    abandon : share of steps at which an episode is given up for a new start
    """

    dictionary_samples: int = 300_000
    samples: int = 1_000_000
    learning_rate: float = 1e-3
    final_learning_rate: float = 3e-5
    declare_within: float = 0.75
    declare_caution: float = 2.0
    help: float = 0.15
    abandon: float = 0.1


@dataclass(frozen=True)
class WarmStartProgress:
    """Where a warm start stands after a step."""

    samples: int
    dictionary_loss: float
    amend_loss: float
    gate_loss: float
    declare_loss: float
    success_rate: float


class Teacher:
    """Knows the rotations that bring each equivalent, reachable goal home, and the dictionary entry of the truth."""

    def __init__(self, envs: InstrumentVectorEnv) -> None:
        task = envs.loop.task
        if not isinstance(task, LaueAlignTask):
            raise TypeError(
                f"the warm start knows the LaueAlign task; found {type(task).__name__}: train without warm_start"
            )
        if task.context.target.kind != "pose" or task.context.action != "rotation":
            raise ValueError(
                "the warm start needs target kind 'pose' and action 'rotation'; train others without warm_start"
            )
        self._loop, self.context, self.rotations = envs.loop, task.context, task.context.crystal.rotations
        self._goals = np.asarray(task.context.target.orientations)
        self._entries = np.zeros((0, 3, 3))

    def set_entries(self, orientations: Float64Array) -> Float64Array:
        """Take the dictionary's orientations (k, 3, 3); return the rotation vectors (k, 3) to the nearest goal, radians."""
        turns = rotation_vector_deg(self._goals[None] @ np.swapaxes(orientations, -1, -2)[:, None])
        nearest = np.linalg.norm(turns, axis=-1).argmin(axis=1)
        return self.set_turns(np.radians(turns[np.arange(len(turns)), nearest]))

    def set_turns(self, turns: Float64Array) -> Float64Array:
        """Take the dictionary's rotation vectors (k, 3) to the goal, radians, and return them."""
        self._entries = np.swapaxes(rotation_matrix(np.degrees(turns)), -1, -2) @ self._goals[0]
        return turns

    def entry(self) -> NDArray[np.int64]:
        """Return (n,) the dictionary entry nearest to the true orientation."""
        return nearest_entry(self._orientation(), self._entries, self.rotations)

    def turns_deg(self) -> Float64Array:
        """Return (n, g, 3) rotation vectors to every goal, 1e4 degrees long where it is out of reach."""
        turns = rotation_vector_deg(self._goals[None] @ np.swapaxes(self._orientation(), -1, -2)[:, None])
        turns[~self._loop.state.goals] = 1e4  # type: ignore[union-attr]
        return turns

    def _orientation(self) -> Float64Array:
        truth: Float64Array = self._loop.instrument.truth()["orientation"]  # type: ignore[attr-defined]
        return truth


def tensors(observation: Observation) -> dict[str, Tensor]:
    """Turn a batch of observations into torch tensors."""
    return {name: torch.as_tensor(values) for name, values in observation.items()}


def losses(found: Estimates, entry: Tensor, turns: Tensor, near: Tensor, caution: float) -> Tensor:
    """Return four losses: dictionary (cross entropy), amended rotation (nearest goal, L1), gate and declaration.

    Parameters
    ----------
    found : the extractor's estimates of b observations
    entry : (b,) the dictionary entry nearest to the truth
    turns : (b, g, 3) rotation vectors to every goal, radians
    near : (b,) 1 where declaring is right
    caution : weight of a wrong declaration
    """
    scores = functional.cross_entropy(found.scores, entry)
    with torch.no_grad():
        miss = [
            (turns - guess[:, None]).norm(dim=-1).min(dim=1).values for guess in (found.entry, found.coarse, found.fine)
        ]
        finer = (miss[2] < miss[1]).float()
        right = (miss[0] < _AMENDABLE).float()
    apart = functional.smooth_l1_loss(found.coarse[:, None].expand_as(turns), turns, beta=0.02, reduction="none").sum(
        -1
    )
    amend = (apart.min(dim=1).values * right).sum() / (right.sum() + 1.0)
    gate = functional.binary_cross_entropy_with_logits(found.gate, finer)
    weight = torch.where(near > 0.5, 1.0, caution)
    declare = functional.binary_cross_entropy_with_logits(found.declare, near, weight=weight)
    return torch.stack([0.3 * scores, 5.0 * amend, gate, declare])


def fit_dictionary(extractor: AlignExtractor, envs: InstrumentVectorEnv, samples: int, seed: int) -> None:
    """Choose the dictionary's orientations and set its weights in closed form, from ``samples`` random starts.

    Parameters
    ----------
    extractor : whose dictionary is set
    envs : LaueAlign vector environment; its episodes are begun anew again and again
    samples : patterns drawn
    seed : environment seed of the first one
    """
    teacher = Teacher(envs)
    candidates = random_orientations(make_keys(seed, np.arange(20 * len(extractor.dictionary.turns)), 0, 1))
    entries = teacher.set_entries(spread_orientations(candidates, teacher.rotations, len(extractor.dictionary.turns)))
    batches = -(-samples // envs.num_envs)
    seeds = iter(range(seed, seed + batches * envs.num_envs, envs.num_envs))

    def draw() -> tuple[Tensor, NDArray[np.int64]]:
        observation, _ = envs.reset(seed=next(seeds))
        return extractor.spot_maps(torch.as_tensor(observation["spots"]))[:, 1:2], teacher.entry()

    extractor.dictionary.fit(entries, draw, batches)


def warm_start(
    policy: ProposalPolicy,
    envs: InstrumentVectorEnv,
    settings: WarmStart,
    seed: int,
    start: int = 0,
    optimiser: torch.optim.Optimizer | None = None,
) -> Iterator[WarmStartProgress]:
    """Train the extractor's proposal, yielding after each gradient step so that the caller can log, save and stop.

    Parameters
    ----------
    policy : with an AlignExtractor
    envs : LaueAlign vector environment with SAME_STEP autoreset
    settings : hyperparameters
    seed : environment seed of the first episode
    start : samples already used, when a training is resumed
    optimiser : of the extractor's parameters, when a training is resumed
    """
    teacher, extractor = Teacher(envs), policy.features_extractor
    if not isinstance(extractor, AlignExtractor):
        raise TypeError(
            f"the warm start trains an AlignExtractor; found {type(extractor).__name__}: set extractor: align"
        )
    teacher.set_turns(extractor.dictionary.turns.double().numpy())
    generator = np.random.default_rng(np.random.SeedSequence([seed, start]))
    optimiser = optimiser or make_optimiser(extractor, settings)
    observation, _ = envs.reset(seed=seed + start)
    used, success = start, 0.0
    while used < settings.samples:
        for group in optimiser.param_groups:
            group["lr"] = _cosine(settings, used / settings.samples)
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
        observation, success = _act(envs, proposal, turns, settings, generator, success)
        used += len(turns)
        yield WarmStartProgress(used, *(float(part) for part in parts.detach()), success)


def make_optimiser(extractor: AlignExtractor, settings: WarmStart) -> torch.optim.Optimizer:
    """Return Adam on the extractor's parameters."""
    return torch.optim.Adam(extractor.parameters(), lr=settings.learning_rate)


def _act(
    envs: InstrumentVectorEnv,
    proposal: NDArray[np.float32],
    turns: Float64Array,
    settings: WarmStart,
    generator: np.random.Generator,
    success: float,
) -> tuple[Observation, float]:
    n, context = len(proposal), envs.loop.task.context
    action = proposal.copy()
    nearest = turns[np.arange(n), np.linalg.norm(turns, axis=-1).argmin(axis=1)]
    helped = generator.random(n) < settings.help
    miss = generator.normal(size=(n, 3)) * 10 ** generator.uniform(-1.5, 1.2, size=(n, 1))
    action[helped, :3] = encode_rotation(nearest + miss, context.max_rotation_deg)[helped]
    action[helped, 3] = -1.0
    action[generator.random(n) < settings.abandon, 3] = 1.0
    own = action[:, 3] == proposal[:, 3]
    observation, _, terminated, truncated, info = envs.step(action.clip(-1, 1))
    ended = (terminated & own) | truncated
    if ended.any():
        success = 0.98 * success + 0.02 * float(info["is_success"][ended].mean())
    return observation, success


def _cosine(settings: WarmStart, share: float) -> float:
    span = settings.learning_rate - settings.final_learning_rate
    return settings.final_learning_rate + 0.5 * span * (1.0 + float(np.cos(np.pi * min(share, 1.0))))

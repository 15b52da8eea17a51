"""Where the CPU time of a training goes: into the simulation, into acting, into learning."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from beamgym.agents.beliefs import ProposalPolicy
from beamgym.agents.training.align_pretraining import pretrain_align
from beamgym.agents.training.config import TrainingConfig
from beamgym.agents.training.sb3_model import make_model, training_envs
from beamgym.agents.training.search_pretraining import pretrain_search


@dataclass(frozen=True)
class PhaseShares:
    """One phase of a training.

    Parameters
    ----------
    phase : "warm start", "search start" or "PPO"
    steps_per_s : environment steps per second of CPU time
    simulation : share of the CPU time in the environments' ``step`` and ``reset``
    learning : share in gradient steps; of a pretraining, which learns from each step's own forward pass, all the rest
    """

    phase: str
    steps_per_s: float
    simulation: float
    learning: float

    @property
    def acting(self) -> float:
        """Share of the rest: the policy's forward pass on the way to an action, and what is kept of a rollout."""
        return max(0.0, 1.0 - self.simulation - self.learning)


class Clock:
    """Adds up the CPU time of named calls."""

    def __init__(self) -> None:
        self.spent = {"simulation": 0.0, "learning": 0.0}

    def timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call whose CPU time is added under a name."""

        def called(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.spent[name] += time.process_time() - begun

        return called


def training_shares(env_id: str, config: TrainingConfig, seconds: float, seed: int = 0) -> list[PhaseShares]:
    """Measure the phases of a training as its configuration has them, for so many CPU seconds each at least.

    Parameters
    ----------
    env_id : a registered environment
    config : its hyperparameters
    seconds : of each phase; its first steps, in which kernels are compiled and surfaces drawn, do not count. A
        pretraining must have samples for so long
    seed : of episodes, network and exploration
    """
    torch.set_num_threads(config.torch_threads)
    envs = training_envs(env_id, config.model_copy(update={"threads": 1}))
    model = make_model(config, envs, seed)
    phases = []
    policy: Any = model.policy
    if config.warm_start is not None:
        phases.append(_pretraining("warm start", pretrain_align(policy, envs, config.warm_start, seed), envs, seconds))
    if config.search_start is not None:
        steps = pretrain_search(policy.features_extractor, envs, config.search_start, seed)
        phases.append(_pretraining("search start", steps, envs, seconds))
    if config.n_timesteps > 0:
        phases.append(_ppo(model, envs, config, seconds))
    return phases


def _pretraining(phase: str, steps: Iterator[Any], envs: Any, seconds: float) -> PhaseShares:
    first = [next(steps) for _ in range(2)][-1]
    with _watched(envs) as clock:
        begun = time.process_time()
        last = next(steps)
        while time.process_time() - begun < seconds:
            last = next(steps)
        spent = time.process_time() - begun
    share = clock.spent["simulation"] / spent
    return PhaseShares(phase, (last.samples - first.samples) / spent, share, 1.0 - share)


def _ppo(model: Any, envs: Any, config: TrainingConfig, seconds: float) -> PhaseShares:
    rollout = config.n_envs * config.n_steps
    _tuned(model.policy, config)
    model.learn(rollout)
    with _watched(envs) as clock:
        model.train = clock.timed("learning", model.train)
        begun, done = time.process_time(), 0
        while time.process_time() - begun < seconds:
            model.learn(rollout, reset_num_timesteps=False)
            done += rollout
        spent = time.process_time() - begun
    shares = (clock.spent[name] / spent for name in ("simulation", "learning"))
    return PhaseShares("PPO", done / spent, *shares)


def _tuned(policy: Any, config: TrainingConfig) -> None:
    """Leave those parameters of an actor as they are that the configuration does not let PPO change."""
    if isinstance(policy, ProposalPolicy) and config.tune == "decisions":
        chosen = {*map(id, policy.decision_parameters())}
        for parameter in policy.actor_parameters():
            parameter.requires_grad_(id(parameter) in chosen)


@contextmanager
def _watched(envs: Any) -> Iterator[Clock]:
    """Time the environments' own steps and resets."""
    clock = Clock()
    envs.step, envs.reset = clock.timed("simulation", envs.step), clock.timed("simulation", envs.reset)
    try:
        yield clock
    finally:
        del envs.step, envs.reset

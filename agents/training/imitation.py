"""Learns from recorded episodes: the actor's mean is drawn to the actions that were taken (behaviour cloning).

Pomerleau, Neural Computation 3, 1991, 88. The loss is the mean squared difference of actions, so that it does not
depend on how wide a policy explores; of choices, the cross entropy.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3 import PPO

from beamgym.agents.training.config import RecordedConfig
from beamgym.agents.training.pretraining import tensors
from beamgym.envs.bundles import named_spaces
from beamgym.envs.episodes import Episode, episode_files, read_episodes
from beamgym.envs.task import Observation


@dataclass(frozen=True)
class Decisions:
    """What was seen and what was then done, of m steps of several episodes.

    Parameters
    ----------
    observations : (m, ...) by name
    actions : (m, a), or (m,) choices
    episodes : how many they are of
    """

    observations: Observation
    actions: NDArray[Any]
    episodes: int


def read_decisions(
    settings: RecordedConfig, env_id: str, observation: spaces.Space[Any], action: spaces.Space[Any]
) -> Decisions:
    """Return the decisions of recorded runs.

    Parameters
    ----------
    settings : which runs
    env_id, observation, action : the environment to learn in, and its spaces

    Raises
    ------
    ValueError : in one line, for runs of another environment, or none that is a success
    """
    files = episode_files(settings.runs)
    read = [(str(file), episode) for file in files for episode in read_episodes(file)]
    for where, episode in read:
        _check_fits(where, episode, env_id, observation, action)
    chosen = [one for _, one in read if one.steps and (one.success or not settings.successes_only)]
    if not chosen:
        wanted = " that is a success by what could be seen" if settings.successes_only else " with an action"
        raise ValueError(f"recorded: none of the {len(read)} episodes in {', '.join(settings.runs)} is one{wanted}")
    seen = {name: np.concatenate([one.observations[name][:-1] for one in chosen]) for name in named_spaces(observation)}
    return Decisions(seen, np.concatenate([one.actions for one in chosen]), len(chosen))


def imitate(
    model: PPO, decisions: Decisions, settings: RecordedConfig, seed: int, begun: Mapping[str, Any] | None = None
) -> Iterator[tuple[float, torch.optim.Optimizer]]:
    """Train a model's actor on decisions, and yield the mean loss of each pass over them, and the optimiser.

    Parameters
    ----------
    model : whose policy learns; the critic is left alone
    decisions : to imitate
    settings : how
    seed : of the order in which they are seen
    begun : of a training that is resumed: how many "epochs" are over, and the state of the "optimiser" then
    """
    policy: Any = model.policy
    epochs = int(begun["epochs"]) if begun else 0
    chooser = np.random.default_rng([seed, epochs] if epochs else seed)
    optimiser = torch.optim.Adam(policy.parameters(), lr=settings.learning_rate)
    if begun:
        optimiser.load_state_dict(begun["optimiser"])
    number = len(decisions.actions)
    policy.set_training_mode(True)
    for _ in range(epochs, settings.epochs):
        order, total = chooser.permutation(number), 0.0
        for first in range(0, number, settings.batch_size):
            rows = order[first : first + settings.batch_size]
            parts = tensors({name: values[rows] for name, values in decisions.observations.items()})
            seen = parts if isinstance(model.observation_space, spaces.Dict) else parts["observation"]
            loss = _loss(policy, seen, torch.as_tensor(decisions.actions[rows]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(rows)
        yield total / number, optimiser
    policy.set_training_mode(False)


def _loss(policy: Any, seen: Any, actions: torch.Tensor) -> torch.Tensor:
    """Return the mean squared difference to actions (m, a), or how improbable choices (m,) are, as cross entropy."""
    distribution = policy.get_distribution(seen)
    if actions.dtype == torch.float32:
        return (distribution.distribution.mean - actions).square().mean()
    likelihood: torch.Tensor = distribution.log_prob(actions)
    return -likelihood.mean()


def _check_fits(
    where: str, episode: Episode, env_id: str, observation: spaces.Space[Any], action: spaces.Space[Any]
) -> None:
    found = episode.about.get("env_id")
    if found != env_id:
        raise ValueError(f"recorded: {where} is of {found}, not of {env_id}")
    shapes = {name: (space.shape, space.dtype) for name, space in named_spaces(observation).items()}
    recorded = {name: (values.shape[1:], values.dtype) for name, values in episode.observations.items()}
    differs = sorted(name for name in {*shapes, *recorded} if shapes.get(name) != recorded.get(name))
    choices = isinstance(action, spaces.Box) == (episode.actions.dtype.kind in "iu")
    if differs or choices or episode.actions.shape[1:] != action.shape:
        what = f"observations {', '.join(differs)}" if differs else "actions"
        raise ValueError(f"recorded: the {what} of {where} are not those of this environment; compare env_kwargs")

"""What `beamgym benchmark --logdir` writes for TensorBoard: success, costs, curves, hyperparameters and two films."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from beamgym.agents.evaluation import Budget, PolicyResult, amounts, episode_pictures, first_seed, success_by
from beamgym.agents.training import gif_summary
from beamgym.envs.policy import Policy

_COSTS = ("exposures", "motor_s", "instrument_s")


def write_board(
    logdir: Path,
    game: Mapping[str, Any],
    results: Sequence[PolicyResult],
    budget: Budget,
    policies: Mapping[str, Policy],
    console: Console,
) -> None:
    """Write one TensorBoard run per policy.

    Parameters
    ----------
    logdir : a folder per policy is made in it
    game : "env", "level", "seed", "episodes" and the environment's "options"
    results : of the policies
    budget : what curves are drawn against; none are where it has no limit
    policies : by the names of the results; those that are not in it have no films
    console : is told of episodes that could not be played again
    """
    from torch.utils.tensorboard import SummaryWriter

    for result in results:
        with SummaryWriter(str(logdir / re.sub(r"[^\w .()+-]", "-", result.name))) as writer:
            group = f"benchmark/{game['env']}/{game['level']}"
            _write_figures(writer, group, result)
            _write_curve(writer, group, result, budget)
            _write_hyperparameters(writer, group, game, result)
            if result.name in policies:
                _write_animations(writer, group, game, result, policies[result.name], console)


def telling_episodes(result: PolicyResult) -> dict[str, int]:
    """Return which episode is the "median" and which the "worst" one.

    Successes come before failures; among equals those that spent less, and then those that end nearer to the goal.
    """
    episodes = result.episodes
    short = episodes.shortfall if len(episodes.shortfall) else np.zeros(len(episodes.success))
    away = np.nan_to_num(episodes.misorientation_deg) + np.nan_to_num(short)
    order = np.lexsort((away, getattr(episodes, result.metric_set.spent), ~episodes.success))
    return {"median": int(order[len(order) // 2]), "worst": int(order[-1])}


def _write_figures(writer: Any, group: str, result: PolicyResult) -> None:
    for name, value in result.as_dict().items():
        if isinstance(value, float):
            writer.add_scalar(f"{group}/{name}", value, 0)
    low, high = result.success_ci95
    writer.add_scalar(f"{group}/success_low", low, 0)
    writer.add_scalar(f"{group}/success_high", high, 0)
    for name in _COSTS:
        writer.add_histogram(f"{group}/cost/{name}", getattr(result.episodes, name), 0)


def _write_curve(writer: Any, group: str, result: PolicyResult, budget: Budget) -> None:
    """Write the share of episodes that had ended in success by so many exposures, or seconds of beam time, as steps."""
    if not np.isfinite(budget.amount):
        return
    spent = amounts(budget)
    for at, share in zip(spent, success_by(result, spent), strict=True):
        writer.add_scalar(f"{group}/success_by_{budget.metric_set.spent}", share, round(float(at)))


def _write_hyperparameters(writer: Any, group: str, game: Mapping[str, Any], result: PolicyResult) -> None:
    from torch.utils.tensorboard.summary import hparams

    low, high = result.success_ci95
    options = {name: str(value) for name, value in game["options"].items()}
    chosen = {**{name: game[name] for name in ("env", "level", "seed", "episodes")}, "policy": result.name, **options}
    figures = {f"{group}/success_rate": result.success_rate, f"{group}/success_low": low, f"{group}/success_high": high}
    for summary in hparams(chosen, figures):
        writer.file_writer.add_summary(summary)


def _write_animations(
    writer: Any, group: str, game: Mapping[str, Any], result: PolicyResult, policy: Policy, console: Console
) -> None:
    """Play the median and the worst episode once more, and write their pictures."""
    first = first_seed("benchmark", game["seed"])
    for which, episode in telling_episodes(result).items():
        try:
            options = {**game["options"], "level": game["level"]}
            pictures = episode_pictures(policy, game["env"], first + episode, options)
        except ValueError as error:
            console.print(
                f"{result.name}: no film of its {which} episode: {error}", style="dim", highlight=False, markup=False
            )
            continue
        writer.file_writer.add_summary(gif_summary(f"{group}/{which}_episode", pictures), 0)
        writer.add_text(f"{group}/{which}_episode", f"episode {episode}, environment seed {first + episode}", 0)

"""Single episodes with pictures, as `beamgym demo` plays them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.evaluation.evaluator import (
    Episodes,
    PolicyResult,
    budget_of,
    context_of,
    summarise,
)
from beamgym.agents.policies import Recommended, recommended_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy, start_episodes

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Played:
    """One episode of the demonstration.

    Parameters
    ----------
    crystal, policy : by name
    seed : environment seed
    start_deg, final_deg : true misorientation to the nearest goal in reach, degrees
    exposures : the first included
    motor_s, instrument_s : of the motors, and with exposures and read-out
    success, ended : declared within the tolerance; declared at all
    """

    crystal: str
    policy: str
    seed: int
    start_deg: float
    final_deg: float
    exposures: int
    motor_s: float
    instrument_s: float
    success: bool
    ended: bool


def covering_policy(env: InstrumentVectorEnv, env_id: str) -> tuple[Policy, Recommended]:
    """Return the best measured policy that plays this environment, and the reason."""
    context = context_of(env)
    return recommended_policy(env_id, context, sample_of(context))


def play(env: InstrumentVectorEnv, policy: Policy, seed: int, show: Callable[[Picture], None] | None = None) -> Played:
    """Play one episode to its end.

    Parameters
    ----------
    env : one LaueAlign environment in its vector form, without autoreset
    policy : not an oracle
    seed : environment seed
    show : takes each picture, the first of ``reset`` included

    Returns
    -------
    What became of it
    """
    observation, info = env.reset(seed=[seed])
    memory = start_episodes(policy, context_of(env), [seed])
    spent = {name: float(info["cost"][name][0]) for name in ("exposures", "motor_s", "instrument_s")}
    start = final = error_to_goal_deg(env)
    success = declared = over = False
    _show(env, show)
    while not over:
        action, memory = policy.act(observation, memory)
        observation, _, terminated, truncated, info = env.step(action)
        for name in spent:
            spent[name] += float(info["cost"][name][0])
        final, success = float(info["misorientation_deg"][0]), bool(info["is_success"][0])
        declared, over = bool(terminated[0]), bool(terminated[0] or truncated[0])
        _show(env, show)
    return Played(
        crystal=context_of(env).crystal.name,
        policy=policy.name,
        seed=seed,
        start_deg=start,
        final_deg=final,
        exposures=int(spent["exposures"]),
        motor_s=spent["motor_s"],
        instrument_s=spent["instrument_s"],
        success=success,
        ended=declared,
    )


def error_to_goal_deg(env: InstrumentVectorEnv) -> float:
    """Return the true angle to the nearest reachable goal, degrees."""
    world: Any = env.loop.instrument
    state: Any = env.loop.state
    error = context_of(env).target.error_deg(world.truth()["orientation"], state.goals)
    return float(error[0])


def policy_result(episodes: list[Played], policy: Policy, env: InstrumentVectorEnv) -> PolicyResult:
    """Return the metrics of episodes as `beamgym benchmark` computes them."""
    columns = {
        name: np.array([getattr(episode, source) for episode in episodes])
        for name, source in (
            ("success", "success"),
            ("exposures", "exposures"),
            ("motor_s", "motor_s"),
            ("instrument_s", "instrument_s"),
            ("misorientation_deg", "final_deg"),
            ("ended", "ended"),
        )
    }
    return summarise(policy, Episodes(**columns), budget_of(env))


def _show(env: InstrumentVectorEnv, show: Callable[[Picture], None] | None) -> None:
    pictures = env.render() if show is not None else None
    if show is not None and pictures is not None:
        show(pictures[0])

"""check_policy: whatever decides, decides every row for itself, by what is observed and what it remembers."""

from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.checks.contents import changed, contents, rows_of
from beamgym.envs.checks.failure import answer, demand, demand_array, demand_names
from beamgym.envs.loop import EpisodeLoop, InstrumentVectorEnv
from beamgym.envs.policy import CannotPlay, DrawingPolicy, Policy, PolicyState, start_episodes
from beamgym.envs.task import Observation, Truth
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import FrameFailed, MoveFailed

CLOSE = 1e-5
"""How far an action may differ between two batches: matrix products of networks are not the same to the last bit."""
ACT = "act(observation, state, truth=None)"
"""The call as messages name it: who writes one has to take all three."""


def check_policy(policy: Policy, env_id: str, n: int = 3, steps: int = 4, seed: int = 0, **options: Any) -> None:
    """Check that something keeps the contract of a Policy, by letting it play an environment.

    Parameters
    ----------
    policy : what decides
    env_id : a registered environment, such as "beamgym/LaueAlign-v0"
    n, steps, seed : how many episodes are played together, for how many steps, and from which seed
    options : of the environment

    Raises
    ------
    CheckFailed : names the call, what came back, and what to return instead
    CannotPlay : the policy says that it is not made for this environment, which is an honest answer
    """
    demand_names(policy, ("name", "oracle", "start", "act"), "envs.policy.Policy")
    name, oracle = policy.name, policy.oracle
    demand(isinstance(name, str) and name, "name", f"is {name!r}", "give the name that tables are to show")
    demand(isinstance(oracle, bool), "oracle", f"is {oracle!r}", "say True where it must be handed the truth, or False")
    env = gym.make_vec(env_id, num_envs=n, vectorization_mode="vector_entry_point", **options)
    try:
        vector: Any = env.unwrapped
        loop = vector.loop
        played = _play(policy, vector, steps, seed)
        seeds = range(seed, seed + n)
        _check_again(policy, loop, played, seeds)
        _check_alone(policy, loop, played, seeds)
    finally:
        env.close()


@dataclass(frozen=True)
class _Step:
    """One decision: which rows (m,) took it, what they saw, the truth for an oracle, and their actions (m, ...)."""

    rows: NDArray[np.int64]
    observation: Observation
    truth: Truth | None
    actions: NDArray[Any]


def _play(policy: Policy, env: InstrumentVectorEnv, steps: int, seed: int) -> list[_Step]:
    """Play as the benchmark does: rows whose episode has ended are left out."""
    loop, n = env.loop, env.num_envs
    active = np.ones(n, dtype=np.bool_)
    loop.reset(make_keys(seed + np.arange(n)), active)
    seeds = range(seed, seed + n)
    memory, played = _started(policy, loop, seeds), []
    for _ in range(steps):
        rows = np.flatnonzero(active)
        seen = rows_of(env.parts_shown(loop.observation()), rows)
        world: Any = loop.instrument
        truth = rows_of(world.truth(), rows) if policy.oracle else None
        kept = contents(seen)
        actions, after = _acted(policy, loop, seen, [memory[row] for row in rows], truth)
        at = changed(kept, contents(seen))
        demand(not at, ACT, f"changed observation[{at!r}]", "work on a copy")
        for row, entry in zip(rows, after, strict=True):
            memory[row] = entry
        played.append(_Step(rows, seen, truth, actions))
        everywhere = np.zeros((n, *actions.shape[1:]), dtype=actions.dtype)
        everywhere[rows] = actions
        verdict = loop.step(everywhere, active).verdict
        active = active & ~(verdict.terminated | verdict.truncated)
        if not active.any():
            break
    return played


def _started(policy: Policy, loop: EpisodeLoop[Any], seeds: range) -> list[Any]:
    n = len(seeds)
    call = f"start_from(context, {n} seeds)" if isinstance(policy, DrawingPolicy) else f"start(context, {n})"
    context = getattr(loop.task, "context", loop.instrument.context)
    remedy = "return one entry of memory for each of the n episodes, None where there is nothing to remember"
    memory = answer(call, lambda: start_episodes(policy, context, seeds), remedy, (CannotPlay,))
    good = hasattr(memory, "__len__") and len(memory) == n
    demand(good, call, f"returned {_described(memory)}", remedy)
    return list(memory)


def _acted(
    policy: Policy, loop: EpisodeLoop[Any], seen: Observation, memory: PolicyState, truth: Truth | None
) -> tuple[NDArray[Any], PolicyState]:
    call, m = ACT, len(memory)
    remedy = f"return the actions (n, a) and the memory after them; the observation has {', '.join(seen)}"
    allowed = (CannotPlay, FrameFailed, MoveFailed)
    answered = answer(call, lambda: policy.act(seen, memory, truth), remedy, allowed)
    pair = isinstance(answered, tuple) and len(answered) == 2
    demand(pair, call, f"returned {_described(answered)}", remedy)
    actions, after = answered
    box: Any = loop.task.action_space
    good = hasattr(after, "__len__") and len(after) == m
    demand(good, call, f"returned memory of {_described(after)} for {m} rows", "return one entry for each row")
    choices = isinstance(box, spaces.Discrete)
    demand_array(f"{call}: actions", actions, (m, *box.shape), "iu" if choices else "f")
    if choices:
        chosen = bool(((actions >= box.start) & (actions < box.start + box.n)).all())
        ends = f"return whole numbers from {box.start} to {box.start + box.n - 1}"
        demand(chosen, f"{call}: actions", f"are {actions.tolist()}", ends)
        return actions, after
    demand(actions.dtype == np.float32, f"{call}: actions", f"are {actions.dtype}", "return float32")
    inside = bool((np.isfinite(actions) & (actions >= box.low) & (actions <= box.high)).all())
    ends = f"{box.low.min():g} to {box.high.max():g}"
    found = f"run from {actions.min():.4g} to {actions.max():.4g}"
    demand(inside, f"{call}: actions", found, f"stay within the action space, {ends}")
    return actions, after


def _check_again(policy: Policy, loop: EpisodeLoop[Any], played: list[_Step], seeds: range) -> None:
    """Play the same episodes once more from the start: what was before must not be felt."""
    memory = _started(policy, loop, seeds)
    for step in played:
        actions, after = _acted(policy, loop, step.observation, [memory[row] for row in step.rows], step.truth)
        for row, entry in zip(step.rows, after, strict=True):
            memory[row] = entry
        same = np.allclose(actions, step.actions, rtol=CLOSE, atol=CLOSE)
        remedy = "remember in the state alone, and draw random numbers from what start() put there or from what is seen"
        demand(same, ACT, "decides otherwise when the same episodes are played again", remedy)


def _check_alone(policy: Policy, loop: EpisodeLoop[Any], played: list[_Step], seeds: range) -> None:
    """Play every row alone: the others must not be felt."""
    for row in range(loop.instrument.n):
        memory = _started(policy, loop, seeds[row : row + 1])
        for step in played:
            (place,) = np.flatnonzero(step.rows == row)[:1].tolist() or (None,)
            if place is None:
                break
            one = slice(place, place + 1)
            truth = None if step.truth is None else rows_of(step.truth, one)
            actions, memory = _acted(policy, loop, rows_of(step.observation, one), memory, truth)
            same = np.allclose(actions[0], step.actions[place], rtol=CLOSE, atol=CLOSE)
            found = f"row {row} alone gives {actions[0].tolist()}, among others {step.actions[place].tolist()}"
            demand(same, ACT, found, "decide every row by itself, from its own memory")


def _described(value: Any) -> str:
    return f"{len(value)} entries" if hasattr(value, "__len__") else f"a {type(value).__name__}"

"""Episodes of any policy as data to learn from: what it saw, what it did, what that was worth."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

import beamgym
from beamgym.agents.evaluation.evaluator import (
    BATCH,
    acted,
    check_decides,
    make_vector_env,
    played_together,
)
from beamgym.agents.evaluation.seeds import first_seed
from beamgym.envs.episodes import Episode
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import Policy, start_episodes
from beamgym.envs.task import Observation

_COSTS = ("exposures", "motor_s", "exposure_s", "instrument_s", "dose")


def record_episodes(
    policy: Policy,
    env_id: str,
    episodes: int,
    seed: int,
    level: str = "real",
    env_kwargs: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Episode]:
    """Play on seeds of training and yield each episode, in the order of the seeds.

    Parameters
    ----------
    policy : any; an oracle is handed the truth, which the episodes do not hold
    env_id : a registered environment with a native vector form
    episodes : how many; episode i runs on environment seed ``first_seed("training", seed) + i``
    seed, level, env_kwargs : the user's number, difficulty, further arguments of the environment
    progress : called with the number of episodes that have just ended

    Raises
    ------
    ValueError : fewer than one episode
    CannotPlay : a policy that is not made for this environment
    """
    env = make_vector_env(env_id, min(episodes, BATCH), level, env_kwargs)
    start = first_seed("training", seed)
    seeds = range(start, start + episodes)
    try:
        check_decides(policy, env, start)
        for first in range(0, episodes, env.num_envs):
            chosen = seeds[first : first + env.num_envs]
            rows = _Rows(policy, env, env_id, chosen)
            rows.play(progress)
            yield from rows.episodes()
    finally:
        env.close()


class _Rows:
    """One episode on each of some seeds, side by side, with everything that is seen and done."""

    def __init__(self, policy: Policy, env: InstrumentVectorEnv, env_id: str, seeds: range) -> None:
        self.policy, self.env, self.env_id, self.seeds = policy, env, env_id, seeds
        self.seen: list[Observation] = []
        self.done: list[dict[str, NDArray[Any]]] = []

    def play(self, progress: Callable[[int], None] | None) -> None:
        """Play all of them to their ends."""
        env, loop, n, m = self.env, self.env.loop, self.env.num_envs, len(self.seeds)
        padded = [self.seeds[i] if i < m else self.seeds[0] for i in range(n)]
        env.reset(seed=padded)
        self.seen, self.first = [env.parts_shown(loop.observation())], loop.costs()
        for rows in played_together(env):
            begun = start_episodes(self.policy, env.contexts[rows[0]], [padded[row] for row in rows])
            memory = dict(zip(rows.tolist(), begun, strict=True))
            active = np.isin(np.arange(n), rows) & (np.arange(n) < m)
            while active.any():
                actions = self._within(acted(self.policy, env, self.seen[-1], memory, active))
                step = loop.step(actions, active)
                verdict = step.verdict
                over = active & (verdict.terminated | verdict.truncated)
                columns = {"reward": verdict.reward, "success": verdict.is_success, "limited": step.limited}
                ends = {"terminated": verdict.terminated, "truncated": verdict.truncated}
                costs = {f"cost_{name}": step.costs[name] for name in _COSTS if name in step.costs}
                self.done.append({"action": actions, "active": active.copy(), **columns, **ends, **costs})
                self.seen.append(env.parts_shown(step.observation))
                active &= ~over
                if progress is not None and over.any():
                    progress(int(over.sum()))

    def episodes(self) -> Iterator[Episode]:
        """Yield the episodes."""
        for i, seed in enumerate(self.seeds):
            steps = [k for k, one in enumerate(self.done) if one["active"][i]]
            at = [steps[0], *(k + 1 for k in steps)] if steps else [0]
            columns = {name: np.array([self.done[k][name][i] for k in steps]) for name in self.done[0]}
            first = {f"cost_{name}": values[i] for name, values in self.first.items()}
            costs = [name for name in columns if name.startswith("cost_")]
            infos = {name: np.concatenate([[first[name]], columns[name]]) for name in costs}
            infos |= {name: np.concatenate([[False], columns[name]]) for name in ("success", "limited")}
            yield Episode(
                {name: np.stack([self.seen[k][name][i] for k in at]) for name in self.seen[0]},
                columns["action"],
                columns["reward"].astype(np.float64),
                columns["terminated"],
                columns["truncated"],
                infos,
                self._about(seed, bool(steps and self.done[steps[-1]]["success"][i])),
            )

    def _about(self, seed: int, success: bool) -> dict[str, Any]:
        kept = {"env_id": self.env_id, "policy": self.policy.name, "oracle": self.policy.oracle, "seed": seed}
        return {**kept, "success": success, "simulation": True, "beamgym_version": beamgym.__version__}

    def _within(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Return the actions as the environment takes them."""
        space = self.env.single_action_space
        return np.clip(actions, space.low, space.high) if isinstance(space, spaces.Box) else actions

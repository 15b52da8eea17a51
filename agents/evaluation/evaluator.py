"""Runs any policy on any environment and says how it fared, on the same episodes for every rival.

Episodes run side by side in the native vector environment, each on its own seed; since neither the transitions nor the
decisions of one row depend on the others, the figures are those of single environments.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from beamgym.agents.evaluation.metrics import EXPOSURES, Budget, MetricSet, budget_in
from beamgym.agents.evaluation.seeds import Purpose, check_disjoint, first_seed, seed_range
from beamgym.agents.policies import BundlePolicy, FoundSpots
from beamgym.envs.bundles import BundleError
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import CannotPlay, Policy, start_episodes
from beamgym.envs.task import Observation, Truth
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import BoolArray, Float64Array

BATCH = 64


@dataclass(frozen=True)
class Episodes:
    """What became of m episodes; every array is (m,).

    Parameters
    ----------
    success : judged once, at the end
    exposures : frames taken, the first of ``reset`` included
    motor_s, instrument_s : time of the motors, and with exposures and read-out
    misorientation_deg : true and final; NaN where the environment has none
    ended : it ended by declaration (or by the truth), not by the budget
    shortfall : points that the spot held at the end lacks to the best one; NaN, or no array, where there are none
    finals : (m, f) the metrics of the last step that the kind's ``MetricSet.finals`` names, in its order
    exposure_s : seconds of all exposures together
    """

    success: BoolArray
    exposures: Float64Array
    motor_s: Float64Array
    instrument_s: Float64Array
    misorientation_deg: Float64Array
    ended: BoolArray
    shortfall: Float64Array = field(default_factory=lambda: np.empty(0))
    finals: Float64Array = field(default_factory=lambda: np.empty((0, 0)))
    exposure_s: Float64Array = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class PolicyResult:
    """A policy's metrics on a set of episodes.

    Parameters
    ----------
    name, oracle : of the policy
    success_rate : share of episodes
    success_ci95 : Wilson's interval, low and high
    exposures_median : over all episodes, a failed one counting as the full budget where that is made of exposures
    motor_s_median, instrument_s_median, exposure_s_median : over all episodes, as spent
    misorientation_deg_median : true and final, over all episodes
    episodes : the episodes themselves, for paired comparisons
    beam_s_median : beam time over all episodes, a failed one counting as the full budget; NaN where it is not limited
    shortfall_median : points that the spot held at the end lacks to the best one, over all episodes
    metric_set : which of these metrics the environment has
    finals : medians of the last step's metrics that the metric set names, by ``NAME_median``
    """

    name: str
    oracle: bool
    success_rate: float
    success_ci95: tuple[float, float]
    exposures_median: float
    motor_s_median: float
    instrument_s_median: float
    misorientation_deg_median: float
    episodes: Episodes
    beam_s_median: float = float("nan")
    shortfall_median: float = float("nan")
    metric_set: MetricSet = EXPOSURES
    finals: Mapping[str, float] = field(default_factory=dict)
    exposure_s_median: float = float("nan")

    def value(self, name: str) -> float:
        """Return a metric by its name, such as "exposures_median"."""
        found: float = self.finals[name] if name in self.finals else getattr(self, name)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the environment's metrics as JSON has them; what is unknown is null."""
        names = ("success_rate", *(metric.name for metric in self.metric_set.metrics))
        values: dict[str, Any] = {name: _number(self.value(name)) for name in names}
        return {**values, "success_ci95": list(self.success_ci95)}


def evaluate(
    policy: Policy,
    env_id: str,
    episodes: int,
    seed: int,
    level: str = "real",
    env_kwargs: Mapping[str, Any] | None = None,
    *,
    purpose: Purpose = "benchmark",
    progress: Callable[[int], None] | None = None,
) -> PolicyResult:
    """Run a policy and sum up.

    Parameters
    ----------
    policy : any
    env_id : a registered environment with a native vector form
    episodes : how many; episode i runs on environment seed ``first_seed(purpose, seed) + i``
    seed : the user's number
    level : difficulty
    env_kwargs : further arguments of the environment
    purpose : whose seeds to use; "training" is refused
    progress : called with the number of episodes that have just ended

    Raises
    ------
    ValueError : fewer than one episode, or training seeds
    CannotPlay : a policy that is not made for this environment, such as a bundle of another one
    """
    env = make_vector_env(env_id, min(episodes, BATCH), level, env_kwargs)
    try:
        return evaluate_in(policy, env, episodes, seed, purpose=purpose, progress=progress)
    finally:
        env.close()


def evaluate_in(
    policy: Policy,
    env: InstrumentVectorEnv,
    episodes: int,
    seed: int,
    *,
    purpose: Purpose = "benchmark",
    progress: Callable[[int], None] | None = None,
) -> PolicyResult:
    """Run a policy in an environment that is there; otherwise as :func:`evaluate`."""
    start = first_seed(purpose, seed)
    seeds = range(start, start + episodes)
    check_seeds_and_spaces(policy, env, seeds)
    parts = []
    for first in range(0, episodes, env.num_envs):
        chosen = seeds[first : first + env.num_envs]
        parts.append(run_episodes(policy, env, chosen, progress))
    return summarise(policy, joined(parts), budget_in(context_of(env)))


def make_vector_env(
    env_id: str, n: int, level: str, env_kwargs: Mapping[str, Any] | None = None
) -> InstrumentVectorEnv:
    """Make the native vector form of an environment, without autoreset.

    Raises
    ------
    ValueError : for fewer than one environment
    """
    if n < 1:
        raise ValueError(f"{n} episodes were asked for; at least 1 is needed")
    made = gym.make_vec(
        env_id,
        num_envs=n,
        vectorization_mode="vector_entry_point",
        level=level,
        autoreset_mode=AutoresetMode.DISABLED,
        **(env_kwargs or {}),
    )
    env = made.unwrapped
    if not isinstance(env, InstrumentVectorEnv):
        raise TypeError(f"{env_id} has no native vector form; found {type(env).__name__}")
    return env


_SHIPPED, _BLIND = "beamgym.agents.baselines.", ("random", "no-op")


def check_seeds_and_spaces(policy: Policy, env: InstrumentVectorEnv, seeds: range) -> None:
    """Refuse training seeds, those a bundle was trained on, and what another form of observation is for."""
    check_disjoint((0, seed_range("training").stop - 1), seeds)
    shipped = type(policy).__module__.startswith(_SHIPPED) and policy.name not in _BLIND
    if env.loop.history > 1 and shipped:
        raise CannotPlay(f"{policy.name} plays by the present observation; leave out history={env.loop.history}")
    if isinstance(policy, BundlePolicy):
        try:
            policy.model.check_spaces(env.single_observation_space, env.single_action_space)
            if env.spec is not None:  # a world that was made by hand has no id
                policy.model.check_environment(env.spec.id)
        except BundleError as error:
            raise CannotPlay(str(error)) from error
    if isinstance(policy, BundlePolicy | FoundSpots):
        check_disjoint(policy.training_seeds, seeds)


def check_policy_here(
    policy: Policy, env: InstrumentVectorEnv, episodes: int, seed: int, *, purpose: Purpose = "benchmark"
) -> None:
    """Check, before anything is played, that a policy may be judged on these episodes, and that it decides.

    Raises
    ------
    CannotPlay : a bundle for other spaces or another environment; a policy that needs another observation, or gives
        other actions
    ValueError : seeds that are for training, or that a bundle was trained on
    """
    start = first_seed(purpose, seed)
    check_seeds_and_spaces(policy, env, range(start, start + episodes))
    check_decides(policy, env, start)


def check_decides(policy: Policy, env: InstrumentVectorEnv, seed: int) -> None:
    """Let a policy decide once; raises CannotPlay where it cannot, or where its actions are not the environment's."""
    n, space = env.num_envs, env.single_action_space
    env.loop.reset(make_keys(np.full(n, seed)), np.arange(n) == 0)
    seen = {name: values[:1] for name, values in env.parts_shown(env.loop.observation()).items()}
    truth = {name: values[:1] for name, values in _truth(env).items()} if policy.oracle else None
    actions, _ = policy.act(seen, start_episodes(policy, env.contexts[0], [seed]), truth)
    choices = not isinstance(space, spaces.Box)
    if np.shape(actions) != (1, *(space.shape or ())) or (np.asarray(actions).dtype.kind in "iu") is not choices:
        found = f"{np.asarray(actions).dtype} of shape {np.shape(actions)[1:]}"
        raise CannotPlay(
            f"{policy.name} gives {found}; the environment takes {'choices' if choices else 'numbers'}: {space}"
        )


def run_episodes(
    policy: Policy, env: InstrumentVectorEnv, seeds: range, progress: Callable[[int], None] | None = None
) -> Episodes:
    """Run one episode on each seed, at most ``env.num_envs`` of them, side by side to their ends.

    Where each sample has a crystal of its own they are run one after another, and the policy starts anew for each.
    """
    n, m, loop = env.num_envs, len(seeds), env.loop
    padded = [seeds[i] if i < m else seeds[0] for i in range(n)]
    env.reset(seed=padded)
    observation = env.parts_shown(loop.observation())
    success, ended = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    kept = budget_in(context_of(env)).metric_set.finals
    finals = {name: np.full(n, np.nan) for name in ("misorientation_deg", "shortfall", *kept)}
    spent = {name: np.zeros(n) for name in ("exposures", "motor_s", "exposure_s", "instrument_s")}
    _add(spent, loop.costs(), np.arange(n) < m)
    for rows in played_together(env):
        begun = start_episodes(policy, env.contexts[rows[0]], [padded[row] for row in rows])
        memory = dict(zip(rows.tolist(), begun, strict=True))
        active = np.isin(np.arange(n), rows) & (np.arange(n) < m)
        while active.any():
            actions = acted(policy, env, observation, memory, active)
            step = loop.step(actions, active)
            _add(spent, step.costs, active)
            done = active & (step.verdict.terminated | step.verdict.truncated)
            success[done], ended[done] = step.verdict.is_success[done], step.verdict.terminated[done]
            for name in finals.keys() & step.verdict.metrics.keys():
                finals[name][done] = step.verdict.metrics[name][done]
            active &= ~done
            if progress is not None and done.any():
                progress(int(done.sum()))
            observation = env.parts_shown(step.observation)
    own = np.array([finals[name] for name in kept]).reshape(len(kept), n).T
    named = {name: finals[name] for name in ("misorientation_deg", "shortfall")}
    arrays = {"success": success, "ended": ended, **spent, **named, "finals": own}
    return Episodes(**{name: values[:m] for name, values in arrays.items()})


def summarise(policy: Policy, episodes: Episodes, budget: float | Budget) -> PolicyResult:
    """Turn episodes into figures; ``budget`` is what a failed episode counts as, a number being of exposures."""
    full = budget if isinstance(budget, Budget) else Budget(exposures=budget)
    wins, total = int(episodes.success.sum()), len(episodes.success)
    from scipy.stats import binomtest

    interval = binomtest(wins, total).proportion_ci(0.95, method="wilson")
    timed = np.isfinite(full.beam_time_s)
    exposures = episodes.exposures if timed else np.where(episodes.success, episodes.exposures, full.exposures)
    beam_s = np.where(episodes.success, episodes.instrument_s, full.beam_time_s)
    return PolicyResult(
        name=policy.name,
        oracle=policy.oracle,
        success_rate=wins / total,
        success_ci95=(float(interval.low), float(interval.high)),
        exposures_median=float(np.median(exposures)),
        motor_s_median=float(np.median(episodes.motor_s)),
        instrument_s_median=float(np.median(episodes.instrument_s)),
        misorientation_deg_median=float(np.median(episodes.misorientation_deg)),
        episodes=episodes,
        beam_s_median=float(np.median(beam_s)),
        exposure_s_median=float(np.median(episodes.exposure_s)) if len(episodes.exposure_s) else float("nan"),
        shortfall_median=float(np.median(episodes.shortfall)) if len(episodes.shortfall) else float("nan"),
        metric_set=full.metric_set,
        finals={
            f"{name}_median": float(np.median(values))
            for name, values in zip(full.metric_set.finals, episodes.finals.T, strict=False)
        },
    )


def context_of(env: InstrumentVectorEnv) -> Any:
    """Return what the instrument publicly knows: the task's context, or else the instrument's."""
    task: Any = env.loop.task
    return getattr(task, "context", env.loop.instrument.context)


def budget_of(env: InstrumentVectorEnv) -> float:
    """Return the budget in exposures; NaN where the environment names none."""
    return budget_in(context_of(env)).exposures


def played_together(env: InstrumentVectorEnv) -> list[NDArray[np.int64]]:
    """Return groups of rows: all of them where they share one context, else each by itself."""
    rows = np.arange(env.num_envs)
    if all(context is env.contexts[0] for context in env.contexts):
        return [rows]
    return [rows[i : i + 1] for i in rows]


def acted(
    policy: Policy, env: InstrumentVectorEnv, observation: Observation, memory: dict[int, Any], active: BoolArray
) -> NDArray[Any]:
    """Return the actions (n, ...) of the rows that are active, zeros elsewhere; their memories are replaced."""
    rows = np.flatnonzero(active)
    seen = {name: values[rows] for name, values in observation.items()}
    truth: Truth | None = None
    if policy.oracle:
        truth = {name: values[rows] for name, values in _truth(env).items()}
    chosen, after = policy.act(seen, [memory[i] for i in rows.tolist()], truth)
    for i, entry in zip(rows.tolist(), after, strict=True):
        memory[i] = entry
    actions = np.zeros(env.action_space.shape or (), dtype=env.action_space.dtype)
    actions[rows] = chosen
    return actions


def _truth(env: InstrumentVectorEnv) -> Truth:
    world: Any = env.loop.instrument
    truth: Truth = world.truth()
    return truth


def _add(spent: dict[str, Float64Array], costs: Mapping[str, NDArray[Any]], rows: BoolArray) -> None:
    for name, total in spent.items():
        total[rows] += costs[name][rows]


def joined(parts: list[Episodes]) -> Episodes:
    """Return several sets of episodes as one."""
    names = Episodes.__dataclass_fields__
    return Episodes(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None

"""Policies on the same episodes: they are run, judged, and laid out in a table, in JSON and as curves."""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import beamgym
from beamgym.agents.evaluation import (
    BATCH,
    Budget,
    Game,
    PlayedBlock,
    PolicyResult,
    amounts,
    budget_in,
    check_policy_here,
    context_of,
    curves,
    draw_curves,
    evaluate_blocks,
    evaluate_in,
    first_seed,
    make_vector_env,
)
from beamgym.agents.policies import distinct_names, find_policy, is_own, policy_names
from beamgym.envs import ENVIRONMENTS
from beamgym.envs.checks import check_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import CannotPlay, Policy
from beamgym.physics.files import write_json
from beamgym.scripts.benchmarking.results import report
from beamgym.scripts.benchmarking.suites import SUITES
from beamgym.scripts.command_line import IMPORTED, check_output
from beamgym.scripts.engine import Place


@dataclass(frozen=True)
class Comparison:
    """What is to be compared; see ``beamgym benchmark --help``.

    Parameters
    ----------
    env_id, level, episodes, seed : which episodes
    options : how the environment differs from its registered form
    policies : names; empty for all
    json_file, curves_file, logdir : what is to be written besides the table
    place : where episodes are played in blocks; None plays them here, many side by side
    """

    env_id: str
    level: str
    episodes: int
    seed: int
    options: dict[str, Any]
    policies: Sequence[str]
    json_file: Path | None
    curves_file: Path | None
    logdir: Path | None
    place: Place | None = None

    @property
    def title(self) -> str:
        """Heading of the curves."""
        return f"{self.env_id}, level {self.level}, {self.episodes} episodes, seed {self.seed}"

    @property
    def heading(self) -> str:
        """Heading of the table: the title, and the options that were set."""
        return ", ".join([self.title, *(f"{name}={value}" for name, value in self.options.items())])


def compare_policies(asked: Comparison, console: Console) -> None:
    """Run every policy on the same episodes, print the table, and write what was asked for.

    Raises
    ------
    ValueError, TypeError, gymnasium.error.Error : an environment, an option or a policy that is none
    """
    check_env_id(asked.env_id)
    first_seed("benchmark", asked.seed)
    env = make_vector_env(asked.env_id, min(asked.episodes, BATCH), asked.level, asked.options)
    budget = budget_in(context_of(env))
    if asked.curves_file is not None:
        amounts(budget)
    check_own(asked.policies, env, asked.env_id, {**asked.options, "level": asked.level})
    played: dict[str, Policy] = {}
    play = None if asked.place is None else partial(_in_blocks, asked, asked.place)
    results = run_policies(env, asked.env_id, asked.policies, asked.episodes, asked.seed, console, played, play)
    console.print(table(results, asked.heading))
    console.print(caption(env), style="dim", highlight=False, markup=False)
    write_results(asked, results, budget, stopping(env))
    if asked.logdir is not None:
        from beamgym.scripts.benchmarking.board import write_board  # torch and TensorBoard take seconds

        game = {name: getattr(asked, name) for name in ("level", "seed", "episodes", "options")}
        write_board(asked.logdir, {"env": asked.env_id, **game}, results, budget, played, console)


def _in_blocks(asked: Comparison, place: Place, name: str, policy: Policy, env: InstrumentVectorEnv) -> PolicyResult:
    """Have a policy's episodes played where ``place`` says."""
    game = Game(asked.env_id, asked.level, asked.options, name, tuple(IMPORTED))
    do = partial(place.each, kind=PlayedBlock, label=f"{asked.env_id}: {name}")
    return evaluate_blocks(policy, env, game, asked.episodes, asked.seed, do)[0]


def write_results(asked: Comparison, results: Sequence[PolicyResult], budget: Budget, stop: str) -> None:
    """Write figures and curves to the files that were named; ``stop`` is the rule that ended the episodes."""
    drawn = asked.curves_file is not None
    if asked.json_file is not None:
        figures = report(asked.env_id, asked.level, asked.episodes, asked.seed, results, budget, drawn)
        known = {"beamgym": beamgym.__version__, "stop": stop} | ({"options": asked.options} if asked.options else {})
        write_json(asked.json_file, figures | known)
    if asked.curves_file is not None:
        draw_curves(curves(results, budget), budget.metric_set.unit, asked.title, asked.curves_file)


def check_own(names: Sequence[str], env: InstrumentVectorEnv, env_id: str, options: dict[str, Any]) -> None:
    """Check policies of the user's own on a few steps, where a mistake is told with its remedy.

    Raises
    ------
    ValueError : there is no such policy, or it does not keep the contract of a Policy
    """
    for name in filter(is_own, names):
        check_policy(find_policy(name, env_id, context=context_of(env)), env_id, n=2, steps=3, **options)


def run_policies(
    env: InstrumentVectorEnv,
    env_id: str,
    names: Sequence[str] | None,
    episodes: int,
    seed: int,
    console: Console,
    played: dict[str, Policy] | None = None,
    play: Callable[[str, Policy, InstrumentVectorEnv], PolicyResult] | None = None,
) -> list[PolicyResult]:
    """Run each named policy, or all; of all, those that cannot play this environment are left out with a note.

    Who has played is put into ``played`` by the name of its result, where that is given. ``play`` has a policy, as it
    was named, play elsewhere.

    Raises
    ------
    ValueError : for a named policy that is unknown or cannot play, a bundle that is unsound, or when none is left
    """
    context = context_of(env)
    crystal = sample_of(context)
    policies, given = [], []
    for name in names or policy_names(context):
        try:
            policies.append(find_policy(name, env_id, crystal, context, env.single_observation_space))
            given.append(name)
        except CannotPlay as error:
            _leave_out(name, error, names, console)
    for policy in list(policies):
        try:  # before anything is played: what one was made for, and what it was trained on
            check_policy_here(policy, env, episodes, seed)
        except CannotPlay as error:
            _leave_out(policy.name, error, names, console)
            given.pop(policies.index(policy))
            policies.remove(policy)
    results = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=play is not None) as progress:
        called = distinct_names([policy.name for policy in policies], given)
        for policy, name in zip(policies, called, strict=True):
            bar = progress.add_task(name, total=episodes)
            try:
                advance = lambda done, bar=bar: progress.advance(bar, done)  # noqa: E731
                if play is None:
                    found = evaluate_in(policy, env, episodes, seed, progress=advance)
                else:
                    found = play(given[policies.index(policy)], policy, env)
                results.append(replace(found, name=name))
                if played is not None:
                    played[name] = policy
            except CannotPlay as error:
                _leave_out(policy.name, error, names, console)
    if not results:
        raise ValueError(f"no policy can play {env_id} as asked; name one with --policy")
    return results


def table(results: Sequence[PolicyResult], title: str) -> Table:
    """Return the comparison as a table; an oracle bears a star."""
    metrics = results[0].metric_set.metrics
    out = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("policy", "success", "95 % CI", *(metric.heading for metric in metrics)):
        out.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for result in results:
        low, high = result.success_ci95
        out.add_row(
            result.name + ("*" if result.oracle else ""),
            f"{100 * result.success_rate:.1f} %",
            f"{100 * low:.1f}–{100 * high:.1f}",
            *(format(result.value(metric.name), metric.form) for metric in metrics),
        )
    return out


def caption(env: InstrumentVectorEnv) -> str:
    """Return how episodes end, what the medians count, and the share of starts the goniometer excludes."""
    metric_set = budget_in(context_of(env)).metric_set
    rule = {
        "declare": "stopping: declare (the policy says when; judged once by the truth)",
        "truth": "stopping: truth (the episode ends at the tolerance, or at the first spot that is good enough)",
    }
    lines = [
        rule.get(stopping(env), ""),
        f"medians over all episodes; {metric_set.failures}",
        f"{metric_set.total}: motors, exposures and read-out; *: is handed the truth",
    ]
    excluded = getattr(env.loop.instrument, "excluded_share", 0.0)
    if excluded > 0.0:
        name = env.loop.instrument.context.goniometer.name
        lines.append(f"{name}: {100 * excluded:.1f} % of random starts are excluded, since no target can be reached")
    return "\n".join(lines)


def stopping(env: InstrumentVectorEnv) -> str:
    """Return the rule by which episodes end, "declare" where the task names none."""
    return str(getattr(env.loop.task, "stop", "declare"))


def check_picture(path: Path | None) -> None:
    """Raise ValueError before the work starts where the picture could not be written."""
    check_output(path)
    if path is not None and path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise ValueError(f"cannot draw into {path}: give a file that ends in .png, .pdf or .svg")


def check_env_id(env_id: str) -> None:
    """Raise ValueError for an unknown environment, naming the nearest, or what is to be imported."""
    if env_id in gym.registry:
        return
    if "/" in env_id and not env_id.startswith("beamgym/"):
        remedy = f"import the module that registers it: beamgym --import MODULE benchmark {env_id}"
        raise ValueError(f"unknown environment {env_id!r}; {remedy}")
    close = difflib.get_close_matches(env_id, [*ENVIRONMENTS, *SUITES], n=1, cutoff=0.3)
    suites = "" if "/" in env_id else f" The suites are {', '.join(SUITES)}"
    raise ValueError(f"unknown environment {env_id!r}; did you mean {(close or list(ENVIRONMENTS))[0]!r}?{suites}")


def _leave_out(name: str, error: CannotPlay, named: Sequence[str] | None, console: Console) -> None:
    if named:
        raise error
    console.print(f"{name} is left out: {error}", style="dim", highlight=False, markup=False)

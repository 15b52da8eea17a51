"""Runs the policies of a suite on one row after another, all on the same starts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from beamgym.agents.evaluation import (
    BATCH,
    Game,
    PlayedBlock,
    budget_in,
    claims_of,
    context_of,
    curves,
    evaluate_blocks,
    evaluate_in,
    make_vector_env,
    watched,
)
from beamgym.agents.policies import find_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.policy import CannotPlay, Policy
from beamgym.scripts.benchmarking.policies import check_own
from beamgym.scripts.command_line import IMPORTED
from beamgym.scripts.engine import Place
from beamgym.scripts.laue_suites.measured import Measured
from beamgym.scripts.laue_suites.rows import SuiteRow

USUAL = ("calibrating", "index-and-refine", "index-and-move", "shipped", "random")
"""Policies of every row that names none; one that cannot play there is left out."""


@dataclass(frozen=True)
class PlayedRow:
    """What became of a row.

    Parameters
    ----------
    row : the task
    measured : what each policy reached
    curves : success against exposures, as JSON has it
    excluded : share of the starts that the goniometer excludes
    absent : policies that cannot play it
    """

    row: SuiteRow
    measured: tuple[Measured, ...]
    curves: dict[str, Any]
    excluded: float
    absent: tuple[str, ...]


def env_of(row: SuiteRow, n: int) -> InstrumentVectorEnv:
    """Return the environment of a row, n episodes side by side."""
    options = dict(row.options)
    return make_vector_env(row.env_id, n, options.pop("level"), options)


def check_policies(names: Sequence[str], row: SuiteRow) -> None:
    """Check, before any work, the policies that were named.

    Raises
    ------
    ValueError : one that is unknown, cannot play the row, or does not keep the contract of a Policy
    """
    if not names:
        return
    env = env_of(row, 1)
    try:
        context = context_of(env)
        for name in names:
            find_policy(name, row.env_id, sample_of(context), context, env.single_observation_space)
        check_own(names, env, row.env_id, dict(row.options))
    finally:
        env.close()


def play_row(row: SuiteRow, names: Sequence[str], episodes: int, seed: int, place: Place | None = None) -> PlayedRow:
    """Play a row with every policy that can.

    Parameters
    ----------
    row : the task
    names : of the policies, besides the usual ones
    episodes, seed : as of ``evaluate``
    place : where episodes are played in blocks; None plays them here, many side by side
    """
    env = env_of(row, min(episodes, BATCH))
    try:
        context = context_of(env)
        measured: list[Measured] = []
        absent: list[str] = []
        for name in dict.fromkeys((*(row.policies or USUAL), *names)):
            try:
                found = find_policy(name, row.env_id, sample_of(context), context, env.single_observation_space)
                if place is not None:
                    measured.append(_in_blocks(row, name, found, env, episodes, seed, place))
                    continue
                with _told(f"{row.name}: {name}", episodes) as advance:
                    measured.append(_measured(row, name, watched(found), env, episodes, seed, advance))
            except CannotPlay:  # such as the agent of one crystal on another
                absent.append(name)
        spent = curves([one.result for one in measured], budget_in(context))
        excluded = float(getattr(env.loop.instrument, "excluded_share", 0.0))
        return PlayedRow(row, tuple(measured), spent, excluded, tuple(absent))
    finally:
        env.close()


def _measured(
    row: SuiteRow,
    name: str,
    policy: Policy,
    env: InstrumentVectorEnv,
    episodes: int,
    seed: int,
    advance: Callable[[int], None],
) -> Measured:
    result = evaluate_in(policy, env, episodes, seed, progress=advance)
    return Measured(row, result, claims_of(policy, episodes), context_of(env).exposure_s, name)


def _in_blocks(
    row: SuiteRow, name: str, policy: Policy, env: InstrumentVectorEnv, episodes: int, seed: int, place: Place
) -> Measured:
    options = dict(row.options)
    game = Game(row.env_id, options.pop("level"), options, name, tuple(IMPORTED))
    do = partial(place.each, kind=PlayedBlock, label=f"{row.name}: {name}")
    result, claims = evaluate_blocks(policy, env, game, episodes, seed, do)
    return Measured(row, result, claims, context_of(env).exposure_s, name)


@contextmanager
def _told(label: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(label, total=total)
        yield lambda done: progress.advance(bar, done)

"""`beamgym benchmark`: runs rivals on the same episodes and compares them."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import gymnasium as gym
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import beamgym  # noqa: F401 - registers the environments
from beamgym.agents.evaluate import BATCH, PolicyResult, context_of, evaluate_in, make_vector_env
from beamgym.agents.find_policy import find_policy, policy_names
from beamgym.agents.policy import CannotPlay
from beamgym.agents.seeds import first_seed
from beamgym.envs import ENVIRONMENTS
from beamgym.envs.vector_env import InstrumentVectorEnv
from beamgym.scripts.command_line import check_output, fail, run, write_json


def benchmark_command(
    env_id: Annotated[str, typer.Argument(help="Environment, e.g. beamgym/LaueAlign-v0.")],
    policy: Annotated[
        list[str] | None,
        typer.Option(help="A baseline, 'shipped' or a bundle's directory; repeats. Default: all."),
    ] = None,
    episodes: Annotated[int, typer.Option(help="Episodes per policy.")] = 100,
    seed: Annotated[int, typer.Option(help="Which set of benchmark episodes.")] = 0,
    level: Annotated[str, typer.Option(help="Difficulty: easy, real or hard.")] = "real",
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
    frames: Annotated[str | None, typer.Option(help="'spots' (fast) or 'rendered' (images and peak finder).")] = None,
    goniometer: Annotated[str | None, typer.Option(help="Preset or YAML file.")] = None,
    crystal: Annotated[str | None, typer.Option(help="Name or CIF file.")] = None,
    target: Annotated[str | None, typer.Option(help="E.g. 'pose [001] [110]' or 'axis [001] x'.")] = None,
    tolerance_deg: Annotated[float | None, typer.Option(help="Error at which a declared pose is a success.")] = None,
    action: Annotated[str | None, typer.Option(help="'rotation' or 'axes'.")] = None,
    stop: Annotated[str | None, typer.Option(help="'declare' or 'truth'.")] = None,
    logdir: Annotated[Path | None, typer.Option(help="Write the figures for TensorBoard here.")] = None,
) -> None:
    """Compare policies on the same episodes, all under the same stopping rule."""
    named = {
        "frames": frames,
        "goniometer": goniometer,
        "crystal": crystal,
        "target": target,
        "tolerance_deg": tolerance_deg,
        "action": action,
        "stop": stop,
    }
    options = {name: value for name, value in named.items() if value is not None}
    console = Console()
    try:
        check_output(json_file)
        check_env_id(env_id)
        first_seed("benchmark", seed)
        env = make_vector_env(env_id, min(episodes, BATCH), level, options)
        results = run_policies(env, env_id, policy, episodes, seed, console)
    except (ValueError, TypeError, OSError, gym.error.Error) as error:
        fail(error)
    console.print(table(results, f"{env_id}, level {level}, {episodes} episodes, seed {seed}"))
    console.print(caption(env), style="dim", highlight=False)
    if json_file is not None:
        write_json(json_file, report(env_id, level, episodes, seed, results))
    if logdir is not None:
        write_summary(logdir, env_id, level, results)


def run_policies(
    env: InstrumentVectorEnv, env_id: str, names: Sequence[str] | None, episodes: int, seed: int, console: Console
) -> list[PolicyResult]:
    """Run each named policy, or all; of all, those that cannot play this environment are left out with a note.

    Raises
    ------
    ValueError : for a named policy that is unknown or cannot play, a bundle that is unsound, or when none is left
    """
    crystal = getattr(getattr(context_of(env), "crystal", None), "name", "")
    rivals = []
    for name in names or policy_names():
        try:
            rivals.append(find_policy(name, env_id, crystal))
        except CannotPlay as error:
            _leave_out(name, error, names, console)
    results = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for rival in rivals:
            bar = progress.add_task(rival.name, total=episodes)
            try:
                advance = lambda done, bar=bar: progress.advance(bar, done)  # noqa: E731
                results.append(evaluate_in(rival, env, episodes, seed, progress=advance))
            except CannotPlay as error:
                _leave_out(rival.name, error, names, console)
    if not results:
        raise ValueError(f"no policy can play {env_id} as asked; name one with --policy")
    return results


def report(env_id: str, level: str, episodes: int, seed: int, results: Sequence[PolicyResult]) -> dict[str, Any]:
    """Return the machine-readable result."""
    return {
        "env": env_id,
        "level": level,
        "episodes": episodes,
        "seed": seed,
        "policies": {result.name: result.as_dict() for result in results},
    }


def table(results: Sequence[PolicyResult], title: str) -> Table:
    """Return the comparison as a table; an oracle bears a star."""
    out = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("policy", "success", "95 % CI", "exposures", "motor s", "total s", "error °"):
        out.add_column(heading, justify="left" if heading == "policy" else "right", no_wrap=True)
    for result in results:
        low, high = result.success_ci95
        out.add_row(
            result.name + ("*" if result.oracle else ""),
            f"{100 * result.success_rate:.1f} %",
            f"{100 * low:.1f}–{100 * high:.1f}",
            f"{result.exposures_median:g}",
            f"{result.motor_s_median:.0f}",
            f"{result.instrument_s_median:.0f}",
            f"{result.misorientation_deg_median:.3f}",
        )
    return out


def caption(env: InstrumentVectorEnv) -> str:
    """Return how episodes end, what the medians count, and the share of starts the goniometer excludes."""
    task: Any = env.loop.task
    rule = {
        "declare": "stopping: declare (the policy says when; judged once by the truth)",
        "truth": "stopping: truth (the episode ends at the tolerance)",
    }
    lines = [
        rule.get(getattr(task, "stop", "declare"), ""),
        "medians over all episodes; a failure counts its full budget of exposures",
        "total: motors, exposures and read-out; *: is handed the truth",
    ]
    excluded = getattr(env.loop.instrument, "excluded_share", 0.0)
    if excluded > 0.0:
        name = getattr(getattr(context_of(env), "goniometer", None), "name", "goniometer")
        lines.append(f"{name}: {100 * excluded:.1f} % of random starts are excluded, since no target can be reached")
    return "\n".join(lines)


def check_env_id(env_id: str) -> None:
    """Raise ValueError for an unknown environment, naming the nearest."""
    if env_id in gym.registry:
        return
    close = difflib.get_close_matches(env_id, ENVIRONMENTS, n=1, cutoff=0.3)
    raise ValueError(f"unknown environment {env_id!r}; did you mean {(close or list(ENVIRONMENTS))[0]!r}?")


def write_summary(logdir: Path, env_id: str, level: str, results: Sequence[PolicyResult]) -> None:
    """Write every figure as a TensorBoard scalar, one run per policy."""
    from torch.utils.tensorboard import SummaryWriter

    for result in results:
        with SummaryWriter(str(logdir / result.name)) as writer:
            for name, value in result.as_dict().items():
                if isinstance(value, float):
                    writer.add_scalar(f"benchmark/{env_id}/{level}/{name}", value, 0)


def _leave_out(name: str, error: CannotPlay, named: Sequence[str] | None, console: Console) -> None:
    if named:
        raise error
    console.print(f"{name} is left out: {error}", style="dim", highlight=False)


if __name__ == "__main__":
    run(benchmark_command)

"""The demo: two crystals, played by the policy that measured best on them, with pictures and a table."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from beamgym.agents.evaluation import context_of, covering_policy, first_seed, make_vector_env
from beamgym.agents.policies import Recommended
from beamgym.physics.files import write_json
from beamgym.scripts.demonstrating.episodes import DemoEpisodes, caption, read_crystal, report, table
from beamgym.scripts.settings import read_settings

SHIPPED_CRYSTAL = "Si"


@dataclass(frozen=True)
class Demo:
    """What is to be shown; see ``beamgym demo --help``."""

    env_id: str
    other: str | Path
    seed: int
    episodes: int
    level: str
    detector: str | None
    settings: tuple[str, ...]
    out: Path
    json_file: Path | None


def show_demo(asked: Demo) -> None:
    """Play the episodes, print the table, and write pictures and figures.

    Raises
    ------
    ValueError, TypeError, OSError : an option, a crystal or a file that cannot be
    """
    level = asked.level
    options = {} if asked.detector is None else {"detector": asked.detector}
    options |= read_settings(asked.env_id, asked.settings, ("crystal", "level", *options))
    first = first_seed("benchmark", asked.seed)
    console, notes = Console(), Console(stderr=True)
    shows: list[DemoEpisodes] = []
    reasons: list[Recommended] = []
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=notes, transient=True) as progress:
        other = asked.other if isinstance(asked.other, str) else read_crystal(asked.other, notes)
        crystals = (SHIPPED_CRYSTAL, other)
        for crystal in crystals:
            bar = progress.add_task("preparing", total=asked.episodes)
            env = make_vector_env(asked.env_id, 1, level, {"crystal": crystal, "render_mode": "rgb_array", **options})
            policy, reason = covering_policy(env, asked.env_id)
            reasons.append(reason)
            progress.update(bar, description=f"{context_of(env).crystal.name}, {policy.name}")
            seeds = range(first, first + asked.episodes)
            shows.append(DemoEpisodes(env, policy, seeds, partial(progress.advance, bar)))
    pictures = [path for show in shows for path in show.write_pictures(asked.out)]
    console.print(table([episode for show in shows for episode in show.episodes]))
    for reason in dict.fromkeys(reasons):
        console.print(str(reason), highlight=False, markup=False, soft_wrap=True)
    console.print(caption(shows[0].env, level), style="dim", highlight=False)
    for path in pictures:
        console.print(f"wrote {path}", highlight=False, markup=False, soft_wrap=True)
    if asked.json_file is not None:
        write_json(asked.json_file, report(shows, asked.seed, pictures, level))

"""Episodes of the demo: played, drawn, and laid out as a table and in JSON."""

import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.agents.evaluation import (
    Picture,
    Played,
    PolicyResult,
    budget_of,
    context_of,
    play,
    policy_result,
)
from beamgym.envs.loop import InstrumentVectorEnv
from beamgym.envs.pictures import episode_strip, save_gif
from beamgym.envs.policy import Policy
from beamgym.physics.crystal import load_crystal

DEMO_ENV_ID = "beamgym/LaueAlign-v0"
GIF_FPS = 1.0
GIF_EPISODES = 3
"""Episodes in an animation; more make a large file and show nothing new."""


class DemoEpisodes:
    """The episodes of one crystal, played when it is made.

    Parameters
    ----------
    env : one environment, without autoreset, that draws pictures
    policy : who plays
    seeds : one per episode
    advance : called after each
    """

    def __init__(
        self, env: InstrumentVectorEnv, policy: Policy, seeds: range, advance: Callable[[], None] = lambda: None
    ) -> None:
        self.env, self.policy = env, policy
        self.crystal: str = context_of(env).crystal.name
        self.reels: list[list[Picture]] = []
        self.episodes: list[Played] = []
        for i, seed in enumerate(seeds):
            reel: list[Picture] = []
            self.episodes.append(play(env, policy, seed, reel.append if i < GIF_EPISODES else None))
            self.reels += [reel] if reel else []
            advance()

    def result(self) -> PolicyResult:
        """Return the figures, as `beamgym benchmark` has them."""
        return policy_result(self.episodes, self.policy, self.env)

    def write_pictures(self, folder: Path) -> list[Path]:
        """Write an animation of the first episodes and a strip of the first one; each all or nothing."""
        folder.mkdir(parents=True, exist_ok=True)
        stem = "".join(letter if letter.isalnum() else "-" for letter in self.crystal)
        gif, png = folder / f"align-{stem}.gif", folder / f"align-{stem}.png"
        frames = [frame for reel in self.reels for frame in reel]
        save_gif(frames, gif, GIF_FPS)
        episode_strip(self.reels[0], png)
        return [gif, png]


def read_crystal(cif: Path, notes: Console) -> Any:
    """Return the crystal of a CIF file; what had to be assumed is printed.

    Raises
    ------
    ValueError, OSError : when the file is missing or is no crystal
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        crystal = load_crystal(cif)
    for note in caught:
        notes.print(f"note: {note.message}", style="dim", highlight=False)
    return crystal


def table(episodes: list[Played]) -> Table:
    """Return the episodes for reading."""
    out = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("crystal", "policy", "start °", "exposures", "final °", "time", "aligned"):
        out.add_column(heading, justify="left" if heading in ("crystal", "policy") else "right", no_wrap=True)
    for episode in episodes:
        out.add_row(
            episode.crystal,
            episode.policy,
            f"{episode.start_deg:.1f}",
            str(episode.exposures),
            f"{episode.final_deg:.3f}",
            f"{episode.instrument_s:.0f} s",
            "yes" if episode.success else "no",
        )
    return out


def caption(env: InstrumentVectorEnv, level: str) -> str:
    """Return what the table's numbers mean."""
    context = context_of(env)
    return (
        f"{DEMO_ENV_ID}, level {level}, {context.goniometer.name}, {context.target.label}; aligned: declared within "
        f"{context.tolerance_deg:g}°, judged by the truth, which the policy never sees; at most "
        f"{budget_of(env):.0f} exposures. Time: motors, exposures and read-out."
    )


def report(shows: list[DemoEpisodes], seed: int, pictures: list[Path], level: str) -> dict[str, Any]:
    """Return the machine-readable result: per policy over all its episodes, and per crystal."""
    by_policy: dict[str, list[DemoEpisodes]] = {}
    for show in shows:
        by_policy.setdefault(show.policy.name, []).append(show)
    return {
        "env": DEMO_ENV_ID,
        "level": level,
        "episodes": sum(len(show.episodes) for show in shows),
        "seed": seed,
        "policies": {
            name: policy_result(
                [played for show in theirs for played in show.episodes], theirs[0].policy, theirs[0].env
            ).as_dict()
            for name, theirs in by_policy.items()
        },
        "crystals": [
            {
                "crystal": show.crystal,
                "policy": show.policy.name,
                **show.result().as_dict(),
                "episodes": [asdict(episode) for episode in show.episodes],
            }
            for show in shows
        ],
        "pictures": [str(path) for path in pictures],
    }

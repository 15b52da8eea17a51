"""The worst episodes of a suite: played again with the truth at hand, with a word on why each failed and a picture."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill

import numpy as np

from beamgym.agents.evaluation import context_of
from beamgym.agents.policies import find_policy
from beamgym.envs.kinds import sample_of
from beamgym.envs.policy import CannotPlay
from beamgym.scripts.laue_gallery import Replayed, replay, why, write_picture, zone_failure
from beamgym.scripts.laue_suites.measured import Measured
from beamgym.scripts.laue_suites.playing import env_of

FIRST, OTHERS = 10, 3
"""Episodes that are told of ``calibrating``, and of each other policy."""
BLIND = ("random", "no-op", "blind-spiral")
"""Policies that fail because they do not look."""
ZONE = "beamgym/LaueZone-v0"
"""Its crystals are unknown: their episodes are told otherwise."""
_LETTERS = 62  # of a line above a picture


@dataclass(frozen=True)
class WorstEpisode:
    """An episode that failed.

    Parameters
    ----------
    measured : the policy on its row
    number : which episode of it
    env_seed : environment seed that draws it again
    why : in a line
    picture : of its last frame; None where nobody draws such frames
    """

    measured: Measured
    number: int
    env_seed: int
    why: str
    picture: Path | None

    @property
    def error_deg(self) -> float:
        """True error at the end, degrees."""
        return float(self.measured.result.episodes.misorientation_deg[self.number])

    @property
    def exposures(self) -> int:
        """Frames taken."""
        return int(self.measured.result.episodes.exposures[self.number])


def worst_failures(measured: Sequence[Measured]) -> list[tuple[Measured, int]]:
    """Return the failed episodes furthest off: ten of the rows' policy, then three of each other that looks."""
    policy = measured[0].row.policy
    failed: dict[str, list[tuple[Measured, int]]] = {policy: []}
    for one in measured:
        if one.result.name not in BLIND and not one.result.oracle:
            numbers = np.flatnonzero(~one.result.episodes.success)
            failed.setdefault(one.result.name, []).extend((one, int(i)) for i in numbers)
    chosen = []
    for name, entries in failed.items():
        entries.sort(key=lambda entry: -entry[0].result.episodes.misorientation_deg[entry[1]])
        chosen += entries[: FIRST if name == policy else OTHERS]
    return chosen


def told_again(chosen: Sequence[tuple[Measured, int]], first_seed: int, folder: Path) -> Iterator[WorstEpisode]:
    """Play episodes again, draw each into the folder, and yield them; the folder is made where there is one to draw.

    Parameters
    ----------
    chosen : as of ``worst_failures``
    first_seed : environment seed of episode 0
    folder : of the pictures
    """
    for one, number in chosen:
        seed = first_seed + number
        env = env_of(one.row, 1)
        try:
            context = context_of(env)
            policy = find_policy(one.asked, one.row.env_id, sample_of(context), context, env.single_observation_space)
            if one.row.env_id == ZONE:
                picture = _picture_of(one, seed, folder)
                yield WorstEpisode(one, number, seed, zone_failure(env, policy, seed, picture), picture)
                continue
            yield _drawn(one, number, replay(env, policy, seed), seed, folder)
        except CannotPlay:  # frames of another kind than these pictures are drawn of
            yield WorstEpisode(one, number, seed, _by_figures(one, number), None)
        finally:
            env.close()


def _drawn(one: Measured, number: int, episode: Replayed, seed: int, folder: Path) -> WorstEpisode:
    told, picture = why(episode), _picture_of(one, seed, folder)
    write_picture(episode, fill(f"{one.row.name}: {one.result.name}, seed {seed}. {told}", _LETTERS), picture)
    return WorstEpisode(one, number, seed, told, picture)


def _picture_of(one: Measured, seed: int, folder: Path) -> Path:
    """Return the file of an episode's picture; its folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{one.row.name} {one.result.name} {seed}"
    return folder / f"{re.sub(r'[^a-zA-Z0-9]+', '-', name)}.png"


def _by_figures(one: Measured, number: int) -> str:
    """Return what an episode's figures alone say."""
    if not one.result.episodes.ended[number]:
        return "the budget was spent before it was sure"
    kind = "declared far off" if one.misled_episodes[number] else "declared outside the tolerance"
    claim = float(one.claims[number])
    return kind if np.isnan(claim) else f"{kind}, stated probability {claim:.4f}"

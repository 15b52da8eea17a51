"""Kinds of job that are measured: what they do, how long one takes, how large its result is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beamgym.agents.evaluation import BLOCK, Block, Game, first_seed
from beamgym.physics.arpes.recipes import Sampler, SpectraShards, recipe_grid
from beamgym.physics.jobs import Processes, ShardCase
from beamgym.physics.scenes import SceneShards

SPECTRA, FRAMES = 512, 32


@dataclass(frozen=True)
class JobKind:
    """A kind of job.

    Parameters
    ----------
    name : in words
    work : does one
    case_of : the job of a number
    seconds : that jobs have taken, of CPU time
    start_s : CPU time of a new process before its first job: libraries, compiled code, tables
    megabytes : of a result that is written into a file
    unit, units : what a job makes, and how many of them
    """

    name: str
    work: Callable[[Any], Any]
    case_of: Callable[[int], Any]
    seconds: tuple[float, ...] = ()
    start_s: float = 0.0
    megabytes: float = 0.0
    unit: str = "episodes"
    units: int = BLOCK


def kinds(seed: int) -> list[JobKind]:
    """Return the kinds: a shard of ARPES spectra, a shard of counted frames, a block of episodes."""
    sampler = Sampler.natural("published", recipe_grid((224, 224)))
    first = first_seed("benchmark", seed)
    return [
        JobKind(
            "ARPES shard, 512 spectra",
            SpectraShards(sampler),
            lambda i: ShardCase(i, seed, i * SPECTRA, SPECTRA),
            unit="spectra",
            units=SPECTRA,
        ),
        JobKind(
            "counted shard, 32 frames",
            SceneShards("sans", "train"),
            lambda i: ShardCase(i, seed, i * FRAMES, FRAMES),
            unit="frames",
            units=FRAMES,
        ),
        JobKind(
            f"block of {BLOCK} episodes, index-and-refine",
            Game("beamgym/LaueAlign-v1", "hard", {}, "index-and-refine"),
            lambda i: Block(first + i * BLOCK, BLOCK),
        ),
    ]


def timed(kind: JobKind, jobs: int) -> JobKind:
    """Do some jobs in this process, after one that does not count, and return the kind with what they took."""
    kind.work(kind.case_of(0))
    seconds, sizes = [], []
    for number in range(1, jobs + 1):
        begun = time.process_time()
        result = kind.work(kind.case_of(number))
        seconds.append(time.process_time() - begun)
        sizes.append(len(result) if isinstance(result, bytes) else 0)
    return replace(kind, seconds=tuple(seconds), megabytes=float(np.mean(sizes)) / 1e6)


@dataclass(frozen=True)
class _SinceStart:
    work: Callable[[Any], Any]

    def __call__(self, case: Any) -> float:
        self.work(case)
        return time.process_time()


def begun(kind: JobKind) -> JobKind:
    """Return a timed kind with what a new process takes before its first job."""
    ((_, total),) = Processes(1).run(_SinceStart(kind.work), [kind.case_of(0)])
    return replace(kind, start_s=max(total - float(np.mean(kind.seconds)), 0.0))


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean, smallest and largest."""
    return float(np.mean(values)), min(values), max(values)

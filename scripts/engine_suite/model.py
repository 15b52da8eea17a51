"""A model of the engine: one driver that hands out and takes in, workers that work; who is idle, and why."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from beamgym.scripts.engine_suite.kinds import JobKind

GOOD: Final = 0.9
"""Efficiency from which on nothing is called a bottleneck."""


@dataclass(frozen=True)
class Modelled:
    """What the model says of a run.

    Parameters
    ----------
    workers, jobs : how many
    seconds : from beginning to end
    efficiency : share of the workers' time that is work
    driver : share of the time that the driver is busy
    most : workers that the driver can keep busy
    lost_at_start, lost_at_end : shares of the workers' time before each one's first job, and after its last
    mb_per_s : what the file system takes
    """

    workers: int
    jobs: int
    seconds: float
    efficiency: float
    driver: float
    most: float
    lost_at_start: float
    lost_at_end: float
    mb_per_s: float

    @property
    def bottleneck(self) -> str:
        """What costs most, in words."""
        if self.workers > self.most:
            return "the driver"
        if self.efficiency >= GOOD:
            return "none"
        start, end = self.lost_at_start, self.lost_at_end
        return "the workers' start" if start >= end else "too few jobs for so many workers"


def modelled(kind: JobKind, driver_s: float, workers: int, jobs: int, ahead: int = 2) -> Modelled:
    """Play a run through.

    Parameters
    ----------
    kind : what the jobs take, their measured times in turn, and a worker before its first
    driver_s : of the driver for each job, handing out and taking in
    workers, jobs : how many
    ahead : jobs handed out for each worker, the one that it works on included

    Notes
    -----
    List scheduling (Graham, SIAM J. Appl. Math. 17, 416 (1969)) by a server that does one thing at a time: half of
    ``driver_s`` goes before a job, half behind it.
    """
    free, running, now, handed = [kind.start_s] * workers, list[float](), 0.0, 0
    first, half = list[float](), 0.5 * driver_s
    while handed < jobs or running:
        due = bool(running) and running[0] <= now
        if due or handed == jobs or len(running) >= ahead * workers:
            now = max(now, heapq.heappop(running)) + half
            continue
        now += half
        begin = max(heapq.heappop(free), now)
        if handed < workers:
            first.append(begin)
        end = begin + kind.seconds[handed % len(kind.seconds)]
        heapq.heappush(free, end)
        heapq.heappush(running, end)
        handed += 1
    work = sum(kind.seconds[i % len(kind.seconds)] for i in range(jobs))
    total = workers * now
    idle = sum(now - max(end, 0.0) for end in free)
    return Modelled(
        workers,
        jobs,
        now,
        work / total,
        jobs * driver_s / now,
        most_workers(kind.seconds, driver_s),
        (sum(first) + kind.start_s * max(workers - jobs, 0)) / total,
        idle / total,
        jobs * kind.megabytes / now,
    )


def most_workers(seconds: Sequence[float], driver_s: float) -> float:
    """Return how many workers a driver can keep busy: the mean time of a job over what it costs the driver."""
    return sum(seconds) / len(seconds) / driver_s if driver_s > 0.0 else math.inf

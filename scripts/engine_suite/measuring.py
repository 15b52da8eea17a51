"""What a job costs besides its work, and how much two nodes do in the time of one."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.physics.jobs import Executor, row_of
from beamgym.scripts.engine_suite.kinds import JobKind


def empty(number: int) -> int:
    """Do nothing."""
    return number


def megabyte(number: int) -> bytes:
    """Return a megabyte."""
    return bytes([number % 256]) * 1_000_000


@dataclass(frozen=True)
class Overhead:
    """What jobs without work have cost.

    Parameters
    ----------
    place : who did them
    workers, jobs : how many
    seconds : on the clock, from the first result to the last
    driver_cpu_s : of this process in that time
    """

    place: str
    workers: int
    jobs: int
    seconds: float
    driver_cpu_s: float

    @property
    def per_job_ms(self) -> float:
        """Time that a worker is kept from work for each job, on the clock."""
        return 1e3 * self.seconds * self.workers / self.jobs

    @property
    def driver_ms(self) -> float:
        """CPU time of the driver for each job."""
        return 1e3 * self.driver_cpu_s / self.jobs

    @property
    def per_s(self) -> float:
        """Jobs a second."""
        return self.jobs / self.seconds

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**row_of(self), "per_job_ms": self.per_job_ms, "driver_ms": self.driver_ms, "per_s": self.per_s}


def overhead(place: str, executor: Executor, workers: int, jobs: int, work: Callable[[int], Any] = empty) -> Overhead:
    """Have empty jobs done, and measure from the first result of all workers on."""
    begun, cpu, skipped = 0.0, 0.0, 2 * workers
    for done, _ in enumerate(executor.run(work, range(jobs + skipped)), start=1):
        if done == skipped:
            begun, cpu = time.perf_counter(), time.process_time()
    return Overhead(place, workers, jobs, time.perf_counter() - begun, time.process_time() - cpu)


@dataclass(frozen=True)
class Share:
    """What one and two nodes have done.

    Parameters
    ----------
    name : of the work
    one_s, two_s : on the clock, for the same jobs, on workers that have begun
    same : whether every byte is the same
    """

    name: str
    jobs: int
    one_s: float
    two_s: float
    same: bool

    @property
    def ratio(self) -> float:
        """How many times as much two do."""
        return self.one_s / self.two_s

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**row_of(self), "ratio": self.ratio}


def clocked(executor: Executor, kind: JobKind, jobs: int, warming: int) -> tuple[float, str]:
    """Return the seconds for jobs on warm workers, and a checksum of their results in order."""
    list(executor.run(kind.work, [kind.case_of(number) for number in range(warming)]))
    begun = time.perf_counter()
    found = dict(executor.run(kind.work, [kind.case_of(number) for number in range(jobs)]))
    seconds = time.perf_counter() - begun
    return seconds, checksum([found[number] for number in range(jobs)])


def checksum(results: Sequence[Any]) -> str:
    """Return a checksum of bytes, or of dataclasses of arrays."""
    total = hashlib.sha256()
    for one in results:
        total.update(one if isinstance(one, bytes) else b"".join(np.asarray(a).tobytes() for a in vars(one).values()))
    return total.hexdigest()

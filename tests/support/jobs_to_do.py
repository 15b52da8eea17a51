"""Jobs that tests give to processes and to Ray: they are imported there by name."""

import hashlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beamgym.physics.jobs import Processes, ShardCase, ShardPlan, write_shards


def squared(number: int) -> int:
    return number * number


def dies(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@dataclass(frozen=True)
class DiesOnce:
    """Kills its process at one case, the first time."""

    folder: Path
    number: int
    work: Callable[[Any], Any] = squared

    def __call__(self, case: Any) -> Any:
        begun = self.folder / f"begun_{self.number}"
        if getattr(case, "number", case) == self.number and not begun.exists():
            begun.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.work(case)


class OddError(Exception):
    """An error that cannot be sent: it does not take what it says."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fails(number: int) -> int:
    if number == 2:
        raise FileNotFoundError(2, "nothing there", "a file")
    if number == 5:
        raise OddError(1, 2)
    return number


def content_of(case: ShardCase) -> bytes:
    """Some bytes of each sample, of its seed and number alone."""
    numbers = range(case.first, case.first + case.samples)
    return b"".join(hashlib.sha256(f"{case.seed} {number}".encode()).digest() * 3000 for number in numbers)


@dataclass(frozen=True)
class Waits:
    """Makes shards, those from ``free`` on only when a file ``go`` lies in a folder; leaves word who waits there."""

    folder: Path
    free: int

    def __call__(self, case: ShardCase) -> bytes:
        if case.number >= self.free:
            (self.folder / f"waits_{case.number}_{os.getppid()}").touch()
        while case.number >= self.free and not (self.folder / "go").exists():
            time.sleep(0.01)
        return content_of(case)


def is_whole(path: Path, case: ShardCase) -> bool:
    return path.stat().st_size == case.samples * 96_000


def plan_of(folder: Path, make=content_of, seed: int = 3, samples: int = 25, per_shard: int = 2) -> ShardPlan:
    return ShardPlan(folder, {"kind": "numbers"}, seed, samples, per_shard, make, is_whole)


def write_and_wait(folder: str, beside: str) -> None:
    """Write six shards and stand still at the seventh: a driver that can be killed in the middle."""
    write_shards(plan_of(Path(folder), Waits(Path(beside), 6)), Processes(2))

"""Measures one row of `beamgym speed` in a process of its own, with one thread, and prints it as JSON."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from beamgym.envs.loop import cores
from beamgym.physics.messages import one_line
from beamgym.scripts.speeds.cases import CASES, PEERS, YARDSTICK
from beamgym.scripts.speeds.environments import cartpole
from beamgym.scripts.speeds.machine import machine_name
from beamgym.scripts.speeds.work import SelfTimed, Work

PEER_MODULES = {"laue_torch": "laue-torch", "aurelia": "aurelia"}
"""What may be absent, and what it is installed as; any other missing module is a fault."""

Measured = tuple[str | None, float | None, str | None]
"""A peer's name, its rate, and why there is none."""


def measure(work: Work, repeats: int, seconds: float) -> float:
    """Return units per second of CPU time: the median of several repeats, after one call that compiles and warms up.

    Parameters
    ----------
    work : what to do
    repeats : how many times the rate is measured
    seconds : CPU time of each, at least
    """
    work.once()
    return statistics.median(_rate(work.once, work.amount, seconds, time.process_time) for _ in range(repeats))


def measure_shared(work: Work, threads: int, repeats: int, seconds: float) -> float | None:
    """Return units per second on the clock by several threads: the best of several repeats, since others disturb it.

    Parameters
    ----------
    work : what to do
    threads : how many; None is returned where there is one, or the work has no such option
    repeats, seconds : as in :func:`measure`
    """
    if work.shared is None or threads < 2:
        return None
    once = work.shared(threads)
    once()
    return max(_rate(once, work.amount, seconds, time.perf_counter) for _ in range(repeats))


def row(name: str, seed: int, repeats: int, seconds: float) -> dict[str, Any]:
    """Return a row of the report, its peer measured in the same process; what is missing is null, and ``why`` says why.

    Where no peer has been measured, ``yardstick`` is Gymnasium's CartPole.
    """
    case, unit = CASES[name]
    made = case(seed)
    value, why = _read(made, repeats) if isinstance(made, SelfTimed) else (measure(made, repeats, seconds), None)
    peer, peer_value, absent = _peer(name, seed, repeats, seconds)
    threads = cores()
    shared = None if isinstance(made, SelfTimed) else measure_shared(made, threads, repeats, seconds)
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "peer": peer,
        "peer_value": peer_value,
        "ratio": value / peer_value if peer_value and value else None,
        "all_cores": shared,
        "threads": None if shared is None else threads,
        "yardstick": peer_value if peer == YARDSTICK else measure(cartpole(seed), repeats, seconds),
        "why": why or absent,
        "machine": machine_name(),
    }


def _read(self_timed: SelfTimed, repeats: int) -> tuple[float | None, str | None]:
    """Return the median of several readings; where what they need is not installed, None and what that is."""
    try:
        return statistics.median(self_timed.read() for _ in range(repeats if self_timed.again else 1)), None
    except ImportError as error:
        return None, one_line(error)


def _peer(name: str, seed: int, repeats: int, seconds: float) -> Measured:
    if name not in PEERS:
        return None, None, None
    label, case = PEERS[name]
    try:
        work = case(seed)
    except ModuleNotFoundError as error:
        if error.name not in PEER_MODULES:
            raise
        return None, None, f"{PEER_MODULES[error.name]} is not installed: pip install 'beamgym[peers]'"
    return label, measure(work, repeats, seconds), None


def _rate(once: Callable[[], Any], amount: float, seconds: float, clock: Callable[[], float]) -> float:
    done, start = 0.0, clock()
    while True:
        once()
        done += amount
        spent = clock() - start
        if spent >= seconds and spent > 0.0:
            return done / spent


if __name__ == "__main__":
    chosen, *numbers = sys.argv[1:]
    json.dump(row(chosen, int(numbers[0]), int(numbers[1]), float(numbers[2])), sys.stdout)

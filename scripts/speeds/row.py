"""Measures one row of `beamgym speed` in a process of its own, with one thread, and prints it as JSON."""

import json
import statistics
import sys
import time
from typing import Any

from beamgym.scripts.speeds.cases import CASES, PEERS
from beamgym.scripts.speeds.work import SelfTimed, Work

PEER_MODULES = ("laue_torch", "aurelia")
"""What may be absent; any other missing module is a fault."""


def measure(work: Work, repeats: int, seconds: float) -> float:
    """Return units per second of CPU time: the median of several repeats, after one call that compiles and warms up.

    Parameters
    ----------
    work : what to do
    repeats : how many times the rate is measured
    seconds : CPU time of each, at least
    """
    work.once()
    return statistics.median(_rate(work, seconds) for _ in range(repeats))


def row(name: str, seed: int, repeats: int, seconds: float) -> dict[str, Any]:
    """Return a row of the report; the peer is measured in the same process, and null where it is not installed."""
    case, unit = CASES[name]
    made = case(seed)
    value = _read(made, repeats) if isinstance(made, SelfTimed) else measure(made, repeats, seconds)
    peer, peer_value = _peer(name, seed, repeats, seconds)
    ratio = value / peer_value if peer_value and value else None
    return {"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio}


def _read(self_timed: SelfTimed, repeats: int) -> float | None:
    """Return the median of several readings; None where what they need is not installed."""
    try:
        return statistics.median(self_timed.read() for _ in range(repeats))
    except ImportError:
        return None


def _peer(name: str, seed: int, repeats: int, seconds: float) -> tuple[str | None, float | None]:
    if name not in PEERS:
        return None, None
    label, case = PEERS[name]
    try:
        work = case(seed)
    except ModuleNotFoundError as error:
        if error.name not in PEER_MODULES:
            raise
        return None, None
    return label, measure(work, repeats, seconds)


def _rate(work: Work, seconds: float) -> float:
    done, start = 0, time.process_time()
    while True:
        work.once()
        done += work.amount
        spent = time.process_time() - start
        if spent >= seconds:
            return done / spent


if __name__ == "__main__":
    chosen, *numbers = sys.argv[1:]
    json.dump(row(chosen, int(numbers[0]), int(numbers[1]), float(numbers[2])), sys.stdout)

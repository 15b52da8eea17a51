"""What every search for a spot does in the end: measure its candidates properly, and go back to the best one."""

from collections.abc import Generator, Sequence
from typing import Final

import numpy as np

from beamgym.agents.baselines.spot.search import Look, Seen, cost_s, costs_s
from beamgym.envs.arpes_spot import SpotContext
from beamgym.physics.instrument import Float64Array

RETURN_S: Final = 0.1
"""Dwell of the exposure with which a place is held again: the stage settles, and little time is lost."""

Finish = Generator[Look, Seen, Seen]


def best_apart(places_mm: Float64Array, values: Sequence[float], count: int, apart_mm: float) -> Float64Array:
    """Return the best ``count`` places (k, 2), best first, of which no two are nearer than ``apart_mm``."""
    chosen: list[Float64Array] = []
    for i in np.argsort(-np.asarray(values), kind="stable"):
        if all(np.hypot(*(places_mm[i] - other)) >= apart_mm for other in chosen):
            chosen.append(places_mm[i])
        if len(chosen) == count:
            break
    return np.array(chosen).reshape(-1, 2)


def best_seen(found: Sequence[Seen], count: int, apart_mm: float = 0.0) -> Float64Array:
    """Return the places (k, 2) that scored best, best first, of which no two are nearer than ``apart_mm``."""
    return best_apart(np.array([one.place_mm for one in found]), [one.points() for one in found], count, apart_mm)


def confirm(context: SpotContext, seen: Seen, places_mm: Float64Array, dwell_s: float) -> Finish:
    """Measure places (k, 2), the nearest first, as far as time allows, and go back to the best; it is held then."""
    left, best = list(places_mm), None
    while left:
        nearest = int(costs_s(context, seen.place_mm, np.array(left), dwell_s).argmin())
        look = Look(left.pop(nearest), dwell_s)
        back = 0.0 if best is None else cost_s(context, look.place_mm, Look(best.place_mm, RETURN_S))
        if cost_s(context, seen.place_mm, look) + back > seen.left_s:
            continue
        seen = yield look
        if best is None or seen.points() > best.points():
            best = seen
    if best is not None and best is not seen:
        seen = yield Look(best.place_mm, RETURN_S)
    return seen


def finish_s(context: SpotContext, count: int, dwell_s: float, apart_mm: float) -> float:
    """Return the beam time in seconds to set aside for measuring ``count`` places about ``apart_mm`` apart."""
    hop = np.array([apart_mm, 0.0])
    return (count + 1) * cost_s(context, np.zeros(2), Look(hop, dwell_s))

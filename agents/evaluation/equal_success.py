"""Searches compared at equal success: each with many settings, of which the fastest for every success count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, Final

import numpy as np

from beamgym.agents.baselines.choosing import CHOOSING, NAME, choosing_survey
from beamgym.agents.baselines.spot import (
    GP_EI,
    GP_UCB,
    HEXAGONAL,
    RASTER,
    SEARCHES,
    SURVEY,
    SearchFunction,
    ended_early,
)

_ENOUGH: Final = (None, 8.1, 8.3)
_SEARCHES: Final[Mapping[str, SearchFunction]] = {NAME: choosing_survey, **SEARCHES}


@dataclass(frozen=True)
class Variant:
    """One search with one setting.

    Parameters
    ----------
    search : its name
    settings : of it
    enough : points from which a site, measured again, is declared at once; None: the search's own end
    """

    search: str
    settings: Any
    enough: float | None = None

    def build(self) -> SearchFunction:
        """Return the search."""
        search: SearchFunction = partial(_SEARCHES[self.search], settings=self.settings)
        return search if self.enough is None else ended_early(search, self.enough, self.settings.confirm_s)


@dataclass(frozen=True)
class CurvePoint:
    """What a variant reached: success 0 to 1, and the median beam time, s, a failure counting the whole budget."""

    variant: Variant
    success: float
    median_s: float


def _all_of(search: str, base: Any, ends: Sequence[float | None] = _ENOUGH, **values: Sequence[Any]) -> list[Variant]:
    chosen = [dict(zip(values, each, strict=True)) for each in product(*values.values())]
    return [Variant(search, replace(base, **each), enough) for each in chosen for enough in ends]


VARIANTS: Final[Mapping[str, Sequence[Variant]]] = {
    NAME: _all_of(
        NAME,
        CHOOSING,
        (None,),
        certain=(0.7, 0.8, 0.85, 0.9, 0.95),
        idle=(0.003, 0.005, 0.01, 0.02),
        doubtful=(0.5, 0.7),
    ),
    "survey": _all_of(
        "survey", SURVEY, (None,), sure=(0.75, 0.85, 0.92, 0.96), idle=(0.01, 0.02, 0.03, 0.05), pitch_mm=(0.2, 0.24)
    ),
    "hexagonal": _all_of(
        "hexagonal",
        HEXAGONAL,
        pitch_mm=(0.2, 0.24, 0.28),
        parents=(2, 3, 5),
        candidates=(2, 4, 6),
        confirm_s=(0.25, 1.0),
        diagonal=(False, True),
    ),
    "raster": _all_of(
        "raster", RASTER, pitch_mm=(0.1, 0.12, 0.15), candidates=(4, 8), confirm_s=(0.25,), diagonal=(False, True)
    ),
    "gp-ei": _all_of(
        "gp-ei",
        replace(GP_EI, dwell_s=0.05, confirm_s=0.25, noise=0.15),
        length_mm=(0.15, 0.25),
        stop=(0.003, 0.01, 0.03),
        first_mm=(0.22, 0.26),
        candidates=(4,),
    ),
    "gp-ucb": _all_of(
        "gp-ucb",
        replace(GP_UCB, dwell_s=0.05, confirm_s=0.25, noise=0.15),
        length_mm=(0.15, 0.25),
        stop=(0.2, 0.4, 0.7),
        first_mm=(0.22, 0.26),
        candidates=(4,),
    ),
}
"""What is tried, by the search's name; all of them may fly."""


def front(points: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Return the points that no other point beats in both, the fastest first."""
    kept: list[CurvePoint] = []
    for point in sorted(points, key=lambda each: (each.median_s, -each.success)):
        if not kept or point.success > kept[-1].success:
            kept.append(point)
    return kept


def best_numbers(played: Sequence[Mapping[str, Sequence[Mapping[str, Any]]]]) -> dict[str, list[int]]:
    """Return by search the numbers in ``VARIANTS`` of the settings that no other one played beats in both.

    Parameters
    ----------
    played : of every run, by search, each setting's "number", "success" and "median_s"

    Raises
    ------
    ValueError : what is no such table
    """
    points: dict[str, list[CurvePoint]] = {}
    try:
        for run in played:
            for name, rows in run.items():
                found = [CurvePoint(VARIANTS[name][row["number"]], row["success"], row["median_s"]) for row in rows]
                points.setdefault(name, []).extend(found)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"a table of settings played lacks or does not know {error}; write it with --json") from error
    return {name: [VARIANTS[name].index(each.variant) for each in front(many)] for name, many in points.items()}


def time_at(points: Sequence[CurvePoint], success: float) -> float:
    """Return the median beam time, s, at which a search reaches a success, interpolated on its front.

    Below the front's lowest success its fastest point counts; above its highest, infinity.
    """
    best = front(points)
    if success > best[-1].success:
        return np.inf
    return float(np.interp(success, [each.success for each in best], [each.median_s for each in best]))

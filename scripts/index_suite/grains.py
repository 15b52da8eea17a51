"""Part "grains": two and three grains of one crystal in one list."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.indexing import BAND_KEV, IndexingFailed, find_grains
from beamgym.scripts.engine import Place
from beamgym.scripts.index_suite.answers import CRYSTALS, error_deg, load
from beamgym.scripts.index_suite.cameras import warm_up
from beamgym.scripts.index_suite.false_peaks import scaled
from beamgym.scripts.index_suite.lists import DrawnList, drawn_list
from beamgym.scripts.index_suite.report import PartResult, by_crystal, table_of
from beamgym.scripts.rates import Bar, Rate, or_none, typical

ALL_FOUND = 0.90
"""The bar, for each number of grains."""
FOUND_DEG = 0.5
"""A grain is found where a reported orientation is that near."""
GRAINS = (2, 3)
LISTS = 200
"""Of each number of grains where there are 300 pictures: 25 of each crystal."""
SPOTS, WEAKEST, MOST_FALSE = 40, 0.3, 0.05
"""Spots of each grain, the least weight of a further one beside the first, and the largest share of false peaks."""
PART = 4
"""Tells this part's random numbers from the others'."""


@dataclass(frozen=True)
class GrainsCase:
    """A list: of which set and number, and of how many grains."""

    seed: int
    number: int
    grains: int

    @property
    def drawn(self) -> str:
        """The crystal in the beam: the eight in turn."""
        return CRYSTALS[self.number % len(CRYSTALS)]


@dataclass(frozen=True)
class GrainsFound:
    """What was made of a list of several grains.

    Parameters
    ----------
    number, drawn, grains : which list: its number, crystal and true grains
    refused : the first line of the reason; empty where there is an answer
    first : whether the first answer is one of the grains
    found : true grains among the answers
    false : answers that are none of the true grains
    nearest_deg : of each true grain, the angle to the nearest answer
    cpu_s : CPU seconds
    """

    number: int
    drawn: str
    grains: int
    refused: str
    first: bool
    found: int
    false: int
    nearest_deg: tuple[float, ...]
    cpu_s: float

    @property
    def all_found(self) -> bool:
        """Whether every grain is found."""
        return self.found == self.grains

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; NaN becomes None."""
        return asdict(self) | {"nearest_deg": [or_none(angle) for angle in self.nearest_deg]}


def run_grains(pictures: int, seed: int, place: Place) -> PartResult:
    """Index lists of two and of three grains."""
    lists = range(scaled(LISTS, pictures))
    found = {
        count: place.each(grains_answer, [GrainsCase(seed, n, count) for n in lists], GrainsFound, f"{count} grains")
        for count in GRAINS
    }
    groups = {count: by_crystal(answers, CRYSTALS) for count, answers in found.items()}
    return PartResult(
        tuple(table_of(f"grains: {count} in each list; per cent", _COLUMNS, group) for count, group in groups.items()),
        tuple(_bar(count, answers) for count, answers in found.items()),
        {
            f"{count}": {
                "crystals": {name: _figures(group) for name, group in groups[count].items()},
                "answers": [answer.as_dict() for answer in answers],
            }
            for count, answers in found.items()
        },
    )


def grains_answer(case: GrainsCase) -> GrainsFound:
    """Draw a list of several grains, look for all of them, and judge what is found."""
    warm_up()
    rng = np.random.default_rng([case.seed, PART, case.grains, case.number])
    crystal = load(case.drawn)
    weights = (1.0, *(float(rng.uniform(WEAKEST, 1.0)) for _ in range(case.grains - 1)))
    drawn = drawn_list(crystal, rng, SPOTS, float(rng.uniform(0.0, MOST_FALSE)), weights)
    start = time.process_time()
    try:
        grains = find_grains(drawn.pattern, crystal, drawn.camera, BAND_KEV)
        answers, refused = [grain.indexed.orientation for grain in grains], ""
    except IndexingFailed as failed:
        answers, refused = [], str(failed).splitlines()[0]
    return judged(case, crystal, drawn, answers, refused, time.process_time() - start)


def judged(
    case: GrainsCase, crystal: Crystal, drawn: DrawnList, answers: Sequence[Float64Array], refused: str, seconds: float
) -> GrainsFound:
    """Compare the orientations found with the true ones."""
    angles = np.array([[error_deg(crystal, u, truth) for truth in drawn.orientations] for u in answers])
    angles = angles.reshape(len(answers), case.grains)
    near = angles <= FOUND_DEG
    nearest = angles.min(axis=0) if len(answers) else np.full(case.grains, math.nan)
    return GrainsFound(
        number=case.number,
        drawn=case.drawn,
        grains=case.grains,
        refused=refused,
        first=bool(len(answers)) and bool(near[0].any()),
        found=int(near.any(axis=0).sum()),
        false=int((~near.any(axis=1)).sum()),
        nearest_deg=tuple(float(angle) for angle in nearest),
        cpu_s=seconds,
    )


def _bar(count: int, answers: Sequence[GrainsFound]) -> Bar:
    return Bar.at_least(f"all of {count} grains found", Rate.of(answer.all_found for answer in answers), ALL_FOUND)


def _share(flag: Callable[[GrainsFound], bool]) -> Callable[[list[GrainsFound]], Rate]:
    return lambda group: Rate.of(flag(answer) for answer in group)


def _found_share(group: list[GrainsFound]) -> Rate:
    return Rate(sum(answer.found for answer in group), sum(answer.grains for answer in group))


def _seconds(group: list[GrainsFound]) -> str:
    return f"{typical(a.cpu_s for a in group):.1f}\n{max((a.cpu_s for a in group), default=0.0):.1f}"


_COLUMNS: dict[str, Callable[[list[GrainsFound]], object]] = {
    "n\n": len,
    "first\nright": _share(lambda a: a.first),
    "grains\nfound": _found_share,
    "all\nfound": _share(lambda a: a.all_found),
    "with a\nfalse grain": _share(lambda a: a.false > 0),
    "refused\n": _share(lambda a: bool(a.refused)),
    "CPU s\nmost": _seconds,
}


def _figures(group: list[GrainsFound]) -> dict[str, Any]:
    rates = {
        "first_right": _share(lambda a: a.first),
        "grains_found": _found_share,
        "all_found": _share(lambda a: a.all_found),
        "with_false_grain": _share(lambda a: a.false > 0),
        "refused": _share(lambda a: bool(a.refused)),
    }
    return {name: rate(group).as_dict() for name, rate in rates.items()} | {
        "cpu_s_median": or_none(typical(a.cpu_s for a in group)),
        "cpu_s_most": max((a.cpu_s for a in group), default=0.0),
    }

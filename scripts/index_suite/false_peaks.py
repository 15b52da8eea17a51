"""Part "false-peaks": lists most of whose peaks are none, and are as bright as the true ones."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from beamgym.physics.laue.indexing import BAND_KEV, find_grains
from beamgym.scripts.engine import Place
from beamgym.scripts.index_suite.answers import CRYSTALS, Answer, answered, load
from beamgym.scripts.index_suite.cameras import warm_up
from beamgym.scripts.index_suite.lists import drawn_list
from beamgym.scripts.index_suite.report import PartResult, by_crystal, table_of
from beamgym.scripts.index_suite.tally import FLAGS, LISTED, RATES, figures_of
from beamgym.scripts.rates import Bar

RIGHT = 0.80
"""The bar, for each crystal."""
SHARES = (0.8, 0.5, 0.0)
"""Of the list that is false: what the bar is about, then for comparison on the same true peaks."""
TRUE = (20, 60)
"""Fewest and most true peaks."""
LISTS = 200
"""Where there are 300 pictures: 25 of each crystal."""
PART = 2
"""Tells this part's random numbers from the others'."""


@dataclass(frozen=True)
class ListCase:
    """A list: of which set and number, and what share of it is false."""

    seed: int
    number: int
    false_share: float

    @property
    def drawn(self) -> str:
        """The crystal in the beam: the eight in turn."""
        return CRYSTALS[self.number % len(CRYSTALS)]


def run_false_peaks(pictures: int, seed: int, place: Place) -> PartResult:
    """Index lists of 20 to 60 true peaks among more and more false ones."""
    lists = scaled(LISTS, pictures)
    found = {}
    for share in SHARES:
        cases = [ListCase(seed, number, share) for number in range(lists)]
        found[share] = place.each(list_answer, cases, Answer, f"{100 * share:g} % false")
    groups = {share: by_crystal(answers, CRYSTALS) for share, answers in found.items()}
    title = "false-peaks: {:g} % of the list is false; per cent"
    tables = [table_of(title.format(100 * share), LISTED, group) for share, group in groups.items()]
    flags = f"false-peaks: {100 * SHARES[0]:g} % false, flags and stated uncertainty; per cent of the right answers"
    return PartResult(
        (tables[0], table_of(flags, FLAGS, groups[SHARES[0]]), *tables[1:]),
        (_bar(groups[SHARES[0]]),),
        {
            f"{100 * share:g}": {
                "crystals": figures_of(groups[share]),
                "answers": [answer.as_dict() for answer in answers],
            }
            for share, answers in found.items()
        },
    )


def scaled(lists: int, pictures: int) -> int:
    """Return how many lists go with so many pictures: ``lists`` with 300."""
    return max(1, round(lists * pictures / 300))


def list_answer(case: ListCase) -> Answer:
    """Draw a list, index it with its true camera, and judge the answer."""
    warm_up()
    rng = np.random.default_rng([case.seed, PART, case.number])
    crystal = load(case.drawn)
    drawn = drawn_list(crystal, rng, int(rng.integers(TRUE[0], TRUE[1] + 1)), case.false_share)
    ask = partial(find_grains, drawn.pattern, crystal, drawn.camera, BAND_KEV)
    return answered(ask, case.number, case.drawn, case.drawn, drawn.orientations[0], drawn.camera)


def _bar(groups: dict[str, list[Answer]]) -> Bar:
    rates = {name: RATES["right"](group) for name, group in groups.items() if name != "all"}
    least = min(rates, key=lambda name: rates[name].share)
    bar = Bar.at_least("", rates[least], RIGHT)
    return Bar(f"right, {100 * SHARES[0]:g} % false, least", bar.bar, f"{least}: {bar.reached}", bar.met)

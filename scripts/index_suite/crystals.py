"""Part "crystals": patterns indexed as another crystal than the one in the beam, and as the right one."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.table import Table

from beamgym.physics.laue.indexing import BAND_KEV, find_grains
from beamgym.scripts.engine import Place
from beamgym.scripts.index_suite.answers import CRYSTALS, Answer, answered, load
from beamgym.scripts.index_suite.cameras import PictureCase, picture_answer, picture_seed, warm_up
from beamgym.scripts.index_suite.false_peaks import scaled
from beamgym.scripts.index_suite.lists import drawn_list
from beamgym.scripts.index_suite.report import PartResult, by_crystal, table_of
from beamgym.scripts.index_suite.tally import figures_of, seconds
from beamgym.scripts.rates import Bar, Rate

WARNED, FEWEST = 0.05, 1000
"""The bar: of the right crystal's answers, so many may carry a warning; of at least so many others, all have to."""
LISTS, PICTURES = 1008, 200
"""Where the cameras have 300: 18 lists of every ordered pair, and pictures asked as another crystal."""
TRUE, MOST_FALSE = (40, 80), 0.05
"""True peaks of a clear list, and the largest share of false ones."""
PART = 3
"""Tells this part's random numbers from the others'."""


@dataclass(frozen=True)
class AskedCase:
    """A list: of which set and number, and as what it is indexed."""

    seed: int
    number: int
    asked: str

    @property
    def drawn(self) -> str:
        """The crystal in the beam: the eight in turn."""
        return CRYSTALS[self.number % len(CRYSTALS)]


def another(number: int) -> str:
    """Return the crystal that pattern ``number`` is indexed as: all 56 ordered pairs in turn."""
    kinds = len(CRYSTALS)
    return CRYSTALS[(number + 1 + number // kinds % (kinds - 1)) % kinds]


def run_crystals(pictures: int, seed: int, place: Place) -> PartResult:
    """Index clear lists and laboratory pictures as another crystal, and the lists as what they are."""
    numbers = range(scaled(LISTS, pictures))
    of_lists = place.each(clear_answer, [AskedCase(seed, n, another(n)) for n in numbers], Answer, "another crystal")
    drawn = [PictureCase(n, picture_seed(seed, n), another(n)) for n in range(scaled(PICTURES, pictures))]
    of_pictures = place.each(picture_answer, drawn, Answer, "another crystal, pictures")
    right = place.each(
        clear_answer, [AskedCase(seed, n, CRYSTALS[n % len(CRYSTALS)]) for n in numbers], Answer, "the right crystal"
    )
    groups = {"lists": of_lists, "pictures": of_pictures, "right": right}
    return PartResult(
        (
            table_of("crystals: clear lists asked as another crystal; per cent", _ANOTHER, _grouped(of_lists)),
            table_of("crystals: laboratory pictures asked as another; per cent", _ANOTHER, _grouped(of_pictures)),
            table_of("crystals: clear lists asked as what they are; per cent", _THE_RIGHT, _grouped(right)),
            pairs_table([*of_lists, *of_pictures]),
        ),
        _bars([*of_lists, *of_pictures], right),
        {name: _figures(name, answers) for name, answers in groups.items()},
    )


def clear_answer(case: AskedCase) -> Answer:
    """Draw a clear list, index it as a crystal with its true camera, and judge the answer."""
    warm_up()
    rng = np.random.default_rng([case.seed, PART, case.number])
    true = int(rng.integers(TRUE[0], TRUE[1] + 1))
    drawn = drawn_list(load(case.drawn), rng, true, float(rng.uniform(0.0, MOST_FALSE)))
    ask = partial(find_grains, drawn.pattern, load(case.asked), drawn.camera, BAND_KEV)
    return answered(ask, case.number, case.drawn, case.asked, drawn.orientations[0], drawn.camera)


def silent(answer: Answer) -> bool:
    """Whether a crystal was accepted without a warning; that other orientations fit as well is none."""
    return answer.accepted and not answer.warnings


def pairs_table(answers: Sequence[Answer]) -> Table:
    """Return a table of the pairs that were accepted without a warning, the most frequent first."""
    asked = Counter((answer.drawn, answer.asked) for answer in answers)
    accepted = Counter((answer.drawn, answer.asked) for answer in answers if silent(answer))
    title = "crystals: accepted as another without a warning"
    out = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 2, 0, 0))
    for heading in ("drawn", "asked as", "accepted"):
        out.add_column(heading, no_wrap=True)
    for pair, count in accepted.most_common():
        out.add_row(*pair, f"{count} of {asked[pair]}")
    if not accepted:
        out.add_row("none", "", "")
    return out


def _bars(another_crystal: Sequence[Answer], right: Sequence[Answer]) -> tuple[Bar, ...]:
    accepted = Rate.of(silent(answer) for answer in another_crystal)
    warned = Rate.of(bool(answer.warnings) for answer in right if answer.right)
    none = Bar.at_most("another crystal, no warning", accepted, 0.0)
    return (
        Bar(none.figure, f"0 of ≥ {FEWEST}", none.reached, none.met),
        Bar.at_most("right answers warned about", warned, WARNED),
    )


def _grouped(answers: Sequence[Answer]) -> dict[str, list[Answer]]:
    return by_crystal(answers, CRYSTALS)


def _share(flag: Callable[[Answer], bool]) -> Callable[[list[Answer]], Rate]:
    return lambda group: Rate.of(flag(answer) for answer in group)


_ANOTHER: dict[str, Callable[[list[Answer]], object]] = {
    "n\n": len,
    "accepted,\nno warning": _share(silent),
    "accepted,\nwarned": _share(lambda a: a.accepted and bool(a.warnings)),
    "accepted,\nambiguous": _share(lambda a: a.accepted and a.ambiguous > 0),
    "refused\n": _share(lambda a: not a.accepted),
    "CPU s\nmost": seconds,
}
_THE_RIGHT: dict[str, Callable[[list[Answer]], object]] = {
    "n\n": len,
    "right\n": _share(lambda a: a.right),
    "right,\nwarned": _share(lambda a: a.right and bool(a.warnings)),
    "right,\nambiguous": _share(lambda a: a.right and a.ambiguous > 0),
    "wrong\n": _share(lambda a: a.wrong),
    "refused\n": _share(lambda a: not a.accepted),
    "CPU s\nmost": seconds,
}


def _figures(name: str, answers: list[Answer]) -> dict[str, Any]:
    listed = [answer.as_dict() for answer in answers]
    if name == "right":
        return {"crystals": figures_of(_grouped(answers)), "answers": listed}
    became = {
        "accepted_without_warning": _share(silent),
        "accepted_warned": _share(lambda a: a.accepted and bool(a.warnings)),
        "refused": _share(lambda a: not a.accepted),
    }
    crystals = {
        drawn: {what: rate(group).as_dict() for what, rate in became.items()}
        for drawn, group in _grouped(answers).items()
    }
    return {"crystals": crystals, "answers": listed}

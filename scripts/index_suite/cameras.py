"""Part "cameras": drawn laboratory pictures, indexed with the camera that their user measured by ruler."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from beamgym.physics.crystal import load_crystal
from beamgym.physics.laue.indexing import BAND_KEV, IN_WORDS, SolvedPattern, find_grains, pattern_of, solve
from beamgym.physics.laue.lab import lab_picture
from beamgym.physics.laue.peaks import LabPeakFinder
from beamgym.scripts.engine import Place
from beamgym.scripts.index_suite.answers import CRYSTALS, RESIDUAL_PX, Answer, answered, load
from beamgym.scripts.index_suite.report import PartResult, by_crystal, table_of
from beamgym.scripts.index_suite.tally import BECAME, FLAGS, GOOD, figures_of
from beamgym.scripts.rates import Bar, Rate

RIGHT, CPU_S, UNFLAGGED, FLAGGED = 0.90, 20.0, 0.005, 0.05
"""The bars: right at least, seconds for each at most, wrong without a flag and right with one at most."""
_FIRST, _STRIDE = 1_000_000, 100_000
"""Picture i of set s is drawn from this number + s times the stride + i; tuning has used numbers below a million."""


@dataclass(frozen=True)
class PictureCase:
    """A picture and what it is indexed as.

    Parameters
    ----------
    number : of the picture
    seed : that it is drawn from
    asked : the crystal that it is indexed as; what is drawn follows from the number
    """

    number: int
    seed: int
    asked: str

    @property
    def drawn(self) -> str:
        """The crystal in the beam: the eight in turn."""
        return CRYSTALS[self.number % len(CRYSTALS)]


def picture_seed(seed: int, number: int) -> int:
    """Return what a picture of a set is drawn from."""
    return _FIRST + _STRIDE * seed + number


def run_cameras(pictures: int, seed: int, place: Place) -> PartResult:
    """Index so many pictures of a set, each as the crystal that it shows."""
    cases = [PictureCase(i, picture_seed(seed, i), CRYSTALS[i % len(CRYSTALS)]) for i in range(pictures)]
    answers = place.each(picture_answer, cases, Answer, "cameras")
    groups = by_crystal(answers, CRYSTALS)
    tables = (
        table_of(f"cameras: {pictures} drawn pictures, the camera as stated by ruler; per cent", BECAME, groups),
        table_of("cameras: flags and stated uncertainty, per cent of the right answers", FLAGS, groups),
        table_of("cameras: the right answers", GOOD, groups),
    )
    figures = {"crystals": figures_of(groups), "answers": [answer.as_dict() for answer in answers]}
    return PartResult(tables, _bars(answers), figures)


def picture_answer(case: PictureCase) -> Answer:
    """Draw a picture, index it as `beamgym index --camera` would, and judge the answer."""
    warm_up()
    picture = lab_picture(load(case.drawn), case.seed)
    # a crystal that nothing has been prepared for yet, as in a command of its own
    crystal = load_crystal(case.asked)

    def ask() -> Sequence[SolvedPattern]:
        pattern = pattern_of(picture.image, LabPeakFinder())
        first = solve(pattern, crystal, picture.camera.stated, BAND_KEV, known=IN_WORDS, search_camera=True)
        return find_grains(pattern, crystal, first.detector, BAND_KEV, first=first)

    truth, camera = picture.orientation, picture.camera.true
    return answered(ask, case.number, case.drawn, case.asked, truth, camera, RESIDUAL_PX)


@cache
def warm_up() -> None:
    """Load the compiled kernels into this process: that is no part of a picture's time."""
    picture = lab_picture(load("Si"), _FIRST - 1)
    pattern = pattern_of(picture.image, LabPeakFinder())
    solve(pattern, load("Si"), picture.camera.true, BAND_KEV)


def _bars(answers: list[Answer]) -> tuple[Bar, ...]:
    slowest = max((answer.cpu_s for answer in answers), default=0.0)
    return (
        Bar.at_least(f"right, residual ≤ {RESIDUAL_PX:g} px", Rate.of(a.right for a in answers), RIGHT),
        Bar("CPU seconds, the slowest", f"≤ {CPU_S:g}", f"{slowest:.1f}", slowest <= CPU_S),
        Bar.at_most("wrong without a flag", Rate.of(a.wrong and not a.flagged for a in answers), UNFLAGGED),
        Bar.at_most("right ones flagged", Rate.of(a.flagged for a in answers if a.right), FLAGGED),
    )

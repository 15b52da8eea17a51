"""Indexes a picture of a cylindrical plate whose place is stated: as it is said, and a little elsewhere.

Where a plate's picture begins around the sample, and on which line the beam meets it, is less well known than its
radius. Every plate that the words allow is tried as it stands, and then turned and shifted in steps that a search
radius spans.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.refinement import CYLINDER
from beamgym.physics.laue.indexing.solver import IndexingFailed, SolvedPattern, check_reach, solve

TURN_STEP_DEG, SHIFT_STEP_MM = 0.8, 2.0
"""Steps around the axis and along it: half of one is spanned by the wider search radius."""
TURNS, SHIFTS = 5, 3
"""Steps tried to either side."""
BRIGHTEST = 80
"""Peaks that a trial takes, brightest first."""
CLEAR_SHARE = 0.6
"""An answer that explains this share of the peaks and is not doubted ends the search."""


@dataclass(frozen=True)
class _Trial:
    plate: CylinderDetector
    turn_deg: float
    shift_mm: float


def solve_on_cylinder(
    pattern: MeasuredPattern,
    crystal: Crystal,
    plates: Sequence[CylinderDetector],
    band_kev: tuple[float, float],
    *,
    search: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> SolvedPattern:
    """Index a pattern on whichever plate explains it best, and refine it with that plate's place and radius.

    Parameters
    ----------
    pattern, crystal, band_kev : as for ``solve``
    plates : those that are possible, the likeliest first; the answer's ``given`` is one of them
    search : look about them where none explains the peaks beyond doubt
    progress : called after every plate tried with how many were tried and how many there are

    Returns
    -------
    SolvedPattern

    Raises
    ------
    IndexingFailed : no plate explains the peaks better than chance
    ValueError : a band that is none, or in which no reflection can reach any plate
    """
    check_reach(crystal, plates[0], band_kev)
    best, failure = None, None
    for plate in plates:
        try:
            best = _better(solve(pattern, crystal, plate, band_kev, known=CYLINDER), best)
        except IndexingFailed as error:
            failure = failure or error
    if best is not None and (_clear(best) or not search):
        return best
    if search:
        indexer = Indexer(crystal, band_kev)
        bright = np.argsort(-pattern.intensity, kind="stable")[:BRIGHTEST]
        position, intensity = pattern.position_px[bright], pattern.intensity[bright]
        trials = list(_trials(plates))
        for number, trial in enumerate(trials):
            plate = _moved(trial)
            answer = indexer.on(plate).index(position, intensity)
            if progress is not None:
                progress(number + 1, len(trials))
            if not isinstance(answer, Indexed):
                continue
            try:
                found = solve(pattern, crystal, plate, band_kev, known=CYLINDER)
            except IndexingFailed:
                continue
            best = _better(replace(found, given=trial.plate), best)
            if _clear(best):
                return best
    if best is None:
        assert failure is not None
        raise failure
    return best


def _clear(solved: SolvedPattern) -> bool:
    return not solved.warnings and solved.indexed.assigned.mean() > CLEAR_SHARE


def _better(one: SolvedPattern, other: SolvedPattern | None) -> SolvedPattern:
    if other is None:
        return one
    return min(one, other, key=lambda solved: (len(solved.warnings), -solved.indexed.figure_of_merit))


def _trials(plates: Sequence[CylinderDetector]) -> Iterator[_Trial]:
    """Yield the plates elsewhere, those nearest to what was stated first."""
    steps = [
        (turn, shift) for turn in range(-TURNS, TURNS + 1) for shift in range(-SHIFTS, SHIFTS + 1) if turn or shift
    ]
    steps.sort(key=lambda step: step[0] ** 2 + step[1] ** 2)
    for turn, shift in steps:
        for plate in plates:
            yield _Trial(plate, turn * TURN_STEP_DEG, shift * SHIFT_STEP_MM)


def _moved(trial: _Trial) -> CylinderDetector:
    """Return the plate turned about its own axis and shifted along it."""
    plate = trial.plate
    turned = plate.displaced(trial.shift_mm * plate.slow, trial.turn_deg * plate.slow)
    assert isinstance(turned, CylinderDetector)
    return turned

"""Indexes a picture of a cylindrical plate whose place is stated: as it is said, and a little elsewhere.

Where a plate's picture begins around the sample, and on which line the beam meets it, is less well known than its
radius. Every plate that the words allow is tried as it stands, and then turned and shifted in steps that a search
radius spans.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import BEAM
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.refinement import CYLINDER
from beamgym.physics.laue.indexing.solver import IndexingFailed, SolvedPattern, check_reach, solve

TURN_STEP_DEG, SHIFT_STEP_MM = 0.8, 2.0
"""Steps around the axis and along it: half of one is spanned by the wider search radius."""
TURNS, SHIFTS = 5, 3
"""Steps tried to either side."""
RADIUS_SHARES = (0.01, -0.01, 0.02, -0.02, 0.035, -0.035)
"""Changes of the radius that are tried after that, relative: a pixel that is stated a little wrong."""
AROUND_STEP_DEG = 1.6
"""Steps all around."""
HOLE_MM, MOST_HOLES, MOST_DARK = (3.0, 45.0), 4, 400
"""Smallest and largest edge of a beam's hole or stop with its rim; how many are tried, of how many dark places."""
BRIGHTEST = 80
"""Peaks that a trial takes, brightest first."""
BETTER = 1.0
"""By how much more merit a trial must have than every one before to be worth a refinement."""
CLEAR_SHARE = 0.6
"""An answer that explains this share of the peaks and is not doubted ends the search."""


def solve_on_cylinder(
    pattern: MeasuredPattern,
    crystal: Crystal,
    plates: Sequence[CylinderDetector],
    band_kev: tuple[float, float],
    *,
    search: bool = True,
    anywhere: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> SolvedPattern:
    """Index a pattern on whichever plate explains it best, and refine it with that plate's place and radius.

    Parameters
    ----------
    pattern, crystal, band_kev : as for ``solve``
    plates : those that are possible, the likeliest first; the answer's ``given`` is one of them
    search : look about them where none explains the peaks beyond doubt
    anywhere : look all around, and first where dark holes are: nothing is known of where the picture begins
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
        trials = list(_trials(plates, pattern, anywhere))
        merit = 0.0
        for number, (given, plate) in enumerate(trials):
            answer = indexer.on(plate).index(position, intensity)
            if progress is not None:
                progress(number + 1, len(trials))
            if not isinstance(answer, Indexed) or answer.figure_of_merit < merit + BETTER:
                continue
            merit = answer.figure_of_merit
            try:
                found = solve(pattern, crystal, plate, band_kev, known=CYLINDER)
            except IndexingFailed:
                continue
            best = _better(replace(found, given=given), best)
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


def _trials(
    plates: Sequence[CylinderDetector], pattern: MeasuredPattern, anywhere: bool
) -> Iterator[tuple[CylinderDetector, CylinderDetector]]:
    """Yield a stated plate and where it is tried: near what was stated, the likeliest first, then further away."""
    near = _steps(TURNS, SHIFTS)
    for turn, shift in near[1:]:
        yield from ((plate, _moved(plate, turn * TURN_STEP_DEG, shift * SHIFT_STEP_MM)) for plate in plates)
    if anywhere:
        for place in holes_px(pattern, plates[0].pixel_mm):
            for toward in (BEAM, -BEAM):
                through = _through(plates[0], toward, place)
                for turn, shift in _steps(1, 1):
                    yield plates[0], _moved(through, turn * TURN_STEP_DEG, shift * SHIFT_STEP_MM)
    for share in RADIUS_SHARES:
        for turn, shift in _steps(2, 1):
            for plate in plates:
                scaled = plate.with_radius((1.0 + share) * plate.radius_mm)
                yield plate, _moved(scaled, turn * TURN_STEP_DEG, shift * SHIFT_STEP_MM)
    if anywhere:
        for turn_deg in np.arange(0.0, 360.0, AROUND_STEP_DEG):
            yield plates[0], _moved(plates[0], float(turn_deg), 0.0)


def _steps(turns: int, shifts: int) -> list[tuple[int, int]]:
    """Return numbers of steps around and along, the smallest first."""
    steps = [(turn, shift) for turn in range(-turns, turns + 1) for shift in range(-shifts, shifts + 1)]
    return sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2)


def _moved(plate: CylinderDetector, turn_deg: float, shift_mm: float) -> CylinderDetector:
    """Return the plate turned about its own axis and shifted along it."""
    turned = plate.displaced(shift_mm * plate.slow, turn_deg * plate.slow)
    assert isinstance(turned, CylinderDetector)
    return turned


def _through(plate: CylinderDetector, direction: Float64Array, place_px: Float64Array) -> CylinderDetector:
    """Return the plate turned about its axis and shifted along it so that a ray (3,) meets it at a place (2,)."""
    away = plate.difference_px(place_px, plate.to_pixel(direction)[0])
    turn_deg = float(np.degrees(away[0] * plate.pixel_mm / plate.radius_mm))
    shift_mm = -float(away[1]) * plate.pixel_mm
    ways = [_moved(plate, sign * turn_deg, shift_mm) for sign in (1.0, -1.0)]
    return min(ways, key=lambda way: abs(float(way.difference_px(place_px, way.to_pixel(direction)[0])[0])))


def holes_px(pattern: MeasuredPattern, pixel_mm: float) -> list[Float64Array]:
    """Return the middles (2,) of dark places on a plate that may be a beam's hole or stop, the roundest first."""
    if pattern.unseen is None:
        return []
    labels, _ = ndimage.label(pattern.unseen)
    found = []
    for part, (rows, columns) in enumerate(ndimage.find_objects(labels)[:MOST_DARK], start=1):
        height, width = ((edge.stop - edge.start) * pixel_mm for edge in (rows, columns))
        cut = rows.start == 0 or rows.stop == labels.shape[0]
        if cut or not (HOLE_MM[0] < min(height, width) and max(height, width) < HOLE_MM[1]):
            continue
        row, column = ndimage.center_of_mass(labels[rows, columns] == part)
        middle = np.array([column + columns.start, row + rows.start])
        found.append((max(height, width) / min(height, width), middle))
    return [middle for _, middle in sorted(found, key=lambda one: one[0])[:MOST_HOLES]]

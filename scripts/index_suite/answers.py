"""One question put to the indexer, and what its answer is worth beside the truth."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.instrument import FrameFailed
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import IndexingFailed, SolvedPattern
from beamgym.physics.laue.report import orientation_uncertainty_deg
from beamgym.physics.orientation import misorientation_deg
from beamgym.scripts.rates import or_none

CRYSTALS = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")
"""From cubic to triclinic, from layered to dense, from 5 to 12 Å."""
RIGHT_DEG = 1.0
"""A right orientation is that near the truth: what a crude camera leaves, and no other orientation comes so close."""
RESIDUAL_PX = 1.5
"""Largest mean residual of a right answer to a picture."""

load = cache(load_crystal)
"""A crystal by its name, loaded once in each process."""


@dataclass(frozen=True)
class Answer:
    """What the indexer made of one pattern.

    Parameters
    ----------
    number : of the pattern
    drawn, asked : the crystal in the beam, and the one that the pattern was indexed as
    refused : the first line of the reason; empty where there is an answer
    error_deg : angle to the true orientation, modulo the crystal's rotations; NaN for a refusal or another crystal
    residual_px : as the report says
    uncertainty_deg : one standard deviation of the angle, as the report says
    distance_error : of the camera that came out, relative to the true distance
    matched, peaks, merit : figures of the answer
    warnings : that it carries
    ambiguous : how many other orientations it names
    further_grains : how many grains are told besides the first; there is one in the beam
    cpu_s : CPU seconds
    most_px : largest residual with which an answer counts as right
    """

    number: int
    drawn: str
    asked: str
    refused: str = ""
    error_deg: float = math.nan
    residual_px: float = math.nan
    uncertainty_deg: float = math.nan
    distance_error: float = math.nan
    matched: int = 0
    peaks: int = 0
    merit: float = math.nan
    warnings: tuple[str, ...] = ()
    ambiguous: int = 0
    further_grains: int = 0
    cpu_s: float = math.nan
    most_px: float = math.inf

    @property
    def accepted(self) -> bool:
        """Whether there is an answer."""
        return not self.refused

    @property
    def near(self) -> bool:
        """Whether the orientation is the true one."""
        return self.error_deg <= RIGHT_DEG

    @property
    def right(self) -> bool:
        """Whether the orientation is the true one and the peaks lie where it says."""
        return self.near and self.residual_px <= self.most_px

    @property
    def wrong(self) -> bool:
        """Whether an answer was given that is not the true one."""
        return self.accepted and not self.near

    @property
    def flagged(self) -> bool:
        """Whether the answer says of itself that it may be wrong."""
        return bool(self.warnings) or self.ambiguous > 0

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON; NaN becomes None."""
        return {name: or_none(value) if isinstance(value, float) else value for name, value in asdict(self).items()}


def answered(
    ask: Callable[[], Sequence[SolvedPattern]],
    number: int,
    drawn: str,
    asked: str,
    truth: Float64Array,
    camera: Detector,
    most_px: float = math.inf,
) -> Answer:
    """Put a question and judge the answer, the first grain's; the time is that of the question alone.

    Parameters
    ----------
    ask : indexes the pattern and returns its grains
    number, drawn, asked, most_px : as in ``Answer``
    truth : (3, 3) the true orientation
    camera : the true camera
    """
    start = time.process_time()
    try:
        grains = ask()
    except (IndexingFailed, FrameFailed) as failed:
        return Answer(number, drawn, asked, str(failed).splitlines()[0], cpu_s=time.process_time() - start)
    seconds = time.process_time() - start
    solved, same = grains[0], drawn == asked
    indexed = solved.indexed
    return Answer(
        number,
        drawn,
        asked,
        error_deg=error_deg(solved.crystal, indexed.orientation, truth) if same else math.nan,
        residual_px=indexed.residual_px,
        uncertainty_deg=orientation_uncertainty_deg(solved.uncertainty),
        distance_error=solved.detector.distance_mm / camera.distance_mm - 1.0,
        matched=indexed.matched,
        peaks=len(indexed.assigned),
        merit=indexed.figure_of_merit,
        warnings=solved.warnings,
        ambiguous=len(indexed.ambiguous),
        further_grains=len(grains) - 1,
        cpu_s=seconds,
        most_px=most_px,
    )


def error_deg(crystal: Crystal, orientation: Float64Array, truth: Float64Array) -> float:
    """Return the angle between two orientations, modulo the crystal's rotations."""
    return float(misorientation_deg(orientation, truth, crystal.rotations))

"""One question put to the indexer, and what its answer is worth beside the truth."""

import math
import time
from collections.abc import Callable
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
from beamgym.scripts.index_suite.rates import or_none

CRYSTALS = ("Si", "quartz", "Al2O3", "SrTiO3", "FePS3", "Ca2RuO4", "Bi2Se3", "kyanite")
"""From cubic to triclinic, from layered to dense, from 5 to 12 Å."""
RIGHT_DEG = 1.0
"""A right orientation is that near the truth: what a crude camera leaves, and no other orientation comes so close."""
RESIDUAL_PX = 1.5
"""Largest mean residual of a right answer."""

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
    warnings, ambiguous : how many warnings it carries, and how many other orientations
    cpu_s : CPU seconds
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
    cpu_s: float = math.nan

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
        return self.near and self.residual_px <= RESIDUAL_PX

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
    ask: Callable[[], SolvedPattern], number: int, drawn: str, asked: str, truth: Float64Array, camera: Detector
) -> Answer:
    """Put a question and judge the answer; the time is that of the question alone.

    Parameters
    ----------
    ask : indexes the pattern
    number, drawn, asked : as in ``Answer``
    truth : (3, 3) the true orientation
    camera : the true camera
    """
    start = time.process_time()
    try:
        solved = ask()
    except (IndexingFailed, FrameFailed) as failed:
        return Answer(number, drawn, asked, str(failed).splitlines()[0], cpu_s=time.process_time() - start)
    seconds = time.process_time() - start
    indexed, same = solved.indexed, drawn == asked
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
        warnings=tuple(getattr(solved, "warnings", ())),
        ambiguous=len(indexed.ambiguous),
        cpu_s=seconds,
    )


def error_deg(crystal: Crystal, orientation: Float64Array, truth: Float64Array) -> float:
    """Return the angle between two orientations, modulo the crystal's rotations."""
    return float(misorientation_deg(orientation, truth, crystal.rotations))

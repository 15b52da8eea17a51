"""What one frame says: its grains, and how they stand."""

from dataclasses import dataclass, field, replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import (
    Indexed,
    Indexer,
    MeasuredPattern,
    NotIndexed,
    SolvedPattern,
    find_grains,
    plausibility,
    refine,
    shares_of_light,
)
from beamgym.physics.mosaic.scan.panel import SeenSpots, fit_panel, moved_panel
from beamgym.physics.mosaic.scan.powder import on_rings
from beamgym.physics.mosaic.scan.same_patterns import indistinguishable_rotations
from beamgym.physics.orientation import misorientation_deg

TOLERANCES_DEG = (0.25, 0.6)
"""Search radii with the camera as stated."""
CALIBRATED_DEG = (0.15, 0.4)
"""Search radii with the camera as all crystals give it."""
MOST_GRAINS = 3
LEFT_OVER = 8
"""Peaks left over by the first grain that are worth a search for a second one."""
SURE_MERIT, SURE_SHARE = 20.0, 0.5
"""A figure of merit and a share of the peaks that no wrong orientation of the right material reaches."""
LOOK_ALIKE_DEG = 0.5
LEAST_MATCHED = 8


@dataclass(frozen=True, eq=False)
class GrainSeen:
    """One grain in one frame.

    Parameters
    ----------
    u : (3, 3) crystal to lab
    share : of the intensity of all peaks
    position_px, hkl : (p, 2) and (p, 3) its spots
    ambiguous : orientations that do as well, but for those that nothing tells apart
    merit : figure of merit
    """

    u: Float64Array
    share: float
    position_px: Float64Array
    hkl: Float64Array
    ambiguous: tuple[Float64Array, ...] = ()
    merit: float = 0.0


@dataclass(frozen=True, eq=False)
class Reading:
    """One frame, read.

    Parameters
    ----------
    point_mm : (2,) where the beam was, by the readback
    exposure_s : of the frame
    peaks : how many were found
    grains : what was found, the one with most merit first; none where it does not index
    height_mm : of the crystal, as this frame alone gives it
    warnings : what speaks against the first grain, or why there is none
    believed : the first grain made the picture that it should have made
    off_rings : peaks that lie on no powder ring, where it does not index; all of them where it does
    """

    point_mm: Float64Array
    exposure_s: float
    peaks: int
    grains: tuple[GrainSeen, ...] = ()
    height_mm: float = 0.0
    warnings: tuple[str, ...] = ()
    believed: bool = True
    off_rings: int | None = None

    @property
    def indexed(self) -> bool:
        """Whether there is an orientation to be believed."""
        return bool(self.grains) and self.believed


@dataclass(eq=False)
class Reader:
    """Reads frames of one material.

    Parameters
    ----------
    crystal, beam : what is on the plate, and what falls on it
    detector : the camera as stated
    moved : (5,) where the panel stands, as ``panel.PanelFit.moved`` has it
    calibrated : it was fitted to the crystals
    """

    crystal: Crystal
    beam: Beam
    detector: Detector
    moved: Float64Array = field(default_factory=lambda: np.zeros(5))
    calibrated: bool = False

    def __post_init__(self) -> None:
        """Prepare what all frames share."""
        self._wide = Indexer(self.crystal, self.beam.band_kev, self.detector, TOLERANCES_DEG, beam=self.beam)
        self._near = Indexer(self.crystal, self.beam.band_kev, self.detector, CALIBRATED_DEG, beam=self.beam)
        self._near.table = self._wide.table
        same = indistinguishable_rotations(self.crystal, self.beam, self.detector, self._wide.table.look_alikes)
        self.rotations = np.concatenate([self.crystal.rotations, *same]) if len(same) else self.crystal.rotations
        """(k, 3, 3) rotations after which the crystal's pattern is the same: its Laue class's, and those that merely
        cannot be seen."""

    @property
    def look_alikes(self) -> Float64Array:
        """(c, 3, 3) rotations of the crystal that keep its spots' places, not all of them their brightness."""
        return self._wide.table.look_alikes

    def read(
        self,
        peaks: Peaks,
        point_mm: Float64Array,
        exposure_s: float,
        height_mm: float = 0.0,
        guess: Float64Array | None = None,
        *,
        height_known: bool = False,
    ) -> Reading:
        """Read one frame (n = 1).

        Parameters
        ----------
        peaks : as the camera found them
        point_mm, exposure_s : where and how long
        height_mm : of the crystal as it is believed to be
        guess : (3, 3) orientation to try first, crystal to lab
        height_known : all crystals together gave this height; otherwise it is fitted to the frame
        """
        pattern = MeasuredPattern(peaks)
        indexer = self._near if self.calibrated else self._wide
        panel = self._panel(height_mm)
        answer = indexer.on(panel).index(pattern.position_px, pattern.intensity, guess)
        if isinstance(answer, NotIndexed):
            left = pattern.count - int(on_rings(pattern.position_px, panel).sum())
            return Reading(point_mm, exposure_s, pattern.count, (), height_mm, (answer.reason,), off_rings=left)
        if answer.matched >= LEAST_MATCHED and not height_known:
            height_mm, u = self._raised(pattern, answer, height_mm)
            panel = self._panel(height_mm)
            again = self._near.on(panel).index(pattern.position_px, pattern.intensity, guess=u)
            if not isinstance(again, NotIndexed) and again.matched >= answer.matched - 2:
                answer = again
        # the material is known: what tells other materials apart is not asked where the odds are overwhelming
        sure = answer.figure_of_merit >= SURE_MERIT and answer.assigned.mean() >= SURE_SHARE
        judged = None if sure else plausibility(indexer, panel, answer, pattern.position_px)
        believed = judged is None or (judged.possible and not judged.warnings)
        warnings = () if judged is None else judged.warnings
        grains = self._grains(pattern, panel, answer, warnings)
        return Reading(point_mm, exposure_s, pattern.count, grains, height_mm, warnings, believed)

    def spots(self, number: int, grain: GrainSeen) -> SeenSpots:
        """Return a grain's spots as the fit of the panel takes them; ``number`` is the crystal's."""
        return SeenSpots(number, self.crystal.plane_normal(grain.hkl), grain.position_px, grain.u)

    def _panel(self, height_mm: float) -> Detector:
        return moved_panel(self.detector, self.moved, height_mm)

    def _raised(self, pattern: MeasuredPattern, answer: Indexed, height_mm: float) -> tuple[float, Float64Array]:
        """Fit height and orientation to one frame, the panel staying where it is."""
        rows = answer.assigned
        seen = SeenSpots(0, self.crystal.plane_normal(answer.hkl[rows]), pattern.position_px[rows], answer.orientation)
        fit = fit_panel([seen], self.detector, np.array([height_mm]), self.moved, fixed=True)
        return float(fit.heights_mm[0]), fit.u[0]

    def _grains(
        self, pattern: MeasuredPattern, panel: Detector, answer: Indexed, warnings: tuple[str, ...]
    ) -> tuple[GrainSeen, ...]:
        answer = replace(answer, ambiguous=self._told_apart(answer))
        found: tuple[SolvedPattern, ...] = ()
        if pattern.count - answer.matched >= LEFT_OVER and answer.matched >= LEAST_MATCHED:
            rows = answer.assigned
            refined = refine(self.crystal, panel, pattern.position_px[rows], answer.hkl[rows], answer.orientation)
            first = SolvedPattern(self.crystal, panel, panel, self.beam.band_kev, pattern, answer, refined, warnings)
            found = find_grains(pattern, self.crystal, panel, self.beam.band_kev, MOST_GRAINS, first)
        if len(found) < 2:
            intensity = pattern.intensity
            share = float(intensity[answer.assigned].sum() / max(intensity.sum(), 1e-30))
            return (self._seen(pattern, answer, share),)
        shares = shares_of_light(found)
        return tuple(self._seen(pattern, one.indexed, float(share)) for one, share in zip(found, shares, strict=True))

    def _seen(self, pattern: MeasuredPattern, answer: Indexed, share: float) -> GrainSeen:
        rows = answer.assigned
        return GrainSeen(
            answer.orientation,
            share,
            pattern.position_px[rows],
            answer.hkl[rows].astype(np.float64),
            self._told_apart(answer),
            answer.figure_of_merit,
        )

    def _told_apart(self, answer: Indexed) -> tuple[Float64Array, ...]:
        """Leave out alternatives that differ by a rotation that no pattern shows."""
        return tuple(
            other
            for other in answer.ambiguous
            if float(misorientation_deg(other, answer.orientation, self.rotations)) > LOOK_ALIKE_DEG
        )

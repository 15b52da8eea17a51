"""All grains of one pattern: the peaks that one grain explains are taken away, and what is left is indexed anew.

A second grain must earn its place: with peaks that no other grain explains, more of them than chance gives, and by a
turn that is no slip of the camera. Peaks are then given out anew among all grains, and each is refined on its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array, Int64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.alternatives import best_alternative
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer
from beamgym.physics.laue.indexing.measured import MeasuredPattern
from beamgym.physics.laue.indexing.plausibility import plausibility
from beamgym.physics.laue.indexing.refinement import (
    CALIBRATED,
    geometry_names,
    refine,
    with_camera_uncertainty,
)
from beamgym.physics.laue.indexing.solver import BAND_KEV, SolvedPattern, solve
from beamgym.physics.laue.matching import Fit, Pattern
from beamgym.physics.orientation import misorientation_deg

MOST_GRAINS = 5
"""Grains looked for unless more are asked for."""
FEWEST_OWN = 8
"""Peaks that no other grain explains, and that a grain needs at least."""
SAME_DEG = 0.5
"""Orientations nearer than this are one grain."""
SLIP_DEG = 3.0
"""A grain nearer than this to another may be the same one, seen through a camera that is slightly wrong."""
DOUBLED_SHARE = 0.4
"""Two true grains so near to each other double each other's spots: this share of the weaker one's reflections."""
LOOK_ALIKE_DEG = 1.0
"""Nearer than this to the image of another grain under a symmetry of the lattice, a grain is that image or its twin."""
OWN_MERIT = 7.0
"""−log10 of the odds that chance gives a grain its own peaks."""
TRIALS = 100_000
"""Orientations that a search tries."""
SHARED_CHANCE = 0.01
"""A peak counts for every grain by which it is explained more closely, and by a brighter ray, than chance would."""


def find_grains(
    pattern: MeasuredPattern,
    crystal: Crystal,
    detector: Detector,
    band_kev: tuple[float, float] = BAND_KEV,
    most: int = MOST_GRAINS,
    first: SolvedPattern | None = None,
) -> tuple[SolvedPattern, ...]:
    """Index every grain of a pattern, the one with most merit first.

    Parameters
    ----------
    pattern : as from ``read_pattern``, or ``MeasuredPattern(peaks)``
    crystal : cell and structure of all grains
    detector : the camera's geometry, where ``first`` is not given
    band_kev : lowest and highest photon energy
    most : no more grains than this are looked for
    first : the pattern as ``solve`` indexed it; its camera serves all grains

    Returns
    -------
    One SolvedPattern for each grain, one at least. Their ``indexed.assigned`` overlap only where spots do; the figure
    of merit and ``warnings`` are those of the peaks that no other grain explains. A single grain is
    ``first`` unchanged.

    Raises
    ------
    IndexingFailed : not even one grain was found
    ValueError : ``most`` is below 1
    """
    if most < 1:
        raise ValueError(f"most is how many grains are looked for, 1 or more, got {most}")
    first = first or solve(pattern, crystal, detector, band_kev)
    search = _Search(first, pattern)
    answer = first.indexed
    found = [search.grain(answer.orientation, answer.tolerance_deg, answer.figure_of_merit, answer)]
    while len(found) < most:
        candidate = search.next_after(found)
        if candidate is None:
            break
        found.append(candidate)
        found = search.settled(found)
    if len(found) == 1:
        return (first,)
    found = [search.compared(grain, found[:k] + found[k + 1 :]) for k, grain in enumerate(found)]
    given = search.given_out(found)
    solved = [search.solved(grain, given[k], given.any(axis=0) & ~given[k]) for k, grain in enumerate(found)]
    return (replace(solved[0], refined=first.refined), *solved[1:])


def shares_of_light(grains: Sequence[SolvedPattern]) -> Float64Array:
    """Return the share of all peaks' intensity that each grain explains, (g,); grains divide what they share."""
    claimed = np.array([grain.indexed.assigned for grain in grains], dtype=np.float64)
    intensity = grains[0].pattern.intensity
    divided = claimed / np.maximum(claimed.sum(axis=0), 1.0)
    shares: Float64Array = divided @ intensity / max(float(intensity.sum()), 1e-30)
    return shares


@dataclass(frozen=True)
class _Grain:
    """One grain in the making.

    Parameters
    ----------
    fit : its orientation, all peaks within its tolerance, whoever else explains them, and the merit of its own
    indexed : the answer it came from
    """

    fit: Fit
    indexed: Indexed


class _Search:
    """One pattern on the first grain's camera."""

    def __init__(self, first: SolvedPattern, pattern: MeasuredPattern) -> None:
        self.first = first
        self.pattern = pattern
        self.indexer = Indexer(first.crystal, first.band_kev, first.detector)
        self.normals = first.detector.plane_normals(pattern.position_px)
        self.whole = Pattern(self.indexer.table, self.normals, pattern.intensity)

    def grain(self, u: Float64Array, tolerance_deg: float, merit: float, indexed: Indexed) -> _Grain:
        """Match an orientation against all peaks."""
        row, angle = self.whole.match(u, tolerance_deg)
        return _Grain(Fit(u, row, angle, tolerance_deg, merit, TRIALS), indexed)

    def next_after(self, found: Sequence[_Grain]) -> _Grain | None:
        """Index what is left; None where nothing is found, or what is found is no grain of its own."""
        left = ~_explained_by_any(found)
        if left.sum() < FEWEST_OWN:
            return None
        answer = self.indexer.index_directions(self.normals[left], self.pattern.intensity[left])
        if not isinstance(answer, Indexed):
            return None
        grain = self.grain(answer.orientation, answer.tolerance_deg, answer.figure_of_merit, answer)
        return self.judged(grain, found)

    def judged(self, grain: _Grain, others: Sequence[_Grain]) -> _Grain | None:
        """Return the grain fitted to its own peaks; None where these are too few, or it is another one's image."""
        own = ~np.any([self._explained(other, grain) for other in others], axis=0)
        if own.sum() < FEWEST_OWN or any(self._is_slip(grain, other) for other in others):
            return None
        fit = self.fitted(grain.fit.u, grain.fit.tolerance_deg, own)
        if fit.merit < OWN_MERIT or fit.assigned.sum() < FEWEST_OWN:
            return None
        return self.grain(fit.u, fit.tolerance_deg, fit.merit, grain.indexed)

    def settled(self, found: list[_Grain]) -> list[_Grain]:
        """Fit every further grain to the peaks that no other explains, until none falls below what is asked of it."""
        while True:
            again = [self.judged(grain, found[:k] + found[k + 1 :]) for k, grain in enumerate(found) if k]
            if all(grain is not None for grain in again):
                return [found[0], *(grain for grain in again if grain is not None)]
            # the newest goes first: it was found among the fewest peaks
            del found[1 + max(k for k, grain in enumerate(again) if grain is None)]

    def compared(self, grain: _Grain, others: Sequence[_Grain]) -> _Grain:
        """Choose among a grain and its look-alikes by the peaks that no other grain explains."""
        own = ~_explained_by_any(others)
        panel = self.first.detector
        best, left = best_alternative(
            self.indexer, self.pattern.only(np.flatnonzero(own)), panel, panel, [grain.fit.u], calibrated=True
        )
        fit = self.fitted(grain.fit.u, grain.fit.tolerance_deg, own) if best is None else best.fit
        return self.grain(fit.u, fit.tolerance_deg, fit.merit, replace(grain.indexed, ambiguous=left))

    def fitted(self, u: Float64Array, tolerance_deg: float, own: BoolArray) -> Fit:
        """Fit an orientation to some of the peaks."""
        alone = Pattern(self.indexer.table, self.normals[own], self.pattern.intensity[own])
        return alone.judge(alone.polish(u, tolerance_deg, TRIALS))

    def _is_slip(self, grain: _Grain, other: _Grain) -> bool:
        """Whether a grain so near to another is that one, seen through a slightly wrong camera."""
        turn = float(misorientation_deg(grain.fit.u, other.fit.u, self.first.crystal.rotations))
        if turn > SLIP_DEG:
            return False
        if turn < SAME_DEG:
            return True
        seen, known = self._rays(grain), self._rays(other)
        return len(seen & known) < DOUBLED_SHARE * min(len(seen), len(known))

    def _rays(self, grain: _Grain) -> set[int]:
        return set(self.whole.rays(grain.fit)[0].tolist())

    def _explained(self, other: _Grain, grain: _Grain) -> BoolArray:
        """(p,) True where another grain explains a peak: by every ray, however dark, where the two share a lattice."""
        table = self.indexer.table
        images = [other.fit.u @ turn for turn in table.look_alikes]
        if not images:
            return other.fit.assigned
        away = misorientation_deg(grain.fit.u, np.array(images), self.first.crystal.rotations)
        if float(away.min()) > LOOK_ALIKE_DEG:
            return other.fit.assigned
        row, _ = self.whole.match(other.fit.u, max(other.fit.tolerance_deg, grain.fit.tolerance_deg), len(table.rank))
        dark: BoolArray = row >= 0
        return dark

    def given_out(self, found: Sequence[_Grain]) -> BoolArray:
        """Give every peak to the grain by which chance would explain it least, (g, p); overlapped ones to several."""
        chance = np.array([self._chance(grain) for grain in found])
        nearest = chance == chance.min(axis=0)
        given: BoolArray = np.isfinite(chance) & (nearest | (chance < SHARED_CHANCE))
        return given

    def _chance(self, grain: _Grain) -> Float64Array:
        """(p,) probability that some ray at least as bright lies so near to a peak; inf where the grain has none."""
        ray, _, assigned = self.whole.rays(grain.fit)
        table, sines, tolerance = self.indexer.table, self.whole.sines[assigned], grain.fit.tolerance_deg
        inside = (grain.fit.angle_rad[assigned] / np.radians(tolerance)) ** 2
        chance = np.full(len(assigned), np.inf)
        chance[assigned] = inside * table.brightness_share(ray, sines, tolerance) * table.chance(sines, tolerance)
        return chance

    def _camera_uncertainty(self) -> tuple[float, ...]:
        """What the first grain left open of the camera: of one that was not fitted, what is open of any."""
        given = self.first.given
        known = zip(geometry_names(given), CALIBRATED.geometry_uncertainty(given), strict=True)
        return tuple(self.first.uncertainty.get(name, usual) for name, usual in known)

    def solved(self, grain: _Grain, given: BoolArray, taken: BoolArray) -> SolvedPattern:
        """Refine a grain on the peaks that were given to it, and judge it without those that others have taken."""
        fit = replace(grain.fit, row=np.where(given, grain.fit.row, -1))
        hkl, energy = self.whole.strongest_harmonic(fit)
        measured, crystal, panel = self.pattern.position_px[given], self.first.crystal, self.first.detector
        refined = refine(crystal, panel, measured, hkl[given], fit.u)
        refined = with_camera_uncertainty(refined, crystal, measured, hkl[given], self._camera_uncertainty())
        indexed = replace(
            grain.indexed,
            orientation=refined.orientation,
            matched=int(given.sum()),
            figure_of_merit=fit.merit,
            residual_px=refined.mean_residual_px,
            residual_deg=float(np.degrees(fit.angle_rad[given].mean())),
            assigned=given,
            hkl=hkl,
            energy_kev=energy,
            tolerance_deg=fit.tolerance_deg,
        )
        warnings = self._warnings(indexed, np.flatnonzero(~taken))
        return replace(self.first, indexed=indexed, refined=refined, warnings=warnings)

    def _warnings(self, indexed: Indexed, rows: Int64Array) -> tuple[str, ...]:
        """What speaks against a grain, in the pattern of these peaks alone."""
        alone = replace(
            indexed, assigned=indexed.assigned[rows], hkl=indexed.hkl[rows], energy_kev=indexed.energy_kev[rows]
        )
        panel = self.first.detector
        return plausibility(self.indexer, panel, alone, self.pattern.position_px[rows], self.pattern.hidden).warnings


def _explained_by_any(found: Sequence[_Grain]) -> BoolArray:
    explained: BoolArray = np.any([grain.fit.assigned for grain in found], axis=0)
    return explained

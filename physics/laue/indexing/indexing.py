"""Finds the crystal's orientation from found peaks; "not indexed" is a possible answer.

Each peak is a lattice plane's unit normal in the lab. Two bright peaks, assigned to two strong rays at the same angle,
fix an orientation; every peak then votes for it through a map of all ray directions that its Bragg angle allows. The
best candidates are fitted (Wahba 1965) and judged by the odds that chance alone would match as many peaks.

A mirrored image indexes as well as the true one, in every crystal system: no single pattern shows that a camera's image
is flipped, and the orientation is then wrong. Only turning an axis by a known angle tells.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import BoolArray, Float64Array, Int32Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.matching import MIN_MATCHED, Fit, IndexingTable, Pattern
from beamgym.physics.orientation import check_rotation

TOLERANCES_DEG = (0.25, 0.6)
"""Search radii tried in turn: a calibrated camera, then one whose centre and distance are off by half a millimetre."""
MINORITY, MINORITY_MERIT = 0.4, 3.0
"""A solution that explains a smaller share of the peaks must be better by this much."""
MAJORITY, LOOSE, LOOSE_MERIT_PER_PEAK = 0.75, 0.33, 0.45
"""A solution that explains a smaller share, its mean residual above this share of the search radius, must have this
much merit for every peak. That is another crystal's mark: many zone axes of two lattices stand at nearly the same
angles, which the binomial odds take for evidence, up to 0.4 a peak. Chance residuals are 2/3 of the radius, 0.35 to 0.6
once fitted, Gaussian errors 0.3; a camera half a millimetre off makes the right crystal as loose, but with 0.5 a peak.
"""


@dataclass(frozen=True)
class Indexed:
    """An orientation and how well it explains the peaks.

    Parameters
    ----------
    orientation : (3, 3) U, crystal Cartesian to lab
    matched : number of peaks explained
    figure_of_merit : −log10 of the probability that chance matches as many peaks in as many trials
    residual_px : mean distance on the detector between matched peaks and their predictions; NaN without a detector
    residual_deg : mean angle between matched plane normals and theirs
    ambiguous : other orientations (each (3, 3)) that explain the positions as well and that intensities do not exclude
    assigned : (p,) True where a peak is matched
    hkl : (p, 3) int32 reflection that gives the peak most of its intensity, zeros where not matched
    energy_kev : (p,) its photon energy, 0 where not matched
    tolerance_deg : angle within which peaks were matched
    """

    orientation: Float64Array
    matched: int
    figure_of_merit: float
    residual_px: float
    residual_deg: float
    ambiguous: tuple[Float64Array, ...]
    assigned: BoolArray
    hkl: Int32Array
    energy_kev: Float64Array
    tolerance_deg: float


@dataclass(frozen=True)
class NotIndexed:
    """No orientation explains the peaks better than chance; ``reason`` is one line, the rest what came nearest."""

    reason: str
    matched: int = 0
    figure_of_merit: float = 0.0
    orientation: Float64Array | None = None


class Indexer:
    """Indexes patterns of one crystal in one band; preparing it once makes each pattern a matter of milliseconds.

    Parameters
    ----------
    crystal : the crystal
    band_kev : lowest and highest photon energy; for neutrons ``wavelengths.band_of_wavelengths((0.8, 4.0))``
    detector : the camera's geometry; needed for pixel positions only
    tolerances_deg : search radii, tried in turn until one succeeds
    min_figure_of_merit : odds, as −log10, below which a solution is refused; 3 more where under 40 % of the peaks match
    beam : where its spectrum is known, intensities decide more
    """

    def __init__(
        self,
        crystal: Crystal,
        band_kev: tuple[float, float],
        detector: Detector | None = None,
        tolerances_deg: tuple[float, ...] = TOLERANCES_DEG,
        min_figure_of_merit: float = 6.0,
        beam: Beam | None = None,
    ) -> None:
        if not tolerances_deg or not all(0.0 < tolerance <= 3.0 for tolerance in tolerances_deg):
            raise ValueError(f"tolerances_deg must lie in (0, 3] degrees, got {tolerances_deg}")
        self.crystal = crystal
        self.detector = detector
        self.tolerances_deg = tolerances_deg
        self.min_figure_of_merit = min_figure_of_merit
        self.table = IndexingTable(crystal, (float(band_kev[0]), float(band_kev[1])), beam)

    def on(self, detector: Detector) -> "Indexer":
        """Return this indexer for another camera; what was prepared for the crystal is shared."""
        other = copy(self)
        other.detector = detector
        return other

    def index(
        self, position_px: ArrayLike, intensity: ArrayLike | None = None, guess: ArrayLike | None = None
    ) -> Indexed | NotIndexed:
        """Index peaks given by their pixels.

        Parameters
        ----------
        position_px : (p, 2) along fast and slow, 0-based
        intensity : (p,) any positive scale; None when unknown, the peaks then standing in order of importance
        guess : (3, 3) orientation to try first

        Returns
        -------
        Indexed or NotIndexed

        Raises
        ------
        ValueError : wrong shapes, values that are not finite, or an indexer without a detector
        """
        if self.detector is None:
            raise ValueError("indexing pixel positions needs a detector: give one, or use index_directions")
        position = _checked(position_px, 2, "position_px")
        answer = self.index_directions(self.detector.plane_normals(position), intensity, guess)
        if isinstance(answer, NotIndexed):
            return answer
        return self._in_pixels(answer, position)

    def _in_pixels(self, answer: Indexed, position: Float64Array) -> Indexed:
        assert self.detector is not None
        predicted, _ = predict_px(self.crystal, self.detector, answer.orientation, answer.hkl[answer.assigned])
        distance = np.linalg.norm(self.detector.difference_px(predicted, position[answer.assigned]), axis=1)
        return replace(answer, residual_px=float(distance.mean()))

    def index_directions(
        self, normals: ArrayLike, intensity: ArrayLike | None = None, guess: ArrayLike | None = None
    ) -> Indexed | NotIndexed:
        """Index peaks given as unit plane normals (p, 3) in the lab; otherwise as ``index``."""
        lab = _checked(normals, 3, "normals")
        lab = lab / np.linalg.norm(lab, axis=1, keepdims=True)
        weight = _checked_intensity(intensity, len(lab))
        usable = lab[:, 0] < 0.0
        if usable.sum() < MIN_MATCHED:
            return NotIndexed(f"{int(usable.sum())} usable peaks; at least {MIN_MATCHED} are needed")
        pattern = Pattern(self.table, lab, weight)
        if guess is not None:
            near = pattern.judge(pattern.polish(check_rotation(guess, "guess"), self.tolerances_deg[-1], trials=1000))
            if near.merit >= max(self._demand(near), 8.0) and near.assigned.mean() > 0.5:
                return self._answer(pattern, *pattern.resolve(near, [near]))
        tried: list[Fit] = []
        for tolerance in self.tolerances_deg:
            fits = list(pattern.candidates(tolerance))
            tried += fits
            accepted = [fit for fit in tried if fit.merit >= self._demand(fit) and fit.assigned.sum() >= MIN_MATCHED]
            if accepted:
                best, alternatives = pattern.resolve(max(accepted, key=lambda fit: fit.merit), fits)
                if best.merit >= self._demand(best):
                    return self._answer(pattern, best, alternatives)
        return self._refused(max(tried, key=lambda fit: fit.merit, default=None), len(lab))

    def answer(self, pattern: Pattern, best: Fit, position_px: Float64Array) -> Indexed:
        """Return a fit of this indexer's pattern as an answer, whatever its merit; the peaks (p, 2) on the detector."""
        return self._in_pixels(self._answer(pattern, best, []), position_px)

    def _demand(self, fit: Fit) -> float:
        """Return the merit required: binomial odds overrate peaks that are not random, such as another crystal's."""
        share = float(fit.assigned.mean())
        demand = self.min_figure_of_merit + (MINORITY_MERIT if share < MINORITY else 0.0)
        if share < MAJORITY and fit.mean_rad > LOOSE * np.radians(fit.tolerance_deg):
            demand = max(demand, LOOSE_MERIT_PER_PEAK * len(fit.row))
        return demand

    def _refused(self, best: Fit | None, peaks: int) -> NotIndexed:
        if best is None:
            return NotIndexed("no two peaks stand at an angle that two strong rays of the crystal make")
        matched = int(best.assigned.sum())
        reason = (
            f"the best orientation explains {matched} of {peaks} peaks with figure of merit {best.merit:.1f}, "
            f"less than {self._demand(best):.1f}: chance or another crystal does as well"
        )
        return NotIndexed(reason, matched, best.merit, best.u)

    def _answer(self, pattern: Pattern, best: Fit, alternatives: list[Float64Array]) -> Indexed:
        assigned = best.assigned
        hkl, energy = pattern.strongest_harmonic(best)
        return Indexed(
            orientation=best.u,
            matched=int(assigned.sum()),
            figure_of_merit=best.merit,
            residual_px=np.nan,
            residual_deg=float(np.degrees(best.angle_rad[assigned].mean())),
            ambiguous=tuple(alternatives),
            assigned=assigned,
            hkl=hkl,
            energy_kev=energy,
            tolerance_deg=best.tolerance_deg,
        )


def index(
    crystal: Crystal,
    detector: Detector,
    position_px: ArrayLike,
    intensity: ArrayLike | None,
    band_kev: tuple[float, float],
    guess: ArrayLike | None = None,
) -> Indexed | NotIndexed:
    """Find the orientation that explains a pattern's peaks; an Indexer saves the preparation for the next one."""
    return Indexer(crystal, band_kev, detector).index(position_px, intensity, guess)


def predict_px(
    crystal: Crystal, detector: Detector, orientation: ArrayLike, hkl: ArrayLike
) -> tuple[Float64Array, BoolArray]:
    """Return where reflections (p, 3) land, (p, 2), and whether on the panel, (p,)."""
    q = np.asarray(hkl, dtype=np.float64) @ crystal.b_matrix.T @ np.asarray(orientation, dtype=np.float64).T
    squared = (q**2).sum(axis=1, keepdims=True)
    direction = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q / squared
    position, hit = detector.to_pixel(direction)
    return position, hit & (q[:, 0] < 0.0)


def _checked(value: ArrayLike, width: int, name: str) -> Float64Array:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(f"{name} must have shape (p, {width}), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} holds {int((~np.isfinite(array)).sum())} values that are not finite; remove those peaks"
        )
    return array


def _checked_intensity(intensity: ArrayLike | None, count: int) -> Float64Array:
    if intensity is None:
        return np.zeros(count)
    array = np.asarray(intensity, dtype=np.float64)
    if array.shape != (count,):
        raise ValueError(f"intensity must have shape ({count},), one number for each peak, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("intensity holds values that are not finite; remove those peaks")
    return array

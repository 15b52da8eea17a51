"""From found peaks to the crystal's orientation, with "not indexed" as an answer.

Each peak is a lattice plane's unit normal in the lab. Two bright peaks, assigned to two strong rays at the same angle, fix
an orientation; every peak then votes for it through a map of all ray directions that its Bragg angle allows. The best
candidates are fitted (Wahba 1965) and judged by the odds that chance alone would match as many peaks.

A mirrored image indexes as well as the true one, in every crystal system: no single pattern shows that a camera's image
is flipped, and the orientation is then wrong. Only turning an axis by a known angle tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from beamgym.physics.crystal import Crystal
from beamgym.physics.laue import indexing_kernels as kernels
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing_table import HC_KEV_A, IndexingTable
from beamgym.physics.orientation import check_rotation, misorientation_deg

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]
Int32Array = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

TOLERANCES_DEG = (0.25, 0.6)
"""Search radii tried in turn: a calibrated camera, then one whose centre and distance are off by half a millimetre."""
PAIR_PEAKS = 20
"""Peaks, brightest first, that orientations are made from."""
VOTE_PEAKS = 80
"""Peaks, brightest first, that vote during the search; all of them count in the end."""
MIN_PAIR_DEG = 12.0
"""Peaks closer than this fix an orientation too loosely."""
MIN_MATCHED = 5
"""Fewer peaks can always be matched by some orientation."""
MINORITY, MINORITY_MERIT = 0.4, 3.0
"""A solution that explains a smaller share of the peaks must be better by this much."""
CANDIDATES = 8
"""Distinct candidates of the search that are fitted."""
BRIGHT_SHARES = (1.0, 0.5, 0.25, 0.12)
"""Shares of the rays, brightest first, among which matches are counted: chance does not prefer bright ones."""
DECISIVE_LOG_ODDS = 4.6
"""Odds of 100 : 1 in the intensities end an ambiguity that the positions leave open."""


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


@dataclass(frozen=True)
class _Fit:
    u: Float64Array
    row: Int64Array
    angle_rad: Float64Array
    tolerance_deg: float
    merit: float

    @property
    def assigned(self) -> BoolArray:
        found: BoolArray = self.row >= 0
        return found

    @property
    def rms_rad(self) -> float:
        return float(np.sqrt(np.mean(self.angle_rad[self.assigned] ** 2))) if self.assigned.any() else np.inf


class Indexer:
    """Indexes patterns of one crystal in one band; preparing it once makes each pattern a matter of milliseconds.

    Parameters
    ----------
    crystal : the crystal
    band_kev : lowest and highest photon energy
    detector : the camera's geometry; needed for pixel positions only
    tolerances_deg : search radii, tried in turn until one succeeds
    min_figure_of_merit : odds, as −log10, below which a solution is refused; 3 more where under 40 % of the peaks match
    """

    def __init__(
        self,
        crystal: Crystal,
        band_kev: tuple[float, float],
        detector: Detector | None = None,
        tolerances_deg: tuple[float, ...] = TOLERANCES_DEG,
        min_figure_of_merit: float = 6.0,
    ) -> None:
        if not tolerances_deg or not all(0.0 < tolerance <= 3.0 for tolerance in tolerances_deg):
            raise ValueError(f"tolerances_deg must lie in (0, 3] degrees, got {tolerances_deg}")
        self.crystal = crystal
        self.detector = detector
        self.tolerances_deg = tolerances_deg
        self.min_figure_of_merit = min_figure_of_merit
        self.table = IndexingTable(crystal, (float(band_kev[0]), float(band_kev[1])))

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
        predicted, _ = predict_px(self.crystal, self.detector, answer.orientation, answer.hkl[answer.assigned])
        distance = np.linalg.norm(predicted - position[answer.assigned], axis=1)
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
        pattern = _Pattern(self.table, lab, weight)
        if guess is not None:
            near = pattern.judge(
                pattern.polish(check_rotation(guess, "guess"), self.tolerances_deg[-1], trials=1000), trials=1000
            )
            if near.merit >= max(self.min_figure_of_merit, 8.0) and near.assigned.mean() > 0.5:
                return self._answer(pattern, near, [near])
        best = None
        for tolerance in self.tolerances_deg:
            fits = list(pattern.candidates(tolerance))
            for fit in fits:
                if best is None or fit.merit > best.merit:
                    best = fit
            if best is not None and best.merit >= self._demand(best) and best.assigned.sum() >= MIN_MATCHED:
                return self._answer(pattern, best, fits)
        return self._refused(best, len(lab))

    def _demand(self, fit: _Fit) -> float:
        """Merit asked for: peaks that are no random set, such as a shuffled list, fool the binomial odds by a few orders."""
        return self.min_figure_of_merit + (MINORITY_MERIT if fit.assigned.mean() < MINORITY else 0.0)

    def _refused(self, best: _Fit | None, peaks: int) -> NotIndexed:
        if best is None:
            return NotIndexed("no two peaks stand at an angle that two strong rays of the crystal make")
        matched = int(best.assigned.sum())
        reason = (
            f"the best orientation explains {matched} of {peaks} peaks with figure of merit {best.merit:.1f}, "
            f"less than {self._demand(best):.1f}: chance does as well"
        )
        return NotIndexed(reason, matched, best.merit)

    def _answer(self, pattern: "_Pattern", best: _Fit, fits: list[_Fit]) -> Indexed:
        best, rivals = pattern.resolve(best, fits)
        ray, sign, assigned = pattern.rays(best)
        hkl, energy = pattern.strongest_harmonic(best)
        return Indexed(
            orientation=best.u,
            matched=int(assigned.sum()),
            figure_of_merit=best.merit,
            residual_px=np.nan,
            residual_deg=float(np.degrees(best.angle_rad[assigned].mean())),
            ambiguous=tuple(rivals),
            assigned=assigned,
            hkl=hkl,
            energy_kev=energy,
            tolerance_deg=best.tolerance_deg,
        )


class _Pattern:
    """The peaks of one pattern, brightest first, against one table."""

    def __init__(self, table: IndexingTable, normals: Float64Array, intensity: Float64Array) -> None:
        self.table = table
        self.normals = np.ascontiguousarray(normals)
        self.intensity = intensity
        self.sines = np.maximum(-normals[:, 0], 1e-6)
        self.order = np.argsort(-intensity, kind="stable")
        self.order = self.order[normals[self.order, 0] < 0.0]

    def candidates(self, tolerance_deg: float) -> Iterator[_Fit]:
        """Search pairs, then fit the best distinct orientations."""
        voters = self.order[:VOTE_PEAKS]
        normals = np.ascontiguousarray(self.normals[voters])
        pairs = _pairs(normals[:PAIR_PEAKS])
        if len(pairs) == 0:
            return
        cells, resolution = self.table.map(tolerance_deg)
        sines = self.sines[voters]
        found, votes, tried = kernels.search_pairs(
            normals,
            self.table.peak_limits(sines),
            pairs,
            *self.table.seeds,
            np.radians(tolerance_deg),
            cells,
            resolution,
            max(10, round(0.6 * len(voters))),
        )
        polished: list[_Fit] = []
        for k in np.argsort(-votes, kind="stable"):
            if votes[k] < 3 or len(polished) == CANDIDATES:
                break
            known = [fit.u for fit in polished]
            if known and self._nearest_deg(found[k], known) < 2.0 * tolerance_deg:
                continue
            fit = self.judge(self.polish(found[k], tolerance_deg, tried), tried)
            if known and self._nearest_deg(fit.u, known) < 0.5 * tolerance_deg:
                continue
            polished.append(fit)
            yield fit
            if fit.merit > 12.0 and fit.assigned.mean() > 0.5 and len(polished) > 2:
                break

    def _nearest_deg(self, u: Float64Array, known: list[Float64Array]) -> float:
        return float(misorientation_deg(u, np.array(known), self.table.crystal.rotations).min())

    def match(self, u: Float64Array, tolerance_deg: float) -> tuple[Int64Array, Float64Array]:
        """Assign peaks to rows of the sorted directions; angles in radians."""
        table = self.table
        directions, ray, _ = table.sorted_directions
        low, high = table.band_kev
        return kernels.match_peaks(  # type: ignore[no-any-return]
            np.ascontiguousarray(u),
            self.normals,
            self.sines,
            directions,
            ray,
            table.q_inv_a,
            table.reflections.first,
            table.reflections.order,
            low,
            high,
            np.radians(tolerance_deg),
            0.5 * HC_KEV_A,
        )

    def polish(self, u: Float64Array, tolerance_deg: float, trials: int) -> _Fit:
        """Fit the orientation to its matches, tightening the tolerance, and keep the most telling stage."""
        directions = self.table.sorted_directions[0]
        best = None
        tolerance = tolerance_deg
        for _ in range(7):
            row, angle = self.match(u, tolerance)
            assigned = row >= 0
            fit = _Fit(u, row, angle, tolerance, self._merit(int(assigned.sum()), tolerance, trials))
            if best is None or fit.merit >= best.merit:
                best = fit
            if assigned.sum() < 3:
                break
            # a peak half the tolerance away tells little: it may be a stranger
            weight = 1.0 / (1.0 + (2.0 * angle[assigned] / np.radians(tolerance)) ** 2)
            u = wahba(directions[row[assigned]], self.normals[assigned], weight)
            spread = float(np.degrees(np.sqrt(np.mean(angle[assigned] ** 2))))
            tolerance = max(min(tolerance, 3.0 * spread), 0.4 * tolerance, 0.05)
        assert best is not None
        return best

    def _merit(self, matched: int, tolerance_deg: float, trials: int, share: float = 1.0) -> float:
        """Return −log10 of the chance to match this many peaks: a binomial tail times the number of trials."""
        if matched == 0:
            return 0.0
        chance = share * float(self.table.chance(self.sines[self.order], tolerance_deg).mean())
        tail = betainc(matched, len(self.order) - matched + 1, min(chance, 1.0))
        return float(-np.log10(max(tail, 1e-300)) - np.log10(max(trials, 1)))

    def judge(self, fit: _Fit, trials: int) -> _Fit:
        """Weigh in that true matches fall on bright rays: the most telling of the matches to the brightest few shares."""
        ray, _, assigned = self.rays(fit)
        shares = self.table.brightness_share(ray, self.sines[assigned])
        merits = [
            self._merit(int((shares <= limit).sum()), fit.tolerance_deg, trials * len(BRIGHT_SHARES), limit)
            for limit in BRIGHT_SHARES
        ]
        return replace(fit, merit=max(merits))

    def rays(self, fit: _Fit) -> tuple[Int64Array, Int64Array, BoolArray]:
        """Ray number and sign of every matched peak, and which are matched."""
        _, ray, sign = self.table.sorted_directions
        matched = fit.row[fit.assigned]
        return ray[matched], sign[matched], fit.assigned

    def strongest_harmonic(self, fit: _Fit) -> tuple[Int32Array, Float64Array]:
        """Return the reflection (p, 3) and energy (p,) that give each matched peak most of its intensity."""
        ray, sign, assigned = self.rays(fit)
        table = self.table.reflections
        peak, row, energy = self.table.harmonics(ray, self.sines[assigned])
        weight = np.abs((table.f0[row] * table.partial[row]).sum(axis=1)) ** 2 / energy**2
        ascending = np.lexsort((weight, peak))
        last = ascending[np.flatnonzero(np.diff(peak[ascending], append=-1))]
        hkl = np.zeros((len(self.normals), 3), dtype=np.int32)
        energies = np.zeros(len(self.normals))
        hkl[assigned] = table.hkl[ray] * (sign * table.order[row[last]])[:, None]
        energies[assigned] = energy[last]
        return hkl, energies

    def resolve(self, best: _Fit, fits: list[_Fit]) -> tuple[_Fit, list[Float64Array]]:
        """Choose by intensities among orientations that explain the positions equally well; return the undecided rest.

        Those are the ones related by the lattice's holohedry but not by the Laue class, and near coincidences of
        the metric that the search came upon.
        """
        equals = [best]
        images = [best.u @ rotation for rotation in self._holohedry_cosets()]
        for other in [*fits, *(self.polish(u, best.tolerance_deg, trials=1) for u in images)]:
            if self._nearest_deg(other.u, [fit.u for fit in equals]) > 0.3 and _as_good(other, best):
                equals.append(other)
        if len(equals) == 1:
            return best, []
        misfit = np.array([self._intensity_log_odds(fit) for fit in equals])
        winner = int(np.argmax(misfit))
        undecided = [
            fit.u for k, fit in enumerate(equals) if k != winner and misfit[winner] - misfit[k] < DECISIVE_LOG_ODDS
        ]
        return replace(equals[winner], merit=best.merit), undecided

    def _holohedry_cosets(self) -> list[Float64Array]:
        """One rotation of the lattice for each way to put the crystal into it, the identity's left out."""
        crystal = self.table.crystal
        chosen: list[Float64Array] = [np.eye(3)]
        for rotation in crystal.holohedry:
            if misorientation_deg(rotation, np.array(chosen), crystal.rotations).min() > 0.3:
                chosen.append(rotation)
        return chosen[1:]

    def _intensity_log_odds(self, fit: _Fit) -> float:
        """Log likelihood of the intensities: log-normal scatter about the expected ones, on a free scale."""
        ray, sign, assigned = self.rays(fit)
        measured = self.intensity[assigned]
        expected = self.table.expected_intensity(ray, sign, self.sines[assigned])
        usable = (measured > 0) & (expected > 0)
        if usable.sum() < MIN_MATCHED:
            return 0.0
        ratio = np.log(measured[usable] / expected[usable])
        # a bright peak on a nearly absent ray counts against, but one overlapped spot must not decide alone
        scatter = np.clip(ratio - np.median(ratio), -3.0, 3.0)
        return float(-0.5 * usable.sum() * np.log(max(np.mean(scatter**2), 1e-2)))


def index(
    crystal: Crystal,
    detector: Detector,
    position_px: ArrayLike,
    intensity: ArrayLike | None,
    band_kev: tuple[float, float],
    guess: ArrayLike | None = None,
) -> Indexed | NotIndexed:
    """Find the orientation that explains a pattern's peaks; see Indexer, which saves the preparation for the next one."""
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


def wahba(crystal: Float64Array, lab: Float64Array, weight: Float64Array) -> Float64Array:
    """Rotation that best takes unit vectors (p, 3) of the crystal to those of the lab (Wahba 1965; Markley 1988)."""
    left, _, right = np.linalg.svd((lab * weight[:, None]).T @ crystal)
    left[:, 2] *= np.linalg.det(left) * np.linalg.det(right)
    rotation: Float64Array = left @ right
    return rotation


def _as_good(other: _Fit, best: _Fit) -> bool:
    return bool(other.assigned.sum() >= 0.9 * best.assigned.sum() and other.rms_rad <= 1.2 * best.rms_rad + 1e-4)


def _pairs(normals: Float64Array) -> Int64Array:
    """Pairs of peaks far enough from parallel, brightest together first, (k, 2)."""
    limit = np.cos(np.radians(MIN_PAIR_DEG))
    pairs = [pair for pair in combinations(range(len(normals)), 2) if abs(normals[pair[0]] @ normals[pair[1]]) < limit]
    return np.array(sorted(pairs, key=sum), dtype=np.int64).reshape(-1, 2)


def _checked(value: ArrayLike, width: int, name: str) -> Float64Array:
    array = np.asarray(value, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(f"{name} must have shape (p, {width}), got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {int((~np.isfinite(array)).sum())} values that are not finite; remove those peaks")
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

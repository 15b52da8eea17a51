"""One pattern's peaks against one crystal: candidates, fits, odds, and the choice between equals."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from scipy.special import betainc, gammaln

from beamgym.physics.arrays import BoolArray, Float64Array, Int32Array, Int64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.matching import kernels
from beamgym.physics.laue.matching.table import IndexingTable
from beamgym.physics.orientation import misorientation_deg

PAIR_PEAKS = 20
"""Peaks, brightest first, that orientations are made from."""
VOTE_PEAKS = 80
"""Peaks, brightest first, that vote during the search; all of them count in the end."""
ENOUGH = 0.75
"""Share of the voters that ends the search."""
MIN_PAIR_DEG = 12.0
"""Peaks closer than this fix an orientation too loosely."""
MIN_MATCHED = 5
"""Fewer peaks can always be matched by some orientation."""
CANDIDATES = 8
"""Distinct candidates of the search that are fitted."""
BRIGHT_SHARES = (1.0, 0.5, 0.25, 0.12)
"""Shares of the rays, brightest first, among which matches are counted: chance does not prefer bright ones."""
UNMATCHED_LOG_ODDS = 4.0
"""What a left-over peak costs: false peaks are rare, and rarer still where an alternative orientation explains them."""
MIN_SCALE_PEAKS = 16
"""Peaks needed to fit how the scale varies with energy and angle."""
MOST_SCATTER = 3.0
"""Logarithm of the largest ratio of measured to expected intensity that counts in full."""
DECISIVE_LOG_ODDS = 4.6
"""Odds of 100 : 1 in the intensities end an ambiguity that the positions leave open."""


@dataclass(frozen=True)
class Fit:
    """An orientation and the peaks it explains.

    Parameters
    ----------
    u : (3, 3) crystal to lab
    row : (p,) row of the table's sorted directions that each peak is matched to, or -1
    angle_rad : (p,) angle to it
    tolerance_deg : largest angle allowed
    merit : −log10 of the odds that chance does as well
    trials : how many orientations were tried to find it
    """

    u: Float64Array
    row: Int64Array
    angle_rad: Float64Array
    tolerance_deg: float
    merit: float
    trials: int

    @property
    def assigned(self) -> BoolArray:
        """(p,) True where a peak is matched."""
        found: BoolArray = self.row >= 0
        return found

    @property
    def mean_rad(self) -> float:
        """Mean angle of the matched peaks."""
        return float(self.angle_rad[self.assigned].mean()) if self.assigned.any() else np.inf

    @property
    def rms_rad(self) -> float:
        """Root mean square angle of the matched peaks."""
        return float(np.sqrt(np.mean(self.angle_rad[self.assigned] ** 2))) if self.assigned.any() else np.inf


class Pattern:
    """The peaks of one pattern, brightest first, against one table.

    Parameters
    ----------
    table : the crystal's
    normals : (p, 3) unit plane normals: in the lab, or of several frames turned back into one
    intensity : (p,) any positive scale
    sines : (p,) sin(theta) of each; by default of normals in the lab
    """

    def __init__(
        self,
        table: IndexingTable,
        normals: Float64Array,
        intensity: Float64Array,
        sines: Float64Array | None = None,
    ) -> None:
        self.table = table
        self.normals = np.ascontiguousarray(normals)
        self.intensity = intensity
        found = -normals[:, 0] if sines is None else sines
        self.sines = np.maximum(found, 1e-6)
        self.order = np.argsort(-intensity, kind="stable")
        self.order = self.order[found[self.order] > 0.0]

    def candidates(
        self, tolerance_deg: float, pair_peaks: int = PAIR_PEAKS, vote_peaks: int = VOTE_PEAKS
    ) -> Iterator[Fit]:
        """Search pairs among so many of the brightest peaks, then fit the best distinct orientations."""
        voters = self.order[:vote_peaks]
        normals = np.ascontiguousarray(self.normals[voters])
        pairs = peak_pairs(normals[:pair_peaks])
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
            max(10, round(ENOUGH * len(voters))),
        )
        polished: list[Fit] = []
        for k in np.argsort(-votes, kind="stable"):
            if votes[k] < max(3, 0.6 * votes.max()) or len(polished) == CANDIDATES:
                break
            known = [fit.u for fit in polished]
            if known and self.nearest_deg(found[k], known) < 2.0 * tolerance_deg:
                continue
            fit = self.judge(self.polish(found[k], tolerance_deg, tried))
            if known and self.nearest_deg(fit.u, known) < 0.5 * tolerance_deg:
                continue
            polished.append(fit)
            yield fit

    def nearest_deg(self, u: Float64Array, known: list[Float64Array]) -> float:
        """Angle to the nearest of known orientations, the crystal's own symmetry apart."""
        return float(misorientation_deg(u, np.array(known), self.table.crystal.rotations).min())

    def match(self, u: Float64Array, tolerance_deg: float, limit: int | None = None) -> tuple[Int64Array, Float64Array]:
        """Assign peaks to rows of the sorted directions, those of the ``limit`` brightest rays; angles in radians."""
        table = self.table
        directions, ray, _ = table.sorted_directions
        low, high = table.band_kev
        return kernels.match_peaks(  # type: ignore[no-any-return]
            np.ascontiguousarray(u),
            self.normals,
            self.sines,
            directions,
            table.heights,
            ray,
            table.rank,
            table.ray_limit(tolerance_deg) if limit is None else limit,
            table.q_inv_a,
            table.reflections.first,
            table.reflections.order,
            low,
            high,
            np.radians(tolerance_deg),
            0.5 * HC_KEV_A,
        )

    def polish(self, u: Float64Array, tolerance_deg: float, trials: int) -> Fit:
        """Fit the orientation to its matches, tightening the tolerance, and keep the most telling stage."""
        directions = self.table.sorted_directions[0]
        best = None
        tolerance = tolerance_deg
        for _ in range(7):
            row, angle = self.match(u, tolerance)
            assigned = row >= 0
            fit = Fit(u, row, angle, tolerance, self._merit(int(assigned.sum()), tolerance, trials), trials)
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
        log_tail = log10_binomial_tail(matched, len(self.order), chance)
        return float(-log_tail - np.log10(max(trials, 1)))

    def judge(self, fit: Fit) -> Fit:
        """Weigh in that true matches fall on bright rays: the most telling of the matches to the brightest shares."""
        ray, _, assigned = self.rays(fit)
        shares = self.table.brightness_share(ray, self.sines[assigned], fit.tolerance_deg)
        merits = [
            self._merit(int((shares <= limit).sum()), fit.tolerance_deg, fit.trials * len(BRIGHT_SHARES), limit)
            for limit in BRIGHT_SHARES
        ]
        return replace(fit, merit=max(merits))

    def rays(self, fit: Fit) -> tuple[Int64Array, Int64Array, BoolArray]:
        """Ray number and sign of every matched peak, and which are matched."""
        _, ray, sign = self.table.sorted_directions
        matched = fit.row[fit.assigned]
        return ray[matched], sign[matched], fit.assigned

    def strongest_harmonic(self, fit: Fit) -> tuple[Int32Array, Float64Array]:
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

    def resolve(self, best: Fit, fits: list[Fit]) -> tuple[Fit, list[Float64Array]]:
        """Choose by intensities among orientations that explain the positions equally well; return the undecided rest.

        Those are related by the holohedry but not by the Laue class, or by near coincidences of the metric,
        or are whatever else the search came upon.
        """
        images = [best.u @ rotation for rotation in self.table.look_alikes]
        alternatives = [*fits, *(self.judge(self.polish(u, best.tolerance_deg, best.trials)) for u in images)]
        equals = [max([best, *alternatives], key=lambda fit: fit.merit)]
        for other in [best, *alternatives]:
            if self.nearest_deg(other.u, [fit.u for fit in equals]) > 0.3 and _as_good(other, equals[0]):
                equals.append(other)
        if len(equals) == 1:
            return equals[0], []
        odds = np.array([self.log_odds(fit) for fit in equals])
        winner = int(np.argmax(odds))
        undecided = [
            fit.u for k, fit in enumerate(equals) if k != winner and odds[winner] - odds[k] < DECISIVE_LOG_ODDS
        ]
        return equals[winner], undecided

    def log_odds(self, fit: Fit) -> float:
        """Log likelihood of intensities and left-over peaks, up to a constant.

        Intensities scatter log-normally about the expected ones, on a scale that varies smoothly with energy and angle:
        that takes up absorption and what is not known of the spectrum.
        """
        ray, sign, assigned = self.rays(fit)
        measured, sines = self.intensity[assigned], self.sines[assigned]
        expected, energy = self.table.expected(ray, sign, sines)
        usable = (measured > 0) & (expected > 0)
        count = int(usable.sum())
        left_over = UNMATCHED_LOG_ODDS * float((~assigned).sum())
        if count < MIN_MATCHED:
            return -left_over
        ratio = np.log(measured[usable] / expected[usable])
        columns = [np.ones(count)]
        if count >= MIN_SCALE_PEAKS:
            columns += [np.log(energy[usable]), np.log(energy[usable]) ** 2, np.log(sines[usable])]
        # a bright peak on a nearly absent ray counts against, but one overlapped spot must not decide alone
        scatter = ratio - np.median(ratio)
        for _ in range(2):
            clipped = ratio - scatter + np.clip(scatter, -MOST_SCATTER, MOST_SCATTER)
            scale, *_ = np.linalg.lstsq(np.stack(columns, axis=1), clipped, rcond=None)
            scatter = ratio - np.stack(columns, axis=1) @ scale
        variance = float(np.mean(np.clip(scatter, -MOST_SCATTER, MOST_SCATTER) ** 2))
        return float(-0.5 * count * np.log(max(variance, 1e-2)) - left_over)


def wahba(crystal: Float64Array, lab: Float64Array, weight: Float64Array) -> Float64Array:
    """Rotation that best takes unit vectors (p, 3) of the crystal to those of the lab (Wahba 1965; Markley 1988)."""
    left, _, right = np.linalg.svd((lab * weight[:, None]).T @ crystal)
    left[:, 2] *= np.linalg.det(left) * np.linalg.det(right)
    rotation: Float64Array = left @ right
    return rotation


def log10_binomial_tail(successes: int, trials: int, chance: float) -> float:
    """log10 of the probability of at least so many successes, also where the probability itself underflows."""
    tail = float(betainc(successes, trials - successes + 1, min(chance, 1.0)))
    if tail > 1e-280:
        return float(np.log10(tail))
    ways = gammaln(trials + 1) - gammaln(successes + 1) - gammaln(trials - successes + 1)
    log = ways + successes * np.log(max(chance, 1e-300)) + (trials - successes) * np.log1p(-chance)
    return float(log / np.log(10.0))


def _as_good(other: Fit, best: Fit) -> bool:
    return bool(other.assigned.sum() >= 0.9 * best.assigned.sum() and other.rms_rad <= 1.2 * best.rms_rad + 1e-4)


def peak_pairs(normals: Float64Array) -> Int64Array:
    """Pairs of peaks far enough from parallel, brightest together first, (k, 2)."""
    limit = np.cos(np.radians(MIN_PAIR_DEG))
    pairs = [pair for pair in combinations(range(len(normals)), 2) if abs(normals[pair[0]] @ normals[pair[1]]) < limit]
    return np.array(sorted(pairs, key=sum), dtype=np.int64).reshape(-1, 2)

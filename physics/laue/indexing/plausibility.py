"""Whether an answer is to be believed: against an earlier one, and against the picture that it should have made.

Some orientation of any crystal explains some of the peaks. Three things tell a wrong one: its figure of merit for each
peak that it explains is low, since it fits loosely and by weak rays; spots that it should show strongly are absent
while weaker ones are there; and what it leaves over lies on its own lattice, as with a cell of the same angles but
another size.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import ndtr

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing.indexing import Indexed, Indexer, predict_px
from beamgym.physics.laue.matching import log10_binomial_tail
from beamgym.physics.orientation import misorientation_deg

SAME_DEG = 1.0
"""Answers nearer to each other than this are one orientation, seen with two cameras."""
STRONGEST = 600
"""Predicted spots that are asked for, strongest first: more than any picture shows."""
SCATTER = 1.0
"""Standard deviation of the logarithm of a spot's strength about the expected one: the spectrum is not known."""
NEAR_RESIDUALS, NEAR_PX = 3.2, 1.5
"""A peak belongs to a predicted spot within so many median residuals, or so many pixels where those are less."""
LEAST_MERIT, LEAST_LIKELIHOOD = 1.48, -1.25
"""Right answers have 1.5 to 3.7 and -1.0 to 0.5; other crystals and orientations 0.3 to 1.4, or else -1.5 and less."""
DILUTED_MERIT, DILUTED_LIKELIHOOD = 0.7, 0.0
"""Where most of a list is false the merit is lower; then nearly all of the strongest spots have to be there."""
LEAST_POSSIBLE = (0.25, -2.0)
"""Merit for each explained peak, and likelihood, below which an answer among false peaks is none: nine of ten of
another crystal's are below, three of a hundred right ones."""
MAJORITY, MINORITY_LIKELIHOOD, MINORITY_PEAKS = 0.75, -0.4, 12
"""An answer that explains a smaller share of the peaks must be likelier than that, and explain so many at least."""
LEFT_SHARE, LEFT_MERIT = 0.03, 3.0
"""So many of the peaks left over on the answer's own lattice, at odds of 10³ against chance, are another cell's."""


@dataclass(frozen=True)
class Plausibility:
    """What an answer looks like beside the picture that it should have made.

    Parameters
    ----------
    explained, explained_share : how many peaks are explained, and what share of them
    merit_per_match : figure of merit for each explained peak, which false peaks hardly lower
    spots_likelihood : log-likelihood of which predicted spots are seen, less its expectation, for each one seen
    strong, strong_absent : predicted spots stronger than the middle one of those seen, and how many of them are absent
    left_share : share of all peaks that are left over and lie on the lattice, more than chance would put there
    left_merit : −log10 of the probability that chance puts so many there
    """

    explained: int
    explained_share: float
    merit_per_match: float
    spots_likelihood: float
    strong: int
    strong_absent: int
    left_share: float
    left_merit: float

    @property
    def possible(self) -> bool:
        """Whether most of the strongest spots are there that the answer should show: without them it is none."""
        merit, likelihood = LEAST_POSSIBLE
        return self.merit_per_match >= merit and self.spots_likelihood >= likelihood

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the answer, one sentence each; none for an answer to be believed."""
        found = []
        if self.merit_per_match < (DILUTED_MERIT if self.spots_likelihood > DILUTED_LIKELIHOOD else LEAST_MERIT):
            found.append(
                "another crystal, or a wrong orientation or camera? The figure of merit is "
                f"{self.merit_per_match:.1f} for each explained peak; right answers have 1.5 and more"
            )
        if self.spots_likelihood < LEAST_LIKELIHOOD:
            found.append(
                f"another crystal or orientation? {self.strong_absent} of the {self.strong} strongest spots that there "
                "should be are absent, while weaker ones are there"
            )
        elif self.explained_share < MAJORITY and (
            self.spots_likelihood < MINORITY_LIKELIHOOD or self.explained < MINORITY_PEAKS
        ):
            found.append(
                f"another crystal or orientation? Only {self.explained}, {100.0 * self.explained_share:.0f} % of the "
                "peaks, are explained, "
                f"and {self.strong_absent} of the {self.strong} strongest spots that there should be are absent"
            )
        if self.left_share > LEFT_SHARE and self.left_merit > LEFT_MERIT:
            found.append(
                f"another cell with the same angles? {100.0 * self.left_share:.0f} % of the peaks are left over and "
                "lie on this crystal's lattice, where it can show no spot in this band. Or does the beam reach beyond "
                "the band? --band says it"
            )
        return tuple(found)


def may_replace(earlier: Indexed, later: Indexed, rotations: Float64Array) -> bool:
    """Tell whether a later pass's answer may be taken instead of the one that it was given.

    Another orientation must explain more peaks, and more closely: with a camera that was refined for the wrong matches
    some orientation always explains a peak more. The same one, and one that was open, must not be worse in both.

    Parameters
    ----------
    earlier, later : the answers, each with its residual on its own camera
    rotations : (k, 3, 3) the crystal's
    """
    more = later.matched > earlier.matched
    closer = later.residual_px < earlier.residual_px
    known = (earlier.orientation, *earlier.ambiguous)
    if any(float(misorientation_deg(later.orientation, u, rotations)) < SAME_DEG for u in known):
        return more or closer or later.matched == earlier.matched
    return more and closer


def plausibility(
    indexer: Indexer,
    detector: Detector,
    answer: Indexed,
    position_px: Float64Array,
    ignored: BoolArray | None = None,
) -> Plausibility:
    """Compare an answer with the picture that it should have made.

    Parameters
    ----------
    indexer : of the answer's crystal and band
    detector : the camera that came out
    answer : the answer
    position_px : (p, 2) all peaks, along fast and slow
    ignored : (slow, fast) True where a pixel says nothing; a spot that is not seen there is not absent
    """
    residual_px, residual_deg = median_residuals(indexer, detector, answer, position_px)
    near_px = max(NEAR_RESIDUALS * residual_px, NEAR_PX)
    place, strength = _predicted(indexer, detector, answer.orientation, 2.0 * near_px)
    if ignored is not None:
        column, row = np.rint(place).astype(np.int64).T
        open_ = ~ignored[np.clip(row, 0, ignored.shape[0] - 1), np.clip(column, 0, ignored.shape[1] - 1)]
        place, strength = place[open_], strength[open_]
    distance, _ = cKDTree(position_px).query(place) if len(place) else (np.zeros(0), None)
    seen = distance <= near_px
    half = max(int(seen.sum()) // 2, 1)
    near_deg = min(answer.tolerance_deg, NEAR_RESIDUALS * residual_deg)
    left_share, left_merit = _left_on_lattice(indexer, detector, answer, position_px, near_deg)
    return Plausibility(
        answer.matched,
        float(answer.assigned.mean()),
        answer.figure_of_merit / max(answer.matched, 1),
        _seen_likelihood(np.log(strength), seen),
        half,
        int((~seen[:half]).sum()),
        left_share,
        left_merit,
    )


def median_residuals(
    indexer: Indexer, detector: Detector, answer: Indexed, position_px: Float64Array
) -> tuple[float, float]:
    """Return how far explained peaks lie from where they should, in the median: pixels, degrees of their normals.

    A few false ones among them do not matter; for arguments see ``plausibility``.
    """
    if not answer.assigned.any():
        return 0.0, 0.0
    hkl, measured = answer.hkl[answer.assigned], position_px[answer.assigned]
    predicted, _ = predict_px(indexer.crystal, detector, answer.orientation, hkl)
    lab = indexer.crystal.plane_normal(hkl) @ answer.orientation.T
    cosine = np.einsum("ij,ij->i", detector.plane_normals(measured), lab)
    angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return float(np.nanmedian(np.linalg.norm(detector.difference_px(predicted, measured), axis=1))), float(
        np.median(angle)
    )


def _predicted(
    indexer: Indexer, detector: Detector, orientation: Float64Array, apart_px: float
) -> tuple[Float64Array, Float64Array]:
    """Return where spots should be, (k, 2) px, and how strong under a flat spectrum, (k,), the strongest first."""
    table = indexer.table
    lab = table.reflections.q_inv_a @ orientation.T / table.q_inv_a[:, None]
    sign = np.where(lab[:, 0] < 0.0, 1, -1)
    lab = lab * sign[:, None]
    sines = -lab[:, 0]
    reached = np.flatnonzero(0.5 * HC_KEV_A * table.lowest_q_inv_a <= table.band_kev[1] * sines)
    place, hit = detector.to_pixel(np.array([1.0, 0.0, 0.0]) + 2.0 * sines[reached, None] * lab[reached])
    ray, place = reached[hit], place[hit]
    strength, _ = table.expected(ray, sign[ray], sines[ray])
    order = np.argsort(-strength, kind="stable")[: int((strength > 0.0).sum())][:STRONGEST]
    place, strength = place[order], strength[order]
    pairs = cKDTree(place).query_pairs(apart_px, output_type="ndarray") if len(place) else np.zeros((0, 2), int)
    alone = np.ones(len(place), dtype=bool)
    alone[pairs[:, 1]] = False  # the weaker of two that are one spot
    return place[alone], strength[alone]


def _seen_likelihood(log_strength: Float64Array, seen: BoolArray) -> float:
    """Return the log-likelihood of which spots are seen, less its expectation, for each spot seen.

    A spot is seen with the probability that its strength, log-normal about the expected one, exceeds a limit; the
    limit is such that as many should be seen as are.
    """
    count = int(seen.sum())
    if not 0 < count < len(seen):
        return 0.0 if count else -np.inf
    from scipy.optimize import brentq

    limit = brentq(
        lambda t: float(ndtr((log_strength - t) / SCATTER).sum()) - count,
        float(log_strength.min()) - 10.0 * SCATTER,
        float(log_strength.max()) + 10.0 * SCATTER,
    )
    chance = np.clip(ndtr((log_strength - limit) / SCATTER), 1e-3, 1.0 - 1e-3)
    likelihood = np.where(seen, np.log(chance), np.log1p(-chance)).sum()
    expected = (chance * np.log(chance) + (1.0 - chance) * np.log1p(-chance)).sum()
    return float(likelihood - expected) / count


def _left_on_lattice(
    indexer: Indexer, detector: Detector, answer: Indexed, position_px: Float64Array, near_deg: float
) -> tuple[float, float]:
    """Return the share of all peaks left over on directions as simple as the explained ones, and its merit."""
    left = ~answer.assigned
    if not left.any() or not answer.assigned.any():
        return 0.0, 0.0
    table = indexer.table
    normals = detector.plane_normals(position_px) @ answer.orientation
    unit = table.reflections.q_inv_a / table.q_inv_a[:, None]
    explained = np.abs(normals[answer.assigned] @ unit.T).argmax(axis=1)
    simple = table.q_inv_a <= np.percentile(table.q_inv_a[explained], 90.0)
    limit = float(np.cos(np.radians(near_deg)))
    on = int((np.abs(normals[left] @ unit[simple].T).max(axis=1) > limit).sum())
    chance = 1.0 - np.exp(-float(simple.sum()) * (1.0 - limit))
    count = int(left.sum())
    excess = max(on - chance * count, 0.0) / len(left)
    return excess, -log10_binomial_tail(on, count, chance) if on else 0.0

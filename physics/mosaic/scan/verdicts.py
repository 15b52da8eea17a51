"""What all frames of one crystal say together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.mosaic.records import ScannedCrystal, Verdict
from beamgym.physics.mosaic.scan.reading import GrainSeen, Reading
from beamgym.physics.orientation import misorientation_deg, nearest_equivalent, nearest_rotation

SAME_DEG = 0.2
"""Orientations of two places nearer than this are one grain: five times what one frame's scatter with a camera that all
crystals calibrated, and less than a mosaic can do without."""
SAME_UNCALIBRATED_DEG = 0.4
BENT_DEG = 5.0
"""Places of one flake that differ by less than this are bent, by more they are grains."""
TWIN_DEG = 0.7
"""How near to a twin law two grains stand that are twins."""
EMPTY_PEAKS = 32
"""Fewer peaks than this at every place, and none of them indexed: glue, plate and noise make as many."""
LEAST_SHARE = 0.04
"""A further grain with less of the light than this in every frame is not told of."""
LEAST_INDEXED = 0.5
"""Share of the places that an indexed crystal has indexed at least."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Says what a crystal is.

    Parameters
    ----------
    rotations : (k, 3, 3) after which a pattern is the same
    twins : (t, 3, 3) rotations of twin laws, crystal Cartesian
    same_deg : places that differ by less show one orientation
    """

    rotations: Float64Array
    twins: Float64Array
    same_deg: float = SAME_DEG

    def verdict(self, name: str, readings: Sequence[Reading], sigma_deg: Float64Array | None = None) -> ScannedCrystal:
        """Return what the last reading of every place says together.

        Parameters
        ----------
        name : of the crystal
        readings : of all its frames; of several at one place the last one counts
        sigma_deg : (3,) standard errors about the plate's axes, where a fit of all crystals gives them
        """
        last = list({tuple(np.round(one.point_mm, 2)): one for one in readings}.values())
        points = np.array([one.point_mm for one in readings]).reshape(-1, 2)
        beam_s = float(sum(one.exposure_s for one in readings))

        def said(verdict: Verdict, note: str, grains: Sequence["_Cluster"] = ()) -> ScannedCrystal:
            u = np.array([PLATE_TO_LAB.T @ one.u for one in grains]).reshape(-1, 3, 3)
            shares = tuple(min(1.0, one.share / len(last)) for one in grains)
            sigma = np.full(3, np.nan) if sigma_deg is None else sigma_deg
            first = u[0] if len(u) else None
            return ScannedCrystal(name, verdict, first, sigma, shares, u, points, beam_s, note)

        indexed = [one for one in last if one.indexed]
        if not indexed:
            most = max((one.peaks if one.off_rings is None else one.off_rings for one in last), default=0)
            if most < EMPTY_PEAKS:
                off = "" if most == max((one.peaks for one in last), default=0) else " off powder rings"
                return said("empty", f"{most} peaks{off} at most, where glue and noise make {EMPTY_PEAKS}")
            reason = next((one.warnings[0] for one in last if one.warnings), "no orientation explains the peaks")
            return said("not indexed", reason)
        clusters = self._clusters(indexed)
        open_, others = self._still_ambiguous(clusters[0]), clusters[1:]
        if others:
            return said(*self._of_several(clusters), clusters)
        if open_:
            return said("ambiguous", f"{open_} orientation(s) more explain the peaks as well", clusters)
        if len(indexed) < LEAST_INDEXED * len(last):
            return said("ambiguous", f"only {len(indexed)} of {len(last)} places index", clusters)
        return said("indexed", "", clusters)

    def _clusters(self, readings: Sequence[Reading]) -> list["_Cluster"]:
        """Gather the grains of all places into orientations, the one with most light first."""
        found: list[_Cluster] = []
        for place, reading in enumerate(readings):
            for grain in reading.grains:
                if grain.share < LEAST_SHARE:
                    continue
                near = next((c for c in found if self._apart(grain.u, c.u) < self.same_deg), None)
                if near is None:
                    found.append(_Cluster(grain.u, [grain], [place]))
                else:
                    near.add(grain, place, self.rotations)
        return sorted(found, key=lambda cluster: -cluster.share)

    def _apart(self, one: Float64Array, other: Float64Array) -> float:
        return float(misorientation_deg(one, other, self.rotations))

    def _still_ambiguous(self, cluster: "_Cluster") -> int:
        """Count the alternatives of a grain that no place excludes."""
        left = list(cluster.grains[0].ambiguous)
        for grain in cluster.grains[1:]:
            left = [one for one in left if any(self._apart(one, other) < 1.0 for other in grain.ambiguous)]
        return len(left)

    def _of_several(self, clusters: Sequence["_Cluster"]) -> tuple[Verdict, str]:
        turns = [self._apart(clusters[0].u, other.u) for other in clusters[1:]]
        if self._alternatives_of_one(clusters):
            return "ambiguous", "its places index as look-alikes of each other"
        if all(self._is_twin(clusters[0].u, other.u) for other in clusters[1:]):
            return "twin", f"{len(clusters)} orientations related by the twin law"
        alone = all(len(set(one.places)) == len(one.places) for one in clusters)
        single = len({place for one in clusters for place in one.places}) == sum(len(one.places) for one in clusters)
        if max(turns) <= BENT_DEG and alone and single:
            return "bent", f"its places differ by up to {max(turns):.2f}°"
        return "several grains", f"{len(clusters)} orientations, {min(turns):.1f}° and more apart"

    def _alternatives_of_one(self, clusters: Sequence["_Cluster"]) -> bool:
        """Whether the orientations are such as a single frame leaves open, each at places of its own."""
        first = clusters[0]
        for other in clusters[1:]:
            if set(first.places) & set(other.places):
                return False
            left = [u for grain in first.grains for u in grain.ambiguous]
            right = [u for grain in other.grains for u in grain.ambiguous]
            if not any(self._apart(u, other.u) < 1.0 for u in left) and not any(
                self._apart(u, first.u) < 1.0 for u in right
            ):
                return False
        return True

    def _is_twin(self, one: Float64Array, other: Float64Array) -> bool:
        if not len(self.twins):
            return False
        both = np.concatenate([self.twins, np.swapaxes(self.twins, 1, 2)])
        images = np.array([one @ s @ twin for s in self.rotations for twin in both])
        return bool(misorientation_deg(images, other, self.rotations).min() < TWIN_DEG)


@dataclass(eq=False)
class _Cluster:
    """One orientation, seen at one or more places."""

    u: Float64Array
    grains: list[GrainSeen]
    places: list[int]

    @property
    def share(self) -> float:
        return float(sum(grain.share for grain in self.grains))

    def add(self, grain: GrainSeen, place: int, rotations: Float64Array) -> None:
        self.grains.append(grain)
        self.places.append(place)
        images = [one.u @ rotations[nearest_equivalent(one.u, self.grains[0].u, rotations)[1]] for one in self.grains]
        weights = [max(one.share, 1e-6) for one in self.grains]
        self.u = nearest_rotation(np.tensordot(weights, np.array(images), axes=1) / sum(weights))

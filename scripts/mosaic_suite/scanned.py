"""One plate of a material, scanned, and how its verdicts compare with the truth."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
from beamgym.physics.mosaic.scan import PlateScan, scan_plate
from beamgym.physics.orientation import misorientation_deg
from beamgym.scripts.rates import Rate, typical

WRONG_DEG = 0.5
"""An orientation further than this from that of every grain is wrong."""


@dataclass(frozen=True, eq=False)
class ScannedPlate:
    """A plate with its scan, and what came out.

    Parameters
    ----------
    world : the plate with its truth, at the end of the scan
    scan : of it
    counts : places by what they are and what the scan says they are
    error_deg : of every single crystal that is called indexed, from its true orientation
    wrong : number of places called indexed whose orientation is none of their grains'
    """

    world: PlateWorld
    scan: PlateScan
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    error_deg: tuple[float, ...] = ()
    wrong: int = 0

    def rate(self, what: str, *verdicts: str) -> Rate:
        """Return the share of the places of a kind to which the scan gives one of these verdicts."""
        total = sum(count for (kind, _), count in self.counts.items() if kind == what)
        return Rate(sum(self.counts[what, verdict] for verdict in verdicts), total)

    def flagged(self, what: str) -> Rate:
        """Return the share of the places of a kind that the scan does not call indexed."""
        indexed = self.rate(what, "indexed")
        return Rate(indexed.total - indexed.count, indexed.total)

    @property
    def wrong_unflagged(self) -> Rate:
        """Wrong orientations among all places, without a flag."""
        return Rate(self.wrong, sum(self.counts.values()))

    @property
    def error_deg_median(self) -> float:
        """Median error of single crystals called indexed, degrees."""
        return typical(self.error_deg)

    def figures(self) -> dict[str, Any]:
        """Return the figures for JSON."""
        indexed, wrong, grains = self.rate("single", "indexed"), self.wrong_unflagged, self.flagged("two grains")
        return {
            "indexed": indexed.as_dict()["share"],
            "indexed_ci95": list(indexed.ci95),
            "error_deg_median": _or_none(self.error_deg_median),
            "error_deg_95": _or_none(typical(self.error_deg, 0.95)),
            "wrong_unflagged": wrong.as_dict()["share"],
            "wrong_unflagged_ci95": list(wrong.ci95),
            "singles_flagged": self.flagged("single").as_dict()["share"],
            "grains_flagged": grains.as_dict()["share"],
            "grains_flagged_ci95": list(grains.ci95),
            "twins_flagged": self.flagged("twin").as_dict()["share"],
            "bent_flagged": self.flagged("bent").as_dict()["share"],
            "unseen_rotations": len(self.scan.rotations) - len(self.world.context.crystal.rotations),
            "verdicts": {f"{what}: {said}": count for (what, said), count in sorted(self.counts.items())},
            "instrument_s": self.scan.instrument_s,
        }


def scanned_plate(
    material: str, crystals: int, seed: int, level: str = "real", progress: Callable[[int, int], Any] | None = None
) -> ScannedPlate:
    """Draw a plate, scan it, and compare."""
    world = PlateWorld.drawn(material, seed, PlateOptions(crystals), level=level)
    return compared(world, scan_plate(world, world.outlines(), progress=progress))


def compared(world: PlateWorld, scan: PlateScan) -> ScannedPlate:
    """Compare a scan with the truth; rotations that no pattern shows are no error."""
    counts: Counter[tuple[str, str]] = Counter()
    error, wrong = [], 0
    for true, seen in zip(world.plate().crystals, scan.crystals, strict=True):
        counts[true.what, seen.verdict] += 1
        if seen.verdict != "indexed" or seen.orientation is None:
            continue
        grains = np.array([grain.orientation for grain in true.grains]).reshape(-1, 3, 3)
        away = [float(misorientation_deg(seen.orientation, u, scan.rotations)) for u in grains]
        wrong += not away or (true.what != "bent" and min(away) > WRONG_DEG)
        if true.what == "single":
            error.append(away[0])
    return ScannedPlate(world, scan, counts, tuple(error), wrong)


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None

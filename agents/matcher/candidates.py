"""Where the crystal may sit: the orientations that most spots vote for, from pairs of spots of all frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom

from beamgym.agents.matcher.stream import Draw, Subject
from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.matching import IndexingTable, vote_pairs
from beamgym.physics.orientation import misorientation_deg

VOTING_RAYS = 1500
"""A spot votes where one of so many of the brightest rays is near enough."""
RADIUS_DEG = (0.5, 0.6)
"""How near: in one frame, and in several, about whose turns little is known."""
DISTANCES_MM = (0.0, -4.0, 4.0, -8.0, 8.0)
PAIRS, LEAST_PAIR_DEG = (3000, 1500), 8.0
"""Pairs that orientations are made from, in one frame and in several, and the least angle of one."""
EXPECTED_SHARE, CUT = 0.1, 0.02
"""The right orientation explains a tenth of the spots and chance its share; it is dropped in 2 of 100 cases."""
KEPT, SAME_DEG = (400, 100), 1.5
"""Candidates of one frame, whose votes tell little, and of several; nearer than this they are one."""


@dataclass(frozen=True)
class Candidate:
    """Where the crystal may sit (3, 3), by how much the camera is then farther, and how many spots vote for it."""

    mount: Float64Array
    distance_mm: float = 0.0
    votes: int = 0


def candidates(
    draw: Draw,
    rng: np.random.Generator,
    distances_mm: Sequence[float] = DISTANCES_MM,
    pairs: int | None = None,
    kept: int | None = None,
) -> list[Candidate]:
    """Return the orientations with the most votes; of those that are nearly the same one, the best."""
    several = int(len(draw.shots) > 1)
    most = KEPT[several] if kept is None else kept
    found: list[Candidate] = []
    for distance in distances_mm:
        normals, sines = normals_of(draw, distance)
        chosen = _pairs(rng, normals, PAIRS[several] if pairs is None else pairs)
        table = draw.subject.estimator.indexer.table
        mounts, votes = _voted(rng, table, normals, sines, chosen, RADIUS_DEG[several], most)
        found += [Candidate(u, distance, int(v)) for u, v in zip(mounts, votes, strict=True)]
    return _distinct(draw.subject, found, most)


def panel_at(detector: Detector, distance_mm: float) -> Detector:
    """Return the camera farther from the sample."""
    return detector.displaced(distance_mm * detector.normal, np.zeros(3))


def normals_of(draw: Draw, distance_mm: float = 0.0) -> tuple[Float64Array, Float64Array]:
    """Return the plane normals (n, 3) of all frames' spots turned back to zero angles, and their sin(theta) (n,)."""
    panel = panel_at(draw.subject.detector, distance_mm)
    lab = [panel.plane_normals(shot.position_px) for shot in draw.shots]
    turned = [each @ turn for each, turn in zip(lab, draw.turns, strict=True)]
    return np.concatenate(turned), -np.concatenate(lab)[:, 0]


def _distinct(subject: Subject, found: Sequence[Candidate], kept: int) -> list[Candidate]:
    out: list[Candidate] = []
    for each in sorted(found, key=lambda one: -one.votes):
        if len(out) == kept:
            break
        known = np.array([one.mount for one in out]).reshape(-1, 3, 3)
        if not out or misorientation_deg(known, each.mount, subject.crystal.rotations).min() > SAME_DEG:
            out.append(each)
    return out


def _pairs(rng: np.random.Generator, normals: Float64Array, count: int) -> Int64Array:
    drawn = rng.integers(len(normals), size=(2 * count, 2))
    cosine = np.abs((normals[drawn[:, 0]] * normals[drawn[:, 1]]).sum(axis=1))
    return np.ascontiguousarray(drawn[cosine < np.cos(np.radians(LEAST_PAIR_DEG))][:count])


def _voted(
    rng: np.random.Generator,
    table: IndexingTable,
    normals: Float64Array,
    sines: Float64Array,
    pairs: Int64Array,
    radius_deg: float,
    kept: int,
) -> tuple[Float64Array, Int64Array]:
    cells, resolution = table.bright_map(radius_deg, VOTING_RAYS)
    n = len(normals)
    # Any order but that of the frames, so that a part of the spots speaks for all.
    order = rng.permutation(n)
    place = np.argsort(order)
    limits = table.peak_limits(np.maximum(sines, 0.0))
    chance = 1.0 - np.exp(-VOTING_RAYS * (1.0 - np.cos(np.radians(radius_deg))))
    least = np.maximum(binom.ppf(CUT, np.arange(n + 1), min(EXPECTED_SHARE + chance, 0.9)), 0).astype(np.int64)
    mounts, votes = np.zeros((kept, 3, 3)), np.zeros(kept, dtype=np.int64)
    vote_pairs(
        np.ascontiguousarray(normals[order]), limits[order], place[pairs], *table.seeds, np.radians(radius_deg), cells,
        resolution, least, mounts, votes,
    )  # fmt: skip
    return mounts[votes > 0], votes[votes > 0]

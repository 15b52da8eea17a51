"""What the matcher sees of a candidate: each found spot beside the nearest rays, and how these would move."""

from dataclasses import dataclass, replace

import numpy as np

from beamgym.agents.matcher.candidates import Candidate, panel_at
from beamgym.agents.matcher.stream import EXPOSURE_S, HARSH, Draw
from beamgym.physics.arrays import Float64Array, Int32Array, Int64Array
from beamgym.physics.crystal import with_axial_ratios
from beamgym.physics.laue.detector import Detector

NEAREST, REACH_MM = 3, 6.0
"""Rays that a spot may come from: so many, no farther."""
TRUE_MM = 0.5
UNITS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 0.017, 0.017])
"""One unit of each change: turns in degrees, the panel along its edges and across in mm, two axial ratios."""
STEP = 0.1
"""Of a unit, by which changes are tried out."""
COLUMNS = 7
NO_TRUE_RAY, NO_RAY = -1, -2
_SIGHT = EXPOSURE_S * HARSH.counts_scale
_USUAL_LN = float(np.log(5e3))


@dataclass(frozen=True, eq=False)
class Sight:
    """One candidate as arrays over n spots and their k nearest rays.

    Parameters
    ----------
    features : (n, k, 7) distance from the centre, brightness found and expected, the ray's place by brightness, rays
        about the spot, frames, whether there is such a ray
    off_mm : (n, k, 2) found less predicted, along the radius and across it
    by : (n, k, 2, 8) how the predicted place moves by one unit of each change, mm
    ray : (n, k) number of the ray, another one in every frame
    """

    features: Float64Array
    off_mm: Float64Array
    by: Float64Array
    ray: Int64Array


def sight(draw: Draw, candidate: Candidate) -> Sight:
    """Return what is seen of a candidate."""
    parts = [_one(draw, candidate, t) for t in range(len(draw.shots))]
    features, off, by, ray = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Sight(features, off, by, ray)


def true_rays(draw: Draw) -> Int64Array:
    """Return the ray (n,) that each spot of the larger grain comes from, −1 for other spots."""
    subject, out = draw.subject, []
    model = subject.estimator.adjustment.setup.model
    table = replace(model.table, q_inv_a=np.ascontiguousarray(model.table.hkl @ draw.b_matrix.T))
    panels = np.repeat(draw.detector[None], len(draw.shots), axis=0)
    spots = model.with_table(table).spots(draw.stood[: len(draw.shots)], panels)
    for t, shot in enumerate(draw.shots):
        there = spots.position_px[t, : spots.count[t]]
        apart = np.linalg.norm(shot.position_px[:, None] - there[None], axis=2) * subject.detector.pixel_mm
        key = _key(t, spots.ray[t, apart.argmin(axis=1)])
        out.append(np.where(apart.min(axis=1) < TRUE_MM, key, NO_TRUE_RAY))
    return np.concatenate(out)


def _key(frame: int, ray: Int32Array) -> Int64Array:
    key: Int64Array = 2**33 * (frame + 1) + ray.astype(np.int64)
    return key


def _one(draw: Draw, candidate: Candidate, t: int) -> tuple[Float64Array, Float64Array, Float64Array, Int64Array]:
    subject, shot = draw.subject, draw.shots[t]
    panel = panel_at(subject.detector, candidate.distance_mm)
    spots = subject.estimator.adjustment.setup.model.spots(draw.turns[t] @ candidate.mount, panel.as_vector()[None])
    m = int(spots.count[0])
    there, rays = spots.position_px[0, :m].astype(np.float64), spots.ray[0, :m]
    apart = np.linalg.norm(shot.position_px[:, None] - there[None], axis=2) * panel.pixel_mm
    near = np.argsort(apart, axis=1)[:, :NEAREST]
    inside = np.take_along_axis(apart, near, axis=1) < REACH_MM
    rows, columns = panel.shape
    from_centre = panel.pixel_mm * (there - 0.5 * np.array([columns - 1, rows - 1]))
    size = np.linalg.norm(from_centre, axis=1)
    along = from_centre / np.maximum(size, 1e-6)[:, None]
    frame = np.stack([along, np.stack([-along[:, 1], along[:, 0]], axis=1)], axis=1)
    off = np.einsum("nkij,nkj->nki", frame[near], panel.pixel_mm * (shot.position_px[:, None] - there[near]))
    by = np.einsum("mij,mjp->mip", frame, _moved(draw, candidate, t, rays, panel))[near]
    expected = np.log(np.maximum(_SIGHT * spots.intensity[0, :m], 1.0)) - _USUAL_LN
    columns_of = (
        size[near] / 80.0,
        (np.log(shot.counts) - _USUAL_LN)[:, None] / 2.0,
        expected[near] / 2.0,
        near / 128.0,
        (apart < REACH_MM).sum(axis=1, keepdims=True) / 4.0,
        len(draw.shots) / 4.0,
        inside,
    )
    features = np.stack([np.broadcast_to(each, near.shape) for each in columns_of], axis=-1)
    off[~inside], by[~inside] = 0.0, 0.0
    return features, off, by, np.where(inside, _key(t, rays[near]), NO_RAY)


def _moved(draw: Draw, candidate: Candidate, t: int, rays: Int32Array, panel: Detector) -> Float64Array:
    """Return how predicted spots move on the panel by each change, (m, 2, 8) mm a unit."""
    subject, turn = draw.subject, draw.turns[t]
    q = subject.estimator.adjustment.setup.model.table.q_inv_a
    own = np.where(rays < 0, -1.0, 1.0)[:, None] * q[np.where(rays < 0, -rays - 1, rays)]
    u = turn @ candidate.mount
    lab = own @ u.T
    base = _lands(panel, lab)
    out = np.zeros((len(rays), 2, len(UNITS)))
    for k in range(3):
        out[:, :, k] = _lands(panel, lab + STEP * np.radians(UNITS[k]) * np.cross(turn[:, k], lab)) - base
    out[:, 0, 3], out[:, 1, 4] = -STEP * UNITS[3], -STEP * UNITS[4]
    out[:, :, 5] = _lands(panel_at(panel, STEP * UNITS[5]), lab) - base
    for k in range(subject.free_ratios):
        factors = np.ones(subject.free_ratios)
        factors[k] += STEP * UNITS[6 + k]
        strain = with_axial_ratios(subject.crystal, factors) @ np.linalg.inv(subject.crystal.b_matrix)
        out[:, :, 6 + k] = _lands(panel, own @ strain.T @ u.T) - base
    return out / STEP


def _lands(panel: Detector, q: Float64Array) -> Float64Array:
    """Return where rays with scattering vectors (m, 3) land, (m, 2) mm along the panel's edges."""
    normal = q / np.linalg.norm(q, axis=1, keepdims=True)
    position, _ = panel.to_pixel(np.array([1.0, 0.0, 0.0]) - 2.0 * normal[:, :1] * normal)
    landed: Float64Array = panel.pixel_mm * position
    return landed

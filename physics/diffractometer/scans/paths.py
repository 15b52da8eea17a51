"""The way of a scan: where its axes stand at each point, whether they may, and how long it takes."""

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.diffractometer import Diffractometer, positions_of
from beamgym.physics.instrument import MoveFailed

_BEAM = np.array([1.0, 0.0, 0.0])
ENVELOPE_DEG = 60.0
"""By how far the innermost of the circles that carry the cradle may leave half of the arm's angle; beyond it the cradle
and the detector, or the cradle and the collimator, touch. Stated for every preset that has a bisecting position."""
SETTLE_S = 0.2
"""Seconds that axes rest after a move before they count."""
POINT_S = 0.1
"""Seconds that a point of a step scan needs besides its move and its counting: trigger, read-out."""


@dataclass(frozen=True, eq=False)
class ScanPath:
    """Where the axes stand.

    Parameters
    ----------
    degrees : (p, k) at the middle of each point; NaN where they cannot go
    edges : (p, 2, k) where each point begins and ends; the middle twice in a step scan
    count_s : (p,) counted for; 0 where they cannot go
    busy_s : that the scan takes from its first point's beginning to its last one's end
    until_s : (p,) from its beginning to the end of each point
    """

    degrees: Float64Array
    edges: Float64Array
    count_s: Float64Array
    busy_s: float
    until_s: Float64Array

    def first(self, points: int) -> "ScanPath":
        """Return the way as far as its first points, one at least."""
        until = self.until_s[:points]
        return ScanPath(self.degrees[:points], self.edges[:points], self.count_s[:points], float(until[-1]), until)


def within_envelope(instrument: Diffractometer) -> Diffractometer:
    """Return an instrument whose halved axis goes no farther than the envelope lets it at any angle of the arm."""
    if not instrument.halved:
        return instrument
    arm_low, arm_high = instrument.arm.axes[-1].limits
    low, high = 0.5 * arm_low - ENVELOPE_DEG, 0.5 * arm_high + ENVELOPE_DEG
    axes = tuple(
        replace(axis, limits=(max(axis.limits[0], low), min(axis.limits[1], high)))
        if axis.name == instrument.halved
        else axis
        for axis in instrument.sample.axes
    )
    return replace(instrument, sample=replace(instrument.sample, axes=axes))


def check_envelope(instrument: Diffractometer, degrees: Float64Array) -> None:
    """Raise MoveFailed, with the remedy, where positions (p, k) leave limits or the collision envelope."""
    for index, axis in enumerate(instrument.axes):
        low, high = axis.limits
        bad = (degrees[:, index] < low - 1e-6) | (degrees[:, index] > high + 1e-6)
        if bad.any():
            worst = float(degrees[bad, index][0])
            raise MoveFailed(
                f"{axis.name} would go to {worst:.3f} in this scan, its limits are {low:g} to {high:g}; scan less"
            )
    away = off_bisecting(instrument, degrees)
    if (np.abs(away) > ENVELOPE_DEG + 1e-6).any():
        worst = float(away[np.argmax(np.abs(away))])
        raise MoveFailed(
            f"{instrument.halved} would stand {worst:+.1f}° from half of {instrument.arm.names[-1]}, and the cradle "
            f"touches beyond {ENVELOPE_DEG:g}°; keep nearer to the bisecting position"
        )


def off_bisecting(instrument: Diffractometer, degrees: Float64Array) -> Float64Array:
    """Return by how far the halved axis is from half of the arm's angle, (p,) degrees; 0 where there is none."""
    if not instrument.halved:
        return np.zeros(len(degrees))
    half = 0.5 * degrees[:, len(instrument.names) - 1]
    return np.asarray(degrees[:, instrument.names.index(instrument.halved)] - half)


def axis_path(
    instrument: Diffractometer, start: Float64Array, axis: int, width_deg: float, points: int, count_s: float, fly: bool
) -> ScanPath:
    """Return the way of one axis from ``start`` (k,) on, by ``width_deg``, which may be below 0.

    Raises
    ------
    MoveFailed : it leaves the limits or the envelope
    """
    step = width_deg / max(points - 1, 1)
    middle = np.tile(start, (points, 1))
    middle[:, axis] += np.arange(points) * step
    half = 0.5 * step if fly else 0.0
    edges = np.repeat(middle[:, None], 2, axis=1)
    edges[:, 0, axis] -= half
    edges[:, 1, axis] += half
    check_envelope(instrument, middle)
    speed = instrument.axes[axis].speed
    if fly:
        each = max(count_s, abs(step) / speed)
        return _evenly(middle, edges, each, each)
    return _evenly(middle, edges, count_s, count_s + POINT_S + SETTLE_S + abs(step) / speed)


def _evenly(middle: Float64Array, edges: Float64Array, count_s: float, each_s: float) -> ScanPath:
    """Return a way all of whose points take equally long."""
    points = len(middle)
    until = np.linspace(each_s, points * each_s, points)
    return ScanPath(middle, edges, np.full(points, count_s), points * each_s, until)


def azimuth_path(
    instrument: Diffractometer,
    start: Float64Array,
    q: Float64Array,
    about: Float64Array,
    width_deg: float,
    points: int,
    count_s: float,
    wavelength_a: float,
    first_deg: float = 0.0,
) -> ScanPath:
    """Return the way on which a vector q (3,) of the mount frame is turned about an axis ``about`` (3,), on the fly.

    It begins ``first_deg`` from where q is and goes on by ``width_deg``; the axes stand at ``start`` (k,) before it.
    The axes go straight from point to point; points that they cannot reach are left out, and the next one is driven to.
    """
    axis = about / np.linalg.norm(about)
    angle = np.radians(first_deg + np.arange(points) * width_deg / max(points - 1, 1))
    along = (q @ axis) * axis
    cross = np.cross(axis, q)
    circle = along + np.cos(angle)[:, None] * (q - along) + np.sin(angle)[:, None] * cross
    degrees = np.empty((points, len(start)))
    here = start
    for point in range(points):
        found = positions_of(instrument, circle[point], wavelength_a, near=here)
        degrees[point] = found.degrees[0] if found.reachable[0] else np.nan
        here = degrees[point] if found.reachable[0] else here
    good: BoolArray = np.asarray(np.isfinite(degrees).all(axis=1), dtype=np.bool_)
    speed = np.array([one.speed for one in instrument.axes])
    edges = np.repeat(degrees[:, None], 2, axis=1)
    seconds, until, busy = np.zeros(points), np.zeros(points), 0.0
    last = start
    for point in map(int, np.flatnonzero(good)):
        for side, other in ((0, point - 1), (1, point + 1)):
            near = 0 <= other < points and good[other]
            if near and np.abs(degrees[other] - degrees[point]).max() < 180.0:
                edges[point, side] = 0.5 * (degrees[other] + degrees[point])
        travel = float(np.max(np.abs(edges[point, 0] - last) / speed))
        busy += travel + SETTLE_S if travel > 1e-6 else 0.0
        across = float(np.max(np.abs(edges[point, 1] - edges[point, 0]) / speed))
        seconds[point] = max(count_s, across)
        busy += seconds[point]
        until[point] = busy
        last = edges[point, 1]
    until[:] = np.maximum.accumulate(until)
    return ScanPath(degrees, edges, seconds, busy, until)


def slit_frames(
    instrument: Diffractometer, degrees: Float64Array
) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array]:
    """Return what the kernels need of s positions.

    Returns
    -------
    frames (s, 5, 3) in the mount frame, as ``count_kernels.expected`` takes them; two_theta (s,) of the arm, radians;
    the sample's rotation (s, 3, 3); the slit's directions (s, 2, 3) in the lab
    """
    sample, arm = instrument.split(degrees)
    rotation = instrument.sample.rotation(np.ascontiguousarray(sample))
    turned = instrument.arm.rotation(np.ascontiguousarray(arm))
    last = instrument.arm.axes[-1]
    normal = np.array(last.vector) * last.sign
    growing = np.cross(normal, _BEAM)
    lab = np.empty((len(degrees), 5, 3))
    lab[:, 0], lab[:, 1] = _BEAM, [0.0, 1.0, 0.0]
    lab[:, 2], lab[:, 3], lab[:, 4] = turned @ _BEAM, turned @ growing, turned @ normal
    out = lab[:, 2]
    two_theta = np.arctan2(np.hypot(out[:, 1], out[:, 2]), out[:, 0])
    frames = np.ascontiguousarray(np.einsum("sji,saj->sai", rotation, lab))
    return frames, two_theta, rotation, lab[:, 3:5]


def room_of(instrument: Diffractometer, start: Float64Array, axis: int) -> tuple[float, float]:
    """Return the lowest and highest position to which one axis may go alone from ``start`` (k,)."""
    low, high = instrument.axes[axis].limits
    name = instrument.names[axis]
    if instrument.halved:
        half = 0.5 * float(start[-1])
        if name == instrument.halved:
            low, high = max(low, half - ENVELOPE_DEG), min(high, half + ENVELOPE_DEG)
        if axis == len(instrument.names) - 1:
            carried = float(start[instrument.names.index(instrument.halved)])
            low, high = max(low, 2.0 * (carried - ENVELOPE_DEG)), min(high, 2.0 * (carried + ENVELOPE_DEG))
    return low, high

"""Centring a reflection with a counter: scans of one axis after the other, each to the middle of its peak."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import Diffractometer
from beamgym.physics.diffractometer.scans.beams import SlitCounter
from beamgym.physics.diffractometer.scans.paths import SETTLE_S, ScanPath
from beamgym.physics.diffractometer.scans.profiles import ScanPeak, largest_peak

Scan = Callable[[Float64Array, int, float, float], tuple[ScanPath, Float64Array]]
"""(positions (k,), axis, width in degrees, seconds a point) → the way and the counts (p,)."""
FirstScan = Callable[[], tuple[ScanPath, Float64Array]]
_WELL_COUNTED = 60.0  # counts that the highest point is to have
_LONGER = 10.0
_LEAST_LIFT = 0.2
_ROCK_DEG, _FINE_DEG, _OVER, _OVER_AGAIN = 3.0, 1.2, 2.4, 1.6


@dataclass(frozen=True, eq=False)
class Centring:
    """How a centring ended.

    Parameters
    ----------
    degrees : (k,) where the axes stand
    on_peak : on a reflection
    intensity : of its rocking curve above background, counts per second times degrees
    path, counts : the last scan
    busy_s, counted_s : time of all scans, with moves, and what of it was counting
    """

    degrees: Float64Array
    on_peak: bool
    intensity: float
    path: ScanPath
    counts: Float64Array
    busy_s: float
    counted_s: float


@dataclass(frozen=True, eq=False)
class CentringScan:
    """The next scan of a centring.

    Parameters
    ----------
    here : (k,) about where
    axis : that is scanned; -1 for the scan that has shown the reflection, once more
    width_deg, count_s : how wide, and how long a point
    """

    here: Float64Array
    axis: int
    width_deg: float
    count_s: float


def centre(
    instrument: Diffractometer,
    start: Float64Array,
    first: FirstScan,
    detector: SlitCounter,
    scan: Scan,
    count_s: float,
) -> Centring:
    """Centre the reflection near ``start`` (k,).

    Parameters
    ----------
    start : where a scan has shown it
    first : finds it again, the way it was found
    detector : whose slit says how far the others are scanned
    scan : makes one
    count_s : seconds a point; longer, up to ten times, where the reflection is weak
    """
    steps = centring_scans(instrument, start, detector, count_s)
    asked = next(steps)
    while True:
        made = first() if asked.axis < 0 else scan(asked.here, asked.axis, asked.width_deg, asked.count_s)
        try:
            asked = steps.send(made)
        except StopIteration as end:
            done: Centring = end.value
            return done


def centring_scans(
    instrument: Diffractometer, start: Float64Array, detector: SlitCounter, count_s: float
) -> Generator[CentringScan, tuple[ScanPath, Float64Array], Centring]:
    """Yield one scan of a centring after the other, and take its way and its counts (p,); returns how it ended.

    Parameters
    ----------
    start : where a scan has shown the reflection, (k,)
    detector : whose slit says how far it is scanned
    count_s : seconds a point; longer, up to ten times, where the reflection is weak

    Notes
    -----
    The first scan again, then the circle that lifts the reflection through the slit (chi), the rocking angle, the arm,
    and chi and the rocking angle once more, finely. Of a flat top between the edges of a slit the middle is taken.
    """
    names = instrument.names
    chi, rock, arm = names.index("chi"), names.index(instrument.halved), len(names) - 1
    # a turn by chi lifts the diffracted beam by 2 sin θ as much
    lift = max(2.0 * float(np.sin(np.radians(0.5 * abs(start[arm])))), _LEAST_LIFT)
    across, along = _OVER * detector.across_deg / lift, _OVER * detector.in_plane_deg
    again = _OVER_AGAIN * detector.across_deg / lift
    steps = ((-1, 0.0), (chi, across), (rock, _ROCK_DEG), (arm, along), (chi, again), (rock, _FINE_DEG))
    here, busy, counted = start.copy(), 0.0, 0.0
    on_peak, intensity = True, 0.0
    speed = np.array([one.speed for one in instrument.axes])
    least_s = count_s
    for moved, width in steps:
        path, counts = yield CentringScan(here, moved, width, count_s)
        good = np.flatnonzero(path.count_s > 0.0)
        if len(good):
            busy += float(np.max(np.abs(path.edges[good[0], 0] - here) / speed)) + SETTLE_S
        busy += path.busy_s
        counted += float(path.count_s.sum())
        peak = largest_peak(counts, path.count_s)
        if not peak.there:
            on_peak = False
            break
        here = _between(path, peak.middle)
        rate = peak.height / float(path.count_s.max())
        count_s = max(count_s, min(_WELL_COUNTED / max(rate, 1e-9), _LONGER * least_s))
        intensity = _integrated(peak, path, rock)
    return Centring(here, on_peak, intensity if on_peak else 0.0, path, counts, busy, counted)


def _between(path: ScanPath, place: float) -> Float64Array:
    """Return where the axes stand between two points of a way."""
    low = int(np.clip(np.floor(place), 0, len(path.degrees) - 1))
    high = min(low + 1, len(path.degrees) - 1)
    first, last = path.degrees[low], path.degrees[high]
    if path.count_s[low] <= 0.0 or path.count_s[high] <= 0.0 or np.abs(last - first).max() > 180.0:
        return np.asarray(first if path.count_s[low] > 0.0 else last).copy()
    return np.asarray(first + (place - low) * (last - first))


def _step(path: ScanPath, axis: int) -> float:
    return float((path.degrees[-1, axis] - path.degrees[0, axis]) / max(len(path.degrees) - 1, 1))


def _integrated(peak: ScanPeak, path: ScanPath, axis: int) -> float:
    return max(peak.area, 0.0) / float(path.count_s.mean()) * _step(path, axis)

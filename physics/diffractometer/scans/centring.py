"""Centring a reflection with a counter: scans of one axis after the other, each to the middle of its peak."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer.presets import Diffractometer
from beamgym.physics.diffractometer.scans.beams import SlitCounter
from beamgym.physics.diffractometer.scans.paths import ScanPath
from beamgym.physics.diffractometer.scans.profiles import ScanPeak, largest_peak

Scan = Callable[[Float64Array, int, float], tuple[ScanPath, Float64Array]]
"""(positions (k,), axis, width in degrees) → the way and the counts (p,)."""
_ROCK_DEG, _FINE_DEG, _OVER = 3.0, 1.2, 2.4
_EMPTY = 1e-9


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


def centre(
    instrument: Diffractometer, start: Float64Array, axis: int, width_deg: float, detector: SlitCounter, scan: Scan
) -> Centring:
    """Centre the reflection near ``start`` (k,).

    Parameters
    ----------
    start : where a scan has shown it
    axis, width_deg : of a first scan that finds it again: the axis that was scanned, and so far about ``start``
    detector : whose slit says how far the others are scanned
    scan : makes one

    Notes
    -----
    The axis of the scan, then the circle that lifts the reflection through the slit (chi), the rocking angle, the arm,
    and chi and the rocking angle once more, finely. Of a flat top between the edges of a slit the middle is taken.
    """
    names = instrument.names
    chi, rock, arm = names.index("chi"), names.index(instrument.halved), len(names) - 1
    across, along = _OVER * detector.across_deg, _OVER * detector.in_plane_deg
    steps = ((axis, width_deg), (chi, across), (rock, _ROCK_DEG), (arm, along), (chi, across), (rock, _FINE_DEG))
    here, busy, counted = start.copy(), 0.0, 0.0
    on_peak, intensity = True, 0.0
    path, counts = scan(here, axis, max(width_deg, _EMPTY))
    for number, (moved, width) in enumerate(steps):
        if number:
            path, counts = scan(here, moved, width)
        travel = np.max(np.abs(path.edges[0, 0] - here) / [one.speed for one in instrument.axes])
        busy += float(travel) + path.busy_s
        counted += float(path.count_s.sum())
        peak = largest_peak(counts, path.count_s)
        if not peak.there:
            on_peak = False
            break
        here = here.copy()
        here[moved] = path.degrees[0, moved] + peak.middle * _step(path, moved)
        intensity = _integrated(peak, path, moved)
    return Centring(here, on_peak, intensity if on_peak else 0.0, path, counts, busy, counted)


def _step(path: ScanPath, axis: int) -> float:
    return float((path.degrees[-1, axis] - path.degrees[0, axis]) / max(len(path.degrees) - 1, 1))


def _integrated(peak: ScanPeak, path: ScanPath, axis: int) -> float:
    return max(peak.area, 0.0) / float(path.count_s.mean()) * _step(path, axis)

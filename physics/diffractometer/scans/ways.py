"""From what is asked of a diffractometer to the ways that its axes go, at a simulated one and at a real one alike."""

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.diffractometer import Diffractometer, scattering_vectors
from beamgym.physics.diffractometer.scans.asked import AZIMUTH, CENTRE, CENTRE_POINTS, COUNT, POINTS, SCAN, ScanSettings
from beamgym.physics.diffractometer.scans.paths import ScanPath, axis_path, azimuth_path, room_of


def way_of(
    instrument: Diffractometer, here: Float64Array, asked: ScanSettings, row: int, wavelength_a: float
) -> ScanPath | None:
    """Return the way of a row's scan from where the axes stand (k,); None for a centring, which is several scans.

    Raises
    ------
    ValueError : something else than COUNT, SCAN, AZIMUTH or CENTRE
    MoveFailed : a scan that leaves the limits or the envelope
    """
    what, count_s = int(asked.what[row]), float(asked.count_s[row])
    if what == CENTRE:
        return None
    if what == COUNT:
        return axis_path(instrument, here, 0, 0.0, 1, count_s, False)
    width = float(asked.width_deg[row])
    if what == AZIMUTH:
        q = _q_at(instrument, here, wavelength_a)
        return azimuth_path(instrument, here, q, asked.about[row], width, POINTS, count_s, wavelength_a)
    if what != SCAN:
        raise ValueError(f"what is {what}; ask for COUNT, SCAN, AZIMUTH or CENTRE")
    return axis_path(instrument, here, int(asked.axis[row]), width, POINTS, count_s, asked.fly)


def first_way(
    instrument: Diffractometer, start: Float64Array, asked: ScanSettings, row: int, wavelength_a: float
) -> ScanPath:
    """Return the way of a centring's first scan, which finds the reflection as it was found."""
    about, width, count_s = asked.about[row], float(asked.width_deg[row]), float(asked.count_s[row])
    if not about.any():
        return centring_way(instrument, start, int(asked.axis[row]), width, count_s, asked.fly)
    q = _q_at(instrument, start, wavelength_a)
    return azimuth_path(instrument, start, q, about, width, CENTRE_POINTS, count_s, wavelength_a, -0.5 * width)


def centring_way(
    instrument: Diffractometer, start: Float64Array, axis: int, width_deg: float, count_s: float, fly: bool
) -> ScanPath:
    """Return the way of a centring's scan, which keeps inside the limits and the envelope by lying off its middle."""
    low, high = room_of(instrument, start, axis)
    room = min(width_deg, high - low)
    first = start.copy()
    first[axis] = float(np.clip(start[axis] - 0.5 * room, low, high - room))
    return axis_path(instrument, first, axis, room, CENTRE_POINTS, count_s, fly)


def _q_at(instrument: Diffractometer, here: Float64Array, wavelength_a: float) -> Float64Array:
    return np.asarray(scattering_vectors(instrument, here[None], wavelength_a)[0][0])

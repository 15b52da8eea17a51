"""Peaks that lie on powder rings of glue and plate, which no crystal made."""

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector

WIDTH_DEG = 0.35
"""Half of the range of scattering angles in which the peaks of one ring lie."""
_CROWDED, _LEAST = 3.0, 8
"""A ring has as many times the peaks that chance would put there, and this number, at least."""
_CHANCE_DEG = 4.0
"""What chance would put there is judged by the peaks within this of it."""


def on_rings(position_px: Float64Array, panel: Detector) -> NDArray[np.bool_]:
    """Return which peaks (n,) lie on powder rings: at scattering angles that are crowded.

    Parameters
    ----------
    position_px : (n, 2) of the peaks, fast and slow
    panel : where the camera stands; the beam is along the lab's +x

    Notes
    -----
    Rings are found by the peaks alone, since nobody knows what glue is made of. A crystal's zones are no circles about
    the beam; its spots crowd at one scattering angle by chance only.
    """
    if len(position_px) == 0:
        return np.zeros(0, dtype=bool)
    angle = np.degrees(np.arccos(np.clip(panel.directions(np.asarray(position_px, dtype=np.float64))[:, 0], -1.0, 1.0)))
    away = np.abs(angle[:, None] - angle)
    near = (away < WIDTH_DEG).sum(axis=1)
    around = (away < _CHANCE_DEG).sum(axis=1)
    full = min(2.0 * _CHANCE_DEG, max(float(np.ptp(angle)), 2.0 * WIDTH_DEG))
    expected = around * 2.0 * WIDTH_DEG / full
    crowded = (near >= _LEAST) & (near > _CROWDED * expected)
    return np.asarray((away[:, crowded] < WIDTH_DEG).any(axis=1))

"""Powder rings of the plate and its glue, which the tube's characteristic line makes, and the glue's smooth rise."""

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.laue.detector import Detector

LINE_KEV = 8.398
"""Tungsten's L-alpha, keV: the strongest line of the default tube."""
ALUMINIUM_A = 4.0496
"""Lattice constant, Å (Straumanis & Woodward, Acta Cryst. A27 (1971) 549)."""
_FAMILIES = ((2, 2, 2), (4, 0, 0), (3, 3, 1), (4, 2, 0), (4, 2, 2), (5, 1, 1), (3, 3, 3))
RING_MM = 1.0
"""Standard deviation of a ring's width on the panel, mm: the line's width and the beam's."""
RING_COUNTS_PER_MM2_S = 60.0
"""Counts per mm² and second on a ring where the whole beam falls on glue and plate; the background has 25 at most."""
RISE_COUNTS_PER_MM2_S = 40.0
RISE_MM = 25.0
"""Height of the glue's smooth rise about the beam, and its standard deviation."""


def ring_angles_deg() -> Float64Array:
    """Return the scattering angles 2θ, (r,) degrees, of aluminium's rings at the line."""
    d = ALUMINIUM_A / np.linalg.norm(np.array(_FAMILIES), axis=1)
    sines = HC_KEV_A / LINE_KEV / (2.0 * d)
    return np.unique(np.round(2.0 * np.degrees(np.arcsin(sines[sines < 1.0])), 6))


class Rings:
    """The rings on one panel, as rates and as places of false spots."""

    def __init__(self, detector: Detector) -> None:
        rows, columns = np.indices(detector.shape)
        pixel = np.stack([columns, rows], axis=-1).astype(np.float64)
        ray = detector.directions(pixel)
        two_theta = np.degrees(np.arccos(np.clip(ray[..., 0], -1.0, 1.0)))
        point = detector.to_lab_mm(pixel)
        away = np.hypot(point[..., 1], point[..., 2])
        width_deg = np.degrees(RING_MM * np.sin(np.radians(two_theta)) / np.linalg.norm(point, axis=-1).clip(1e-9))
        width_deg = np.maximum(width_deg, 0.2)
        ring = sum(np.exp(-0.5 * ((two_theta - angle) / width_deg) ** 2) for angle in ring_angles_deg())
        area = detector.pixel_mm**2
        self.ring_rate: Float64Array = RING_COUNTS_PER_MM2_S * area * np.asarray(ring)
        """(slow, fast) counts per second in each pixel of the rings."""
        self.rise_rate: Float64Array = RISE_COUNTS_PER_MM2_S * area * np.exp(-0.5 * (away / RISE_MM) ** 2)
        """(slow, fast) counts per second in each pixel of the smooth rise."""
        on = np.argwhere(np.asarray(ring) > 0.6)
        self._on = on[:, ::-1].astype(np.float64)

    def places_px(self, draws: Float64Array) -> Float64Array:
        """Return places (k, 2) px on the rings for draws (k,) from 0 to 1; none where no ring meets the panel."""
        if not len(self._on):
            return np.zeros((0, 2))
        return self._on[np.minimum((draws * len(self._on)).astype(np.int64), len(self._on) - 1)]

"""What a plate is packed like, and the closed loop's figures."""

from typing import Any

from beamgym.physics.mosaic.forecast import Loop, corrected_pieces
from beamgym.physics.mosaic.packing import strip_density
from beamgym.scripts.mosaic_suite.scanned import ScannedPlate

DENSITY_GAP_MM = 0.25
MOST_PACKED = 120
"""Crystals of a plate whose density on a strip is asked for."""
PACKING_S = 5.0
"""Seconds that a packing may take."""


def density(plate: ScannedPlate, seed: int) -> float:
    """Return how densely a plate's corrected crystals lie on a strip of 40 mm."""
    pieces, _ = corrected_pieces(plate.world, plate.scan)
    return strip_density(pieces[:MOST_PACKED], DENSITY_GAP_MM, seed=seed, tries=1, seconds=PACKING_S)


def loop_figures(loop: Loop) -> dict[str, Any]:
    """Return the figures for JSON: widths by axis, and masses within 1°."""
    measured = loop.checked.mosaic
    return {
        "fwhm_deg_forecast": {a: [i.low, i.median, i.high] for a, i in loop.planned.fwhm_deg.items()},
        "fwhm_deg_measured": None if measured is None else dict(zip("xyz", map(float, measured.fwhm_deg), strict=True)),
        "mass_within_1_deg_in_plane": None if measured is None else measured.within_in_plane,
        "mass_within_1_deg_out_of_plane": None if measured is None else measured.within_out_of_plane,
    }

"""What turns a crystal after its correction is known: play in the pocket, the printer, glue."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from shapely import affinity, intersection_all
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array

_MOST_DEG = 45.0
_STEPS = 12


@dataclass(frozen=True)
class PlacingErrors:
    """Standard errors of placing, each as one expects it; the sizes themselves are known to ``size_spread`` only.

    Parameters
    ----------
    pocket_mm : how much wider or narrower than drawn a pocket comes out all round
    edge_slope_deg : angle of a printed datum edge against the drawn one
    edge_roughness_mm : of the edge, along it: height of the places where the facet touches
    floor_deg : angle of a floor about each axis in the plate
    glue_deg : wedge of glue under a crystal about each axis in the plate
    size_spread : standard deviation of the logarithm of each size, as nobody knows the own printer and hands better
    """

    pocket_mm: float = 0.03
    edge_slope_deg: float = 0.1
    edge_roughness_mm: float = 0.015
    floor_deg: float = 0.1
    glue_deg: float = 0.25
    size_spread: float = 0.25

    def __post_init__(self) -> None:
        """Check it."""
        for name, value in vars(self).items():
            if not 0.0 <= value < np.inf:
                raise ValueError(f"{name} is {value:g}; give 0 or more")


def free_turn_deg(crystal: Polygon, hole: Polygon, most_deg: float = _MOST_DEG) -> tuple[float, float]:
    """Return how far a crystal can turn in its pocket, wherever it slides meanwhile.

    Parameters
    ----------
    crystal : as it is to lie, mm
    hole : its pocket, mm
    most_deg : angles are sought no further

    Returns
    -------
    the least (negative or 0) and the greatest turn, degrees

    Notes
    -----
    A crystal turned by an angle fits where one shift brings all its corners into the pocket: the shifts that do so for
    a corner are the pocket moved by minus the corner, and all of these must have a place in common. For a pocket with
    corners that point inward this leaves edges out of account, and the turn found is the greatest or somewhat greater.
    """
    centre = np.array([crystal.centroid.x, crystal.centroid.y])
    corners = np.asarray(crystal.convex_hull.exterior.coords)[:-1] - centre
    about = affinity.translate(hole, *(-centre))

    def fits(angle_deg: float) -> bool:
        c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
        turned = corners @ np.array([[c, s], [-s, c]])
        shifts = intersection_all([affinity.translate(about, -x, -y) for x, y in turned])
        return not shifts.is_empty

    return -_greatest(lambda angle: fits(-angle), most_deg), _greatest(fits, most_deg)


def _greatest(fits, most: float) -> float:  # type: ignore[no-untyped-def]
    """Return the greatest angle up to which everything fits, to 1/4000 of the most."""
    low, high = 0.0, most / 64.0
    while high < most and fits(high):
        low, high = high, 2.0 * high
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def edge_turn_deg(length_mm: ArrayLike, errors: PlacingErrors) -> Float64Array:
    """Return the standard error (n,) of the turn of a crystal pushed against its datum edge, degrees.

    Parameters
    ----------
    length_mm : (n,) of the edges
    errors : slope and roughness

    Notes
    -----
    The facet touches the edge in two places near its ends, whose heights differ by √2 times the roughness.
    """
    rough = np.degrees(np.arctan(np.sqrt(2.0) * errors.edge_roughness_mm / np.asarray(length_mm, dtype=np.float64)))
    found: Float64Array = np.hypot(errors.edge_slope_deg, rough)
    return found

"""Plates on which crystals are packed, the distance that they keep, and places that stay free."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from shapely.geometry import Point, Polygon, box

_ARC = 32
"""Straight pieces per quarter of a circle; a circular plate is drawn inside its true edge, a free place outside it."""


@dataclass(frozen=True)
class FreePlace:
    """A disc of a plate on which no crystal may lie, as under a fiducial or the head of a screw.

    Parameters
    ----------
    x_mm, y_mm : its centre, from the middle of the plate
    radius_mm : crystals keep the plate's gap from this circle
    name : what is there
    """

    x_mm: float
    y_mm: float
    radius_mm: float
    name: str = "free place"

    def __post_init__(self) -> None:
        """Check it."""
        if not (math.isfinite(self.x_mm) and math.isfinite(self.y_mm) and 0.0 < self.radius_mm < math.inf):
            raise ValueError(f"{self.name}: a radius of {self.radius_mm:g} mm; give finite numbers, the radius above 0")


@dataclass(frozen=True)
class HolderPlate:
    """A plate that crystals are packed on; its own frame has the origin in the middle, x right and y up.

    Parameters
    ----------
    width_mm, height_mm : along x and y; both are the diameter of a circle
    shape : "rectangle" or "circle"
    edge_mm : least distance of a crystal from the plate's edge
    free_places : where no crystal may lie
    back : it is the back of a plate, seen from behind
    arranged : what the free places of a plate of another width and height are, mm; None moves them with its edges
    least_width_mm : narrower than this it has no room for them

    Raises
    ------
    ValueError : sizes that are not above 0, a circle of two diameters, or an edge that leaves nothing
    """

    width_mm: float
    height_mm: float
    shape: Literal["rectangle", "circle"] = "rectangle"
    edge_mm: float = 2.0
    free_places: tuple[FreePlace, ...] = ()
    back: bool = False
    arranged: Callable[[float, float], tuple[FreePlace, ...]] | None = None
    least_width_mm: float = 0.0

    def __post_init__(self) -> None:
        """Check it."""
        if self.shape not in ("rectangle", "circle"):
            raise ValueError(f"a plate of shape {self.shape!r}; the shapes are rectangle and circle")
        if not (0.0 < self.width_mm < math.inf and 0.0 < self.height_mm < math.inf):
            raise ValueError(f"a plate of {self.width_mm:g} x {self.height_mm:g} mm; give two sizes above 0")
        if self.shape == "circle" and self.width_mm != self.height_mm:
            raise ValueError(f"a circle of {self.width_mm:g} x {self.height_mm:g} mm; give its diameter twice")
        if not 0.0 <= 2.0 * self.edge_mm < min(self.width_mm, self.height_mm):
            raise ValueError(
                f"an edge of {self.edge_mm:g} mm on a plate of {self.width_mm:g} x {self.height_mm:g} mm; "
                "give one from 0 to less than half of the plate"
            )

    @property
    def outline(self) -> Polygon:
        """The whole plate as a polygon, mm."""
        return self._inset(0.0)

    @property
    def region(self) -> Polygon:
        """Where a crystal may lie, free places left aside: the plate within its edge, a convex polygon, mm."""
        return self._inset(self.edge_mm)

    @property
    def obstacles(self) -> list[Polygon]:
        """The free places as polygons that hold the whole disc, mm."""
        grown = 1.0 / math.cos(math.pi / (4.0 * _ARC))
        return [Point(p.x_mm, p.y_mm).buffer(p.radius_mm * grown, quad_segs=_ARC) for p in self.free_places]

    def seen_from_behind(self) -> "HolderPlate":
        """Return its back, as it is seen from behind: mirrored in x."""
        places = tuple(replace(place, x_mm=-place.x_mm) for place in self.free_places)
        return replace(self, free_places=places, back=not self.back, arranged=None)

    def resized(self, width_mm: float, height_mm: float) -> "HolderPlate":
        """Return the plate in another size; free places keep their distance from the edge that they lie nearest to.

        Where ``arranged`` says where they lie, they lie there; the plate is no narrower than ``least_width_mm``.
        """
        if width_mm < self.least_width_mm:
            height_mm = self.least_width_mm if self.shape == "circle" else height_mm
            width_mm = self.least_width_mm
        if self.arranged is not None:
            moved = self.arranged(width_mm, height_mm)
        else:
            moved = tuple(self._moved(place, width_mm, height_mm) for place in self.free_places)
        return replace(self, width_mm=width_mm, height_mm=height_mm, free_places=moved)

    def _inset(self, by_mm: float) -> Polygon:
        if self.shape == "circle":
            return Point(0.0, 0.0).buffer(self.width_mm / 2.0 - by_mm, quad_segs=_ARC)
        half_width, half_height = self.width_mm / 2.0 - by_mm, self.height_mm / 2.0 - by_mm
        return box(-half_width, -half_height, half_width, half_height)

    def _moved(self, place: FreePlace, width_mm: float, height_mm: float) -> FreePlace:
        if self.shape == "circle":
            radius = math.hypot(place.x_mm, place.y_mm)
            off_centre = radius > self.width_mm / 4.0
            scale = max(radius + (width_mm - self.width_mm) / 2.0, 0.0) / radius if off_centre else 1.0
            return replace(place, x_mm=place.x_mm * scale, y_mm=place.y_mm * scale)
        return replace(
            place,
            x_mm=_kept_from_edge(place.x_mm, self.width_mm, width_mm),
            y_mm=_kept_from_edge(place.y_mm, self.height_mm, height_mm),
        )


@dataclass(frozen=True)
class Spacing:
    """What lies between two neighbouring crystals: a wall, and a clearance on either side of it.

    Parameters
    ----------
    wall_mm : between two pockets
    clearance_mm : between a crystal and its pocket
    thinnest_wall_mm : that the printer or the mill can make

    Raises
    ------
    ValueError : a negative clearance, or a wall thinner than can be made
    """

    wall_mm: float = 0.4
    clearance_mm: float = 0.1
    thinnest_wall_mm: float = 0.4

    def __post_init__(self) -> None:
        """Check it."""
        if not 0.0 <= self.clearance_mm < math.inf:
            raise ValueError(
                f"a clearance of {self.clearance_mm:g} mm would press the crystals; give 0 or more (0.1 is usual)"
            )
        if not (0.0 < self.wall_mm < math.inf and self.wall_mm >= self.thinnest_wall_mm):
            raise ValueError(
                f"a wall of {self.wall_mm:g} mm is thinner than the printer's thinnest, {self.thinnest_wall_mm:g} mm; "
                "widen the wall, or state the printer's own thinnest wall"
            )

    @property
    def gap_mm(self) -> float:
        """Least distance between two crystals: the wall and twice the clearance, mm."""
        return self.wall_mm + 2.0 * self.clearance_mm


def _kept_from_edge(at_mm: float, old_mm: float, new_mm: float) -> float:
    """Return a coordinate on a plate of another size; what lies in the middle half stays where it is."""
    if abs(at_mm) <= old_mm / 4.0:
        return at_mm
    return math.copysign(max(abs(at_mm) + (new_mm - old_mm) / 2.0, 0.0), at_mm)

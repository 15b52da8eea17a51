"""What a holder or a template is to be: its plate, its walls, and what is marked on it."""

import math
from dataclasses import dataclass
from typing import Literal

from shapely.geometry import Point, Polygon, box

Product = Literal["holder", "template"]


@dataclass(frozen=True)
class Hole:
    """A round hole through the plate, mm: a screw or a pin."""

    x_mm: float
    y_mm: float
    diameter_mm: float

    @property
    def shape(self) -> Polygon:
        """The same as a polygon of 64 corners, mm."""
        return Point(self.x_mm, self.y_mm).buffer(self.diameter_mm / 2.0, quad_segs=16)


@dataclass(frozen=True)
class Design:
    """Dimensions of a holder with pockets, or of a template that lies over a metal plate while crystals are placed.

    Parameters
    ----------
    plate : outline of the plate, mm, in the frame of the placements: x right, y up
    product : "holder" has pockets with floors; in a "template" they go through, and it is lifted off afterwards
    thickness_mm : of the whole
    pocket_mm : depth of the pockets of a holder
    wall_mm : least wall between two pockets, and between a pocket and an edge
    clearance_mm : between a crystal and its pocket, all round but for the datum edge; the gap between two crystals is
        wall_mm + 2 clearance_mm
    printer_wall_mm : thinnest wall that the printer makes, also of floors
    datum_edges : no clearance along the longest straight side of each crystal
    tilted_floors : floors take up the tilt that the turn leaves; for crystals whose resting face was measured
    letter_mm, letter_depth_mm : height of the numbers, and how deep they are engraved
    holes : screws and pins
    fiducials_mm : places of engraved crosses
    window_mm : width and height of the beam, centred on (0, 0); None where it is not to be marked
    bore_mm : inner diameter of the cryostat or furnace, in which the plates turn about the vertical axis x = 0
    stack, pitch_mm : number of plates one behind the other, and the distance from one to the next

    Raises
    ------
    ValueError : a clearance below 0, a wall or floor thinner than the printer's, pockets too deep, or plates that
        do not turn freely in the bore; one line with the remedy
    """

    plate: Polygon
    product: Product = "holder"
    thickness_mm: float = 3.0
    pocket_mm: float = 0.8
    wall_mm: float = 0.8
    clearance_mm: float = 0.1
    printer_wall_mm: float = 0.4
    datum_edges: bool = True
    tilted_floors: bool = False
    letter_mm: float = 1.6
    letter_depth_mm: float = 0.3
    holes: tuple[Hole, ...] = ()
    fiducials_mm: tuple[tuple[float, float], ...] = ()
    window_mm: tuple[float, float] | None = None
    bore_mm: float | None = None
    stack: int = 1
    pitch_mm: float = 5.0

    def __post_init__(self) -> None:
        """Check it."""
        self._check_walls()
        if self.bore_mm is not None and self.envelope_mm > self.bore_mm:
            raise ValueError(
                f"{self.stack} plates sweep a circle of {self.envelope_mm:.1f} mm about the vertical axis, "
                f"and the bore has {self.bore_mm:g} mm; make them narrower, or stack fewer"
            )

    @property
    def gap_mm(self) -> float:
        """Least distance between two crystals: wall + 2 clearance."""
        return self.wall_mm + 2.0 * self.clearance_mm

    @property
    def depth_mm(self) -> float:
        """Of the pockets: through the whole thickness of a template."""
        return self.thickness_mm if self.product == "template" else self.pocket_mm

    @property
    def envelope_mm(self) -> float:
        """Diameter of the circle that the stack sweeps when it turns about the vertical axis x = 0."""
        x_min, _, x_max, _ = self.plate.bounds
        deep = self.thickness_mm + (self.stack - 1) * self.pitch_mm
        return 2.0 * math.hypot(max(abs(x_min), abs(x_max)), deep / 2.0)

    @property
    def window(self) -> Polygon | None:
        """The beam's window, mm, or None."""
        if self.window_mm is None:
            return None
        w, h = self.window_mm
        return box(-w / 2.0, -h / 2.0, w / 2.0, h / 2.0)

    def _check_walls(self) -> None:
        if not 0.0 <= self.clearance_mm < math.inf:
            raise ValueError(f"a clearance of {self.clearance_mm:g} mm: crystals are no smaller; give 0 or more")
        if not self.wall_mm >= self.printer_wall_mm > 0.0:
            raise ValueError(
                f"a wall of {self.wall_mm:g} mm is thinner than the printer makes ({self.printer_wall_mm:g} mm); "
                "ask for a thicker wall, or state a finer printer"
            )
        floor = self.thickness_mm - self.pocket_mm - self.letter_depth_mm
        if self.product == "holder" and not (floor >= self.printer_wall_mm and self.pocket_mm > 0.0):
            raise ValueError(
                f"pockets of {self.pocket_mm:g} mm with numbers {self.letter_depth_mm:g} mm deep leave a floor of "
                f"{floor:.2f} mm of {self.thickness_mm:g} mm; make the holder thicker"
            )

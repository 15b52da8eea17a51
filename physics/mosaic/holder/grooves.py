"""Grooves for rods: each as deep and as turned about the rod's axis as its lattice asks."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from shapely import affinity
from shapely.geometry import Polygon, box

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.datum_edge import datum_edge
from beamgym.physics.mosaic.holder.design import Design
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.packing import placed_outline
from beamgym.physics.mosaic.records import Correction, Placement

_OVER_MM = 1.0


@dataclass(frozen=True, eq=False)
class Groove:
    """A groove that holds a rod of rectangular section turned about its own axis.

    Parameters
    ----------
    name : of the crystal
    plate : number of the plate
    centre_mm : (2,) middle of the rod, mm
    axis_deg : direction of the rod in the plate, counter-clockwise from x
    length_mm, width_mm, height_mm : of the rod, its height being its thickness as it was scanned
    azimuth_deg : turn about the rod's axis, right-handed, from lying flat on the face on which it was scanned
    left_deg : tilt of the rod's axis out of the plate, which a groove does not correct
    clearance_mm : all round
    turn_deg, turned_over : of the rod's outline, as of ``Placement``
    """

    name: str
    plate: int
    centre_mm: Float64Array
    axis_deg: float
    length_mm: float
    width_mm: float
    height_mm: float
    azimuth_deg: float
    left_deg: float
    clearance_mm: float
    turn_deg: float = 0.0
    turned_over: bool = False

    @property
    def section_mm(self) -> Float64Array:
        """(4, 2) corners of the turned section with clearance, across and up from the rod's axis, mm."""
        a, b = self.width_mm / 2.0 + self.clearance_mm, self.height_mm / 2.0 + self.clearance_mm
        c, s = np.cos(np.radians(self.azimuth_deg)), np.sin(np.radians(self.azimuth_deg))
        # Across is to the left of the axis: a right-handed turn takes it upwards.
        corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b]])
        return np.asarray(corners @ np.array([[c, s], [-s, c]]), dtype=np.float64)

    @property
    def depth_mm(self) -> float:
        """Depth of its lowest line below the upper face: the rod's axis lies in that face."""
        return float(-self.section_mm[:, 1].min())

    @property
    def corners_mm(self) -> Float64Array:
        """(16, 3) points whose hull is what is cut away, so that the rod can be laid in from above, mm."""
        section = self.section_mm
        above = section + np.array([0.0, 2.0 * self.depth_mm + _OVER_MM])
        c, s = np.cos(np.radians(self.axis_deg)), np.sin(np.radians(self.axis_deg))
        along, left = np.array([c, s, 0.0]), np.array([-s, c, 0.0])
        half = self.length_mm / 2.0 + self.clearance_mm
        middle = np.array([*self.centre_mm, 0.0])
        ends = [middle - half * along, middle + half * along]
        return np.array([e + x * left + [0.0, 0.0, z] for e in ends for x, z in np.vstack([section, above])])


def fold_about(axis: ArrayLike, rotations: ArrayLike) -> int:
    """Return of which order an axis is.

    Parameters
    ----------
    axis : (3,) along the rod, crystal Cartesian
    rotations : (k, 3, 3) proper rotations of the crystal's Laue class
    """
    a = np.asarray(axis, dtype=np.float64)
    return int(np.sum(np.asarray(rotations, dtype=np.float64) @ a @ a > (1.0 - 1e-6) * (a @ a)))


def groove_of(outline: Outline, placement: Placement, correction: Correction, design: Design, fold: int = 4) -> Groove:
    """Return the groove of one rod.

    Parameters
    ----------
    outline : as scanned, lying on one of its faces; its thickness is needed
    placement : where it is to lie
    correction : what its lattice asks for; the part of the tilt about the rod's axis becomes the groove's azimuth
    design : clearance, thickness, least floor
    fold : of the axis along the rod: the azimuth is taken to within half of 360 / fold degrees

    Raises
    ------
    ValueError : a rod without thickness, or a groove that leaves too thin a floor
    """
    if outline.thickness_mm is None:
        raise ValueError(f"rod {outline.name} has no thickness; measure it, and write it into crystals.csv")
    crystal = placed_outline(outline, placement)
    corners = np.asarray(crystal.exterior.coords)[:-1]
    axis = _length_deg(crystal)
    c, s = np.cos(np.radians(axis)), np.sin(np.radians(axis))
    along, across = corners @ [c, s], corners @ [-s, c]
    tilt = np.array([correction.tilt_x_deg, correction.tilt_y_deg])
    period = 360.0 / fold
    azimuth = float((tilt @ [c, s] + period / 2.0) % period - period / 2.0)
    middle = (along.max() + along.min()) / 2.0 * np.array([c, s]) + (across.max() + across.min()) / 2.0 * np.array(
        [-s, c]
    )
    groove = Groove(
        outline.name,
        placement.plate,
        middle,
        axis,
        float(np.ptp(along)),
        float(np.ptp(across)),
        outline.thickness_mm,
        azimuth,
        float(abs(tilt @ [-s, c])),
        design.clearance_mm,
        placement.turn_deg,
        placement.turned_over,
    )
    if groove.depth_mm + design.printer_wall_mm > design.thickness_mm:
        raise ValueError(
            f"the groove of rod {outline.name} is {groove.depth_mm:.2f} mm deep, the holder {design.thickness_mm:g}; "
            f"make it at least {groove.depth_mm + design.printer_wall_mm:.2f} mm thick"
        )
    return groove


def _length_deg(rod: Polygon) -> float:
    """Return where a rod's length points, counter-clockwise from x."""
    corners = np.asarray(rod.exterior.coords)[:-1]
    return datum_edge(corners if rod.exterior.is_ccw else corners[::-1]).angle_deg


def left_by_groove(outline: Outline, correction: Correction) -> Correction:
    """Return a rod's correction with the tilt that no groove takes up: that of its length out of the plate."""
    placed = placed_outline(outline, Placement(outline.name, 0, 0.0, 0.0, correction.turn_deg, correction.turned_over))
    axis = np.radians(_length_deg(placed))
    across = np.array([-np.sin(axis), np.cos(axis)])
    x, y = (correction.tilt_x_deg * across[0] + correction.tilt_y_deg * across[1]) * across
    return replace(correction, tilt_x_deg=float(x), tilt_y_deg=float(y))


def groove_rim(groove: Groove) -> Polygon:
    """Return the outline of a groove at the upper face, mm."""
    across = np.abs(groove.section_mm[:, 0]).max()
    half = groove.length_mm / 2.0 + groove.clearance_mm
    c, s = np.cos(np.radians(groove.axis_deg)), np.sin(np.radians(groove.axis_deg))
    corners = np.asarray(box(-half, -across, half, across).exterior.coords)[:-1]
    return Polygon(corners @ np.array([[c, s], [-s, c]]) + groove.centre_mm)


def lying_rod(outline: Outline, correction: Correction, fold: int = 4) -> Outline:
    """Return the outline that a rod covers once it is turned about its axis, in the frame of the scanned one.

    Parameters
    ----------
    outline : as scanned, lying on one of its faces
    correction : whose tilt about the rod's axis becomes the azimuth; it turns the answer as it turns the outline
    fold : of the axis along the rod

    Returns
    -------
    a rectangle as long as the rod and as wide as its turned section: what is to be packed
    """
    there = Placement(outline.name, 0, 0.0, 0.0, correction.turn_deg, correction.turned_over)
    deep = Design(box(-1e3, -1e3, 1e3, 1e3), thickness_mm=1e3, clearance_mm=0.0)
    groove = groove_of(outline, there, correction, deep, fold)
    rim = affinity.rotate(groove_rim(groove), -correction.turn_deg, (0.0, 0.0))
    if correction.turned_over:
        rim = affinity.scale(rim, -1.0, 1.0, origin=(0.0, 0.0))
    return replace(outline, polygon_mm=np.asarray(rim.exterior.coords)[:-1] + outline.centre_mm)

"""Crystals on a plate as they truly are, which only a simulation knows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.habit import turn_onto
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate_frame import TURNED_OVER, turn_about_normal
from beamgym.physics.orientation import rotation_matrix

What = Literal["single", "two grains", "twin", "bent", "empty"]
"""What stands at a place."""
Glue = Literal["hidden", "rings", "rise"]
"""What the beam sees of the glue: nothing, powder rings, or a smooth rise about the beam."""


@dataclass(frozen=True, eq=False)
class Grain:
    """One grain of a crystal.

    Parameters
    ----------
    orientation : (3, 3) U, crystal Cartesian to the plate's frame, at the outline's centroid where it is bent
    corners_mm : (k, 2) where it is seen from above, plate frame; None for the whole outline
    share : of the scattering volume under the beam, where grains lie through one another
    """

    orientation: Float64Array
    corners_mm: Float64Array | None = None
    share: float = 1.0


@dataclass(frozen=True, eq=False)
class PlateCrystal:
    """One place of a plate with its truth.

    Parameters
    ----------
    outline : as everybody sees it
    grains : what is in it, the largest first; none where it is empty
    what : in a word
    height_mm : of its upper face above the plate's plane, towards the source
    face : (3,) unit normal of its upper face, plate frame: glue may have wedged it. It travels with the crystal
    bend_deg_per_mm : (2, 2) rotation vectors about x and y that the lattice turns by for every mm along x (row 0) and
        along y (row 1), from the centroid
    mosaic_deg : standard deviation of the lattice's directions within a grain
    glue : what the beam sees of the glue here
    displaced : it lies half outside its cell
    """

    outline: Outline
    grains: tuple[Grain, ...]
    what: What = "single"
    height_mm: float = 0.0
    face: Float64Array = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    bend_deg_per_mm: Float64Array = field(default_factory=lambda: np.zeros((2, 2)))
    mosaic_deg: float = 0.0
    glue: Glue = "hidden"
    displaced: bool = False

    @property
    def name(self) -> str:
        """Its outline's name."""
        return self.outline.name

    def orientation_at(self, grain: Grain, point_mm: Float64Array) -> Float64Array:
        """Return a grain's orientation (3, 3) at a point (2,) of the plate."""
        if not self.bend_deg_per_mm.any():
            return grain.orientation
        turn = (point_mm - self.outline.centre_mm) @ self.bend_deg_per_mm
        return rotation_matrix(np.array([turn[0], turn[1], 0.0])) @ grain.orientation

    def moved(
        self,
        x_mm: float,
        y_mm: float,
        rotation: Float64Array,
        turn_deg: float,
        height_mm: float | None = None,
        *,
        turned_over: bool = False,
    ) -> "PlateCrystal":
        """Return it elsewhere.

        Parameters
        ----------
        x_mm, y_mm : where its centroid is to lie
        rotation : (3, 3) what its lattice and face do, after the turning over
        turn_deg : by which its outline is turned about its centroid
        height_mm : of its upper face; as it is where not given
        turned_over : it lies on its other face: turned over about y first
        """
        whole = rotation @ TURNED_OVER if turned_over else rotation
        centre = self.outline.centre_mm
        flat = turn_about_normal(turn_deg)[:2, :2] @ (np.diag([-1.0, 1.0]) if turned_over else np.eye(2))

        def there(corners: Float64Array) -> Float64Array:
            return (corners - centre) @ flat.T + [x_mm, y_mm]

        grains = tuple(
            replace(
                grain,
                orientation=whole @ grain.orientation,
                corners_mm=None if grain.corners_mm is None else there(grain.corners_mm),
            )
            for grain in self.grains
        )
        spin = turn_about_normal(turn_deg) @ (TURNED_OVER if turned_over else np.eye(3))
        vectors = np.concatenate([self.bend_deg_per_mm, np.zeros((2, 1))], axis=1) @ spin.T
        bend = (flat @ vectors)[:, :2]
        face = whole @ (-self.face if turned_over else self.face)
        return replace(
            self,
            outline=replace(self.outline, polygon_mm=there(self.outline.polygon_mm)),
            grains=grains,
            face=face,
            bend_deg_per_mm=bend,
            height_mm=self.height_mm if height_mm is None else height_mm,
        )

    def placed(
        self,
        x_mm: float,
        y_mm: float,
        turn_deg: float,
        play_deg: float = 0.0,
        tilt: Float64Array | None = None,
        *,
        turned_over: bool = False,
    ) -> "PlateCrystal":
        """Return it freed of its glue and laid with its face flat on a holder.

        Parameters
        ----------
        x_mm, y_mm, turn_deg, turned_over : as of ``Placement``
        play_deg : how far it lies turned from where it was to lie, counter-clockwise
        tilt : (3, 3) what turns it then: a floor that is not flat; none by default
        """
        flat = turn_onto(TURNED_OVER @ (-self.face), np.array([0.0, 0.0, 1.0])) if turned_over else self.laid_flat
        turn = turn_about_normal(turn_deg + play_deg)
        rotation = (np.eye(3) if tilt is None else tilt) @ turn @ flat
        thick = self.outline.thickness_mm or 0.0
        return self.moved(x_mm, y_mm, rotation, turn_deg + play_deg, thick, turned_over=turned_over)

    @property
    def laid_flat(self) -> Float64Array:
        """(3, 3) the smallest rotation that makes its face parallel to the plate."""
        return turn_onto(self.face, np.array([0.0, 0.0, 1.0]))

    def areas(self, spot: Polygon) -> Float64Array:
        """Return the area, mm², of each grain under a beam's spot, (g,); grains through one another share theirs."""
        shape = self.outline.shape
        found = []
        for grain in self.grains:
            own = shape if grain.corners_mm is None else Polygon(grain.corners_mm)
            found.append(grain.share * float(own.intersection(spot).area))
        return np.array(found)


@dataclass(frozen=True, eq=False)
class SimulatedPlate:
    """A plate with its truth.

    Parameters
    ----------
    crystals : every place, empty ones too; their names are unique
    size_mm : (width, height) of the plate; its frame's origin is its centre
    cells_mm : (n, 4) x, y, width, height of the cells in which the crystals were to be laid; (0, 4) where none are
    """

    crystals: tuple[PlateCrystal, ...]
    size_mm: tuple[float, float]
    cells_mm: Float64Array = field(default_factory=lambda: np.zeros((0, 4)))

    def __post_init__(self) -> None:
        """Check the names."""
        names = [crystal.name for crystal in self.crystals]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two crystals of a plate are named {twice[0]!r}; give each its own name")

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What everybody sees."""
        return tuple(crystal.outline for crystal in self.crystals)

    @classmethod
    def of(cls, crystals: Sequence[PlateCrystal], margin_mm: float = 3.0) -> "SimulatedPlate":
        """Return a plate just large enough for crystals given anywhere; its frame stays theirs."""
        corners = np.concatenate([crystal.outline.polygon_mm for crystal in crystals])
        half = np.abs(corners).max(axis=0) + margin_mm
        return cls(tuple(crystals), (float(2 * half[0]), float(2 * half[1])))

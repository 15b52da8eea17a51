"""What is packed: outlines with the turns that are allowed to them and the mass that each brings."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from shapely import affinity
from shapely.geometry import Polygon

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate_frame import turn_about_normal
from beamgym.physics.mosaic.records import Correction, Placement

_SAME_TURN_DEG = 1e-6


@dataclass(frozen=True, eq=False)
class Piece:
    """One crystal to be packed.

    Parameters
    ----------
    name : of its outline
    polygon_mm : (k, 2) its corners about its centroid, mirrored already where it is turned over
    turns_deg : counter-clockwise turns that bring its lattice about, the correction's own first
    mass_mg : area times thickness times density
    turned_over : its other face lies down
    tilt_deg : (2,) what is left after the first of the turns, about the plate's x and y
    sigma_deg : (3,) standard errors about x, y and z; those that are not known count as 0
    is_behind : it lies on a back, whose x and z point the other way than the front's
    behind : the same crystal as it would lie on a back, as seen from behind; None where it lies on fronts alone
    """

    name: str
    polygon_mm: Float64Array
    turns_deg: tuple[float, ...]
    mass_mg: float
    turned_over: bool = False
    tilt_deg: Float64Array = field(default_factory=lambda: np.zeros(2))
    sigma_deg: Float64Array = field(default_factory=lambda: np.full(3, np.nan))
    is_behind: bool = False
    behind: "Piece | None" = None

    @property
    def area_mm2(self) -> float:
        """Its area, mm²."""
        return float(Polygon(self.polygon_mm).area)

    def turned(self, turn_deg: float) -> Polygon:
        """Return its polygon turned about the centroid, which lies at (0, 0)."""
        return affinity.rotate(Polygon(self.polygon_mm), turn_deg, origin=(0.0, 0.0))

    def lying(self, turn_deg: float) -> "Piece":
        """Return it with the tilt that is left after another of its turns: it has turned on with the crystal.

        A tilt on a back is stated for the front's frame then, so that all tilts of a mosaic may be compared.
        """
        tilt = turn_about_normal(turn_deg - self.turns_deg[0])[:2, :2] @ np.asarray(self.tilt_deg, dtype=np.float64)
        return replace(self, tilt_deg=tilt * [-1.0, 1.0] if self.is_behind else tilt)

    def on(self, back: bool) -> "Piece":
        """Return it as it lies on a front or on a back."""
        return self.behind if back and self.behind is not None else self

    def placed(self, plate: int, turn_deg: float, x_mm: float, y_mm: float) -> Placement:
        """Return the record of where it lies."""
        return Placement(self.name, plate, float(x_mm), float(y_mm), turn_deg % 360.0, self.turned_over)


def placed_outline(outline: Outline, placement: Placement) -> Polygon:
    """Return where an outline lies on its plate, in that plate's frame, mm.

    Parameters
    ----------
    outline : as scanned, in the frame of the scanned plate
    placement : mirrored in x about the centroid first where it is turned over, then turned, then moved
    """
    corners = outline.polygon_mm - outline.centre_mm
    if placement.turned_over:
        corners = corners * [-1.0, 1.0]
    turned = affinity.rotate(Polygon(corners), placement.turn_deg, origin=(0.0, 0.0))
    return affinity.translate(turned, placement.x_mm, placement.y_mm)


def pieces_of(
    outlines: Iterable[Outline],
    corrections: Iterable[Correction],
    density_g_per_cm3: float,
    *,
    thickness_mm: float | None = None,
    without_turn: Mapping[str, str] | None = None,
    footprints: Iterable[Outline] = (),
) -> tuple[list[Piece], dict[str, str]]:
    """Return what can be packed, and why the other crystals cannot.

    Parameters
    ----------
    outlines, corrections : matched by name
    density_g_per_cm3 : of the crystal
    thickness_mm : of outlines that state none
    without_turn : by name, why a crystal has no correction, as "several grains"; others are "not corrected"
    footprints : what crystals cover where it is not their outline, as rods turned about their length

    Returns
    -------
    pieces, and by name the reason why a crystal is not among them

    Raises
    ------
    ValueError : a correction of an unknown outline, two outlines of one name, no thickness, or no density
    """
    shapes = list(outlines)
    names = [shape.name for shape in shapes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two outlines are called {twice[0]}; give each its own name")
    turns = {correction.name: correction for correction in corrections}
    if unknown := sorted(set(turns) - set(names)):
        raise ValueError(f"a correction of {unknown[0]}, which has no outline; add it, or remove the correction")
    if not 0.0 < density_g_per_cm3 < math.inf:
        raise ValueError(f"a density of {density_g_per_cm3:g} g/cm³; give the crystal's, above 0")
    reasons = dict(without_turn or {})
    left_out = {name: reasons.get(name, "not corrected") for name in names if name not in turns}
    covered = {shape.name: shape for shape in [*shapes, *footprints]}
    pieces = [
        _piece(shape, covered[shape.name], turns[shape.name], density_g_per_cm3, thickness_mm)
        for shape in shapes
        if shape.name in turns
    ]
    return pieces, left_out


def _piece(
    outline: Outline, covered: Outline, correction: Correction, density: float, thickness_mm: float | None
) -> Piece:
    thickness = outline.thickness_mm or thickness_mm
    if thickness is None:
        raise ValueError(
            f"crystal {outline.name} has no thickness; state thickness_mm of each, or one for all (--thickness)"
        )
    corners = covered.polygon_mm - covered.centre_mm
    if correction.turned_over:
        corners = (corners * [-1.0, 1.0])[::-1].copy()
    return Piece(
        name=outline.name,
        polygon_mm=corners,
        turns_deg=_different((correction.turn_deg, *correction.equivalents_deg)),
        mass_mg=outline.area_mm2 * thickness * density,  # mm³ times g/cm³ is mg
        turned_over=correction.turned_over,
        tilt_deg=np.array([correction.tilt_x_deg, correction.tilt_y_deg]),
        sigma_deg=np.asarray(correction.sigma_deg, dtype=np.float64),
    )


def _different(turns_deg: tuple[float, ...]) -> tuple[float, ...]:
    """Return the turns without those that are the same but for whole revolutions, in their order."""
    kept: list[float] = []
    for turn in turns_deg:
        if all(abs((turn - other + 180.0) % 360.0 - 180.0) > _SAME_TURN_DEG for other in kept):
            kept.append(turn)
    return tuple(kept)


def on_both_faces(front: Iterable[Piece], back: Iterable[Piece]) -> list[Piece]:
    """Return pieces that may lie on either face, of those for a front and those for a back, matched by name."""
    behind = {piece.name: replace(piece, is_behind=True) for piece in back}
    return [replace(piece, behind=behind[piece.name]) for piece in front]

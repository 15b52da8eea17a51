"""Draws plates: crystals laid out in cells as a person lays them, with what goes wrong."""

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from shapely.geometry import LineString, Polygon
from shapely.ops import split

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import Crystal
from beamgym.physics.mosaic.habit import Habit, habit_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate.crystals import Glue, Grain, PlateCrystal, SimulatedPlate, What
from beamgym.physics.mosaic.plate.shapes import drawn_outline, turned
from beamgym.physics.mosaic.plate_frame import turn_about_normal
from beamgym.physics.orientation import rotation_matrix

GAP_MM = 0.5
"""Least distance of two crystals, mm."""
LEAST_GRAIN = 0.2
"""Share of the area that the smaller of two grains has at least."""
_DRAWS = 200
_STREAM_PLATE = 60


@dataclass(frozen=True)
class PlateOptions:
    """What a plate is drawn from.

    Parameters
    ----------
    crystals : places
    wedge_deg : standard deviation of each of the two angles by which glue tilts a crystal, degrees
    face_deg : standard deviation of each of the two angles between a face and the lattice direction it should show;
        a cleaved flake's are small
    mosaic_deg : standard deviation of the lattice's directions within a grain, degrees
    glue_mm : thickness of the glue, which scatters by half of this
    bow_mm : by how much the plate's middle stands higher than its rim
    two_grains, twins, bent, empty : shares of the places
    displaced : share of the places whose crystal lies half outside its cell
    glue_rings, glue_rises : shares of the places where the beam sees the glue
    bend_deg : a bent flake's ends differ by 1 to 3 times this
    upside_down : share of the flakes that lie on their other face; None for a half where the lattice has no twofold
        axis in its layers, since nobody sees it, and for none where it has, since a turn does the same there
    """

    crystals: int = 60
    wedge_deg: float = 1.5
    face_deg: float = 0.1
    mosaic_deg: float = 0.03
    glue_mm: float = 0.1
    bow_mm: float = 0.3
    two_grains: float = 0.08
    twins: float = 0.04
    bent: float = 0.04
    empty: float = 0.03
    displaced: float = 0.04
    glue_rings: float = 0.08
    glue_rises: float = 0.08
    bend_deg: float = 1.0
    upside_down: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not 1 <= self.crystals <= 5000:
            raise ValueError(f"a plate of {self.crystals} crystals; choose 1 to 5000")
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name == "upside_down" and value is None:
                continue
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{item.name} is {value}; give a finite number, 0 or more")
        if self.two_grains + self.twins + self.bent + self.empty > 1.0:
            raise ValueError("two_grains, twins, bent and empty are shares of the places; they add up to more than 1")
        if self.upside_down is not None and self.upside_down > 1.0:
            raise ValueError(f"upside_down is {self.upside_down}; give a share of the flakes, 0 to 1")
        if self.glue_rings + self.glue_rises > 1.0:
            raise ValueError("glue_rings and glue_rises are shares of the places; they add up to more than 1")

    @classmethod
    def faultless(cls, crystals: int = 60, **others: Any) -> "PlateOptions":
        """Return options without grains, twins, bent flakes, empty places and visible glue."""
        none = dict.fromkeys(("two_grains", "twins", "bent", "empty", "displaced", "glue_rings", "glue_rises"), 0.0)
        return cls(crystals, **{**none, **others})


def draw_plate(
    crystal: Crystal, seed: int = 0, options: PlateOptions | None = None, habit: Habit | None = None
) -> SimulatedPlate:
    """Draw a plate of glued crystals.

    Parameters
    ----------
    crystal : the material, as from ``load_crystal``
    seed : the same one brings the same plate
    options : how many, and what goes wrong
    habit : how they grow; that of the material's name where not given

    Returns
    -------
    the plate with its truth; names are "1", "2", … row by row from the top left
    """
    return plate_of_key(crystal, int(make_keys(seed, 0, 0, _STREAM_PLATE)), options, habit)


def plate_of_key(
    crystal: Crystal, key: int, options: PlateOptions | None = None, habit: Habit | None = None
) -> SimulatedPlate:
    """As ``draw_plate``, from one key of ``counter_rng``."""
    options, habit = options or PlateOptions(), habit or habit_of(crystal)
    rng = np.random.Generator(np.random.Philox(key=key))
    turns = rng.uniform(0.0, 360.0, options.crystals)
    own = [drawn_outline(habit.form, habit.size_mm, rng) for _ in turns]
    # half of the crystals show facets, which follow the lattice; the others broke as they liked
    spins = np.where(
        (rng.uniform(size=len(turns)) < 0.5) | (habit.kind == "rod"), turns, rng.uniform(0, 360, len(turns))
    )
    corners = [turned(shape, spin) for shape, spin in zip(own, spins, strict=True)]
    cells, size = _cells(corners)
    whats = _whats(options, habit, rng)
    displaced = rng.uniform(size=len(turns)) < options.displaced
    placed = _placed(corners, cells, displaced, rng)
    made = []
    for number, (shape, turn) in enumerate(zip(placed, turns, strict=True)):
        made.append(
            _crystal(number, shape, turn, whats[number], bool(displaced[number]), size, crystal, habit, options, rng)
        )
    # drawn last, so that all else of a seed's plate stays as it was
    over = rng.uniform(size=len(made)) < _upside_down(crystal, habit, options)
    return SimulatedPlate(
        tuple(_on_its_other_face(one) if lies else one for one, lies in zip(made, over, strict=True)), size, cells
    )


def _upside_down(crystal: Crystal, habit: Habit, options: PlateOptions) -> float:
    """Return the share of the flakes that lie on their other face."""
    if habit.kind != "flake":
        return 0.0
    if options.upside_down is not None:
        return options.upside_down
    normal = habit.direction(crystal)
    return 0.5 if (crystal.rotations @ normal @ normal).min() > -0.999 else 0.0


def _on_its_other_face(one: PlateCrystal) -> PlateCrystal:
    """Return a flake that was glued the other way up: its outline is what it is, its lattice is turned over."""
    across = np.array([0.0, 1.0, 0.0]) - one.face[1] * one.face
    over = rotation_matrix(180.0 * across / np.linalg.norm(across))
    return replace(one, grains=tuple(replace(grain, orientation=over @ grain.orientation) for grain in one.grains))


def _cells(corners: list[Float64Array]) -> tuple[Float64Array, tuple[float, float]]:
    """Return the cells (n, 4) as x, y, width and height, from the top left, and the plate's size."""
    n = len(corners)
    wide, high = (max(float(np.ptp(shape[:, k])) for shape in corners) + 2.0 * GAP_MM for k in (0, 1))
    columns = max(1, round(np.sqrt(n * high / wide)))
    rows = -(-n // columns)
    k = np.arange(n)
    x = (k % columns - 0.5 * columns) * wide
    y = (0.5 * rows - 1.0 - k // columns) * high
    cells = np.stack([x, y, np.full(n, wide), np.full(n, high)], axis=1)
    margin = 5.0
    return cells, (columns * wide + 2.0 * margin, rows * high + 2.0 * margin)


def _whats(options: PlateOptions, habit: Habit, rng: np.random.Generator) -> list[What]:
    shares: dict[What, float] = {
        "two grains": options.two_grains,
        "twin": options.twins if habit.twin is not None else 0.0,
        "bent": options.bent if habit.kind == "flake" else 0.0,
        "empty": options.empty,
    }
    edges = np.cumsum(list(shares.values()))
    names: list[What] = [*shares, "single"]
    return [names[int(np.searchsorted(edges, draw, side="right"))] for draw in rng.uniform(size=options.crystals)]


def _placed(
    corners: list[Float64Array], cells: Float64Array, displaced: Any, rng: np.random.Generator
) -> list[Float64Array]:
    """Lay every outline into its cell, or half out of it where nothing else lies."""
    placed: list[Float64Array] = []
    for shape, (x, y, wide, high) in zip(corners, cells, strict=True):
        room = np.maximum(np.array([wide, high]) - np.ptp(shape, axis=0) - GAP_MM, 0.0)
        middle = np.array([x + 0.5 * wide, y + 0.5 * high]) - 0.5 * (shape.max(axis=0) + shape.min(axis=0))
        placed.append(shape + middle + rng.uniform(-0.5, 0.5, 2) * room)
    for k in np.flatnonzero(displaced):
        others = [Polygon(shape).buffer(GAP_MM) for j, shape in enumerate(placed) if j != k]
        sides = [(0.5, 0.0), (-0.5, 0.0), (0.0, 0.5), (0.0, -0.5)]
        x, y, wide, high = cells[k]
        for side in (sides[i] for i in rng.permutation(4)):
            there = np.array([x + (0.5 + side[0]) * wide, y + (0.5 + side[1]) * high])
            moved = placed[k] - Polygon(placed[k]).centroid.coords[0] + there
            if not any(Polygon(moved).intersects(other) for other in others):
                placed[k] = moved
                break
    return placed


def _crystal(
    number: int,
    corners: Float64Array,
    turn_deg: float,
    what: What,
    displaced: bool,
    size: tuple[float, float],
    crystal: Crystal,
    habit: Habit,
    options: PlateOptions,
    rng: np.random.Generator,
) -> PlateCrystal:
    """Draw what stands at one place; as many numbers are drawn whatever it is, but for two grains' border."""
    wedge, face, spread, height = rng.normal(size=2), rng.normal(size=2), rng.normal(), rng.normal()
    about_rod, other_turn, bend, toward, share, glue = rng.uniform(size=6)
    thickness = habit.thickness_mm * float(np.clip(np.exp(0.3 * spread), 0.5, 2.0))
    outline = Outline(str(number + 1), corners, thickness)
    # from the inside out: how the lattice lies in its faces, how the crystal lies in the plate, how the glue tilts it
    within = rotation_matrix(np.array([*(options.face_deg * face), 0.0])) @ habit.lying(crystal, 360.0 * about_rod)
    tilt = rotation_matrix(np.array([*(options.wedge_deg * wedge), 0.0]))
    u = tilt @ turn_about_normal(turn_deg) @ within
    grains: tuple[Grain, ...] = (Grain(u),)
    bending = np.zeros((2, 2))
    if what == "empty":
        grains = ()
    elif what == "two grains":
        second = tilt @ turn_about_normal(turn_deg + 5.0 + 350.0 * other_turn) @ within
        grains = _halves(outline, u, second, rng)
    elif what == "twin" and habit.twin is not None:
        smaller = 0.25 + 0.25 * share
        grains = (Grain(u, share=1.0 - smaller), Grain(u @ habit.twin.rotation(crystal), share=smaller))
    elif what == "bent":
        bending = _bending(outline, options.bend_deg * (1.0 + 2.0 * bend), np.pi * toward)
    x, y = outline.centre_mm / (0.5 * np.array(size))
    bow = options.bow_mm * (1.0 - 0.5 * (x * x + y * y))
    above = thickness + bow + options.glue_mm * max(0.0, 1.0 + 0.5 * height)
    seen: Glue = "rings" if glue < options.glue_rings else "hidden"
    if options.glue_rings <= glue < options.glue_rings + options.glue_rises:
        seen = "rise"
    return PlateCrystal(
        outline,
        grains,
        what,
        above,
        tilt @ np.array([0.0, 0.0, 1.0]),
        bending,
        options.mosaic_deg,
        seen,
        displaced,
    )


def _halves(outline: Outline, first: Float64Array, second: Float64Array, rng: np.random.Generator) -> tuple[Grain, ...]:
    """Cut an outline by a line, so that neither part is too small; the larger part is the first grain."""
    shape, reach = outline.shape, float(np.ptp(outline.polygon_mm, axis=0).max())
    for _ in range(_DRAWS):
        angle, away = rng.uniform(0.0, np.pi), rng.normal() * 0.15 * reach
        along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        middle = outline.centre_mm + away * across
        line = LineString([middle - 2 * reach * along, middle + 2 * reach * along])
        parts = list(split(shape, line).geoms)
        if len(parts) == 2 and min(part.area for part in parts) >= LEAST_GRAIN * shape.area:
            break
    parts = sorted((part for part in parts if isinstance(part, Polygon)), key=lambda part: -part.area)
    corners = [np.asarray(part.exterior.coords)[:-1] for part in parts]
    return Grain(first, corners[0]), Grain(second, corners[1])


def _bending(outline: Outline, whole_deg: float, angle: float) -> Float64Array:
    """Return the bend that turns the ends of an outline by so much against each other: a cylinder of any axis."""
    along = np.array([np.cos(angle), np.sin(angle)])
    length = float(np.ptp(outline.polygon_mm @ along))
    axis = np.array([-along[1], along[0]])
    bend: Float64Array = np.outer(along, axis) * whole_deg / length
    return bend

"""Packs crystals on plates: most mass, most mass within a width of the mosaic, or the smallest plate."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from beamgym.physics.mosaic.packing.fill import Layout
from beamgym.physics.mosaic.packing.fixed import Fixed, check_fixed, fixed_on, laid_out, smallest_around
from beamgym.physics.mosaic.packing.pieces import Piece
from beamgym.physics.mosaic.packing.plates import HolderPlate, Spacing
from beamgym.physics.mosaic.packing.search import Told, fullest, smallest, too_large
from beamgym.physics.mosaic.packing.strips import StripFailed, fullest_by_strips, is_installed, smallest_by_strip
from beamgym.physics.mosaic.packing.width import width_deg, within_width
from beamgym.physics.mosaic.records import Placement

Objective = Literal["most mass", "smallest plate"]
Solver = Literal["both", "shapely", "spyrrow"]


@dataclass(frozen=True, eq=False)
class Packing:
    """Crystals on plates.

    Parameters
    ----------
    placements : where each lies, by plate and from left to right
    plates : as they were used; the smallest plate has its final size
    gap_mm : that crystals keep from each other and from free places
    left_out : by name, why a crystal is on no plate
    mass_mg : of all that lie, together
    density : area of the crystals over area of the plate, for each plate
    width_deg : FWHM of the mosaic of the tilts that stay, see ``width_deg``
    solver : which of "shapely" and "spyrrow" laid them
    """

    placements: tuple[Placement, ...]
    plates: tuple[HolderPlate, ...]
    gap_mm: float
    left_out: Mapping[str, str]
    mass_mg: float
    density: tuple[float, ...]
    width_deg: float
    solver: str


def pack(
    pieces: Sequence[Piece],
    plates: Sequence[HolderPlate],
    spacing: Spacing,
    *,
    objective: Objective = "most mass",
    most_width_deg: float | None = None,
    solver: Solver = "both",
    seed: int = 0,
    tries: int = 6,
    seconds: float = 20.0,
    told: Told = lambda done: None,
    fixed: Sequence[Placement] = (),
) -> Packing:
    """Lay crystals on plates.

    Parameters
    ----------
    pieces : see ``pieces_of``
    plates : one or more; for the smallest plate one, or a front and its back, whose height (diameter of a circle) and
        free places are taken
    spacing : wall and clearance
    objective : "most mass" on the plates as they are, or the "smallest plate" that takes all: a rectangle keeps its
        height and loses length, a circle loses diameter, and free places keep their distance from the edge
    most_width_deg : FWHM that the mosaic may have; crystals that would spoil it are left out and named. None: any
    solver : "both" keeps the better one, and is "shapely" where spyrrow is not installed
    seed : of the orders that are tried
    tries : orders that are tried by shapely's solver
    seconds : that spyrrow may take
    told : hears the share that is done
    fixed : pieces that stay where they are, in whatever turn, while the others are packed around them; on the smallest
        plate they keep their place from its middle

    Raises
    ------
    ValueError : nothing to pack, no plate, nothing that fits on a plate, a solver or objective of another name, fixed
        pieces that lie on each other, too near to an edge or on no plate, or what spyrrow cannot do
    ImportError : spyrrow is asked for and not installed

    Notes
    -----
    One seed gives one packing with "shapely". spyrrow works against the clock: the same seed may give another packing
    of nearly the same density on a busier machine. It knows empty strips only: around fixed pieces, and on the smallest
    plate's two faces, "both" is shapely's.
    """
    _check(pieces, plates, objective, solver)
    gap_mm, stays = spacing.gap_mm, fixed_on(fixed, {piece.name: piece for piece in pieces}, plates)
    if objective == "most mass":
        check_fixed(stays, plates, gap_mm)
    if (stays_any := any(stays)) or (objective == "smallest plate" and len(plates) == 2):
        solver = _shapely_alone(solver)
    names = {each.name for each in fixed}
    loose = [piece for piece in pieces if piece.name not in names]
    left_out: dict[str, str] = {}
    if most_width_deg is not None:
        lying = [piece.lying(turn) for laid in stays for piece, turn, *_ in laid]
        kept, left_out = within_width([*loose, *lying], most_width_deg, names)
        loose = [piece for piece in kept if piece.name not in names]
    fitting, large = _fitting(loose, plates, gap_mm, objective)
    left_out |= large
    if not fitting and not stays_any:
        raise ValueError(f"no crystal is left to pack; {next(iter(left_out.values()))}")
    while True:
        answer = _solve(fitting, plates, gap_mm, objective, solver, seed, tries, seconds, told, stays)
        spoiling = _spoiling(answer[0], most_width_deg, names)
        if not spoiling:
            return _packing(*answer, left_out=left_out, gap_mm=gap_mm, fixed=fixed)
        # Fewer crystals than were counted on have found a place, and those make a wider mosaic.
        left_out |= spoiling
        fitting = [piece for piece in fitting if piece.name not in spoiling]


def _check(pieces: Sequence[Piece], plates: Sequence[HolderPlate], objective: str, solver: str) -> None:
    if not pieces:
        raise ValueError("no crystal to pack; scan and correct the plate first, so that some have a correction")
    if not plates:
        raise ValueError("no plate to pack on; give one at least")
    if objective not in ("most mass", "smallest plate"):
        raise ValueError(f"no objective {objective!r}; there are: most mass, smallest plate")
    if objective == "smallest plate" and [plate.back for plate in plates] not in ([False], [False, True]):
        raise ValueError(f"{len(plates)} plates to make as small as possible; give one, or a front and its back")
    if solver not in ("both", "shapely", "spyrrow"):
        raise ValueError(f"no solver {solver!r}; there are: both, shapely, spyrrow")
    if solver == "spyrrow" and not is_installed():
        raise ImportError("spyrrow is needed here and cannot be imported; run: pip install 'beamgym[mosaic]'")


def _shapely_alone(solver: Solver) -> Solver:
    if solver == "spyrrow":
        raise ValueError(
            "spyrrow packs one empty strip: neither around crystals that stay, nor two faces of the smallest plate; "
            "take the solver shapely"
        )
    return "shapely"


def _fitting(
    pieces: Sequence[Piece], plates: Sequence[HolderPlate], gap_mm: float, objective: Objective
) -> tuple[list[Piece], dict[str, str]]:
    """Return the pieces that fit on an empty plate, and why the others do not."""
    if objective == "smallest plate":
        bare = [replace(plate, free_places=(), arranged=None) for plate in plates]
        plates = [plate.resized(1e4, 1e4 if plate.shape == "circle" else plate.height_mm) for plate in bare]
    empty = [Layout(plate, gap_mm) for plate in plates]
    fitting = [piece for piece in pieces if any(_fits(layout, piece.on(layout.plate.back)) for layout in empty)]
    names = {piece.name for piece in fitting}
    return fitting, {piece.name: too_large(piece, plates[0]) for piece in pieces if piece.name not in names}


def _fits(layout: Layout, piece: Piece) -> bool:
    return any(len(layout.places(piece.turned(turn))) for turn in piece.turns_deg)


Answer = tuple[list[Layout], list[Piece], str]


def _solve(
    pieces: Sequence[Piece],
    plates: Sequence[HolderPlate],
    gap_mm: float,
    objective: Objective,
    solver: Solver,
    seed: int,
    tries: int,
    seconds: float,
    told: Told,
    stays: Fixed,
) -> Answer:
    strips = solver != "shapely" and is_installed()
    share = {"both": 0.5 if strips else 1.0, "shapely": 1.0, "spyrrow": 0.0}[solver]
    answers: list[Answer] = []
    if solver != "spyrrow":
        answers.append(
            _by_shapely(pieces, plates, gap_mm, objective, seed, tries, lambda done: told(share * done), stays)
        )
    # A circle's smallest size is sought by shapely alone: spyrrow knows strips only.
    by_strip = objective == "most mass" or plates[0].shape == "rectangle"
    if strips and by_strip and not (objective == "most mass" and answers and not answers[0][1]):
        rest = 1.0 - share

        def told_rest(done: float) -> None:
            told(share + rest * done)

        try:
            answers.append(_by_spyrrow(pieces, plates, gap_mm, objective, seed, seconds, told_rest))
        except StripFailed:
            if not answers:
                raise
    if not answers:
        raise ValueError("spyrrow packs strips and makes no circle small; take the solver shapely")
    told(1.0)
    if objective == "smallest plate":
        return min(answers, key=lambda answer: answer[0][0].plate.width_mm)
    return max(answers, key=lambda answer: sum(layout.mass_mg for layout in answer[0]))


def _by_shapely(
    pieces: Sequence[Piece],
    plates: Sequence[HolderPlate],
    gap_mm: float,
    objective: Objective,
    seed: int,
    tries: int,
    told: Told,
    stays: Fixed,
) -> Answer:
    if objective == "most mass":
        return (*fullest(pieces, lambda: laid_out(plates, gap_mm, stays), tries, seed, told), "shapely")
    if any(stays) or len(plates) == 2:
        return smallest_around(pieces, plates, gap_mm, tries, seed, told, stays), [], "shapely"
    return [smallest(pieces, plates[0], gap_mm, tries, seed, told)], [], "shapely"


def _by_spyrrow(
    pieces: Sequence[Piece],
    plates: Sequence[HolderPlate],
    gap_mm: float,
    objective: Objective,
    seed: int,
    seconds: float,
    told: Told,
) -> Answer:
    if objective == "smallest plate":
        return [smallest_by_strip(pieces, plates[0], gap_mm, seconds, seed, told)], [], "spyrrow"
    return (*fullest_by_strips(pieces, plates, gap_mm, seconds, seed, told), "spyrrow")


def _spoiling(layouts: Sequence[Layout], most_width_deg: float | None, staying: Collection[str]) -> dict[str, str]:
    if most_width_deg is None:
        return {}
    return within_width(_lying(layouts), most_width_deg, staying)[1]


def _lying(layouts: Sequence[Layout]) -> list[Piece]:
    """Return what lies on the plates, each with the tilt that its turn leaves."""
    return [piece.lying(turn) for layout in layouts for piece, turn, *_ in layout.lying]


def _packing(
    layouts: Sequence[Layout],
    left: Sequence[Piece],
    solver: str,
    *,
    left_out: dict[str, str],
    gap_mm: float,
    fixed: Sequence[Placement],
) -> Packing:
    lying, stays = _lying(layouts), {each.name: each for each in fixed}
    placements = [
        stays.get(piece.name) or piece.placed(number, turn, x, y)
        for number, layout in enumerate(layouts)
        for piece, turn, x, y in sorted(layout.lying, key=lambda part: part[2])
    ]
    full = {piece.name: "no room is left on the plates; take a larger one, or one more" for piece in left}
    return Packing(
        placements=tuple(placements),
        plates=tuple(layout.plate for layout in layouts),
        gap_mm=gap_mm,
        left_out={**left_out, **full},
        mass_mg=sum(piece.mass_mg for piece in lying),
        density=tuple(layout.area_mm2 / layout.plate.outline.area for layout in layouts),
        width_deg=width_deg(lying),
        solver=solver,
    )

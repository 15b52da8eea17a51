"""The forecast: a mosaic drawn many times from what is known before anything is printed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.forecast.errors import PlacingErrors, edge_turn_deg, free_turn_deg
from beamgym.physics.mosaic.forecast.mosaic import mosaic_of
from beamgym.physics.mosaic.holder import Groove, Pocket, groove_rim
from beamgym.physics.mosaic.records import Correction

WEDGE_DEG = 1.5
"""Wedge of glue about a rod's axis on the scanned plate, where nobody measured it."""
QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class PlannedCrystal:
    """One crystal of a layout, as far as its misalignment goes.

    Parameters
    ----------
    name : of its outline
    mass : in any unit, the same for all
    left_deg : (3,) misalignment that stays even where everything is as drawn: a tilt that a flat floor leaves
    sigma_deg : (3,) standard errors of its orientation; those that are not known count as 0
    free_deg : least and greatest turn in its pocket
    clearance_mm : that its pocket has
    datum_mm : length of the edge that it is pushed against; None where there is none
    """

    name: str
    mass: float
    left_deg: Float64Array = field(default_factory=lambda: np.zeros(3))
    sigma_deg: Float64Array = field(default_factory=lambda: np.zeros(3))
    free_deg: tuple[float, float] = (0.0, 0.0)
    clearance_mm: float = 0.1
    datum_mm: float | None = None


@dataclass(frozen=True)
class Interval:
    """A figure's median, and what it lies between in nine of ten draws."""

    median: float
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Return whether a value lies in the interval."""
        return self.low <= value <= self.high


@dataclass(frozen=True, eq=False)
class Forecast:
    """The surface mosaic that a layout will have.

    Parameters
    ----------
    fwhm_deg : by axis "x", "y", "z" of the holder
    within : share of the mass within 1°: "in plane", "out of plane", "together"
    dominating : crystals with the largest mean part in the width, and that part
    draws : how many mosaics were drawn
    """

    fwhm_deg: Mapping[str, Interval]
    within: Mapping[str, Interval]
    dominating: tuple[tuple[str, float], ...]
    draws: int


def planned_crystals(
    pockets: Sequence[Pocket],
    corrections: Mapping[str, Correction],
    mass: Mapping[str, float],
    clearance_mm: float,
) -> list[PlannedCrystal]:
    """Return what the forecast needs of each pocket.

    Parameters
    ----------
    pockets : of all plates; where one has a datum edge, the crystal is pushed against it
    corrections, mass : by name; a crystal without a mass counts 1
    clearance_mm : of the pockets

    Raises
    ------
    ValueError : a pocket whose crystal has no correction
    """
    found = []
    for pocket in pockets:
        if pocket.name not in corrections:
            raise ValueError(f"{pocket.name} has a pocket and no correction; correct it first, or take it out")
        one = corrections[pocket.name]
        flat = not pocket.slope.any()
        left = np.array([-one.tilt_x_deg, -one.tilt_y_deg, 0.0]) if flat else np.zeros(3)
        free = (0.0, 0.0) if pocket.datum is not None else free_turn_deg(pocket.crystal, pocket.hole)
        length = None if pocket.datum is None else pocket.datum.length_mm
        sigma = np.nan_to_num(np.asarray(one.sigma_deg, dtype=np.float64))
        found.append(PlannedCrystal(pocket.name, mass.get(pocket.name, 1.0), left, sigma, free, clearance_mm, length))
    return found


def planned_rods(
    grooves: Sequence[Groove],
    corrections: Mapping[str, Correction],
    mass: Mapping[str, float],
    wedge_deg: float = WEDGE_DEG,
) -> list[PlannedCrystal]:
    """Return what the forecast needs of each rod in its groove.

    Parameters
    ----------
    grooves : of all plates; they take up the turn about the rod's axis, and leave its tilt out of the plate
    corrections, mass : by name; a crystal without a mass counts 1
    wedge_deg : standard error of how flat each rod's face lay in its glue, about the rod's axis, while it was scanned:
        the groove holds the face, and a scan sees the lattice alone
    """
    found = []
    for groove in grooves:
        one = corrections[groove.name]
        angle = np.radians(groove.axis_deg)
        across = np.array([-np.sin(angle), np.cos(angle), 0.0])
        left = -(one.tilt_x_deg * across[0] + one.tilt_y_deg * across[1]) * across
        rim = groove_rim(groove)
        rod = groove_rim(replace(groove, clearance_mm=0.0))
        scanned = np.nan_to_num(np.asarray(one.sigma_deg, dtype=np.float64))
        sigma = np.hypot(scanned, wedge_deg * np.abs([np.cos(angle), np.sin(angle), 0.0]))
        turn, weight = free_turn_deg(rod, rim), mass.get(groove.name, 1.0)
        found.append(PlannedCrystal(groove.name, weight, left, sigma, turn, groove.clearance_mm))
    return found


def forecast(
    crystals: Sequence[PlannedCrystal],
    errors: PlacingErrors | None = None,
    draws: int = 1000,
    seed: int = 0,
    told: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> Forecast:
    """Draw the mosaic of a layout many times.

    Parameters
    ----------
    crystals : see ``planned_crystals``
    errors : of placing
    draws : how many
    seed : of the draws
    told : hears how many draws of how many are done

    Returns
    -------
    Forecast

    Raises
    ------
    ValueError : no crystals

    Notes
    -----
    In each draw the size of every error is drawn first, then the error of every crystal: indexing and glue normal, play
    even between the ends of the free turn, datum edges by slope and roughness. X-rays see tens of micrometres of a
    crystal: this is the mosaic of the surfaces.
    """
    if not crystals:
        raise ValueError("the layout places no crystal; pack some first")
    errors, rng = errors or PlacingErrors(), np.random.default_rng(seed)
    mass = np.array([each.mass for each in crystals])
    mosaics = []
    for k in range(draws):
        mosaics.append(mosaic_of(draw_misalignment(crystals, errors, rng), mass))
        told(k + 1, draws)
    widths = np.array([each.fwhm_deg for each in mosaics])
    shares = np.array([[m.within_in_plane, m.within_out_of_plane, m.within] for m in mosaics])
    part = np.mean([each.part for each in mosaics], axis=0)
    first = np.argsort(-part)[: max(5, int(np.sum(part > 2.0 / len(crystals))))]
    return Forecast(
        {axis: _interval(widths[:, k]) for k, axis in enumerate("xyz")},
        {name: _interval(shares[:, k]) for k, name in enumerate(("in plane", "out of plane", "together"))},
        tuple((crystals[k].name, float(part[k])) for k in first),
        draws,
    )


def draw_misalignment(
    crystals: Sequence[PlannedCrystal], errors: PlacingErrors, rng: np.random.Generator
) -> Float64Array:
    """Return the misalignments (n, 3) of one draw, degrees."""
    n = len(crystals)
    size = np.exp(errors.size_spread * rng.standard_normal(4))
    found = np.array([each.left_deg for each in crystals])
    found = found + np.array([each.sigma_deg for each in crystals]) * rng.standard_normal((n, 3))
    tilt = np.hypot(size[0] * errors.floor_deg, size[1] * errors.glue_deg)
    found[:, :2] += tilt * rng.standard_normal((n, 2))
    found[:, 2] += in_plane_turns(crystals, errors, float(size[2]), float(size[3]), rng)
    return found


def in_plane_turns(
    crystals: Sequence[PlannedCrystal],
    errors: PlacingErrors,
    play_size: float,
    edge_size: float,
    rng: np.random.Generator,
) -> Float64Array:
    """Return how each crystal turns in its pocket, (n,) degrees: against its datum edge, or anywhere between walls."""
    n = len(crystals)
    even, normal, wider = rng.uniform(size=n), rng.standard_normal(n), rng.standard_normal(n)
    length = np.array([np.inf if each.datum_mm is None else each.datum_mm for each in crystals])
    pushed = edge_size * edge_turn_deg(length, errors) * normal
    free = np.array([each.free_deg for each in crystals])
    gap = np.array([max(each.clearance_mm, 1e-6) for each in crystals])
    scale = np.maximum(play_size * (1.0 + errors.pocket_mm * wider / gap), 0.0)
    loose = scale * (free[:, 0] + even * (free[:, 1] - free[:, 0]))
    return np.where(np.isfinite(length), pushed, loose)


def _interval(values: Float64Array) -> Interval:
    low, median, high = np.quantile(values, QUANTILES)
    return Interval(float(median), float(low), float(high))

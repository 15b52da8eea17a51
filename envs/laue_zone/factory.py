"""Builds LaueZone environments from what a user names."""

from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from typing import Literal

from beamgym.envs.laue_align import rules
from beamgym.envs.laue_zone.charted_task import ChartedTask
from beamgym.envs.laue_zone.task import LaueZoneTask, ZoneContext
from beamgym.physics.instrument import BoolArray, Float64Array
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.zone import PUBLISHED, AxisChoice, SimulatedZone

OBSERVATIONS = ("image", "zones")
SMALLEST_EDGE_PX = 36  # pixels; fewer than that and neighbouring spots are one


@dataclass(frozen=True)
class LaueZoneOptions:
    """Everything that ``gym.make("beamgym/LaueZone-v0", ...)`` takes.

    Parameters
    ----------
    system : "cubic", "tetragonal", "hexagonal", "trigonal", "orthorhombic", "monoclinic" or "triclinic"
    axes : "principal" (the axes of highest order count, as published) or "all"
    level : "published", "easy", "real", "hard", a level's file (.yaml) or Imperfections
    tolerance_deg : angle between beam and axis at which a pose counts as success, 0.02 to 20
    max_rotation_deg : step of each axis of a full action, degrees
    moves : budget; the exposure of reset comes on top
    reward : "dense" or "sparse"
    stop : "truth" (as published) or "declare"
    size : edge of the image observation, pixels
    observation : "image", or "zones": a list of the strongest zones that all frames so far show
    flat : observe one array in place of a Dict: its numbers by the order of their keys, or the picture alone
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    """

    system: str = "cubic"
    axes: AxisChoice = "principal"
    level: str | PathLike[str] | Imperfections = PUBLISHED
    tolerance_deg: float = 5.0
    max_rotation_deg: float = 10.0
    moves: int = 50
    reward: Literal["dense", "sparse"] = "dense"
    stop: Literal["truth", "declare"] = "truth"
    size: int = 84
    observation: Literal["image", "zones"] = "image"
    flat: bool = False
    history: int = 1


def build(options: LaueZoneOptions, n: int, version: int = 0) -> tuple[LaueZoneTask, SimulatedZone]:
    """Make the task and a world of n samples, whose starts lie outside the tolerance, by the rules of a version."""
    if not (isinstance(options.size, int) and options.size >= SMALLEST_EDGE_PX):
        raise ValueError(f"size is {options.size}; the image needs {SMALLEST_EDGE_PX} pixels or more on its edge")
    if options.observation not in OBSERVATIONS:
        raise ValueError(f"LaueZone has no observation {options.observation!r}; choose {' or '.join(OBSERVATIONS)}")
    world = SimulatedZone(options.system, n, options.level, options.size)
    public = world.context
    context = ZoneContext(
        public.system,
        public.goniometer,
        public.detector,
        options.axes,
        options.tolerance_deg,
        options.max_rotation_deg,
        options.moves,
    )
    world.start_filter, ruled = partial(_outside, context), rules(version)
    of = ChartedTask if options.observation == "zones" else LaueZoneTask
    return of(context, replace(ruled.reward, kind=options.reward), options.stop, ruled), world


def _outside(context: ZoneContext, starts: Float64Array, cells: Float64Array) -> BoolArray:
    """Return (m,) which orientations lie outside the tolerance; no closure, so that a world can be pickled."""
    outside: BoolArray = context.error_deg(starts, cells) > context.tolerance_deg
    return outside

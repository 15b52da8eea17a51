"""Builds PlateScan environments from what a user names."""

from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

from beamgym.envs.plate_scan.by_index import IndexedPlates, IndexReads
from beamgym.envs.plate_scan.context import EXPOSURE_S, ScanContext, ScanReward
from beamgym.envs.plate_scan.model_world import SPOTS, ModelPlates, pitch_mm
from beamgym.envs.plate_scan.readings import as_brought
from beamgym.envs.plate_scan.task import PlateScanTask
from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.mosaic.habit import HABITS
from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld, stage_axes

MOST_CRYSTALS = 400


@dataclass(frozen=True)
class PlateScanOptions:
    """Everything that ``gym.make("beamgym/PlateScan-v0", ...)`` takes.

    Parameters
    ----------
    material : one of ``envs.plate_scan.SPOTS``; with frames="spots" or "rendered" any crystal's name, or a CIF file
    crystals : on the plate, 1 to 400
    level : "easy", "real", "hard", a level's file (.yaml) or Imperfections
    beam_time_s : budget, the first exposure included
    frames : "model" draws what indexing gives, "spots" draws spots and indexes them, "rendered" draws images
    action : "nearest" or "anywhere"
    reward : "dense" or "rate"
    price : of an hour of beam, in plates
    wrong : weight of mass that is believed wrongly against mass that is known
    observation : "all", or "present": without the table of every crystal
    flat : observe one array in place of a Dict: its numbers by the order of their keys
    history : last observations that are shown together, with the actions between them; 1 for the present one alone
    """

    material: str = "FePS3"
    crystals: int = 24
    level: str | PathLike[str] | Imperfections = "real"
    beam_time_s: float = 1200.0
    frames: Literal["model", "spots", "rendered"] = "model"
    action: Literal["nearest", "anywhere"] = "nearest"
    reward: Literal["dense", "rate"] = "dense"
    price: float = 1.0
    wrong: float = 1.0
    observation: Literal["all", "present"] = "all"
    flat: bool = False
    history: int = 1


def build(options: PlateScanOptions, n: int) -> tuple[PlateScanTask, Any]:
    """Make the task and a world of n plates; raises ValueError for options that cannot be."""
    if not (isinstance(options.crystals, int) and 1 <= options.crystals <= MOST_CRYSTALS):
        raise ValueError(f"crystals is {options.crystals}; choose 1 to {MOST_CRYSTALS}")
    if options.observation not in ("all", "present"):
        raise ValueError(f"PlateScan has no observation {options.observation!r}; choose all or present")
    if options.frames not in ("model", "spots", "rendered"):
        raise ValueError(f"unknown frames {options.frames!r}; choose 'model', 'spots' or 'rendered'")
    reward, table = ScanReward(options.reward, options.price, options.wrong), options.observation == "all"
    if options.frames == "model":
        if options.material not in SPOTS:
            raise ValueError(
                f"nobody has counted the spots of {options.material!r}; choose one of {', '.join(SPOTS)}, or make the "
                "environment with frames='spots'"
            )
        half = 0.5 * (options.crystals**0.5 + 1.0) * pitch_mm(HABITS[options.material])
        context = _context(options, stage_axes((half, half)))
        return PlateScanTask(context, reward, as_brought, table), ModelPlates(context, n, options.level)
    world = PlateWorld(
        options.material, PlateOptions(options.crystals, upside_down=0.0), n, options.level, options.frames
    )
    context = _context(options, world.axes, world.context)
    return PlateScanTask(context, reward, IndexReads(world.context), table), IndexedPlates(context, world)


def _context(options: PlateScanOptions, stage: Any, optics: Any = None) -> ScanContext:
    return ScanContext(
        optics.crystal.name if optics is not None else options.material,
        options.crystals,
        stage,
        EXPOSURE_S,
        beam_time_s=options.beam_time_s,
        action=options.action,
        optics=optics,
    )


def task_over(context: ScanContext, size: int = 0, parts: Any = ()) -> PlateScanTask:
    """Return the task over a real instrument, whose frames are indexed one by one.

    Parameters
    ----------
    context : as the instrument file gives it, with outlines and optics
    size : not used: no image is observed
    parts : names of what a policy observes

    Raises
    ------
    ValueError : nothing says how frames are to be read
    """
    if context.optics is None:
        raise ValueError("this context names no material, camera and beam, so that no frame can be indexed")
    if not context.outlines:
        raise ValueError(
            "the outlines of this plate are not known here; scan it with `beamgym mosaic scan FOLDER -i FILE`"
        )
    return PlateScanTask(context, ScanReward(), IndexReads(context.optics), not parts or "table" in parts)

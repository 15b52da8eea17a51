"""What the sub-commands share: the material, camera and simulated world that a project's plate.json states."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beamgym.physics.arrays import Float64Array
from beamgym.physics.mosaic.habit import HABITS, Habit, rod_along
from beamgym.physics.mosaic.plate import PlateContext, PlateOptions, PlateWorld
from beamgym.physics.mosaic.project import PlateFile, Project
from beamgym.physics.mosaic.records import Correction


def habit_of_plate(plate: PlateFile) -> Habit:
    """Return the habit that plate.json states; sizes and twin law are those of the material where it is known."""
    from dataclasses import replace

    from beamgym.physics.goniometer import direction

    known = HABITS.get(plate.material)
    along = direction(plate.habit_direction)
    if known is not None and known.kind == plate.habit:
        return replace(known, along=along)
    # The sizes are those that ``plan`` draws with: a plate that is drawn anew must be the same.
    return rod_along(along) if plate.habit == "rod" else Habit("flake", along, source="plate.json")


def check_camera(project: Project) -> None:
    """Raise ValueError where frames of a real plate would be read with the camera of simulated ones."""
    if project.plate.simulation is None and project.plate.camera.file is None:
        raise ValueError(
            "plate.json names no camera, and frames cannot be read without its geometry; set camera.file to a geometry "
            "file: PONI, LaueTools' .det, NeXus, or this project's .json"
        )


def context_of_plate(project: Project) -> PlateContext:
    """Return what is publicly known of a plate's instrument; raises ValueError where a file is missing or wrong."""
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.laue.beam import Beam
    from beamgym.physics.laue.detector import Detector
    from beamgym.physics.laue.files import load_detector

    plate = project.plate
    here = project.path / plate.material
    crystal = load_crystal(here if here.is_file() else plate.material)
    file = plate.camera.file
    if file is None:
        detector = Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
    else:
        beside = project.path / file
        if not beside.exists() and not Path(file).exists():
            raise ValueError(
                f"plate.json names the camera {file}, which lies neither in {project.path} nor here; put it there, or "
                f"write it with `beamgym camera back-reflection ... --out {beside}`"
            )
        detector = load_detector(beside if beside.exists() else Path(file))
    return PlateContext(crystal, habit_of_plate(plate), detector, Beam.tube("W"), plate.camera.beam_mm)


def target_of_plate(project: Project, context: PlateContext) -> Float64Array:
    """Return the orientation (3, 3) that all crystals are to have, in the front's frame, on whatever face they lie.

    Raises
    ------
    ValueError : directions that are parallel
    """
    from beamgym.physics.mosaic.corrections import MosaicTarget

    wanted = project.plate.target
    return MosaicTarget.of(wanted.normal, wanted.along, wanted.along_axis).orientation(context.crystal)


def on_back(project: Project, context: PlateContext, corrections: Sequence[Correction]) -> list[Correction]:
    """Return the same crystals' corrections for backs, as seen from behind; none where only fronts are used."""
    from beamgym.physics.mosaic.corrections import corrections_on_back, rotations_of_habit
    from beamgym.physics.mosaic.scan import Reader

    if not project.plate.holder.both_faces:
        return []
    seen = Reader(context.crystal, context.beam, context.detector).rotations
    same = rotations_of_habit(context.crystal, context.habit, seen)
    return corrections_on_back(corrections, target_of_plate(project, context), same)


def world_of_plate(project: Project, context: PlateContext, frames: Any = "spots") -> PlateWorld:
    """Return the simulated plate of a project, drawn as ``plan`` drew it.

    Raises
    ------
    ValueError : the plate is a real one
    """
    drawn = project.plate.simulation
    if drawn is None:
        raise ValueError(
            f"{project.path / 'plate.json'} describes a real plate: give the scan of it with --table FILE.csv, "
            "or let your instrument run it (docs/mosaic.md)"
        )
    many = len(project.outlines(all_of_them=True))
    return PlateWorld.drawn(
        context.crystal,
        drawn.seed,
        PlateOptions(many),
        level=drawn.level,
        frames=frames,
        habit=context.habit,
        beam=context.beam,
        detector=context.detector,
        beam_mm=context.beam_mm,
    )

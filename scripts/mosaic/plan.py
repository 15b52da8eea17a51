"""`beamgym mosaic plan`: begins a project, and says how long its scan will take."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from beamgym.physics.mosaic.project import Project


def plan_command(
    folder: Annotated[Path, typer.Argument(help="The project folder; made where it is not there.")],
    material: Annotated[str | None, typer.Option(help="Of a new project: a crystal's name, or a CIF file.")] = None,
    outlines: Annotated[Path | None, typer.Option(help="Of a new project: outlines as CSV, DXF or SVG.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Draw a plate instead of reading outlines.")] = False,
    crystals: Annotated[int, typer.Option(help="Of a simulated plate: how many.")] = 60,
    seed: Annotated[int, typer.Option(help="Of a simulated plate.")] = 0,
    level: Annotated[str, typer.Option(help="Of a simulated plate: easy, real or hard.")] = "real",
    rods: Annotated[
        str | None, typer.Option(help="The crystals are rods along this direction, e.g. '[0 0 1]'.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What people call the plate; the folder's name if left out.")] = None,
    places: Annotated[int, typer.Option(help="Places that the beam visits in each crystal, at most.")] = 3,
) -> None:
    """Begin a project from outlines or a simulated plate, and say where the beam will go and how long it takes."""
    from beamgym.physics.mosaic.project import Project

    if not (folder / "plate.json").exists():
        if material is None:
            raise ValueError(f"{folder} is no project yet; give --material, and --outlines FILE.csv or --simulate")
        _begin(folder, material, outlines, simulate, crystals, seed, level, rods, name or folder.name)
    elif outlines is not None or simulate or material is not None:
        raise ValueError(f"{folder} holds a project already; leave --material, --outlines and --simulate out")
    _say(Project(folder), places)


def _begin(
    folder: Path,
    material: str,
    outlines: Path | None,
    simulate: bool,
    crystals: int,
    seed: int,
    level: str,
    rods: str | None,
    name: str,
) -> None:
    from beamgym.physics.crystal import load_crystal
    from beamgym.physics.mosaic.habit import habit_of, rod_along
    from beamgym.physics.mosaic.outlines import read_drawing
    from beamgym.physics.mosaic.plate import PlateOptions, PlateWorld
    from beamgym.physics.mosaic.project import PlateFile, Project, SimulationSection, plate_identity

    if (outlines is None) == (not simulate):
        raise ValueError("give either --outlines FILE, or --simulate for a plate that exists in the computer only")
    crystal = load_crystal(material)
    habit = habit_of(crystal) if rods is None else rod_along(rods)
    if simulate:
        found = list(PlateWorld.drawn(crystal, seed, PlateOptions(crystals), level=level, habit=habit).outlines())
    else:
        assert outlines is not None
        found = read_drawing(outlines)
    plate = PlateFile(
        plate_id=plate_identity(name, found),
        name=name,
        material=_kept_material(folder, material, crystal.name),
        habit=habit.kind,
        habit_direction=str(habit.along),
        simulation=SimulationSection(seed=seed, level=level) if simulate else None,
    )
    Project.begin(folder, plate, found)


def _kept_material(folder: Path, material: str, name: str) -> str:
    """Return the material as plate.json names it; a CIF file is copied beside it."""
    import shutil

    if not Path(material).is_file():
        return name
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / Path(material).name
    if not kept.exists():
        shutil.copyfile(material, kept)
    return kept.name


def _say(project: "Project", places: int) -> None:
    import numpy as np

    from beamgym.physics.mosaic.scan import places_in, short_route

    plate, used = project.plate, project.outlines()
    order = short_route(np.array([one.centre_mm for one in used]))
    visits, narrow = [], []
    for number in order:
        found, fits = places_in(used[number], plate.camera.beam_mm, places)
        visits.append(found)
        if not fits:
            narrow.append(used[number].name)
    way = np.concatenate(visits)
    length = float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())
    exposures = plate.camera.exposure_s * len(way)
    typer.echo(f"plate {plate.name} ({plate.plate_id}): {len(used)} crystals of {plate.material}")
    typer.echo(f"{len(way)} places, {length:.0f} mm of way, {exposures / 60:.0f} min of beam without second looks")
    if narrow:
        typer.echo(f"the beam of {plate.camera.beam_mm:g} mm fits nowhere into {', '.join(narrow)}")

"""`beamgym mosaic scan`: scans the simulated plate of a project, or takes the scan that somebody else made."""

from pathlib import Path
from typing import Annotated, Any

import typer


def scan_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    table: Annotated[
        Path | None,
        typer.Option(help="A scan made elsewhere: CSV with file, x_mm, y_mm and, if known, exposure_s."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Where that scan's files are; beside the table if left out.")
    ] = None,
    rendered: Annotated[bool, typer.Option("--rendered", help="Simulate images and search them for spots.")] = False,
    places: Annotated[int, typer.Option(help="Places that the beam visits in each crystal, at most.")] = 3,
) -> None:
    """Visit every crystal, index its patterns and write scan.json; a scan that was stopped goes on where it was."""
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.parts import context_of_plate

    project = Project(folder)
    context = context_of_plate(project)
    own = table is None
    scan = _own(project, context, rendered, places) if own else _foreign(project, context, table, images)
    project.write_scan(scan.crystals)
    _say(scan)


def _own(project: Any, context: Any, rendered: bool, places: int) -> Any:
    from tqdm import tqdm

    from beamgym.physics.mosaic.scan import FrameStore, ScanSettings, scan_plate
    from beamgym.scripts.mosaic.parts import world_of_plate

    used = project.outlines()
    world = world_of_plate(project, context, "rendered" if rendered else "spots")
    (project.path / "scan").mkdir(exist_ok=True)
    store = FrameStore(project.path / "scan" / "frames.h5", project.plate.plate_id)
    settings = ScanSettings(exposure_s=project.plate.camera.exposure_s, places=places)
    with tqdm(total=len(used), unit="crystal", desc="scan") as bar:

        def told(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        return scan_plate(world, used, settings, store, told, context)


def _foreign(project: Any, context: Any, table: Any, images: Path | None) -> Any:
    from tqdm import tqdm

    from beamgym.physics.mosaic.scan import analysed, read_foreign

    used = project.outlines()
    with tqdm(unit="file", desc="read") as bar:

        def told(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        found = read_foreign(table, used, images, exposure_s=project.plate.camera.exposure_s, progress=told)
    if found.outside:
        typer.echo(f"in no outline: {', '.join(found.outside)}")
    if found.unvisited:
        typer.echo(f"without a frame: {', '.join(found.unvisited)}")
    return analysed(found.frames, used, context)


def _say(scan: Any) -> None:
    from collections import Counter

    for verdict, count in Counter(one.verdict for one in scan.crystals).most_common():
        names = (
            ""
            if verdict == "indexed"
            else f": {', '.join(one.name for one in scan.crystals if one.verdict == verdict)}"
        )
        typer.echo(f"{count:4d} {verdict}{names}")
    typer.echo(
        f"standard error of an orientation {scan.noise_deg:.3f}°, {scan.instrument_s / 60:.0f} min at the instrument"
    )

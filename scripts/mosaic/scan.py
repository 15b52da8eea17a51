"""`beamgym mosaic scan`: scans a plate, simulated or on an instrument, or takes the scan that somebody else made."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    instrument: Annotated[
        str | None,
        typer.Option("--instrument", "-i", help="An instrument file of kind mosaic, or a shipped one's name."),
    ] = None,
    confirm: Annotated[
        str, typer.Option(help="On an instrument: ask before 'every' move, the 'first', or 'never'.")
    ] = ("first"),
    yes: Annotated[
        bool, typer.Option("--yes", help="Answer yes to everything; on a simulated instrument only.")
    ] = False,
) -> None:
    """Visit every crystal, index its patterns and write scan.json; a scan that was stopped goes on where it was."""
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.parts import context_of_plate

    project = Project(folder)
    context = context_of_plate(project)
    if instrument is not None and (table is not None or rendered):
        raise ValueError("--instrument takes frames of its own; leave --table and --rendered out")
    if instrument is not None:
        scan = _guarded(project, instrument, places, confirm, yes)
    elif table is None:
        scan = _own(project, context, rendered, places)
    else:
        scan = _foreign(project, context, table, images)
    project.write_scan(scan.crystals)
    _say(scan)


def _own(project: Any, context: Any, rendered: bool, places: int) -> Any:
    from beamgym.physics.mosaic.scan import scan_plate
    from beamgym.scripts.mosaic.parts import world_of_plate

    world = world_of_plate(project, context, "rendered" if rendered else "spots")
    used, settings, store = _scanned(project, places)
    with _bar(len(used)) as told:
        return scan_plate(world, used, settings, store, told, context)


def _guarded(project: Any, instrument: str, places: int, confirm: str, yes: bool) -> Any:
    from beamgym.hardware_bridge.deployment import Deployment, Options, StopButton
    from beamgym.hardware_bridge.plates import ScanPlan, scan_over
    from beamgym.scripts.deploying.terminal import Terminal, say_from_handler

    options = Options(confirm=confirm, yes=yes, out=project.path / "out")
    used, settings, store = _scanned(project, places)
    button = StopButton(say_from_handler)
    deployment = Deployment(ScanPlan(), instrument, options, Terminal(), button)
    if deployment.file.kind != ScanPlan.kind:
        raise ValueError(f"{instrument} is of kind {deployment.file.kind}; a plate is scanned on one of kind mosaic")
    own = deployment.file.experiment.material
    if own != project.plate.material:
        raise ValueError(f"{instrument} names the material {own}, the project {project.plate.material}; correct one")
    with button, _bar(len(used)) as told:
        return scan_over(deployment, used, settings, store, told)


def _scanned(project: Any, places: int) -> tuple[Any, Any, Any]:
    """Return the outlines that are visited, how, and where frames are kept."""
    from beamgym.physics.mosaic.scan import FrameStore, ScanSettings

    (project.path / "scan").mkdir(exist_ok=True)
    store = FrameStore(project.path / "scan" / "frames.h5", project.plate.plate_id)
    return project.outlines(), ScanSettings(exposure_s=project.plate.camera.exposure_s, places=places), store


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int, int], None]]:
    """Yield what is told of every crystal that is done, and draws a progress bar."""
    from tqdm import tqdm

    with tqdm(total=total, unit="crystal", desc="scan") as bar:

        def told(done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.refresh()

        yield told


def _foreign(project: Any, context: Any, table: Any, images: Path | None) -> Any:
    from tqdm import tqdm

    from beamgym.physics.mosaic.scan import analysed, read_foreign
    from beamgym.scripts.mosaic.parts import check_camera

    check_camera(project)
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
    # A scan that somebody else made does not say how long it took.
    took = f", {scan.instrument_s / 60:.0f} min at the instrument" if scan.instrument_s else ""
    typer.echo(f"standard error of an orientation {scan.noise_deg:.3f}°{took}")

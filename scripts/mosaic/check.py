"""`beamgym mosaic check`: a second scan, of the placed crystals, against the plan."""

from pathlib import Path
from typing import Annotated, Any

import typer


def check_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    table: Annotated[
        Path | None, typer.Option(help="The second scan: CSV with file, x_mm, y_mm, in the holder's frame.")
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Where its files are; beside the table if left out.")] = None,
    plate: Annotated[str, typer.Option(help="Which plate the table is of, as it is engraved.")] = "FRONT 1",
    seed: Annotated[int, typer.Option(help="Of a simulated plate: how it is placed.", min=0)] = 0,
    anew_deg: Annotated[float, typer.Option(help="Misalignment beyond which a crystal is placed anew.")] = 1.5,
) -> None:
    """Scan the placed crystals, compare them with plan and forecast, and write check.csv and a second layout."""
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.planned import plan_of

    project = Project(folder)
    plan = plan_of(project)
    if table is not None:
        scanned = _foreign(plan, table, images, plate)
    elif project.plate.simulation is not None:
        scanned = placed_and_scanned(plan, seed)
    else:
        raise ValueError(f"{folder} is a real plate: give its second scan with --table FILE.csv")
    found = checked(plan, scanned, anew_deg)
    for line in lines_of(plan, found):
        typer.echo(line)


def placed_and_scanned(plan: Any, seed: int, told: Any = None) -> list[Any]:
    """Place a simulated plate's crystals with errors of hidden size, and scan each plate again.

    Parameters
    ----------
    plan : see ``plan_of``
    seed : of the errors, their sizes and the second scan
    told : hears how many crystals of how many are scanned; a progress bar where it is not given

    Returns
    -------
    one ScannedCrystal for each placed crystal, in the front's frame
    """
    import numpy as np
    from tqdm import tqdm

    from beamgym.physics.counter_rng import make_keys
    from beamgym.physics.mosaic.forecast import HiddenErrors, placed_crystals, placed_misalignment
    from beamgym.physics.mosaic.plate import PlateWorld
    from beamgym.physics.mosaic.records import is_back
    from beamgym.physics.mosaic.scan import scan_plate
    from beamgym.scripts.mosaic.parts import world_of_plate
    from beamgym.scripts.mosaic.planned import FROM_BEHIND, seen_from_front

    world = world_of_plate(plan.project, plan.context)
    off = placed_misalignment(plan.crystals, HiddenErrors.drawn(seed), seed)
    context, level = plan.context, plan.project.plate.simulation.level
    scanned: list[Any] = []
    with tqdm(total=len(plan.layout), unit="crystal", desc="second scan", disable=told is not None) as bar:

        def heard(done: int, _: int) -> None:
            bar.n = len(scanned) + done
            bar.refresh()
            if told is not None:
                told(len(scanned) + done, len(plan.layout))

        for number in sorted({each.plate for each in plan.layout}):
            own = [k for k, each in enumerate(plan.layout) if each.plate == number]
            placements = [plan.layout[k] for k in own]
            back = is_back(number, plan.project.plate.holder.both_faces)
            wrong = off[own] * FROM_BEHIND if back else off[own]
            lying = placed_crystals(world.plate(), placements, wrong, plan.designed_deg[own])
            again = PlateWorld.of(
                lying,
                context.crystal,
                level=level,
                habit=context.habit,
                beam=context.beam,
                detector=context.detector,
                beam_mm=context.beam_mm,
            )
            again.reset(np.atleast_1d(make_keys(seed, 1 + number)), np.ones(1, dtype=np.bool_))
            found = scan_plate(again, _outlines(plan, number), progress=heard, context=context).crystals
            scanned += [seen_from_front(each) if back else each for each in found]
    return scanned


def checked(plan: Any, scanned: list[Any], anew_deg: float) -> Any:
    """Compare, and write check.csv, check.json and the second holder's tables; return the PlateCheck."""
    import numpy as np

    from beamgym.physics.files import write_json
    from beamgym.physics.mosaic.forecast import PlacingErrors, check_plate, edge_turn_deg, second_corrections
    from beamgym.physics.mosaic.project import Column

    project = plan.project
    found = check_plate(scanned, plan.target, plan.rotations, plan.mass_mg, anew_deg)
    columns = (
        Column("name", "text"),
        Column("verdict", "text"),
        *(Column(f"off_{axis}_deg", empty=True) for axis in "xyz"),
        Column("anew", "yes"),
        Column("why", "text", empty=True),
    )
    rows = [
        {"name": e.name, "verdict": e.verdict, "anew": e.anew, "why": e.why}
        | {f"off_{axis}_deg": float(v) for axis, v in zip("xyz", e.off_deg, strict=True)}
        for e in found.crystals
    ]
    project.write_table("check.csv", columns, rows)
    errors = PlacingErrors()
    length = float(np.median([each.datum_mm or np.inf for each in plan.crystals]))
    play = [(high - low) / np.sqrt(12.0) for low, high in (each.free_deg for each in plan.crystals)]
    in_plane = float(edge_turn_deg(length, errors)) if np.isfinite(length) else float(np.median(play))
    tilt = float(np.hypot(errors.floor_deg, errors.glue_deg))
    first = list(plan.corrections.values())
    second = second_corrections(first, found, [tilt, tilt, in_plane], plan.behind)
    turned = {a.name: b.turn_deg - a.turn_deg for a, b in zip(first, second, strict=True)}
    project.write_second(second, [_turned(each, turned.get(each.name, 0.0)) for each in plan.layout])
    write_json(project.path / "check.json", _content(plan, found))
    return found


def lines_of(plan: Any, found: Any) -> list[str]:
    """Return what is said of a check, beside the forecast where there is one."""
    import json

    file = plan.project.path / "forecast.json"
    told = json.loads(file.read_text("utf-8")) if file.exists() else {}
    name = "with datum edges" if plan.project.plate.holder.datum_edges else "without datum edges"
    lines = [f"mean orientation off by {' '.join(f'{v:+.2f}' for v in found.mean_deg)}° about x, y, z"]
    if found.mosaic is not None:
        for k, axis in enumerate("xyz"):
            line = f"FWHM about {axis}: measured {found.mosaic.fwhm_deg[k]:.2f}°"
            if name in told:
                each = told[name]["fwhm_deg"][axis]
                line += f", forecast {each['median']:.2f}° ({each['low']:.2f}–{each['high']:.2f}°)"
            lines.append(line)
        m = found.mosaic
        lines.append(
            f"mass within 1°: {m.within_in_plane:.0%} in plane, {m.within_out_of_plane:.0%} out of plane, "
            f"{m.within:.0%} together"
        )
    anew = [each for each in found.crystals if each.anew]
    lines += [f"place anew: {each.name}, {each.why}" for each in anew]
    lines.append(f"{len(anew)} of {len(found.crystals)} crystals to be placed anew; a second holder: --second")
    return lines


def _content(plan: Any, found: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"format": "beamgym mosaic check", "version": 1}
    content |= {"plate_id": plan.project.plate.plate_id, "mosaic": "surface", "mean_deg": found.mean_deg.tolist()}
    for name, mosaic in (("all", found.mosaic), ("without those to be placed anew", found.without)):
        if mosaic is not None:
            content[name] = {
                "fwhm_deg": dict(zip("xyz", mosaic.fwhm_deg.tolist(), strict=True)),
                "within_1_deg": {
                    "in plane": mosaic.within_in_plane,
                    "out of plane": mosaic.within_out_of_plane,
                    "together": mosaic.within,
                },
            }
    return content


def _turned(placement: Any, by_deg: float) -> Any:
    from dataclasses import replace

    return replace(placement, turn_deg=(placement.turn_deg + by_deg) % 360.0)


def _outlines(plan: Any, number: int) -> list[Any]:
    """Return the outlines of one plate as they are to lie."""
    from dataclasses import replace

    import numpy as np

    from beamgym.physics.mosaic.packing import placed_outline

    known = {each.name: each for each in plan.project.outlines()}
    found = []
    for each in plan.layout:
        if each.plate == number:
            shape = placed_outline(known[each.name], each)
            found.append(replace(known[each.name], polygon_mm=np.asarray(shape.exterior.coords)[:-1]))
    return found


def _foreign(plan: Any, table: Path, images: Path | None, title: str) -> list[Any]:
    from beamgym.physics.mosaic.records import is_back, plate_of_title
    from beamgym.physics.mosaic.scan import analysed, read_foreign
    from beamgym.scripts.mosaic.parts import check_camera
    from beamgym.scripts.mosaic.planned import seen_from_front

    check_camera(plan.project)
    both = plan.project.plate.holder.both_faces
    number = plate_of_title(title, both)
    lying = _outlines(plan, number)
    if not lying:
        raise ValueError(f"--plate {title}: the layout has no such plate")
    found = read_foreign(table, lying, images, exposure_s=plan.project.plate.camera.exposure_s)
    crystals = analysed(found.frames, lying, plan.context).crystals
    return [seen_from_front(each) if is_back(number, both) else each for each in crystals]

"""`beamgym mosaic forecast`: how wide the mosaic will be, before anything is printed."""

from pathlib import Path
from typing import Annotated, Any

import typer


def forecast_command(
    folder: Annotated[Path, typer.Argument(help="The project folder.")],
    draws: Annotated[int, typer.Option(help="How many mosaics are drawn.", min=20)] = 1000,
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    pocket_mm: Annotated[float, typer.Option(help="How much wider or narrower a pocket comes out.")] = 0.03,
    edge_slope_deg: Annotated[float, typer.Option(help="Angle of a printed datum edge.")] = 0.1,
    edge_roughness_mm: Annotated[float, typer.Option(help="Roughness along a datum edge.")] = 0.015,
    floor_deg: Annotated[float, typer.Option(help="Angle of a floor, about each axis.")] = 0.1,
    glue_deg: Annotated[float, typer.Option(help="Wedge of glue under a crystal, about each axis.")] = 0.25,
) -> None:
    """Draw the surface mosaic of the layout many times, and say how wide it will be and which crystals widen it."""
    from beamgym.physics.files import write_json
    from beamgym.physics.mosaic.forecast import PlacingErrors, forecast
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.planned import plan_of
    from beamgym.scripts.mosaic.shown import counted

    project = Project(folder)
    errors = PlacingErrors(pocket_mm, edge_slope_deg, edge_roughness_mm, floor_deg, glue_deg)
    own = project.plate.holder.datum_edges
    content: dict[str, Any] = {"format": "beamgym mosaic forecast", "version": 1, "plate_id": project.plate.plate_id}
    content |= {"errors": vars(errors), "seed": seed, "datum_edges": own, "mosaic": "surface"}
    for datum in (own, not own):
        name = "with datum edges" if datum else "without datum edges"
        with counted(f"forecast {name}", "draw") as told_done:
            found = forecast(plan_of(project, datum_edges=datum).crystals, errors, draws, seed, told_done)
        content[name] = told = as_content(found)
        typer.echo(f"{name}{'' if datum == own else ' (for comparison)'}:")
        for line in lines_of(told):
            typer.echo(f"  {line}")
    write_json(folder / "forecast.json", content)


def as_content(found: Any) -> dict[str, Any]:
    """Return a forecast as plain content."""
    return {
        "fwhm_deg": {axis: vars(interval) for axis, interval in found.fwhm_deg.items()},
        "within_1_deg": {name: vars(interval) for name, interval in found.within.items()},
        "dominating": [{"name": name, "part": part} for name, part in found.dominating],
        "draws": found.draws,
    }


def lines_of(told: dict[str, Any]) -> list[str]:
    """Return what is said of a forecast."""
    lines = [
        f"FWHM about {axis}: {each['median']:.2f}° ({each['low']:.2f}–{each['high']:.2f}°)"
        for axis, each in told["fwhm_deg"].items()
    ]
    lines += [
        f"mass within 1° {name}: {each['median']:.0%} ({each['low']:.0%}–{each['high']:.0%})"
        for name, each in told["within_1_deg"].items()
    ]
    most = ", ".join(f"{each['name']} ({each['part']:.0%})" for each in told["dominating"][:5])
    return [*lines, f"widest by {most}"]

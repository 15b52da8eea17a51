"""`beamgym mosaic demo`: a simulated plate from its scan to the second scan of its holder, in one go."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer


def demo_command(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")] = Path("out/mosaic"),
    material: Annotated[str, typer.Option(help="A crystal that grows as flakes.")] = "FePS3",
    crystals: Annotated[int, typer.Option(help="On the plate.", min=4)] = 60,
    seed: Annotated[int, typer.Option(help="Of plate, packing and placing.", min=0)] = 0,
    level: Annotated[str, typer.Option(help="Of the camera: easy, real or hard.")] = "real",
) -> None:
    """Simulate a plate, scan it, correct and pack its crystals, write the holder, place them with play, scan again."""
    begun = time.perf_counter()
    found = chain(folder, material, crystals, seed, level, typer.echo)
    typer.echo(f"story: {found['story']}")
    typer.echo(", ".join(f"{step} {seconds:.0f} s" for step, seconds in found["seconds"].items()))
    typer.echo(f"all of it took {time.perf_counter() - begun:.0f} s; nothing of this has seen a real crystal")


def chain(folder: Path, material: str, crystals: int, seed: int, level: str, say: Any) -> dict[str, Any]:
    """Do all steps in a new project folder.

    Returns
    -------
    "seconds" by step, "check" (PlateCheck), "story" (the picture's path), "plan" (of the holder)

    Raises
    ------
    ValueError : the folder holds a project
    """
    from beamgym.physics.mosaic.project import Project
    from beamgym.scripts.mosaic.check import checked, placed_and_scanned
    from beamgym.scripts.mosaic.check import lines_of as lines_of_check
    from beamgym.scripts.mosaic.planned import plan_of
    from beamgym.scripts.mosaic.shown.story import draw_story

    step = _Steps(say)
    _to_the_holder(step, folder, material, crystals, seed, level)
    plan = plan_of(Project(folder))
    told = _forecast(step, plan, seed)
    scanned = step("second scan", lambda: placed_and_scanned(plan, seed))
    found = step("check", lambda: checked(plan, scanned, 1.5))
    for line in lines_of_check(plan, found):
        say(line)
    story = folder / "story.png"
    step("picture", lambda: draw_story(plan, scanned, found, told, story))
    return {"seconds": step.seconds, "check": found, "story": story, "plan": plan}


class _Steps:
    """Does one step after the other, names each, and keeps how long it took, seconds."""

    def __init__(self, say: Any) -> None:
        self.say = say
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Any) -> Any:
        self.say(f"— {name}")
        begun = time.perf_counter()
        result = work()
        self.seconds[name] = round(time.perf_counter() - begun, 1)
        return result


def _to_the_holder(step: _Steps, folder: Path, material: str, crystals: int, seed: int, level: str) -> None:
    """Do what a person does with a real plate before anything is placed."""
    from beamgym.scripts.mosaic.correct import correct_command
    from beamgym.scripts.mosaic.holder import holder_command
    from beamgym.scripts.mosaic.pack import pack_command
    from beamgym.scripts.mosaic.plan import plan_command
    from beamgym.scripts.mosaic.scan import scan_command

    drawn: dict[str, Any] = {"simulate": True, "crystals": crystals, "seed": seed, "level": level}
    step("plan", lambda: plan_command(folder, material=material, **drawn))
    step("scan", lambda: scan_command(folder))
    step("correct", lambda: correct_command(folder))
    step("pack", lambda: pack_command(folder, objective="smallest plate", seconds=10.0, tries=2, seed=seed))
    step("holder", lambda: holder_command(folder))


def _forecast(step: _Steps, plan: Any, seed: int) -> dict[str, Any]:
    """Forecast the mosaic, write forecast.json, and say what it says."""
    from beamgym.physics.files import write_json
    from beamgym.physics.mosaic.forecast import forecast
    from beamgym.scripts.mosaic.forecast import as_content, lines_of
    from beamgym.scripts.mosaic.shown import counted

    with counted("forecast", "draw") as heard:
        told: dict[str, Any] = step("forecast", lambda: as_content(forecast(plan.crystals, seed=seed, told=heard)))
    plate = plan.project.plate
    name = "with datum edges" if plate.holder.datum_edges else "without datum edges"
    content = {"format": "beamgym mosaic forecast", "version": 1, "plate_id": plate.plate_id, name: told}
    write_json(plan.project.path / "forecast.json", content)
    for line in lines_of(told):
        step.say(line)
    return told

"""What `beamgym fit-level` prints."""

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE
from rich.table import Table

from beamgym.physics.laue.imperfections import Imperfections
from beamgym.physics.laue.level_fit import Estimate, LevelFit


def estimates_table(estimates: Mapping[str, Estimate], known: Imperfections | None) -> Table:
    """Return the numbers with their intervals, and beside them the true ones where they are known."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    headings = ("", "fitted", "95 % from", "to", *(() if known is None else ("true", "within")))
    for heading in headings:
        table.add_column(heading, justify="right" if heading not in ("", "within") else "left", no_wrap=True)
    for name, one in estimates.items():
        cells = [f"{value:.4g}" for value in (one.value, one.low, one.high)]
        if known is not None:
            cells += [f"{getattr(known, name):g}", "yes" if one.holds(getattr(known, name)) else "no"]
        table.add_row(name, *cells)
    return table


def trials_table(fits: Sequence[LevelFit], known: Imperfections) -> Table:
    """Return, for each number, what many fits found of it and how many intervals hold it."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("", "true", "median", "lowest", "highest", "within"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name in fits[0].estimates:
        true, found = getattr(known, name), sorted(fit.estimates[name].value for fit in fits)
        held = sum(fit.estimates[name].holds(true) for fit in fits)
        cells = [f"{value:.4g}" for value in (true, found[len(found) // 2], found[0], found[-1])]
        table.add_row(name, *cells, f"{held} of {len(fits)}")
    return table


def notes(fit: LevelFit) -> list[str]:
    """Return what the numbers rest on, and what to do about a camera that stands elsewhere."""
    lines = [f"{fit.runs} runs, {fit.frames} frames, {fit.spots} spots of the crystal"]
    lines += [f"run {number + 1} is left out: {why}" for number, why in fit.left_out.items()]
    if fit.follows == "readback":
        lines.append("the axes stand where they read, not where they were sent: no noise of their readings is seen")
    if fit.one_instrument:
        lines.append("camera and axes are the same in all runs; the camera stands against the instrument file's:")
        lines += [f"  {name}: {mean:+.3f} ± {deviation:.3f}" for name, (mean, deviation) in fit.camera.items()]
    else:
        lines.append("camera and axes are each run's own: they were touched in between, or a simulation drew them anew")
    return lines

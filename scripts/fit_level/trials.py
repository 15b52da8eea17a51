"""The fit tried on simulated instruments whose hidden numbers are known."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from beamgym.envs.kinds import kind_named
from beamgym.envs.make import build
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.files import write_json
from beamgym.physics.laue.imperfections import imperfections
from beamgym.physics.laue.level_fit import LevelFit, fit_level, random_targets, simulated_runs
from beamgym.physics.laue.simulator import LaueContext
from beamgym.scripts.fit_level.recorded import LAUE, figures
from beamgym.scripts.fit_level.tables import trials_table

RUNS, FRAMES, EXPOSURE_S = 20, 4, 10.0
"""Of each trial: 80 frames are an afternoon at an instrument."""


def try_fits(level: str, trials: int, seed: int, json_file: Path | None) -> None:
    """Fit the runs of simulated instruments of a level, and print how often the intervals hold its numbers."""
    known, task = imperfections(level), build(kind_named(LAUE), 1, {})[0].context
    context = LaueContext(task.crystal, task.goniometer, task.detector, task.beam)
    fits, console = list[LevelFit](), Console(highlight=False)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for number in progress.track(range(trials), description="fits"):
            own = int(make_keys(seed, number)) % 2**31
            runs = simulated_runs(context, known, random_targets(context, RUNS, FRAMES, own), EXPOSURE_S, own)
            fits.append(fit_level(context, runs, seed=own + 1))
    console.print(trials_table(fits, known))
    held = [one.holds(getattr(known, name)) for fit in fits for name, one in fit.estimates.items()]
    console.print(
        f"level {level}: {sum(held)} of {len(held)} intervals hold the true number; {RUNS} runs of {FRAMES} frames"
    )
    if json_file is not None:
        write_json(json_file, {"level": level, "fits": [figures(fit, known) for fit in fits]})

"""The options of `beamgym benchmark`, with a line of help each."""

from pathlib import Path
from typing import Annotated

import typer

from beamgym.scripts.benchmarking.suites import SUITES

What = Annotated[str, typer.Argument(help=f"Environment, e.g. beamgym/LaueAlign-v0; or {', '.join(SUITES)}.")]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        help="A baseline, 'shipped', a bundle's directory, or module:Class for your own; repeats. Default: all. "
        "With arpes-scorer, the bundle of another scorer, beside the usual ones; with a laue suite, "
        "a policy beside the usual ones; with denoise, another network's bundle."
    ),
]
Episodes = Annotated[int, typer.Option(help="Episodes per policy; of laue-levels and laue-image 500, of others 200.")]
Seed = Annotated[int, typer.Option(help="Which set of benchmark episodes, spectra or pictures.")]
Level = Annotated[
    str,
    typer.Option(
        help="Difficulty: easy, real, hard, harsh or dim, or a level's file; see docs/fit_level.md. Of laue-levels, "
        "the only rows to play: real, hard, two-arc, camera or zero-errors; of laue-image: real, hard, sizes, crystals "
        "or rendered; of laue-zone: published or real; of laue-crystals hard if left out."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures here.")]
Frames = Annotated[str | None, typer.Option(help="'spots' (fast) or 'rendered' (images and peak finder).")]
Stage = Annotated[str | None, typer.Option(help="Preset or YAML file.")]
BeamName = Annotated[
    str | None,
    typer.Option(
        help="Name of a beam, such as tube-W; neutron without --detector plays both neutron cameras with six crystals."
    ),
]
Camera = Annotated[str | None, typer.Option(help="Name, or a file: .det, .fit, .poni or .json.")]
Sample = Annotated[str | None, typer.Option(help="Name or CIF file; of laue-crystals, this one alone.")]
Goal = Annotated[str | None, typer.Option(help="E.g. 'pose [001] [110]' or 'axis [001] x'.")]
Tolerance = Annotated[float | None, typer.Option(help="Error at which a declared pose is a success.")]
Action = Annotated[str | None, typer.Option(help="'rotation' or 'axes'.")]
Stop = Annotated[str | None, typer.Option(help="'declare' or 'truth'.")]
Curves = Annotated[
    Path | None,
    typer.Option(
        "--curves",
        help="Draw success against what was spent into this PNG, PDF or SVG file; of arpes-gap, errors and coverage.",
    ),
]
Logdir = Annotated[
    Path | None,
    typer.Option(help="Write the figures for TensorBoard here; of learn, the trainings, which go on from there."),
]
Spectra = Annotated[
    int | None, typer.Option(help="Spectra that arpes-scorer judges, 5000 if left out; of each set of arpes-gap, 80.")
]
Source = Annotated[
    str | None,
    typer.Option(help="Whose spectra those are: 'published', 'aurelia', or 'strange' to see what is flagged."),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        help="Of arpes-measured: FILE[:CLUSTERS[:SUBSTRATE]] of a measured map; repeats. Default: the shared one."
    ),
]
Rungs = Annotated[list[str] | None, typer.Argument(help="Of learn: rungs, as --part names them.", metavar="[RUNG]...")]
Part = Annotated[
    list[str] | None,
    typer.Option(
        help="Of index: cameras, false-peaks, crystals or grains; of engine: overhead, nodes, model; of learn: rungs; "
        "of mosaic: materials, or loop; of arpes-gap: superconducting, cdw, hard or off; repeats. Default: all."
    ),
]
Crystals = Annotated[int | None, typer.Option(help="Crystals on each plate of mosaic; 150 if left out.")]
Pictures = Annotated[
    int | None,
    typer.Option(
        help="Pictures of index's cameras, the rest in proportion; 300. Of denoise, frames that are judged; 24."
    ),
]
Scene = Annotated[str | None, typer.Option(help="Of denoise: laue, diffraction, sans or arpes.")]
Ladders = Annotated[
    bool,
    typer.Option("--ladders", help="Judge arpes-scorer by whether totals fall when spectra are made worse."),
]
Page = Annotated[Path | None, typer.Option(help="Write the page of a laue suite or of learn here.")]
Workers = Annotated[
    int | None,
    typer.Option(help="Processes that work beside this one; of index and learn 1. The figures do not depend on it."),
]
Rows = Annotated[
    Path | None,
    typer.Option("--rows", help="Keep what is finished in this folder; the same command goes on from there."),
]

"""`beamgym study`: the published ARPES study, repeated on a simulated surface and on a measured cut."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.physics.files import write_json
from beamgym.scripts.command_line import check_output, run

if TYPE_CHECKING:
    from beamgym.agents.study import LadderResult

DATA = "BEAMGYM_DATA"
"""Environment variable that names the folder of measured data."""


def study_command(
    seed: Annotated[int, typer.Option(help="Of the surface, and of the ladders' noise.")] = 0,
    places: Annotated[int, typer.Option(help="Places along each edge of the scan, 8 to 64.")] = 32,
    dwell_s: Annotated[float, typer.Option(help="Counting time at each place, seconds.")] = 2.0,
    maps: Annotated[bool, typer.Option(help="Scan and score a surface.")] = True,
    ladders: Annotated[bool, typer.Option(help="Degrade the measured Bi2Se3 cut.")] = True,
    draws: Annotated[int, typer.Option(help="Noise draws on each rung of a ladder.", min=1)] = 8,
    data: Annotated[Path | None, typer.Option(help=f"Folder of measured data; {DATA} if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the pictures; made where it is missing.")] = Path("out"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Score a scanned Bi2Se3 surface by CNN and benchmark score, and a measured cut made worse step by step."""
    check_output(json_file)
    if not (maps or ladders):
        raise ValueError("there is nothing to do without maps and ladders; leave out --no-maps or --no-ladders")
    folder = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if not maps and not _has_cut(folder):
        raise ValueError(f"the ladders need the measured cut; name its folder by --data or {DATA}")
    if out.exists() and not out.is_dir():
        raise ValueError(f"cannot write into {out}: it is a file; give a folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    console, notes = Console(), Console(stderr=True)
    report: dict[str, Any] = {"seed": seed, "maps": None, "ladders": None}
    if maps:
        with notes.status(f"scanning {places} x {places} places"):
            report["maps"] = _maps(seed, places, dwell_s, out / "arpes_study.png", console)
    if ladders:
        with notes.status("degrading the measured cut"):
            report["ladders"] = _ladders(folder, seed, draws, out / "arpes_ladders.png", console)
    if json_file is not None:
        write_json(json_file, report)


def _maps(seed: int, places: int, dwell_s: float, picture: Path, console: Console) -> dict[str, Any]:
    from beamgym.agents.study import best_true_points, marked_places, rank_correlations, scan_surface, write_study

    scan = scan_surface(seed, places, dwell_s)
    ranks, best, marked = rank_correlations(scan), best_true_points(scan), marked_places(scan)
    write_study(picture, scan, marked, ranks)
    table = Table(title=f"surface {seed}, {places} x {places} places, {dwell_s:g} s each", box=SIMPLE)
    for heading in ("map", "Spearman with the truth", "true points of its best place"):
        table.add_column(heading, justify="left" if heading == "map" else "right")
    for name in ("cnn", "bms", "electrons"):
        table.add_row(name, f"{ranks[f'{name}_truth']:.3f}", f"{best[name]:.2f} of {best['truth']:.2f}")
    console.print(table)
    console.print(f"CNN and BMS: {ranks['cnn_bms']:.3f}; wrote {picture}", highlight=False, soft_wrap=True)
    spectra = {
        place.letter: {
            "why": place.why,
            "x_mm": float(scan.centres_mm[place.column]),
            "y_mm": float(scan.centres_mm[place.row]),
            "electrons": float(scan.electrons[place.row, place.column]),
            "truth": float(scan.truth[place.row, place.column]),
            "cnn": float(scan.cnn[place.row, place.column]),
            "bms": float(scan.bms[place.row, place.column]),
        }
        for place in marked
    }
    return {
        "places": places,
        "dwell_s": dwell_s,
        "on_sample": int(scan.on_sample.sum()),
        "bms_fitted": scan.fitted,
        "spearman": ranks,
        "true_points_of_best": best,
        "spectra": spectra,
        "picture": str(picture),
    }


def _has_cut(folder: Path | None) -> bool:
    from beamgym.agents.study import CUT_FILE

    return folder is not None and (folder / CUT_FILE).is_file()


def _ladders(folder: Path | None, seed: int, draws: int, picture: Path, console: Console) -> dict[str, Any] | None:
    from beamgym.agents.study import BAR, CUT_FILE, FAR, LADDERS, load_cut, run_ladder, write_ladders

    if folder is None or not _has_cut(folder):
        console.print(f"ladders skipped: no {CUT_FILE} in {folder or DATA + ', which is not set'}", highlight=False)
        return None
    cut = load_cut(folder)
    results = {name: run_ladder(name, cut, draws, seed) for name in LADDERS}
    write_ladders(picture, results)
    table = Table(title=f"the measured Bi2Se3 cut, {draws} noise draws a rung; asked for: {BAR}", box=SIMPLE)
    for heading in ("ladder", "rungs", "total", "component", "single draws", "novelty"):
        table.add_column(heading, justify="left" if heading == "ladder" else "right")
    content: dict[str, Any] = {}
    for name, found in results.items():
        reacts = found.ladder.reacts
        content[name] = _figures(found)
        if name in FAR:
            content[name]["far"] = _figures(run_ladder(name, cut, draws, seed, FAR[name]))
        table.add_row(
            found.ladder.name,
            f"{found.rungs[0]:g} to {found.rungs[-1]:g} {found.ladder.unit}",
            f"{found.spearman('total'):.3f}",
            f"{reacts} {found.spearman(reacts):.3f}",
            f"{found.spearman_of_draws('total'):.3f}",
            f"{found.ood.min():.2f}–{found.ood.max():.2f}",
        )
    console.print(table)
    console.print(
        "positive: the score does what it should (falls with blur and background, rises with electrons)", style="dim"
    )
    for name, rungs in FAR.items():
        far = content[name]["far"]
        line = f"{name} carried on to {rungs[-1]:g}: total {far['spearman_total']:.3f}"
        console.print(f"{line}, {far['component']} {far['spearman_component']:.3f}", highlight=False)
    console.print(f"wrote {picture}", highlight=False, markup=False, soft_wrap=True)
    return content


def _figures(found: "LadderResult") -> dict[str, Any]:
    reacts = found.ladder.reacts
    return {
        "rungs": found.rungs.tolist(),
        "unit": found.ladder.unit,
        "scores": dict(zip(("S", "B", "N", "total"), found.mean.T.tolist(), strict=True)),
        "component": reacts,
        "spearman_total": found.spearman("total"),
        "spearman_component": found.spearman(reacts),
        "spearman_total_draws": found.spearman_of_draws("total"),
        "novelty": found.ood.tolist(),
    }


if __name__ == "__main__":
    run(study_command)

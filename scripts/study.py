"""`beamgym study`: the published ARPES study, repeated on simulated surfaces and beside measured cuts."""

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
    from beamgym.agents.study import Scan
    from beamgym.physics.arpes.score import BmsSettings

DATA = "BEAMGYM_DATA"
"""Environment variable that names the folder of measured data."""

_SHOWN = 5  # settings of the grid


def study_command(
    seed: Annotated[int, typer.Option(help="Of the first surface, and of the ladders' noise.")] = 0,
    surfaces: Annotated[int, typer.Option(help="Surfaces, of seeds one after the other.", min=1)] = 5,
    places: Annotated[int, typer.Option(help="Places along each edge of the scan, 8 to 64.")] = 32,
    dwell_s: Annotated[float, typer.Option(help="Counting time at each place, seconds.")] = 2.0,
    both_signs: Annotated[bool, typer.Option(help="Shift spectra both ways, not down alone.")] = False,
    maps: Annotated[bool, typer.Option(help="Scan and score surfaces.")] = True,
    ladders: Annotated[bool, typer.Option(help="Make the measured cuts worse step by step.")] = True,
    tune: Annotated[bool, typer.Option(help="First print which settings of the benchmark score do best.")] = False,
    draws: Annotated[int, typer.Option(help="Noise draws on each rung of a ladder.", min=1)] = 8,
    data: Annotated[Path | None, typer.Option(help=f"Folder of measured data; {DATA} if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the picture; made where it is missing.")] = Path("out"),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures here.")] = None,
) -> None:
    """Score scanned Bi2Se3 surfaces by networks and benchmark scores, and measured cuts made worse step by step."""
    check_output(json_file)
    if not (maps or ladders or tune):
        raise ValueError("there is nothing to do; leave out --no-maps or --no-ladders, or ask for --tune")
    folder = data or (Path(os.environ[DATA]) if os.environ.get(DATA) else None)
    if ladders and not maps and not _has_cuts(folder):
        raise ValueError(f"the ladders need measured cuts; name their folder by --data or {DATA}")
    if maps and out.exists() and not out.is_dir():
        raise ValueError(f"cannot write into {out}: it is a file; give a folder with --out")
    console, notes = Console(), Console(stderr=True)
    report: dict[str, Any] = {"seed": seed, "tuned": None, "maps": None, "ladders": None}
    if tune:
        with notes.status("trying settings of the benchmark score"):
            report["tuned"] = _tune(console)
    if maps:
        out.mkdir(parents=True, exist_ok=True)
        with notes.status(f"scanning {surfaces} surfaces, {places} x {places} places"):
            report["maps"] = _maps((seed, surfaces, places, dwell_s, not both_signs), out / "arpes_study.png", console)
    if ladders:
        with notes.status("making measured cuts worse"):
            report["ladders"] = _ladders(folder, seed, draws, console)
    if json_file is not None:
        write_json(json_file, report)


def _tune(console: Console) -> list[dict[str, Any]]:
    from beamgym.agents.study import tune_bms

    found = tune_bms()
    every = [one for one in found if one.settings.criterion is None]
    table = Table(title=f"benchmark score on ten surfaces of tuning, {len(found)} settings", box=SIMPLE)
    for heading in ("windows, threshold, criterion", "mean Spearman", "believed"):
        table.add_column(heading, justify="left" if heading.startswith("windows") else "right")
    for one in (*found[:_SHOWN], every[0]):
        table.add_row(_said(one.settings), f"{one.spearman:.3f}", f"{one.believed:.0%}")
    console.print(table)
    return [
        {"settings": _said(one.settings), "spearman": one.spearman, "believed": one.believed}
        for one in (*found[:_SHOWN], every[0])
    ]


def _said(settings: "BmsSettings") -> str:
    windows = f"{settings.window_ev[0]:g} to {settings.window_ev[1]:g} eV, " + (
        f"{settings.slit_window_deg[0]:g} to {settings.slit_window_deg[1]:g}°, "
    )
    signal = f"signal from {settings.threshold:g} means up, "
    if settings.criterion is None:
        return f"{windows}{signal}every fit believed"
    bars = f"R² ≥ {settings.criterion.least_r2:g}, height ≥ {settings.criterion.least_significance:g} σ"
    if settings.criterion.most_chi2 < float("inf"):
        bars += f", χ² ≤ {settings.criterion.most_chi2:g}"
    return f"{windows}{signal}{bars}, else {'no score' if settings.drop_rejected else 'no sharpness'}"


def _maps(asked: tuple[int, int, int, float, bool], picture: Path, console: Console) -> dict[str, Any]:
    from beamgym.agents.study import (
        BMS,
        NAMES,
        best_true_points,
        marked_places,
        median_with_interval,
        rank_correlations,
        scan_surface,
        write_study,
    )

    seed, surfaces, places, dwell_s, one_sign = asked
    each, spectra = list[dict[str, Any]](), dict[str, Any]()
    for number in range(surfaces):
        scan = scan_surface(seed + number, places, dwell_s, one_sign=one_sign)
        ranks = rank_correlations(scan)
        if not number:
            marked = marked_places(scan)
            write_study(picture, scan, marked, ranks)
            spectra = {place.letter: _place(scan, place.why, place.row, place.column) for place in marked}
        each.append(
            {
                "seed": seed + number,
                "on_sample": int(scan.on_sample.sum()),
                "spearman": ranks,
                "true_points_of_best": best_true_points(scan),
                "believed": dict(scan.believed),
            }
        )
    table = Table(
        title=f"{surfaces} surfaces from seed {seed}, {places} x {places} places, {dwell_s:g} s each; median (95 %)",
        box=SIMPLE,
    )
    for heading in ("map", "Spearman with the truth", "each surface", "true points of its best place", "believed"):
        table.add_column(heading, justify="left" if heading == "map" else "right")
    summary: dict[str, Any] = {}
    for name, called in (*NAMES.items(), ("truth", "the truth itself")):
        rho = [1.0 if name == "truth" else one["spearman"][name] for one in each]
        points = [one["true_points_of_best"][name] for one in each]
        found = {"spearman": median_with_interval(rho), "true_points_of_best": median_with_interval(points)}
        believed = [one["believed"][name] for one in each] if name in BMS else None
        share = "" if believed is None else f"{median_with_interval(believed)[0]:.0%}"
        summary[name] = found
        singles = "" if name == "truth" else " ".join(f"{value:.2f}" for value in rho)
        table.add_row(called, _cell(found["spearman"], 3), singles, _cell(found["true_points_of_best"], 2), share)
    console.print(table)
    for name, settings in BMS.items():
        console.print(f"{NAMES[name]}: {_said(settings)}", highlight=False, soft_wrap=True)
    console.print(f"wrote {picture}", highlight=False, markup=False, soft_wrap=True)
    return {
        "places": places,
        "dwell_s": dwell_s,
        "one_sign": one_sign,
        "surfaces": each,
        "summary": summary,
        "spectra": spectra,
        "picture": str(picture),
    }


def _cell(found: tuple[float, float | None, float | None], digits: int) -> str:
    middle, low, high = found
    if low is None or high is None:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _place(scan: "Scan", why: str, row: int, column: int) -> dict[str, Any]:
    return {
        "why": why,
        "x_mm": float(scan.centres_mm[column]),
        "y_mm": float(scan.centres_mm[row]),
        "truth": float(scan.truth[row, column]),
        **{name: float(values[row, column]) for name, values in scan.maps.items()},
    }


def _has_cuts(folder: Path | None) -> bool:
    return folder is not None and any((folder / "arpes").glob("*_cut.npz"))


def _ladders(folder: Path | None, seed: int, draws: int, console: Console) -> dict[str, Any] | None:
    from beamgym.envs.arpes_spot import composed_scorer, shipped_scorer
    from beamgym.scripts.scorer.ladders import measured_ladders

    if folder is None or not _has_cuts(folder):
        where = f"{folder}" if folder else f"{DATA}, which is not set"
        console.print(f"ladders skipped: no arpes/*_cut.npz in {where}", highlight=False, markup=False)
        return None
    scorers = {"composed": composed_scorer("v2", mirrored=True), "earlier": shipped_scorer("v2", mirrored=True)}
    near = measured_ladders(scorers, console, folder, draws, seed)
    return {"rungs": near, "carried on": measured_ladders(scorers, console, folder, draws, seed, far=True)}


if __name__ == "__main__":
    run(study_command)

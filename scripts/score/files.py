"""Files one by one: loaded, scored, printed, drawn and written; those that fail are told in a line and left out."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from beamgym.agents.measured import (
    SpectrumVerdict,
    best_sites,
    figures_without_angles,
    highest_sites,
    score_measured,
    sites_of_files,
    write_sites,
)
from beamgym.physics.arpes.load import SUFFIXES, LoadWords, MeasuredSpectra, load
from beamgym.physics.messages import one_line
from beamgym.scripts.score.text import (
    figures_lines,
    file_numbers,
    map_lines,
    score_words,
    verdict_lines,
    verdict_numbers,
)

if TYPE_CHECKING:
    from beamgym.envs.arpes_spot import ComposedScorer, QualityScorer


@dataclass
class Scoring:
    """What is asked for, and what has been found so far.

    Parameters
    ----------
    words : what the files do not say
    scorer : who scores
    out : folder of tables and pictures; None writes none for single cuts, and into "out" for maps
    best : how many best sites are named
    reports : of every file, for JSON
    ranked : (total, file) of single cuts
    """

    words: LoadWords
    scorer: "ComposedScorer | QualityScorer"
    out: Path | None
    best: int
    reports: list[dict[str, Any]] = field(default_factory=list)
    singles: list[SpectrumVerdict] = field(default_factory=list)


def files_of(paths: list[Path]) -> list[Path]:
    """Return the files named, and those of known kinds in the folders named.

    Raises
    ------
    ValueError : a folder without any
    """
    found: list[Path] = []
    for path in paths:
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise ValueError(f"{path} holds no file of a known kind ({', '.join(SUFFIXES)})")
        found += inside
    return found


def score_file(path: Path, scoring: Scoring) -> None:
    """Score one file, print it, and write its map where it has one; raises as ``load`` and ``score_measured``."""
    measured = load(path, scoring.words)
    if measured.slit_deg is None:
        _without_angles(path, measured, scoring)
    else:
        verdict = score_measured(measured, scoring.scorer)
        (_single if len(measured.counts) == 1 else _map)(path, verdict, scoring)


def score_files(paths: list[Path], scoring: Scoring, name: str = "files") -> int:
    """Score files; one that fails is told on stderr and counted, where there are several; ``name`` is their table's."""
    failed = 0
    for path in paths:
        try:
            score_file(path, scoring)
        except (ValueError, OSError) as error:
            if len(paths) == 1:
                raise
            failed += 1
            typer.echo(f"{path}: {one_line(error)}", err=True)
            scoring.reports.append({"file": str(path), "error": one_line(error)})
    if len(scoring.singles) > 1:
        _ranking(scoring, name)
    return failed


def _single(path: Path, verdict: SpectrumVerdict, scoring: Scoring) -> None:
    typer.echo("\n".join(verdict_lines(verdict, scoring.scorer.definition)))
    scoring.singles.append(verdict)
    report = {**file_numbers(verdict.measured), **_window(verdict), **verdict_numbers(verdict, 0)}
    scoring.reports.append({**report, "path": str(path)})
    if scoring.out is not None:
        from beamgym.agents.measured import write_spectrum

        picture = _stem(path, scoring).with_suffix(".png")
        write_spectrum(picture, verdict)
        typer.echo(f"  wrote {picture}")


def _map(path: Path, verdict: SpectrumVerdict, scoring: Scoring) -> None:
    from beamgym.agents.measured import write_map

    best = best_sites(verdict, scoring.best)
    typer.echo("\n".join(map_lines(verdict, best, scoring.scorer.definition)))
    columns = {name: verdict.scores[:, i] for i, name in enumerate(verdict.components)}
    columns |= {f"{name}_error": verdict.uncertainty[:, i] for i, name in enumerate(verdict.components)}
    columns |= {"electrons": verdict.electrons, "ood": verdict.ood, "bandless": verdict.bandless.astype(np.float64)}
    stem = _stem(path, scoring)
    write_sites(stem, dict(verdict.measured.sites), columns, verdict.measured.shape)
    drawn = {name: columns[name] for name in ("total", *verdict.components[:2], "electrons")}
    write_map(stem.with_suffix(".png"), verdict.measured, drawn, best, verdict)
    typer.echo(f"  wrote {stem}.csv, .npz and .png")
    sites = [verdict_numbers(verdict, row) for row in best]
    report = {**file_numbers(verdict.measured), **_window(verdict), "doubts": list(verdict.doubts), "best": sites}
    scoring.reports.append({**report, "path": str(path), "table": f"{stem}.csv"})


def _without_angles(path: Path, measured: MeasuredSpectra, scoring: Scoring) -> None:
    from beamgym.agents.measured import write_map

    columns = figures_without_angles(measured).columns()
    by = columns.get("line_over_median", columns["electrons"])
    brightest = highest_sites(measured, by, scoring.best) if len(measured.counts) > 1 else []
    typer.echo("\n".join(figures_lines(measured, columns, brightest)))
    report = {**file_numbers(measured), "path": str(path), "total": None, "why": "no angles"}
    if len(measured.counts) > 1:
        stem = _stem(path, scoring)
        write_sites(stem, dict(measured.sites), columns, measured.shape)
        write_map(stem.with_suffix(".png"), measured, columns, brightest)
        typer.echo(f"  wrote {stem}.csv, .npz and .png")
        report["table"] = f"{stem}.csv"
    scoring.reports.append(report)


def _ranking(scoring: Scoring, name: str) -> None:
    """Print single cuts, the best first, and write their table, and a map where the files hold coordinates."""
    cuts = scoring.singles
    order = sorted(cuts, key=lambda verdict: (verdict.known(0) == "no", -verdict.total[0]))
    typer.echo("best first, flagged last:")
    sites = sites_of_files(cuts)
    for number, verdict in enumerate(order, start=1):
        place = "".join(f", {key} {values[cuts.index(verdict)]:.6g}" for key, values in sites.items())
        typer.echo(f"  {number}. {verdict.measured.name}{place}: {score_words(verdict, 0)}, {verdict.known(0)}")
    names = cuts[0].components
    columns = {key: np.array([verdict.scores[0, i] for verdict in cuts]) for i, key in enumerate(names)}
    columns |= {f"{key}_error": np.array([v.uncertainty[0, i] for v in cuts]) for i, key in enumerate(names)}
    columns |= {"electrons": np.array([v.electrons[0] for v in cuts]), "ood": np.array([v.ood[0] for v in cuts])}
    stem = _stem(Path(name), scoring)
    files = np.array([verdict.measured.name for verdict in cuts])
    write_sites(stem, {"spectrum": files, **sites}, columns, ())
    if sites:
        from beamgym.agents.measured import write_map

        marked = [cuts.index(verdict) for verdict in order[: scoring.best] if verdict.known(0) != "no"]
        placed = replace(cuts[0].measured, sites=sites, shape=(len(cuts),))
        drawn = {key: columns[key] for key in ("total", *names[:2], "electrons")}
        write_map(stem.with_suffix(".png"), placed, drawn, marked)
    typer.echo(f"  wrote {stem}.csv and .npz" + (", and the map .png" if sites else ""))


def _window(verdict: SpectrumVerdict) -> dict[str, Any]:
    window = verdict.window
    return {
        "window_eV": list(window.energy_ev),
        "window_deg": list(window.slit_deg),
        "window_notes": [*window.lacks, *window.notes],
    }


def _stem(path: Path, scoring: Scoring) -> Path:
    folder = scoring.out or Path("out")
    folder.mkdir(parents=True, exist_ok=True)
    dataset = "" if scoring.words.dataset is None else "_" + "".join(c for c in scoring.words.dataset if c.isalnum())
    return folder / f"{path.stem}{dataset}_score"

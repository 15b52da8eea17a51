"""`beamgym benchmark arpes-scorer --ladders`: whether totals fall when spectra are made worse."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.scripts.scorer.progress import progress_bar

FEWEST = 10
DATA = "BEAMGYM_DATA"
Scorers = dict[str, Any]


def run_ladders(spectra: int, seed: int, console: Console, scorers: Scorers) -> dict[str, Any]:
    """Climb simulated ladders of ``spectra`` spectra of each source, and those of the measured cuts where they are.

    Parameters
    ----------
    spectra : of each source, at least 10
    seed : which of them
    console : where the tables go
    scorers : by name

    Returns
    -------
    "simulated": figures by scorer, source and kind of ladder ("all": every kind together); "coverage": shares of the
    truth within the stated intervals, by scorer that states any, source and component; "measured": by scorer, cut and
    kind

    Raises
    ------
    ValueError : too few spectra
    """
    if spectra < FEWEST:
        raise ValueError(f"spectra is {spectra}; ladders and their intervals need at least {FEWEST}")
    simulated = _simulated(spectra, seed, scorers, console)
    inside = _covered(spectra, seed, scorers, console)
    measured = measured_ladders(scorers, console)
    return {"spectra": spectra, "seed": seed, "simulated": simulated, "coverage": inside, "measured": measured}


def _simulated(spectra: int, seed: int, scorers: Scorers, console: Console) -> dict[str, Any]:
    from beamgym.agents.composed import LADDER_SOURCES, LADDERS, figures, judge_ladders

    totals = {name: _total(scorer) for name, scorer in scorers.items()}
    found: dict[str, Any] = {name: {} for name in scorers}
    with progress_bar() as progress:
        bar = progress.add_task("ladders", total=len(LADDER_SOURCES) * len(LADDERS) * -(-spectra // 50))
        for source in LADDER_SOURCES:
            for name, kinds in judge_ladders(totals, source, spectra, seed, lambda n: progress.advance(bar, n)).items():
                every = {"all": np.concatenate(list(kinds.values())), **kinds}
                found[name][source] = {kind: figures(rho) for kind, rho in every.items()}
    for source in LADDER_SOURCES:
        out = Table(title=f"ladders of {spectra} spectra, {source}, seed {seed}", box=SIMPLE)
        for heading in ("scorer", "ladder", "that count", "mean Spearman", "backwards", "5th percentile"):
            out.add_column(heading, justify="left" if heading in ("scorer", "ladder") else "right")
        for name, sources in found.items():
            for kind, row in sources[source].items():
                out.add_row(name, kind, str(row["ladders"]), *_cells(row))
            out.add_section()
        console.print(out)
    return found


def _covered(spectra: int, seed: int, scorers: Scorers, console: Console) -> dict[str, Any]:
    from beamgym.agents.composed import LADDER_SOURCES, covered

    found: dict[str, Any] = {}
    out = Table(title=f"truth within the stated 68 % and 95 % intervals, {spectra} spectra of each", box=SIMPLE)
    for heading in ("scorer", "spectra", "S", "B", "total"):
        out.add_column(heading, justify="left" if heading in ("scorer", "spectra") else "right")
    for name, scorer in scorers.items():
        sources = {source: covered(scorer.quality, source, spectra, seed) for source in LADDER_SOURCES}
        if not all(sources.values()):
            continue
        found[name] = sources
        for source, parts in sources.items():
            out.add_row(name, source, *("/".join(f"{share:.0%}" for share in part.values()) for part in parts.values()))
    console.print(out)
    return found


def measured_ladders(
    scorers: Scorers, console: Console, folder: Path | None = None, draws: int = 8, seed: int = 0, far: bool = False
) -> dict[str, Any]:
    """Make the measured cuts worse step by step and print how the scorers' totals follow.

    Parameters
    ----------
    scorers : by name
    console : where the table goes
    folder : of measured data; that of BEAMGYM_DATA where none is given
    draws, seed : of the noise on each rung
    far : whether to carry ladders on as far as ``FAR`` does, instead

    Returns
    -------
    by scorer, cut and kind of ladder: "spearman", "first" and "last" total; "flagged" of each cut; empty without cuts
    """
    from beamgym.agents.composed import FAR, LADDERS, judge_cut, load_cuts

    try:
        cuts = load_cuts(folder or Path(os.environ.get(DATA, "../shared/data")))
    except FileNotFoundError as error:
        console.print(f"no measured ladders: {error}", style="dim", highlight=False)
        return {}
    ladders = FAR if far else LADDERS
    name_of = {kind: f"{kind}\nto {steps[-1]:g}" if far else kind for kind, steps in ladders.items()}
    carried = ", carried on" if far else ""
    out = Table(title=f"measured cuts{carried}, mean of {draws} draws a rung", box=SIMPLE)
    for heading in ("scorer", "cut", *name_of.values(), "flagged"):
        out.add_column(heading, justify="left" if heading in ("scorer", "cut") else "right")
    found: dict[str, Any] = {}
    for name, scorer in scorers.items():
        found[name] = {cut.name: judge_cut(cut, _placed(scorer), draws, seed, ladders) for cut in cuts}
        flagged = {cut.name: _flagged(scorer, cut) for cut in cuts}
        for cut, kinds in found[name].items():
            cells = [f"{row['spearman']:.3f}\n({row['first']:.1f}–{row['last']:.1f})" for row in kinds.values()]
            kinds["flagged"] = flagged[cut]
            out.add_row(name, cut, *cells, f"{flagged[cut]:.0%}")
        out.add_section()
    console.print(out)
    return found


def _flagged(scorer: Any, cut: Any) -> float:
    """Return the share of draws of a cut as it is that a scorer flags."""
    from beamgym.agents.composed import counted_cut

    counts, energy = counted_cut(cut, draws=16)
    quality = _quality(scorer, counts, energy)
    return float(quality.flagged.mean())


def _total(scorer: Any) -> Callable[[NDArray[Any]], NDArray[Any]]:
    return lambda counts: np.asarray(scorer.quality(counts).scores[:, 3])


def _placed(scorer: Any) -> Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]:
    return lambda counts, energy: np.asarray(_quality(scorer, counts, energy).scores[:, 3])


def _quality(scorer: Any, counts: NDArray[Any], energy: NDArray[Any]) -> Any:
    """Return the quality of counts whose energies are known, to a scorer that can be told them."""
    from beamgym.envs.arpes_spot import ComposedScorer

    return scorer.quality(counts, energy) if isinstance(scorer, ComposedScorer) else scorer.quality(counts)


def _cells(row: dict[str, Any]) -> tuple[str, str, str]:
    if row["mean"] is None:
        return "", "", ""
    low, high = row["mean_ci95"]
    least, most = row["backwards_ci95"]
    under, over = row["p5_ci95"]
    return (
        f"{row['mean']:.3f}\n({low:.3f}–{high:.3f})",
        f"{row['backwards']:.1%}\n({least:.1%}–{most:.1%})",
        f"{row['p5']:.2f}\n({under:.2f}–{over:.2f})",
    )

"""`beamgym benchmark arpes-scorer`: how far the scorers of spectra are off, all on the same fresh spectra."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from beamgym.agents.evaluation import first_seed
from beamgym.scripts.scorer.ladders import run_ladders
from beamgym.scripts.scorer.progress import progress_bar
from beamgym.scripts.speeds.aurelia_peer import aurelia_spectra, load_aurelia

SCORER = "arpes-scorer"
BENCHMARK_SOURCES = ("published", "aurelia", "strange")
"""Sources of spectra: this project's recipe, aurelia's own, or ("strange") usual and out-of-distribution ones."""

FEWEST = 10
USUAL = 5000
"""Spectra that are judged where none are asked for."""

LADDER_SPECTRA = 300
"""Spectra of each source whose ladders are climbed where none are asked for."""

_COMPONENTS = ("S", "B", "N")


def run_suite(options: dict[str, Any], seed: int, console: Console) -> dict[str, Any]:
    """Run the suite with the options of the command line; see ``benchmark_scorer``."""
    if options.get("ladders"):
        if "source" in options:
            raise ValueError("--ladders has its own spectra; leave out --source")
        first_seed("benchmark", seed)
        scorers = {**_composed("v2"), **_shipped("v2"), **_scorers(options.get("policy", ()), "v2")}
        return run_ladders(options.get("spectra", LADDER_SPECTRA), seed, console, scorers)
    source = options.get("source", BENCHMARK_SOURCES[0])
    return benchmark_scorer(options.get("spectra", USUAL), seed, source, console, options.get("policy", ()))


def benchmark_scorer(
    spectra: int, seed: int, source: str, console: Console, bundles: Sequence[str] = ()
) -> dict[str, Any]:
    """Score ``spectra`` fresh spectra of a source with every predictor, print the table, and return the figures.

    Parameters
    ----------
    spectra : how many, at least 10
    seed : which set of them
    source : "published", "aurelia" where it is installed, or "strange"
    console : where the table goes
    bundles : directories of scorers that are judged beside the shipped one, named by the last two parts of the path

    Returns
    -------
    "source", "spectra", "seed", and "predictors" by name with "mae", "mae_ci95", "mae_uniform", "mae_uniform_ci95",
    "mae_low", "spearman" and, where they are predicted, "components" and "coverage"; of "strange" shares by kind:
    "flagged", of the shipped scorer, and "by_scorer", of every one

    Raises
    ------
    ValueError : an unknown source, too few spectra, a negative seed, a bundle that is unsound or no scorer, or aurelia
        where it is not installed
    """
    check_asked(spectra, seed, source)
    if source == "strange":
        flagged = _flagged(spectra, seed, console)
        asked = {"source": source, "spectra": spectra, "seed": seed}
        return {**asked, "flagged": flagged["shipped"], "by_scorer": flagged}
    from beamgym.agents.composed import shipped_rival
    from beamgym.agents.spectra import compare

    others = {**_composed("paper"), "two-stage": shipped_rival(), **_scorers(bundles)}
    with progress_bar() as progress:
        bar = progress.add_task(f"{source} spectra", total=spectra)
        found = compare(judged_spectra(spectra, seed, source), lambda done: progress.advance(bar, done), others)
    figures = {name: errors.as_dict() for name, errors in found.items()}
    console.print(table(figures, f"{SCORER}, {spectra} spectra of {source}, seed {seed}"))
    console.print(
        "points of the paper's score, 0 to 10; uniform: every score counted alike; S, B, N in 0 to 1",
        style="dim",
        highlight=False,
    )
    return {"source": source, "spectra": spectra, "seed": seed, "predictors": figures}


def _scorers(bundles: Sequence[str], definition: str = "paper") -> dict[str, Any]:
    from beamgym.envs.arpes_spot import load_scorer

    return {"/".join(Path(path).resolve().parts[-2:]): load_scorer(path, definition, mirrored=True) for path in bundles}


def _composed(definition: str) -> dict[str, Any]:
    from beamgym.envs.arpes_spot import composed_scorer

    return {"composed": composed_scorer(definition, mirrored=True)}


def _shipped(definition: str) -> dict[str, Any]:
    from beamgym.envs.arpes_spot import shipped_scorer

    return {"shipped": shipped_scorer(definition, mirrored=True)}


def _flagged(spectra: int, seed: int, console: Console) -> dict[str, dict[str, dict[str, float]]]:
    """Return the shares that each shipped scorer flags, by scorer, group and kind."""
    from beamgym.agents.spectra import FLAGGED_KINDS, flagged_shares
    from beamgym.envs.arpes_spot import composed_scorer, scorer_input, shipped_scorer

    judged: dict[str, Any] = {
        "composed": (_ByQuality(composed_scorer()), lambda counts: {"counts": counts}),
        "shipped": (shipped_scorer().model, scorer_input),
    }
    found = {}
    with progress_bar() as progress:
        bar = progress.add_task("kinds", total=FLAGGED_KINDS * len(judged))
        for name, (model, encode) in judged.items():
            found[name] = flagged_shares(model, spectra, seed, lambda done: progress.advance(bar, done), encode)
    out = Table(title=f"{SCORER}, flagged of {spectra} spectra of each kind, seed {seed}", box=SIMPLE)
    out.add_column("spectra")
    for name in found:
        out.add_column(name, justify="right")
    for group, kinds in found["shipped"].items():
        for kind in kinds:
            out.add_row(kind, *(f"{shares[group][kind]:.1%}" for shares in found.values()))
        out.add_section()
    console.print(out)
    return found


class _ByQuality:
    """A scorer that flags by more than its network, asked as a network is: by ``predict``."""

    def __init__(self, scorer: Any) -> None:
        self._scorer = scorer

    def predict(self, observation: dict[str, Any], batch: int) -> Any:
        """Return the ood value (m, 1) of counts (m, e, a)."""
        counts = observation["counts"]
        parts = [self._scorer.quality(counts[i : i + batch]).ood for i in range(0, len(counts), batch)]
        return np.concatenate(parts)[:, None]


def check_asked(spectra: int, seed: int, source: str) -> None:
    """Raise ValueError, before the work starts, for what cannot be measured."""
    if source not in BENCHMARK_SOURCES:
        raise ValueError(f"unknown source {source!r}; choose one of {', '.join(BENCHMARK_SOURCES)}")
    if spectra < FEWEST:
        raise ValueError(f"spectra is {spectra}; errors and their intervals need at least {FEWEST}")
    first_seed("benchmark", seed)
    if source == "aurelia":
        load_aurelia()


def judged_spectra(spectra: int, seed: int, source: str) -> Iterator[Any]:
    """Yield counts and what they are scored, of a source; see ``agents.spectra.Judged``."""
    from beamgym.agents.spectra import BENCHMARK_SIZE, Judged, published_spectra

    if source == "aurelia":
        return (Judged(*pair) for pair in aurelia_spectra(spectra, seed, (BENCHMARK_SIZE, BENCHMARK_SIZE)))
    return published_spectra(spectra, seed)


def table(figures: dict[str, dict[str, Any]], title: str) -> Table:
    """Return the comparison for reading: errors of the total over their intervals, then of the components."""
    out = Table(title=title, box=SIMPLE, padding=(0, 1, 0, 0))
    headings = ("MAE\n95 % CI", "uniform\n95 % CI", "of 1–4", "Spearman", *_COMPONENTS, "within\n68/95 %")
    for heading in ("predictor", *headings):
        named = heading == "predictor"
        out.add_column(heading, justify="left" if named else "right", no_wrap=not named, overflow="fold")
    for name, row in figures.items():
        parts = row.get("components", {})
        rank = row["spearman"]
        out.add_row(
            name,
            f"{row['mae']:.3f}\n{_interval(row['mae_ci95'])}",
            f"{row['mae_uniform']:.3f}\n{_interval(row['mae_uniform_ci95'])}",
            "" if row.get("mae_low") is None else f"{row['mae_low']:.2f}",
            "" if rank is None else f"{rank:.3f}",
            *(f"{parts[part]:.3f}" if part in parts else "" for part in _COMPONENTS),
            "\n".join(
                f"{part} " + "/".join(f"{share:.0%}" for share in shares.values())
                for part, shares in row.get("coverage", {}).items()
            ),
        )
    return out


def _interval(ends: list[float]) -> str:
    return f"{ends[0]:.3f}–{ends[1]:.3f}"

"""The picture of `beamgym benchmark arpes-gap --curves`: errors beside the rivals', and how often intervals hold."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.files import replacing
from beamgym.scripts.rates import Rate

_COLOURS = {"superconducting": "#1b4f9c", "cdw": "#d95f02", "hard": "#1b7f4c"}


def draw_figures(path: Path, figures: dict[str, Any]) -> None:
    """Draw the figures of ``run_suite`` that are of kinds of gap."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    for kind in dict.fromkeys(one["kind"] for one in figures["sets"]):
        sets = [one for one in figures["sets"] if one["kind"] == kind]
        _errors(left, kind, sets)
        _coverage(right, kind, sets, figures["spectra"])
    left.set(xscale="log", yscale="log", xlabel="electrons", ylabel="median error (meV)")
    left.set_ylim(bottom=0.3 * left.get_ylim()[0])  # room for the legend
    left.legend(fontsize=7, frameon=False, loc="lower left")
    right.plot([40, 100], [40, 100], color="#bbbbbb", lw=0.8)
    right.set(xlabel="probability in the interval (%)", ylabel="of true gaps inside (%)")
    right.legend(fontsize=7, frameon=False)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=160, format=path.suffix.lstrip(".") or "png")


def _errors(axes: Any, kind: str, sets: list[dict[str, Any]]) -> None:
    counts, colour = [one["counts"] for one in sets], _COLOURS[kind]
    best = [min(one["people_ev"].values()) for one in sets]
    for values, style, label in (
        ([one["median_ev"] for one in sets], "-o", f"{kind}: answer"),
        ([one["likely_ev"] for one in sets], ":", "true model's likeliest"),
        (best, "--", "best practical fit"),
    ):
        axes.plot(counts, 1e3 * np.array(values), style, color=colour, ms=4, lw=1.2, label=label)


def _coverage(axes: Any, kind: str, sets: list[dict[str, Any]], number: int) -> None:
    shares = [float(share) for share in sets[0]["coverage"]]
    held = [sum(one["coverage"][f"{share:g}"] for one in sets) * number for share in shares]
    rates = [Rate(round(count), number * len(sets)) for count in held]
    middle = 100.0 * np.array([rate.share for rate in rates])
    ends = 100.0 * np.array([rate.ci95 for rate in rates]).T
    axes.errorbar(
        100.0 * np.array(shares), middle, np.abs(ends - middle), fmt="o", ms=4, color=_COLOURS[kind], label=kind
    )

"""Table and picture of `beamgym gap --out`."""

from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arpes.gaps import GapAnswer, GapSpectrum
from beamgym.physics.files import replacing

_SEEN, _NONE = "#1b4f9c", "#bbbbbb"
_COLUMNS = (
    "electrons",
    "temperature_k",
    "seen",
    "gap_ev",
    "error_ev",
    "low_ev",
    "high_ev",
    "below_ev",
    "limit_ev",
    "misfit",
)


def write_all(
    folder: Path,
    stem: str,
    report: dict[str, Any],
    shown: tuple[GapSpectrum, GapAnswer],
    shape: tuple[int, ...],
) -> list[str]:
    """Write the table and the picture, in which one spectrum is shown; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    table, picture = files_in(folder, stem)
    names = [*report["axes"], *_COLUMNS]
    lines = [",".join(names)]
    lines += [",".join("" if row[name] is None else f"{row[name]:.8g}" for name in names) for row in report["rows"]]
    with replacing(table) as draft:
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _draw(picture, report, shown, shape)
    return [str(table), str(picture)]


def files_in(folder: Path, stem: str) -> tuple[Path, Path]:
    """Return the table and the picture that are to be written; raises ValueError where one is there already."""
    files = folder / f"{stem}_gaps.csv", folder / f"{stem}_gaps.png"
    for path in files:
        if path.exists():
            raise ValueError(f"{path} is there already; name another folder: --out")
    return files


def _draw(
    path: Path,
    report: dict[str, Any],
    shown: tuple[GapSpectrum, GapAnswer],
    shape: tuple[int, ...],
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _edc(left, *shown)
    axes, rows = report["axes"], report["rows"]
    if len(rows) == 1:
        _probability(right, shown[1])
    elif len(axes) == 2 and len(rows) == int(np.prod(shape)):
        _map(figure, right, axes, rows, shape)
    else:
        _series(right, axes, rows)
    with replacing(path) as draft:
        figure.savefig(draft, dpi=160, format="png")


def _edc(axes: Any, spectrum: GapSpectrum, found: GapAnswer) -> None:
    energy = 1e3 * spectrum.energy_ev
    axes.plot(energy, spectrum.counts.sum(axis=0), ".", color="#555555", ms=3, label="counts")
    axes.plot(energy, found.mean.sum(axis=0), color=_SEEN, lw=1.2, label="best fit")
    axes.axvline(0.0, color=_NONE, lw=0.8)
    axes.set_xlabel("E − E$_F$ (meV)")
    axes.set_ylabel("electrons")
    axes.legend(fontsize=8, frameon=False)


def _probability(axes: Any, found: GapAnswer) -> None:
    axes.plot(1e3 * found.posterior.gap_ev, 1e-3 * found.posterior.density, color=_SEEN)
    axes.axvspan(1e3 * found.low_ev, 1e3 * found.high_ev, color=_SEEN, alpha=0.15, label="68 %")
    if np.isfinite(found.limit_ev):
        axes.axvline(1e3 * found.limit_ev, color="#d95f02", ls="--", lw=1.0, label="resolvable limit")
    axes.set_xlim(0.0, max(2e3 * found.high_ev, 10.0))
    axes.set_xlabel("gap (meV)")
    axes.set_ylabel("probability, given a gap (1/meV)")
    axes.legend(fontsize=8, frameon=False)


def _series(axes: Any, names: list[str], rows: list[dict[str, Any]]) -> None:
    along = np.array([row[names[0]] for row in rows]) if names else np.arange(len(rows), dtype=np.float64)
    for seen, colour, label in ((True, _SEEN, "seen"), (False, _NONE, "not told from none")):
        chosen = np.array([row["seen"] is seen for row in rows])
        middle, error = (1e3 * np.array([row[key] for row in rows]) for key in ("gap_ev", "error_ev"))
        axes.errorbar(along[chosen], middle[chosen], error[chosen], fmt="o", ms=3, lw=1.0, color=colour, label=label)
    axes.set_xlabel(names[0] if names else "spectrum")
    axes.set_ylabel("gap (meV)")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize=8, frameon=False)


def _map(figure: Any, axes: Any, names: list[str], rows: list[dict[str, Any]], shape: tuple[int, ...]) -> None:
    values = np.array([1e3 * row["gap_ev"] if row["seen"] else np.nan for row in rows]).reshape(shape)
    slow, fast = (np.array([row[name] for row in rows]).reshape(shape) for name in names)
    turned = np.ptp(slow[0]) > 0
    x, y = (slow, fast) if turned else (fast, slow)
    drawn = axes.pcolormesh(x, y, values, cmap="viridis", shading="nearest")
    axes.set_xlabel(names[0] if turned else names[1])
    axes.set_ylabel(names[1] if turned else names[0])
    figure.colorbar(drawn, ax=axes, label="gap (meV); white: none seen")

"""Maps of sites: what can be said without angles, the best sites of a score, and the files that keep them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.measured.verdict import SpectrumVerdict
from beamgym.physics.arpes.load import MeasuredSpectra, fit_edge, number_in
from beamgym.physics.arrays import Float64Array
from beamgym.physics.files import replacing

_ABOVE_EV, _BELOW_EV = (0.05, np.inf), (-0.3, 0.0)
_NEIGHBOURS = 1.5  # pitches: sites nearer than that are one


@dataclass(frozen=True, eq=False)
class SiteFigures:
    """What spectra without angles say of their sites; there is no total without angles.

    Parameters
    ----------
    electrons : (m,) by the noise or the stated gain
    contrast : (m,) how far the strongest line stands above the median, over the median
    background : (m,) counts per eV above the Fermi level over those of the 0.3 eV below it; NaN where not measured
    edge_ev, edge_error_ev : (m,) fitted Fermi edge from the Fermi level, and its uncertainty; NaN where there is none
    """

    electrons: Float64Array
    contrast: Float64Array
    background: Float64Array
    edge_ev: Float64Array
    edge_error_ev: Float64Array

    def columns(self) -> dict[str, Float64Array]:
        """Return the figures that are known of any site, by their names."""
        named = {
            "electrons": self.electrons,
            "line_over_median": self.contrast,
            "background_share": self.background,
            "edge_eV": self.edge_ev,
            "edge_error_eV": self.edge_error_ev,
        }
        return {name: values for name, values in named.items() if np.isfinite(values).any()}


def figures_without_angles(measured: MeasuredSpectra) -> SiteFigures:
    """Return counts, lines, background and edge of every site; angles, where there are some, are summed over."""
    edc = measured.counts.sum(axis=2, dtype=np.float64) / measured.gain
    edc[~measured.alive] = np.nan
    electrons, median = edc.sum(axis=1), np.median(edc, axis=1)
    contrast = (edc.max(axis=1) - median) / np.maximum(median, 1e-300)
    energy = measured.energy_ev
    above, below = ((energy > low) & (energy < high) for low, high in (_ABOVE_EV, _BELOW_EV))
    nothing = np.full(len(edc), np.nan)
    background = nothing
    if above.sum() > 1 and below.sum() > 1:
        background = edc[:, above].mean(axis=1) / np.maximum(edc[:, below].mean(axis=1), 1e-300)
    edges = nothing, nothing
    if energy[0] < -0.2 and energy[-1] > 0.05:
        found = [fit_edge(energy, row) if alive else None for row, alive in zip(edc, measured.alive, strict=True)]
        place = np.array([np.nan if edge is None else edge.value_ev for edge in found])
        edges = place, np.array([np.nan if edge is None else edge.uncertainty_ev for edge in found])
    return SiteFigures(electrons, contrast, background, *edges)


def best_sites(verdict: SpectrumVerdict, count: int = 5) -> list[int]:
    """Return the rows of the best sites, the best first, each farther than 1.5 pitches from the better ones.

    Sites that are flagged or show no bands are left out where others are there.
    """
    total = np.where(np.isfinite(verdict.total), verdict.total, -np.inf)
    fit = ~verdict.flagged & ~verdict.bandless & verdict.measured.alive
    total = np.where(fit, total, -np.inf) if fit.any() else total
    return highest_sites(verdict.measured, total, count)


def highest_sites(measured: MeasuredSpectra, values: Float64Array, count: int = 5) -> list[int]:
    """Return the rows of the highest values (m,), the highest first, each 1.5 pitches from the others."""
    height, where = np.where(np.isfinite(values), values, -np.inf), _places(measured)
    chosen: list[int] = []
    for row in np.argsort(-height, kind="stable"):
        near = any(np.abs(where[row] - where[other]).max() < _NEIGHBOURS for other in chosen)
        if np.isfinite(height[row]) and not near:
            chosen.append(int(row))
        if len(chosen) == count:
            break
    return chosen


def _places(measured: MeasuredSpectra) -> Float64Array:
    """Return where every spectrum lies, in pitches: by its place in the grid, else by its coordinates."""
    if len(measured.shape) > 1:
        return np.stack(np.unravel_index(np.arange(len(measured.counts)), measured.shape), axis=1).astype(np.float64)
    if not measured.sites:
        return 2.0 * np.arange(len(measured.counts), dtype=np.float64)[:, None]
    columns = []
    for values in measured.sites.values():
        steps = np.diff(np.unique(values))
        columns.append(values / (np.median(steps) if steps.size else 1.0))
    return np.stack(columns, axis=1)


def sites_of_files(verdicts: Sequence[SpectrumVerdict]) -> dict[str, Float64Array]:
    """Return the coordinates (m,) of single cuts, as their files say them; only those that differ from file to file."""
    found = {}
    for letter in ("y", "x"):
        names = (
            letter,
            f"sample_{letter}",
            f"{letter}_mm",
            f"s{letter}",
            f"pos{letter}",
            f"sm{letter}",
            f"sample {letter}",
        )
        numbers = [number_in(verdict.measured.about, names) for verdict in verdicts]
        values = np.array([np.nan if number is None else number for number in numbers])
        if np.isfinite(values).all() and np.ptp(values) > 0:
            found[letter] = values
    return found


def write_sites(
    stem: Path,
    sites: Mapping[str, NDArray[Any]],
    columns: Mapping[str, NDArray[Any]],
    shape: tuple[int, ...],
) -> None:
    """Write a table of sites, ``stem.csv`` and ``stem.npz``, the latter in the map's shape.

    Parameters
    ----------
    stem : path without suffix
    sites : coordinates (m,) by their names, or the names of files
    columns : figures (m,) by their names
    shape : of the m sites, as (y, x)
    """
    table = {**sites, **columns}
    with replacing(stem.with_suffix(".csv")) as draft:
        lines = [",".join(table)]
        lines += [",".join(map(_word, row)) for row in zip(*table.values(), strict=True)]
        draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with replacing(stem.with_suffix(".npz")) as draft, draft.open("wb") as stream:
        np.savez(stream, **{name: values.reshape(shape or values.shape) for name, values in table.items()})  # type: ignore[arg-type]


def _word(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)

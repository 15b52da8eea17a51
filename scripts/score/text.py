"""What `beamgym score` prints of a file, and the same as numbers for JSON."""

from typing import Any

import numpy as np

from beamgym.agents.measured import SpectrumVerdict
from beamgym.physics.arpes.load import SLIT_WINDOW_DEG, MeasuredSpectra


def verdict_lines(verdict: SpectrumVerdict, definition: str) -> list[str]:
    """Return the lines of a file with one spectrum."""
    known, electrons = verdict.known(0), verdict.electrons[0]
    lines = [*_head(verdict), f"  electrons {electrons:.3g} in the window, one is {_size(verdict)}"]
    lines += [f"  scores    {score_words(verdict, 0)} points ({definition})"]
    why = [*verdict.doubts, *([verdict.site_doubts[0]] if verdict.site_doubts[0] else [])]
    if verdict.flagged[0]:
        why.insert(
            0, f"out-of-distribution value {verdict.ood[0]:.2f}: the scorer knows nothing like it, do not believe it"
        )
    return [*lines, f"  like what the scorer knows: {known}", *(f"    - {line}" for line in why)]


def map_lines(verdict: SpectrumVerdict, best: list[int], definition: str) -> list[str]:
    """Return the lines of a file with many spectra."""
    total = verdict.total[np.isfinite(verdict.total)]
    spread = np.percentile(total, [5.0, 50.0, 95.0]) if total.size else np.full(3, np.nan)
    count, flagged = len(verdict.total), int(verdict.flagged.sum())
    shape = " x ".join(map(str, verdict.measured.shape))
    lines = [
        *_head(verdict),
        f"  spectra   {count} ({shape}); {flagged} flagged, {int(verdict.bandless.sum())} without bands",
    ]
    lines += [
        f"  total     {spread[1]:.1f} in the middle, 5 to 95 %: {spread[0]:.1f} to {spread[2]:.1f} ({definition})"
    ]
    lines += [f"  unit      one electron is {_size(verdict)}"]
    if verdict.doubts:
        lines += ["  doubtful as a whole:", *(f"    - {line}" for line in verdict.doubts)]
    lines += (
        ["  best sites:"] if best else ["  no site can be called the best: none is scored, unflagged and shows bands"]
    )
    for number, row in enumerate(best, start=1):
        lines.append(
            f"    {number}. {place_words(verdict.measured, row)}: {score_words(verdict, row)}, {verdict.known(row)}"
        )
    return lines


def figures_lines(measured: MeasuredSpectra, columns: dict[str, Any], brightest: list[int]) -> list[str]:
    """Return the lines of a map without angles, of which no total is given."""
    energy = measured.energy_ev
    of = "kinetic" if measured.fermi.source == "none" else "E − E_F"
    lines = [
        measured.name,
        f"  energies  {of} {energy[0]:.2f} to {energy[-1]:.2f} eV; Fermi level {measured.fermi.words}",
    ]
    lines += [f"  note      {note}" for note in measured.notes]
    lines += ["  angles    none: no score of bands, only what energies alone say"]
    for name, values in columns.items():
        low, middle, high = np.nanpercentile(values, [5.0, 50.0, 95.0])
        lines.append(f"  {name}: {middle:.4g} in the middle, 5 to 95 %: {low:.4g} to {high:.4g}")
    lines += (
        ["  brightest lines:" if "line_over_median" in columns else "  brightest:"] if len(measured.counts) > 1 else []
    )
    lines += [f"    {n}. {place_words(measured, row)}" for n, row in enumerate(brightest, start=1)]
    return lines


def score_words(verdict: SpectrumVerdict, row: int) -> str:
    """Return every component with its expected error, such as "S 0.86 ± 0.01"."""
    numbers = zip(verdict.components, verdict.scores[row], verdict.uncertainty[row], strict=True)
    return "  ".join(f"{name} {value:.2f} ± {error:.2f}" for name, value, error in numbers)


def place_words(measured: MeasuredSpectra, row: int) -> str:
    """Return where a spectrum lies, by the file's coordinates, else by its number."""
    place = ", ".join(f"{name} {values[row]:.6g}" for name, values in measured.sites.items())
    return place or f"spectrum {row + 1}"


def verdict_numbers(verdict: SpectrumVerdict, row: int) -> dict[str, Any]:
    """Return the scores of one spectrum as plain numbers and words."""
    return {
        **{name: float(value) for name, value in zip(verdict.components, verdict.scores[row], strict=True)},
        "uncertainty": {n: float(v) for n, v in zip(verdict.components, verdict.uncertainty[row], strict=True)},
        "ood": float(verdict.ood[row]),
        "flagged": bool(verdict.flagged[row]),
        "known": verdict.known(row),
        "electrons": float(verdict.electrons[row]),
        "doubts": [*verdict.doubts, *([verdict.site_doubts[row]] if verdict.site_doubts[row] else [])],
        **{name: float(values[row]) for name, values in verdict.measured.sites.items()},
    }


def file_numbers(measured: MeasuredSpectra) -> dict[str, Any]:
    """Return what was assumed for a file, as plain numbers and words."""
    return {
        "file": measured.name,
        "fermi_level_eV": measured.fermi.value_ev,
        "fermi_level_uncertainty_eV": measured.fermi.uncertainty_ev,
        "fermi_level_source": measured.fermi.source,
        "gain": measured.gain,
        "electron_by_noise": measured.noise.electron,
        "notes": list(measured.notes),
    }


def _head(verdict: SpectrumVerdict) -> list[str]:
    measured, window = verdict.measured, verdict.window
    low, high = window.energy_ev
    first, last = window.slit_deg
    wide = SLIT_WINDOW_DEG[1] - SLIT_WINDOW_DEG[0]
    lines = [
        measured.name,
        f"  window    E − E_F {low:.3f} to {high:.3f} eV, {first:.1f} to {last:.1f}° of {wide:.0f}°, "
        f"{window.shape[0]} x {window.shape[1]} pixels",
        f"  Fermi     {measured.fermi.words}",
    ]
    return [*lines, *(f"  note      {note}" for note in (*measured.notes, *window.lacks, *window.notes))]


def _size(verdict: SpectrumVerdict) -> str:
    measured = verdict.measured
    return f"{measured.gain:.3g} of the file's units ({measured.noise.electron:.3g} by the noise)"

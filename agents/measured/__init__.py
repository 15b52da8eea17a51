"""Measured spectra scored: verdicts of single cuts, maps of sites, and files as a scan writes them."""

from typing import Any

from beamgym.agents.measured.folder import changed_files, settled_files
from beamgym.agents.measured.maps import (
    SiteFigures,
    best_sites,
    figures_without_angles,
    highest_sites,
    sites_of_files,
    write_sites,
)
from beamgym.agents.measured.verdict import KNOWN, SpectrumVerdict, best_scorer, score_measured, score_spectra

__all__ = [
    "KNOWN",
    "SiteFigures",
    "SpectrumVerdict",
    "best_scorer",
    "best_sites",
    "changed_files",
    "figures_without_angles",
    "highest_sites",
    "score_measured",
    "score_spectra",
    "settled_files",
    "sites_of_files",
    "write_map",
    "write_sites",
    "write_spectrum",
]


def __getattr__(name: str) -> Any:
    """Return what draws pictures; imported when it is asked for, since matplotlib is half of a start."""
    if name in ("write_map", "write_spectrum"):
        from beamgym.agents.measured import picture

        return getattr(picture, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

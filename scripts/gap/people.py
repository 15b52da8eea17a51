"""Beside the answer: what the fits people make say of the same spectrum."""

import math
from dataclasses import replace
from typing import Any

from beamgym.physics.arpes.gaps import TUNED, GapModel, GapSpectrum, PracticalFit

_LIKE = {"dynes": "hard"}
_SYMMETRIC = ("symmetrised", "peaks")


def _plain(fit: PracticalFit) -> PracticalFit:
    """Return a leading edge counted from a metal's, without the scale and offset that suit simulated spectra alone."""
    return replace(fit, scale=1.0, offset_ev=0.0, free=True) if fit.method == "leading edge" else fit


def fits_people_make(spectrum: GapSpectrum, model: GapModel) -> dict[str, Any]:
    """Return gaps in eV by method; None where a fit fails, and a word where it is refused.

    Symmetrising assumes that the gap is centred on the Fermi level, which that of a density wave need not be.
    """
    off_centre = model.name == "cdw" or model.centre_ev[0] != 0.0
    out: dict[str, Any] = {}
    for name, fit in TUNED[_LIKE.get(model.name, model.name)].items():
        if fit.method in _SYMMETRIC and off_centre:
            out[name] = "refused: the gap need not be centred on the Fermi level"
            continue
        gap = _plain(fit).gap(spectrum)
        out[name] = None if math.isnan(gap) else gap
    return out

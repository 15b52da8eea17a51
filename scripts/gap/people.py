"""Beside the answer: what the fits people make say of the same spectrum."""

import math
from typing import Any

from beamgym.physics.arpes.gaps import GapModel, GapSpectrum, PracticalFit

_OFF_CENTRE = ("cdw", "hard")
PEOPLES: dict[str, PracticalFit] = {
    "leading edge": PracticalFit("leading edge", 0.08, 0.004, True),
    "symmetrised": PracticalFit("symmetrised", 0.06, curved=True),
    "Dynes": PracticalFit("Dynes", 0.06, free=True),
}
"""Fits with the settings that did best in tuning."""


def fits_people_make(spectrum: GapSpectrum, model: GapModel) -> dict[str, Any]:
    """Return gaps in eV by method; None where a fit fails, and a word where it is refused."""
    out: dict[str, Any] = {}
    for name, fit in PEOPLES.items():
        centred = model.name not in _OFF_CENTRE or model.centre_ev == (0.0, 0.0)
        if fit.method == "symmetrised" and not centred:
            out[name] = "refused: the gap need not be centred on the Fermi level"
            continue
        gap = fit.gap(spectrum)
        out[name] = None if math.isnan(gap) else gap
    return out

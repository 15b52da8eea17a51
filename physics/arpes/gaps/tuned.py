"""Settings of the fits people make that did best on tuning spectra of 1,000 electrons, by kind of gap and method."""

from typing import Final

from beamgym.physics.arpes.gaps.practical import PracticalFit

_PEAKS = PracticalFit("peaks", 0.04, 0.003)

TUNED: Final[dict[str, dict[str, PracticalFit]]] = {
    "superconducting": {
        "leading edge": PracticalFit("leading edge", 0.05, 0.006, level=0.7, scale=1.15, offset_ev=0.005),
        "peaks": _PEAKS,
        "symmetrised": PracticalFit("symmetrised", 0.06, 0.002),
        "Dynes": PracticalFit("Dynes", 0.03, free=True),
    },
    "cdw": {
        "leading edge": PracticalFit("leading edge", 0.05, 0.006, True, level=0.3, scale=1.1, offset_ev=0.0095),
        "peaks": _PEAKS,
        "symmetrised": PracticalFit("symmetrised", 0.04, 0.002),
        "Dynes": PracticalFit("Dynes", 0.03, free=True),
    },
    "hard": {
        "leading edge": PracticalFit("leading edge", 0.05, 0.006, level=0.3, scale=1.0, offset_ev=0.0045),
        "peaks": PracticalFit("peaks", 0.04, 0.0015),
        "symmetrised": PracticalFit("symmetrised", 0.03, 0.002, curved=True),
        "Dynes": PracticalFit("Dynes", 0.05, free=True),
    },
}
"""Printed by ``python -m beamgym.scripts.gap_suite.tuning``."""

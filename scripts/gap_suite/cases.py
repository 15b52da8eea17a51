"""Seeded spectra of the suite: those that rivals are tuned on, thresholds are chosen on, and judging is done on."""

from typing import Final, Literal

import numpy as np

from beamgym.physics.arpes.gaps import DrawnGap, drawn_gap

KINDS: Final = ("superconducting", "cdw", "hard")
LEVELS: Final = (1e3, 1e4, 1e5)
"""Electrons of a spectrum."""
PURPOSES: Final = {"tuning": 1, "selection": 2, "test": 3}
"""First word of every seed: the three never meet."""


def cases(
    purpose: Literal["tuning", "selection", "test"], seed: int, kind: str, counts: float, gapped: bool, number: int
) -> list[DrawnGap]:
    """Return simulated EDCs that depend on nothing but these words."""
    words = (PURPOSES[purpose], seed, KINDS.index(kind), int(counts), int(gapped))
    return [drawn_gap(np.random.default_rng((*words, i)), kind, gapped, counts) for i in range(number)]

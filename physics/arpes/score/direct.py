"""Scores read off a measured spectrum, without a network and without knowing what made it.

A person judges a spectrum by how much stands out from what lies under it, how sharp it is along the slit and how many
electrons there are. These are those three as numbers: estimates of the components S, B and N of ``quality.v2_scores``,
biased where features are faint. They use the counts alone, so they may be shown wherever the counts are.
"""

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.score.direct_kernels import BLOCK_COLUMNS, BLOCK_ROWS, estimate
from beamgym.physics.arpes.score.quality import REFERENCE_COUNTS, Scores, v2_total
from beamgym.physics.row_threads import over_rows

_AMPLE = 1e3  # feature measure that costs nothing: whether there are bands shows in B already


def direct_scores(counts: NDArray[np.float32], slit_step_deg: float) -> Scores:
    """Estimate the scores of n spectra.

    Parameters
    ----------
    counts : (n, e, a) electrons; e a multiple of 16, a of 8
    slit_step_deg : degrees between neighbouring columns

    Returns
    -------
    Scores
        N exact; B from blocks that stand out of the faintest two of their energies; S from the correlation of
        neighbouring columns, whose own noise is independent

    Raises
    ------
    ValueError : another shape, counts that are negative or not finite
    """
    spectra = np.ascontiguousarray(counts, dtype=np.float32)
    if spectra.ndim != 3 or spectra.shape[1] % BLOCK_ROWS or spectra.shape[2] % BLOCK_COLUMNS:
        raise ValueError(
            f"spectra must have shape (n, e, a), e a multiple of {BLOCK_ROWS} and a of {BLOCK_COLUMNS}; "
            f"found {np.shape(counts)}"
        )
    out = np.empty((len(spectra), 3))
    step_deg = float(slit_step_deg)
    over_rows(len(spectra), lambda rows: estimate(spectra[rows], step_deg, out[rows]))
    if not (np.isfinite(out).all() and (out[:, 2] >= 0).all()):
        raise ValueError("spectra must hold finite counts, none negative; mask dead pixels with 0")
    number = np.minimum(out[:, 2] / REFERENCE_COUNTS, 1.0)
    feature = np.full(len(spectra), _AMPLE)
    return Scores(feature, out[:, 0], out[:, 1], number, v2_total(feature, out[:, 0], out[:, 1], number))

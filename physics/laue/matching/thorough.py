"""Finds an orientation among many false peaks: every pair of the brightest peaks, voted on by the brightest rays alone.

The ordinary search makes orientations from pairs of the twenty brightest peaks. Where four peaks of five are false, as
on a picture full of scratches and letters, hardly one such pair is true. Here all pairs of the brightest sixty are
tried; that many trials need votes that tell more, and few rays within a narrow radius give them: chance then agrees
with a peak in a hundred.
"""

from collections.abc import Iterator

import numpy as np

from beamgym.physics.laue.matching import kernels
from beamgym.physics.laue.matching.observed import Fit, Pattern, peak_pairs

PAIR_PEAKS = 60
"""Peaks, brightest first, that orientations are made from."""
VOTERS = 320
"""Peaks, brightest first, that vote."""
VOTING_RAYS = 1500
"""Rays, brightest first, that peaks may vote for."""
STAGES_DEG = (0.15, 0.4)
"""Search radii in turn: a calibrated camera, then one that is off by a third of a millimetre."""
CANDIDATES = 12
"""Distinct candidates of each stage that are fitted."""


def search_thoroughly(pattern: Pattern, radius_deg: float) -> Iterator[Fit]:
    """Yield fitted and judged orientations, the most votes first.

    Parameters
    ----------
    pattern : the peaks against a table
    radius_deg : within which peak and ray agree
    """
    voters = pattern.order[:VOTERS]
    normals = np.ascontiguousarray(pattern.normals[voters])
    pairs = peak_pairs(normals[:PAIR_PEAKS])
    if len(pairs) == 0:
        return
    table = pattern.table
    cells, resolution = table.bright_map(radius_deg, VOTING_RAYS)
    found, votes, tried = kernels.search_pairs(
        normals,
        table.peak_limits(pattern.sines[voters]),
        pairs,
        *table.seeds,
        np.radians(radius_deg),
        cells,
        resolution,
        max(12, len(voters) // 2),
    )
    known: list[Fit] = []
    for k in np.argsort(-votes, kind="stable")[: 20 * CANDIDATES]:
        if len(known) == CANDIDATES or votes[k] < max(4, 0.5 * votes.max()):
            break
        if known and pattern.nearest_deg(found[k], [fit.u for fit in known]) < 2.0 * radius_deg:
            continue
        fit = pattern.judge(pattern.polish(found[k], radius_deg, tried))
        known.append(fit)
        yield fit

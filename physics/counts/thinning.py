"""A counted frame split into independent ones, as if each had been counted for a part of the time.

Of Poisson counts each is kept with the same probability: the two parts are then independent and Poisson again
(binomial thinning). Counts of a source that varies are not: thinned that way their parts stay correlated. Of a
negative binomial the share that is kept must itself vary, beta-distributed (beta-binomial thinning: A. Neufeld et al.,
J. Mach. Learn. Res. 25 (2024) 57, table 2).
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arrays import Float64Array
from beamgym.physics.counts.checks import check_counts
from beamgym.physics.counts.models import CountingModel, NegativeBinomial, Poisson

_POISSON = Poisson()


def thin(
    frame: ArrayLike, share: float, generator: np.random.Generator, model: CountingModel = _POISSON
) -> tuple[Float64Array, Float64Array]:
    """Split a frame into a part of so large a share of its exposure, and the rest, independent of each other.

    Parameters
    ----------
    frame : whole counts, any shape
    share : expected share of the counts that the first part gets, between 0 and 1
    generator : seeded by the caller
    model : how the frame was counted; Poisson, or a negative binomial

    Returns
    -------
    two frames of the same shape that add up to the given one

    Raises
    ------
    NotCounts : the frame holds no counts
    ValueError : for a share outside 0 to 1, or a model whose counts cannot be split exactly
    """
    counts = check_counts(frame).astype(np.int64)
    if not 0.0 < share < 1.0:
        raise ValueError(f"a share of {share:g}: a part of a frame is between 0 and 1")
    if isinstance(model, Poisson):
        kept = generator.binomial(counts, share)
    elif isinstance(model, NegativeBinomial):
        shares = generator.beta(model.size * share, model.size * (1.0 - share), counts.shape)
        kept = generator.binomial(counts, shares)
    else:
        raise ValueError(
            f"counts of {type(model).__name__} cannot be split exactly into independent frames; take two exposures, "
            "or convert the frame to counts by its gain where the noise is Poisson but for that"
        )
    return kept.astype(np.float64), (counts - kept).astype(np.float64)


def exposure_ladder(
    frame: ArrayLike, shares: Sequence[float], generator: np.random.Generator, model: CountingModel = _POISSON
) -> tuple[list[Float64Array], list[Float64Array]]:
    """Return what a frame would have been at shorter exposures, each counted within the next longer one.

    Parameters
    ----------
    frame : whole counts, any shape
    shares : of its exposure, falling, each between 0 and 1
    generator : seeded by the caller
    model : see ``thin``

    Returns
    -------
    (the frames, longest first; and of each the counts of the whole frame that are not in it, independent of it)

    Raises
    ------
    ValueError : as ``thin``, and where the shares do not fall
    """
    whole = check_counts(frame)
    steps = [1.0, *shares]
    if any(not later < earlier for earlier, later in pairwise(steps)):
        raise ValueError(f"shares {', '.join(f'{each:g}' for each in shares)}: give falling ones below 1")
    frames, rests, current, reached = [], [], whole, 1.0
    for share in shares:
        size_left = NegativeBinomial(model.size * reached) if isinstance(model, NegativeBinomial) else model
        current, _ = thin(current, share / reached, generator, size_left)
        reached = share
        frames.append(current)
        rests.append(whole - current)
    return frames, rests

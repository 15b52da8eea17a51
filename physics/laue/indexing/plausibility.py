"""Whether an answer is to be believed: against an earlier one, and against the picture that it should have made."""

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.indexing.indexing import Indexed
from beamgym.physics.orientation import misorientation_deg

SAME_DEG = 1.0
"""Answers nearer to each other than this are one orientation, seen with two cameras."""


def may_replace(earlier: Indexed, later: Indexed, rotations: Float64Array) -> bool:
    """Tell whether a later pass's answer may be taken instead of the one that it was given.

    Another orientation must explain more peaks, and more closely: with a camera that was refined for the wrong matches
    some orientation always explains a peak more. The same one, and one that was open, must not be worse in both.

    Parameters
    ----------
    earlier, later : the answers, each with its residual on its own camera
    rotations : (k, 3, 3) the crystal's
    """
    more = later.matched > earlier.matched
    closer = later.residual_px < earlier.residual_px
    known = (earlier.orientation, *earlier.ambiguous)
    if any(float(misorientation_deg(later.orientation, u, rotations)) < SAME_DEG for u in known):
        return more or closer or later.matched == earlier.matched
    return more and closer

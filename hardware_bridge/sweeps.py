"""What a counter is asked to count while axes move."""

from dataclasses import dataclass

from beamgym.physics.arrays import Float64Array


@dataclass(frozen=True, eq=False)
class SweepRequest:
    """The channels of one sweep.

    Parameters
    ----------
    axis : whose position ends each channel; "" where the plan opens and closes each
    edges : (p + 1,) of that axis, in its unit; empty without one
    times : (p,) seconds that each channel takes
    """

    axis: str
    edges: Float64Array
    times: Float64Array

"""What the DiffractometerAlign task remembers of n episodes."""

from dataclasses import dataclass

from beamgym.envs.diffractometer_align.belief import Belief
from beamgym.physics.diffractometer.scans import ScanFrame
from beamgym.physics.instrument import BoolArray, Float64Array, Int64Array


@dataclass(frozen=True)
class AlignScanState:
    """The TaskState of DiffractometerAlign; arrays start with the batch dimension n.

    Parameters
    ----------
    positions : (n, k) readback
    frame : the last scans
    what : (n,) what they were, by ``MACROS``; -1 before the first
    beliefs : of each episode
    used : (n,) scans; spent_s (n,) beam time
    declared, over : (n,) the agent said it is done; it asked for more beam time than is left
    progress : (n,) what was paid for so far
    motor_s, count_s : (n,) of the last step
    exposed : (n,) whether the last step counted
    """

    positions: Float64Array
    frame: ScanFrame
    what: Int64Array
    beliefs: tuple[Belief, ...]
    used: Int64Array
    spent_s: Float64Array
    declared: BoolArray
    over: BoolArray
    progress: Float64Array
    motor_s: Float64Array
    count_s: Float64Array
    exposed: BoolArray


def told(state: AlignScanState) -> dict[str, float]:
    """Return what the scans of one episode (n = 1) say of its crystal: centred reflections, how sure, how sharp."""
    belief = state.beliefs[0]
    said = {"centred": float(len(belief.centred)), "probability": float(belief.probabilities[0])}
    return said | ({"stated_error_deg": float(belief.error_deg)} if belief.u is not None else {})

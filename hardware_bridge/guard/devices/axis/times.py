"""How long a move may take, what it is charged, and for how long an axis must be seen to stand."""

from beamgym.hardware_bridge.guard.devices.axis.known import KnownAxis
from beamgym.hardware_bridge.guard.rules import time_limit_s

# A motor is seen to stand when all readings of so long lie within its tolerance: at its speed it would have gone four
# times as far. Not less than some readings of a controller that is asked ten times a second, and not for ever.
_LEAST_STILL_S, _MOST_STILL_SHARE, _TOLERANCES = 0.25, 0.75, 4.0


def move_limit_s(axis: KnownAxis, distance: float) -> float:
    """Return how long a move over a distance, in the axis's unit, may take, seconds."""
    entry, overshoot = axis.entry, axis.overshoot
    return time_limit_s(
        "move",
        distance=0.0 if axis.sets_exposure else distance,
        speed=entry.speed,
        timeout_s=entry.timeout_s,
        backlash=0.0 if axis.sets_exposure else max(entry.backlash, abs(overshoot.distance)),
        backlash_speed=overshoot.speed,
    )


def charged_s(axis: KnownAxis, distance: float, settle_s: float, measured_s: float) -> float:
    """Return what a move is charged, seconds: what it took, and no less than by the file.

    A simulation, whose clock may run at any speed, is charged what the file says.
    """
    # No less than nominal, since a motor that is faster than its file would make a policy's budget differ from its
    # training.
    nominal_s = 0.0 if axis.sets_exposure or distance == 0.0 else distance / axis.entry.speed + settle_s
    return nominal_s if axis.guard.file.simulation else max(measured_s, nominal_s)


def still_s(axis: KnownAxis) -> float:
    """Return how long it must be seen to stand, seconds."""
    speed = axis.entry.speed
    velocity = axis.state.settings.get("VELO")
    if isinstance(velocity, int | float) and 0.0 < velocity < speed:
        speed = float(velocity)
    longest_s = max(_MOST_STILL_SHARE * axis.guard.answer_s, _LEAST_STILL_S)
    return min(max(_TOLERANCES * axis.entry.tolerance / speed, _LEAST_STILL_S), longest_s)

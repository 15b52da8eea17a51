"""What can be made to go wrong on the practice instrument, and how a fault's value is read."""

from collections.abc import Iterable

AXIS_FAULTS: dict[str, str] = {
    "stall": "the motor hums and does not turn; its move never ends until it is stopped",
    "nan_readback": "the readback is NaN; the motor moves all the same",
    "frozen_readback": "the readback stays where it was; the motor moves all the same",
    "overshoot": "moves end 0.5 degrees (0.05 mm) beyond their target, and report success",
    "limit_switch": "moves end half way on a limit switch, and report success",
    "ignored_put": "a target is accepted, reported done, and nothing moves",
    "alarm": "the record is in a MAJOR alarm",
    "unhomed": "the motor has forgotten where its zero is, until it is homed",
    "runaway": "moves do not end: the motor runs on past its target, up to its limit switch",
    "wrong_way": "the motor runs the other way, up to its limit switch",
    "modulo_readback": "the readback begins anew each turn (0 to 360 of the dial); the motor counts on",
    "fake_arrival": "the readback shows every target at once, and success is reported; nothing moves",
    "jumping_readback": "the readback shows every target at once; the motor is on its way",
    "slow_readback": "the readback shows where the motor was one second ago",
    "early_done": "the record says that the motor is done as soon as it is sent; it moves all the same",
    "deaf_motor": "STOP does nothing: the motor goes on to its target",
}
"""Faults of one axis, of several (comma between them) or of all ("1")."""

ONCE_FAULTS: dict[str, str] = {
    "foreign_move": "another client moves the axis: by 1 degree (0.1 mm), or to the place in AXIS=PLACE",
    "foreign_stop": "another client stops the axis",
}
"""Events that happen once, when they are set."""

PLAIN_FAULTS: dict[str, str] = {
    "hung_camera": "an exposure begins and never ends, until Acquire is set to 0",
    "deaf_camera": "Acquire set to 0 does nothing; an exposure ends by itself, or never",
    "repeated_frame": "the last frame is served again, with its old counter",
    "stale_frame": "the last frame is served again, with a new counter and its old time",
    "one_behind": "the frame of the exposure before is served, with a new counter and that exposure's own time",
    "lagging_plugin": "the frame of the exposure before is served, with its own counter and a new time",
    "dropped_frame": "the driver counts the frame, and the array plugin drops it",
    "two_frames": "a trigger makes the driver take two frames",
    "turned_frame": "the last frame is served again, transposed (upside down where it is not square), as a new one",
    "changed_pixel": "the last frame is served again, one pixel changed, as a new one",
    "earlier_frame": "an earlier frame, of up to nine exposures ago, is served again as a new one",
    "other_exposure": "another client sets the exposure to 20 times what it was, at once before it begins",
    "no_crystal": "the sample is out of the beam: diffuse background and a few stray spots, or a flat spectrum",
    "bright_beam": "the attenuator is out: its reading is 1, and frames are 50 times brighter",
    "saturated_frame": "a third of the pixels are full",
    "blank_frame": "every pixel shows the same",
    "wrong_shape": "the frame is half as high as it should be",
    "beam_loss": "the beam is off: no current, dark frames, no dose",
    "vacuum_loss": "the pressure is 1e-5 mbar",
    "stopped_heartbeat": "the heartbeat stands still",
    "stuck_shutter": "the shutter stays as it is, whatever it is told",
}
"""Faults that are on ("1") or off."""

FAULTS: dict[str, str] = {**AXIS_FAULTS, **ONCE_FAULTS, **PLAIN_FAULTS}
"""Every fault and what it does."""

OVERSHOOT = {"rotation": 0.5, "linear": 0.05}
FOREIGN_STEP = {"rotation": 1.0, "linear": 0.1}
_OFF = ("", "0", "0.0", "off")


def read_value(name: str, text: str, axes: Iterable[str]) -> str:
    """Return a fault's value in its plain form; "" is off.

    Parameters
    ----------
    name : of the fault
    text : as a client wrote it: an axis or several, "1", "0", "off", or AXIS=PLACE for a foreign move
    axes : the instrument's axes

    Raises
    ------
    ValueError : no such fault or axis
    """
    known, value = tuple(axes), text.strip()
    if name not in FAULTS:
        raise ValueError(f"there is no fault {name!r}; choose one of {', '.join(FAULTS)}")
    # Clients clear a fault by an empty text, by 0 or by a word.
    if value.lower() in _OFF:
        return ""
    if name in PLAIN_FAULTS:
        return "1"
    names = [part.partition("=")[0].strip() for part in value.split(",")]
    if name in AXIS_FAULTS and value in ("1", "1.0", "all"):
        return ",".join(known)
    unknown = [axis for axis in names if axis not in known]
    if unknown:
        raise ValueError(f"fault {name} of axis {unknown[0]!r}: the axes are {', '.join(known)}")
    return value if name in ONCE_FAULTS else ",".join(names)

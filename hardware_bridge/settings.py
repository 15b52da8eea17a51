"""What a device says of its own settings, in words that no adapter has to itself.

A device may offer ``settings()``, a method or a coroutine that returns one of these; `beamgym deploy --check` compares
them with the instrument file, and `--new` writes a file from them. None stands for what the device does not say.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class AxisSettings:
    """Of a motor; lengths are in its own unit, positions in the coordinates in which it is commanded.

    Parameters
    ----------
    source : where they were read, such as "bgym:j1"
    unit : as the motor spells it; "" where it says nothing
    position : where it stands
    limits, dial_limits : lowest and highest position, in the coordinates of commands and of the dial
    direction : +1 where position = dial + offset, -1 where position = -dial + offset
    offset : of the position against the dial
    speed, largest_speed : per second: of a move, and the largest that may be set
    backlash : signed distance by which it overshoots and comes back
    backlash_speed : per second, of the way back
    step : smallest increment
    deadband : a position this far from the target counts as arrived for the motor
    homed : its zero was found
    description : what somebody wrote beside it
    record_type : "motor" for a motor record
    """

    source: str
    unit: str | None = None
    position: float | None = None
    limits: tuple[float, float] | None = None
    dial_limits: tuple[float, float] | None = None
    direction: int | None = None
    offset: float | None = None
    speed: float | None = None
    largest_speed: float | None = None
    backlash: float | None = None
    backlash_speed: float | None = None
    step: float | None = None
    deadband: float | None = None
    homed: bool | None = None
    description: str | None = None
    record_type: str | None = None


@dataclass(frozen=True)
class DetectorSettings:
    """Of a detector.

    Parameters
    ----------
    source : where they were read, such as "bgym:cam1:"
    shape : (rows, columns) of the array that it gives as it is set up
    largest_shape : (rows, columns) of all its pixels
    data_type : of one pixel, such as "UInt16"
    color_mode : "Mono" for a grey image
    image_mode : "Single" for one frame a trigger
    exposure_s : as it is set, seconds
    exposure_limits_s : shortest and longest exposure, seconds
    counts_frames : its frames carry a number
    state : as its driver says it, such as "Idle"
    model : manufacturer and model
    """

    source: str
    shape: tuple[int, int] | None = None
    largest_shape: tuple[int, int] | None = None
    data_type: str | None = None
    color_mode: str | None = None
    image_mode: str | None = None
    exposure_s: float | None = None
    exposure_limits_s: tuple[float, float] | None = None
    counts_frames: bool | None = None
    state: str | None = None
    model: str | None = None


SPELLINGS = {
    "deg": ("deg", "degs", "degree", "degrees", "°"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "s": ("s", "sec", "second", "seconds"),
}
"""How motors spell the units of instrument files: free text, which must not differ by a factor of 57 or 1000."""


def is_unit(text: str, unit: str) -> bool:
    """Say whether a motor's text, such as "Degrees", means a unit of instrument files, such as "deg"."""
    return text.strip().lower() in SPELLINGS.get(unit, (unit,))


Settings = AxisSettings | DetectorSettings


def largest_value(data_type: str | None) -> float | None:
    """Return the largest value of a pixel of an areaDetector data type, such as "UInt16"; None where it has no end."""
    if data_type is None or not data_type.startswith(("Int", "UInt")):
        return None
    bits = int("".join(letter for letter in data_type if letter.isdigit()) or 0)
    if bits == 0:
        return None
    return float(2 ** (bits if data_type.startswith("U") else bits - 1) - 1)

"""The parts of an instrument file, each checked by pydantic; ``checks`` compares them with each other.

Numbers carry the unit their name says: ``_s`` seconds, ``_mm`` millimetres, ``_kev`` kilo-electronvolts. Whatever
belongs to an axis without a unit in its name (limits, step, speed, backlash, tolerance, max_step) is in that axis's
``unit``, per second where it is a speed.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from beamgym.physics.laue.detector import Detector

ADAPTERS = ("epics", "tango", "visa", "filedrop", "manual", "exposure", "object")
NO_HEARTBEAT = "none"
"""What a suspender says whose server has no heartbeat."""

UNITS = {"rotation": ("deg",), "linear": ("mm", "s")}
"""The units an axis of each kind may have; "s" is for an axis that sets the detector's exposure time."""


def _number(value: Any) -> Any:
    # In Python True is a number, and YAML 1.1 reads "on" and "yes" as True.
    if isinstance(value, bool):
        raise ValueError(f"must be a number, found {value}; YAML reads on, off, yes and no as true and false")
    return value


def _name(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        raise ValueError(f"must be text, and YAML reads it as {value!r}; put it in quotes")
    return value


Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0)]
NotNegative = Annotated[Number, Field(ge=0)]
Triple = tuple[Number, Number, Number]
Range = tuple[Number, Number]
MotorLimits = Mapping[str, tuple[float, float] | None]
"""The motors' own limits by axis; None where a motor has none."""

Name = Annotated[str, BeforeValidator(_name), StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*$", max_length=64)]


def ordered(pair: Range | None, equal: bool = False) -> Range | None:
    """Return a pair that goes from low to high; raises ValueError where it does not."""
    if pair is not None and (pair[0] > pair[1] or (pair[0] == pair[1] and not equal)):
        remedy = "swap them" if pair[0] > pair[1] else "they leave no room"
        raise ValueError(f"must go from low to high, found {pair[0]:g} to {pair[1]:g}; {remedy}")
    return pair


class Strict(BaseModel):
    """A part that knows its keys, holds finite numbers and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DeviceEntry(Strict):
    """Something to connect to.

    Parameters
    ----------
    adapter : "epics", "tango", "visa", "filedrop" or "manual"; "exposure" for an axis that sets the detector's
        exposure time, its address being the detector's device; "object" for a device that the Python caller hands
        over by name
    address : PV or record, Tango device, VISA resource, folder, or the object's name; a manual axis may have none
    options : what the adapter takes beyond its address
    """

    adapter: Literal["epics", "tango", "visa", "filedrop", "manual", "exposure", "object"]
    address: Annotated[str, BeforeValidator(_name)] = ""
    options: dict[Name, str | bool | int | float | list[str]] = Field(default_factory=dict)

    @field_validator("address")
    @classmethod
    def _printable(cls, address: str) -> str:
        # A blank at the end of a PV is invisible, and no server has it.
        if address != address.strip() or not address.isprintable():
            raise ValueError(f"must be printable text without blanks around it, found {address!r}")
        return address


class AxisEntry(Strict):
    """One motor.

    Parameters
    ----------
    name : its name, unique in the file
    device : its entry in ``devices``
    kind, unit : "rotation" in "deg", or "linear" in "mm", or "linear" in "s" for an exposure-time axis
    vector : (3,) direction in the lab frame (x along the beam, z up) when every axis stands at zero, of any length
    sign : +1 where growing positions turn right-handed about the vector, or go along it; -1 where they do not
    zero : position at which the axis does not act
    limits : lowest and highest position; None takes the motor's own, and a motor without any is refused
    step : smallest increment; 0 for a continuous motor
    speed : expected, for the wait and for the task's costs
    settle_s : wait after every move before the readback counts
    backlash : by which the motor overshoots when it comes from the other side; the envelope's check includes it
    point_mm : (3,) a point on the axis
    tolerance : how far from its target it may be and count as arrived
    max_step : longest single move
    max_speed : of the motor's own setting; a faster motor is refused
    max_moves_per_min : a faster stream of commands is refused
    timeout_s : longest wait beyond the time that the distance takes at ``speed``
    home_required : refuse to start, and to go on after a reconnect, before the motor says that it is homed
    overrun : while it moves it may leave the way between start and target, backlash included, by this much; None takes
        five tolerances
    stall_s : while it moves it may read the same for so long, until it counts as stalled; more for a slow readback
    readback_s : after the motor says that it is done, the readback may take so long to show it
    turn : of a rotary axis whose readback begins anew each turn: 360. Its limits, its targets and its setpoint count on
        over the turns; None for an axis whose readback does so too
    cable_turns : at most so many turns, on either side, from where the cables hang free; None where none can wind up
    cable_zero : position at which the cables hang free
    egu : what the motor's own record says for its unit, where that is no usual spelling; "" where it says nothing
    """

    name: Name
    device: Name
    kind: Literal["rotation", "linear"] = "rotation"
    unit: Literal["deg", "mm", "s"]
    vector: Triple
    sign: Literal[1, -1] = 1
    zero: Number = 0.0
    limits: Range | None = None
    step: NotNegative = 0.0
    speed: Positive = 2.0
    settle_s: NotNegative = 0.0
    backlash: NotNegative = 0.0
    point_mm: Triple = (0.0, 0.0, 0.0)
    tolerance: Positive
    max_step: Positive
    max_speed: Positive | None = None
    max_moves_per_min: Positive | None = None
    timeout_s: Positive = 30.0
    home_required: bool = False
    overrun: NotNegative | None = None
    stall_s: Positive = 5.0
    readback_s: Positive = 2.0
    turn: Positive | None = None
    cable_turns: Positive | None = None
    cable_zero: Number = 0.0
    egu: str | None = None

    @property
    def margin(self) -> float:
        """How far a moving axis may leave its way."""
        # Servos overshoot by some encoder counts, and a noisy readback by less than its tolerance.
        return 5.0 * self.tolerance if self.overrun is None else self.overrun

    @field_validator("limits")
    @classmethod
    def _ordered(cls, limits: Range | None) -> Range | None:
        return ordered(limits, equal=True)


class PeaksEntry(Strict):
    """How spots are found on a Laue image.

    Parameters
    ----------
    gain : read-out units a count
    faintest_counts : spots with fewer counts are not reported; None takes the peak finder's own
    threshold : least significance, standard deviations of the local background
    max_peaks : spots kept, brightest first
    """

    gain: Positive = 1.0
    faintest_counts: NotNegative | None = None
    threshold: Positive = 5.0
    max_peaks: Annotated[int, Field(ge=1, le=1024)] = 64


class DetectorEntry(Strict):
    """The detector.

    Parameters
    ----------
    device : its entry in ``devices``
    shape : (slow, fast) pixels of the image as the geometry below means it, after transpose and flips
    origin_mm, fast, slow, pixel_mm : centre of pixel (0, 0), directions of growing column and row, edge; Laue only
    energy_ev, slit_deg : first and last pixel centre of a spectrum; ARPES only
    transpose, flip_fast, flip_slow : done to the raw array in this order: rows become columns, the columns' order is
        reversed, the rows' order is reversed
    exposure_s : shortest and longest exposure
    timeout_s : longest wait beyond the exposure
    max_age_s : a frame comes so long after the end of its exposure, at most; None takes the experiment's read-out and
        0.5 s. Whatever it says, a frame that began before its trigger is refused
    stamped_at : what the frame's own time says: the "begin" of the exposure, its "end" (or its read-out), or "unknown"
    saturation : value of a full pixel
    max_pixel_per_s, max_total_per_s : of the hottest pixel and of all of them above the frame's darkest ones, in the
        image's unit a second: a frame that has more ends the run before the next exposure; None asks for nothing
    max_saturated : a larger share of full pixels is refused, 0 to 1
    background_per_s : counts of the whole detector without a sample, for kinds whose frames are counts
    counter_required : refuse frames without a counter that has moved on
    peaks : how spots are found
    """

    device: Name
    shape: tuple[Annotated[int, Field(ge=1, le=65536)], Annotated[int, Field(ge=1, le=65536)]]
    origin_mm: Triple | None = None
    fast: Triple | None = None
    slow: Triple | None = None
    pixel_mm: Positive | None = None
    energy_ev: Range | None = None
    slit_deg: Range | None = None
    transpose: bool = False
    flip_fast: bool = False
    flip_slow: bool = False
    exposure_s: Range
    timeout_s: Positive = 10.0
    max_age_s: Positive | None = None
    stamped_at: Literal["begin", "end", "unknown"] = "unknown"
    saturation: Positive
    max_saturated: Annotated[Number, Field(ge=0, le=1)] = 0.01
    max_pixel_per_s: Positive | None = None
    max_total_per_s: Positive | None = None
    background_per_s: NotNegative = 0.0
    counter_required: bool = True
    peaks: PeaksEntry = PeaksEntry()

    @field_validator("exposure_s")
    @classmethod
    def _rising_above_zero(cls, pair: Range) -> Range:
        if pair[0] <= 0:
            raise ValueError(f"must be above 0 s, found {pair[0]:g}; give the shortest and the longest exposure")
        ordered(pair, equal=True)
        return pair

    @field_validator("energy_ev", "slit_deg")
    @classmethod
    def _rising(cls, pair: Range | None) -> Range | None:
        return ordered(pair)

    @property
    def raw_shape(self) -> tuple[int, int]:
        """(rows, columns) that the device's own array must have."""
        return (self.shape[1], self.shape[0]) if self.transpose else self.shape

    def oriented(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return a raw array (..., rows, columns) as (..., slow, fast): transposed, then columns, then rows flipped.

        Raises
        ------
        ValueError : when the array has another shape than ``raw_shape``
        """
        if raw.shape[-2:] != self.raw_shape:
            raise ValueError(
                f"the detector gave an array of shape {raw.shape}, the instrument file expects {self.raw_shape}; "
                "correct detector.shape, transpose or the camera's region of interest"
            )
        # In the documented order: transpose and flips do not commute.
        image = np.swapaxes(raw, -1, -2) if self.transpose else raw
        image = image[..., ::-1] if self.flip_fast else image
        return np.ascontiguousarray(image[..., ::-1, :] if self.flip_slow else image)

    def unoriented(self, image: NDArray[Any]) -> NDArray[Any]:
        """Return an image (..., slow, fast) as the device gave it: the inverse of ``oriented``."""
        image = image[..., ::-1, :] if self.flip_slow else image
        image = image[..., ::-1] if self.flip_fast else image
        return np.ascontiguousarray(np.swapaxes(image, -1, -2) if self.transpose else image)

    def geometry(self) -> Detector:
        """Return the nominal Laue detector; raises ValueError where a part of it is missing or impossible."""
        if self.origin_mm is None or self.fast is None or self.slow is None or self.pixel_mm is None:
            missing = [name for name in ("origin_mm", "fast", "slow", "pixel_mm") if getattr(self, name) is None]
            raise ValueError(f"{', '.join(missing)} missing; a Laue detector needs its place and directions in the lab")
        arrays = [np.array(part, dtype=np.float64) for part in (self.origin_mm, self.fast, self.slow)]
        return Detector(arrays[0], arrays[1], arrays[2], self.pixel_mm, self.shape, "instrument file")


class ShutterEntry(Strict):
    """The shutter: opened for every exposure, closed on every exit."""

    device: Name


class AttenuatorEntry(Strict):
    """A reading of what stands in the beam before the shutter, which must lie within ``low`` and ``high`` (one may be
    missing) at the moment in which the shutter is opened: a transmission, a filter's number, an undulator's gap."""

    device: Name
    low: Number | None = None
    high: Number | None = None


class DoseEntry(Strict):
    """The sample's dose: seconds of open shutter that a session may spend."""

    budget_s: Positive


class IdentityEntry(Strict):
    """What says whether this is a simulation: a device whose reading must be ``expected``.

    ``real_time`` says that its motors take the time of real ones: else nothing is concluded from how fast they are.
    """

    device: Name
    expected: Annotated[str, StringConstraints(min_length=1)] = "beamgym-simulation"
    real_time: bool = False


class HeartbeatEntry(Strict):
    """A reading that changes every ``period_s`` while its server lives; ``missed`` periods without a change abort."""

    name: Name
    device: Name
    period_s: Positive = 1.0
    missed: Annotated[int, Field(ge=1)] = 3


class SuspenderEntry(Strict):
    """A reading that must stay within ``low`` and ``high`` (one may be missing), or nothing goes on.

    ``heartbeat`` names the heartbeat of the server it comes from; "none" says that this server has none.
    """

    name: Name
    device: Name
    low: Number | None = None
    high: Number | None = None
    heartbeat: Name | None = None


class EnvelopeEntry(Strict):
    """A box in joint space that no path may enter: all its axes within their ranges at once, widened by ``margin``."""

    name: Name
    forbidden: Annotated[dict[Name, Range], Field(min_length=1)]
    margin: NotNegative = 0.0

    @field_validator("forbidden")
    @classmethod
    def _rising(cls, forbidden: dict[str, Range]) -> dict[str, Range]:
        for axis, pair in forbidden.items():
            if pair[0] > pair[1]:
                raise ValueError(f"{axis} must go from low to high, found {pair[0]:g} to {pair[1]:g}; swap them")
        return forbidden


class HolderEntry(Strict):
    """A sphere that a part of the sample holder lies in: its middle with all axes at their zero, and its radius, mm."""

    centre_mm: Triple
    radius_mm: NotNegative


class NozzleEntry(Strict):
    """A solid cone in front of the sample, such as an analyser's nozzle, to which the holder keeps a distance.

    Parameters
    ----------
    name : for messages
    tip_mm : middle of its front in the lab frame, mm
    axis : (3,) direction from the front into the analyser, of any length
    radius_mm : of its front
    half_angle_deg : by which it widens behind the front, less than 90; 0 for a tube
    holder : spheres that hold all that the axes carry: sample, plate, screws, cables
    margin_mm : the distance that is kept; it holds for all that the file does not know
    """

    name: Name
    tip_mm: Triple
    axis: Triple
    radius_mm: NotNegative
    half_angle_deg: Annotated[Number, Field(ge=0, lt=90)] = 0.0
    holder: Annotated[tuple[HolderEntry, ...], Field(min_length=1)]
    margin_mm: Positive = 1.0

    @field_validator("axis")
    @classmethod
    def _pointing(cls, axis: Triple) -> Triple:
        if not any(axis):
            raise ValueError("is zero; give the direction from the nozzle's front into the analyser")
        return axis


class ConfirmEntry(Strict):
    """When a human is asked beyond the first run: every n steps (0 for never), and for moves longer than these."""

    every_n_steps: Annotated[int, Field(ge=0)] = 0
    larger_than: dict[Name, Positive] = Field(default_factory=dict)


class SuspensionsEntry(Strict):
    """How often the suspenders may suspend a run, and it goes on by itself; one more ends it.

    Parameters
    ----------
    per_minute : within any 60 s; a beam that comes and goes is not there
    per_run : since the guard was armed
    """

    per_minute: Annotated[int, Field(ge=0)] = 3
    per_run: Annotated[int, Field(ge=0)] = 30


class OperatorEntry(Strict):
    """The dead-man: seconds without a sign of life from the policy or the operator's token until everything stops."""

    deadman_s: Positive = 30.0


class GoniometerEntry(Strict):
    """How the Laue axes carry the sample: see physics.goniometer.Goniometer; the axes are the file's own."""

    name: Annotated[str, StringConstraints(min_length=1)] = "custom"
    solve_with: tuple[Name, Name, Name] | None = None
    wrist_mm: Triple | None = None


class LaueTaskEntry(Strict):
    """The Laue experiment; words as in LaueAlignOptions."""

    crystal: Annotated[str, StringConstraints(min_length=1)]
    target: Annotated[str, StringConstraints(min_length=1)]
    beam: Annotated[str, StringConstraints(min_length=1)] = "tube-W"
    tolerance_deg: Annotated[Number, Field(ge=0.02, le=20)] = 0.25
    max_rotation_deg: Annotated[Number, Field(gt=0, le=180)] = 90.0
    action: Literal["rotation", "axes", "decisions"] = "rotation"
    exposures: Annotated[int, Field(ge=1)] = 20
    exposure_s: Positive = 10.0
    readout_s: NotNegative = 2.0


class ArpesTaskEntry(Strict):
    """The ARPES experiment; words as in ArpesSpotOptions."""

    stage: Annotated[str, StringConstraints(min_length=1)] = "stepper"
    beam_time_s: Annotated[Number, Field(gt=1)] = 120.0
    action: Literal["absolute", "steps"] = "absolute"
    max_step_mm: Positive = 0.5
    readout_s: NotNegative = 0.05

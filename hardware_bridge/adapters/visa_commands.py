"""The small table of texts by which a VISA or serial stage is commanded, checked before anything is sent."""

import re
import string

from pydantic import field_validator, model_validator

from beamgym.hardware_bridge.devices import AdapterOptions, DeviceError

_FIELDS = {"axis", "position"}
# Controllers wrap their numbers in words, and say nan or inf where an encoder is off.
_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?[nN][aA][nN]|[-+]?[iI][nN][fF])"


class VisaOptions(AdapterOptions):
    """Options of the adapter "visa": the stage's commands and the line's settings.

    Parameters
    ----------
    axis : what ``{axis}`` stands for in the commands, e.g. the controller's channel
    move : command of an absolute move, with ``{position}``, e.g. "MOV {axis} {position:.4f}"
    position, moving, stop : commands that read the position, ask whether it moves, and stop it
    low_limit, high_limit : commands that read the travel's ends, or None
    low, high : the travel's ends where the controller cannot say them, or None
    error, error_free : command that reads the controller's error, or None; its answer when all is well
    homed, homed_reply : command that asks whether the axis has been homed, or None; the answer of one that has
    move_reply, stop_reply : what the controller answers to a move and a stop; None where it is silent
    moving_reply : regular expression that the answer matches, from its start, while the axis moves
    number : regular expression with one group, the number in an answer
    scale : controller units a degree or millimetre
    backend : pyvisa library: "" for the installed one, "@py" for pyvisa-py, "FILE.yaml@sim" for pyvisa-sim
    write_end, read_end : line ends
    baud : of a serial line, or None for the library's own
    reply_s : the controller answers within this time, seconds
    poll_s : ask this often whether it still moves, seconds
    """

    axis: str = "1"
    move: str
    position: str
    moving: str
    stop: str
    low_limit: str | None = None
    high_limit: str | None = None
    low: float | None = None
    high: float | None = None
    error: str | None = None
    error_free: str = "0"
    homed: str | None = None
    homed_reply: str = "1"
    move_reply: str | None = None
    stop_reply: str | None = None
    moving_reply: str = "1"
    number: str = _NUMBER
    scale: float = 1.0
    backend: str = ""
    write_end: str = "\r\n"
    read_end: str = "\n"
    baud: int | None = None
    reply_s: float = 2.0
    poll_s: float = 0.05

    @field_validator("move", "position", "moving", "stop", "low_limit", "high_limit", "error", "homed")
    @classmethod
    def _only_known_fields(cls, template: str | None) -> str | None:
        if template is not None:
            _check_template(template)
        return template

    @field_validator("number", "moving_reply")
    @classmethod
    def _expression(cls, text: str) -> str:
        try:
            re.compile(text)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return text

    @field_validator("scale", "reply_s", "poll_s")
    @classmethod
    def _positive(cls, value: float) -> float:
        # A scale of 0 would send every target to the zero of the controller.
        if not 0 < value < 1e9:
            raise ValueError("must be above zero")
        return value

    @model_validator(mode="after")
    def _whole(self) -> "VisaOptions":
        # A relative move that is sent again after a pause would go twice as far.
        if "{position" not in self.move:
            raise ValueError(f"move {self.move!r} does not contain {{position}}; it must be an absolute move")
        # With none or several it is not clear which text is the number.
        if re.compile(self.number).groups != 1:
            raise ValueError(f"number {self.number!r} must have exactly one group, the number")
        for pair in (("low", "high"), ("low_limit", "high_limit")):
            if (getattr(self, pair[0]) is None) != (getattr(self, pair[1]) is None):
                raise ValueError(f"{pair[0]} and {pair[1]} go together; give both or none")
        return self

    def text(self, template: str, position: float = 0.0) -> str:
        """Return a command with the axis and the position (degrees or mm) put in."""
        return template.format(axis=self.axis, position=position * self.scale)

    def value(self, what: str, reply: str) -> float:
        """Return the number in an answer, in degrees or mm; DeviceError where there is none."""
        match = re.search(self.number, reply)
        if match is None:
            raise DeviceError(f"{what} answered {reply[:40]!r}, which holds no number; check the option 'number'")
        try:
            return float(match.group(1)) / self.scale
        except ValueError:
            raise DeviceError(
                f"{what} answered {reply[:40]!r}, which is no number; check the option 'number'"
            ) from None


def _check_template(template: str) -> None:
    """Raise ValueError unless only {axis} and {position} are filled in: a format text can reach into objects."""
    try:
        # "{axis.__class__}" and the like would read attributes of our objects.
        parts = list(string.Formatter().parse(template))
        found = [(name, spec or "") for _, name, spec, _ in parts if name is not None]
        if any(name not in _FIELDS or "{" in spec for name, spec in found):
            raise ValueError(f"only {{axis}} and {{position}} may stand in braces, found {template!r}")
        # A template is tried when the file is read, not when a motor is to be stopped with it.
        template.format(axis="1", position=0.0)
    except (KeyError, IndexError, AttributeError) as error:
        raise ValueError(f"{template!r} cannot be filled in: {error}") from None
    if not template.strip():
        raise ValueError("must be a command, found an empty text")

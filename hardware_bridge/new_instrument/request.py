"""What a user names for a new instrument file: PVs, the kind of instrument, and the goniometer."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from beamgym.hardware_bridge.new_instrument.kind import new_file_of
from beamgym.hardware_bridge.protected_names import read_protected_names
from beamgym.physics.goniometer import Goniometer, goniometer

_ENDS = ("Mtr", "VAL", "MTR")  # of records' names, which say nothing of the axis


@dataclass(frozen=True)
class NewInstrument:
    """An instrument as a user names it; addresses are PVs over Channel Access.

    Parameters
    ----------
    kind : one of the table of kinds that has a column ``new_file``
    axes : motor records by the axis's name, outermost first
    camera : prefix of driver and array plugin
    shutter : prefix of the shutter's PVs, or ""
    identity : PV by which a simulation says that it is one, or ""
    heartbeats : PVs that change while their server lives, by name
    suspenders : PVs that must stay within a range, by name
    goniometer : one of docs/goniometers.md, from which the axes' vectors come; None leaves them open
    options : options of devices by the device's name, such as {"camera": {"image": "image2:"}}
    """

    kind: str
    axes: Mapping[str, str]
    camera: str
    shutter: str = ""
    identity: str = ""
    heartbeats: Mapping[str, str] = field(default_factory=dict)
    suspenders: Mapping[str, str] = field(default_factory=dict)
    goniometer: Goniometer | None = None
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def option(self, device: str, name: str, default: str) -> str:
        """Return a device's option, or what its adapter takes without it."""
        return self.options.get(device, {}).get(name, default)


def new_instrument(
    kind: str,
    axes: Sequence[str],
    camera: str | None,
    *,
    shutter: str | None = None,
    identity: str | None = None,
    beam: str | None = None,
    heartbeats: Sequence[str] = (),
    suspenders: Sequence[str] = (),
    goniometer_name: str | None = None,
    options: Sequence[str] = (),
) -> NewInstrument:
    """Return what the words of a command line name; nothing is connected.

    Parameters
    ----------
    kind : one of the table of kinds that has a column ``new_file``
    axes : PV or NAME=PV of each motor record, outermost first; several in one word with blanks between
    camera, shutter, identity, beam : PVs or prefixes
    heartbeats, suspenders : PV or NAME=PV
    goniometer_name : of docs/goniometers.md
    options : DEVICE.OPTION=VALUE

    Raises
    ------
    ValueError : in one line, for what is missing, of no EPICS record, given twice, or protected
    """
    fixed = new_file_of(kind).axes
    if not axes or not camera:
        raise ValueError("--new needs the motor records and the camera: --axes 'bgym:j1 bgym:j2' --camera bgym:")
    stack = None if goniometer_name is None else goniometer(goniometer_name)
    words = [word for each in axes for word in each.split()]
    found = NewInstrument(
        kind,
        _axes(fixed, words, stack),
        camera,
        shutter or "",
        identity or "",
        _named(heartbeats, "server"),
        {**({} if beam is None else {"beam": beam}), **_named(suspenders, None)},
        stack,
        _options(options),
    )
    _check(found)
    return found


def _axes(fixed: tuple[str, ...] | None, words: Sequence[str], stack: Goniometer | None) -> dict[str, str]:
    if fixed is not None:
        if len(words) != len(fixed):
            raise ValueError(f"this kind has the motors {', '.join(fixed)}; --axes names {len(words)} records")
        return dict(zip(fixed, (word.rpartition("=")[2] for word in words), strict=True))
    if stack is None:
        return _named(words, None)
    if len(words) != len(stack.axes):
        names = ", ".join(axis.name for axis in stack.axes)
        raise ValueError(f"the goniometer {stack.name} has the axes {names}; --axes names {len(words)} records")
    return dict(zip((axis.name for axis in stack.axes), (word.rpartition("=")[2] for word in words), strict=True))


def _named(words: Iterable[str], first: str | None) -> dict[str, str]:
    """Return PVs by name: the one given as NAME=PV, else ``first`` for the first, else the PV's last word."""
    found: dict[str, str] = {}
    for word in words:
        # A PV has no '='.
        name, _, pv = word.rpartition("=")
        name = name or (first if first is not None and not found else None) or _last_word(pv)
        if name in found:
            raise ValueError(f"{pv} and {found[name]} would both be named {name!r}; name them: NAME={pv}")
        found[name] = pv
    return found


def _last_word(pv: str) -> str:
    words = [word for word in re.findall(r"[A-Za-z0-9_]+", pv) if word not in _ENDS]
    last = words[-1].lower() if words else "axis"
    return last if last[0].isalpha() else f"axis_{last}"


def _options(words: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for word in words:
        match = re.fullmatch(r"([A-Za-z][\w-]*)\.(\w+)=(.*)", word)
        if match is None:
            raise ValueError(f"--option is {word!r}; give DEVICE.OPTION=VALUE, such as camera.image=image2:")
        found.setdefault(match[1], {})[match[2]] = match[3]
    return found


def _check(request: NewInstrument) -> None:
    readings = [request.identity, *request.heartbeats.values(), *request.suspenders.values()]
    for pv in (*request.axes.values(), request.camera, request.shutter, *readings):
        if "/" in pv:
            raise ValueError(
                f"{pv!r} is no PV; --new reads EPICS records only: for Tango, VISA, folders and devices of your own "
                "copy a file and fill it in, see docs/adapters.md"
            )
    protected = read_protected_names()
    for pv in (*request.axes.values(), request.camera, request.shutter):
        found = protected.find(pv)
        if found is not None:
            raise ValueError(f"{pv!r} is {found}; it may be read, with --suspend, but not be commanded")
    twice = [pv for pv in request.axes.values() if list(request.axes.values()).count(pv) > 1]
    if twice:
        raise ValueError(f"the record {twice[0]} is named for two axes; name each once")

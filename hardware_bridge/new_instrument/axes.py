"""The axes of a new instrument file."""

import math
from collections.abc import Iterator

from beamgym.hardware_bridge.new_instrument.found import AxisFound
from beamgym.hardware_bridge.new_instrument.lines import INDENT, line, number, undecided
from beamgym.physics.instrument import Axis

_STEPS = 10.0
"""A proposed tolerance: so many steps of the motor."""

_FASTER = 1.5
_MOVES, _MOVES_OF_A_STAGE = 60, 600
"""A proposed ``max_speed``: so many times the speed that is set now."""


def axis_lines(name: str, found: AxisFound, preset: Axis | None, stack: str) -> Iterator[str]:
    """Yield the lines of one axis.

    Parameters
    ----------
    name : of the axis and its device
    found : what its record says
    preset, stack : the axis of a named goniometer, whose vector is taken, and that goniometer's name; None without one
    """
    yield f"  - name: {name}"
    yield f"    device: {name}"
    yield from _unit(found)
    yield from _geometry(found, preset, stack)
    yield from _limits(found)
    yield from _motion(found)


def _unit(found: AxisFound) -> Iterator[str]:
    source = found.settings.source
    if not found.unit:
        yield undecided(4, "kind", f"rotation or linear; {source}.EGU is empty")
        yield undecided(4, "unit", "deg for a rotation, mm for a linear axis")
        yield line(4, "egu", "", "the record says no unit; write it there, and remove this line")
        return
    yield line(4, "kind", "rotation" if found.unit == "deg" else "linear", f"by its unit, {found.unit}")
    yield line(4, "unit", found.unit, f'{source}.EGU is "{found.settings.unit}"')


def _geometry(found: AxisFound, preset: Axis | None, stack: str) -> Iterator[str]:
    if preset is None:
        yield undecided(4, "vector", "[x, y, z] in the lab frame with all axes at zero, of any length: the axis of a")
        yield f"{INDENT}# rotation, the direction of a linear axis"
    else:
        yield line(4, "vector", list(preset.vector), f"of {preset.name} of the goniometer {stack}")
        yield line(4, "point_mm", list(preset.point_mm), f"a point on the axis, of the goniometer {stack}")
    direction = {1: "Pos", -1: "Neg", None: "not said"}[found.settings.direction]
    turns = "turn right-handed about the vector" if found.unit != "mm" else "go along the vector"
    yield undecided(4, "sign", f"1 where growing positions {turns}, -1 where not; DIR is {direction};")
    yield f"{INDENT}# begin with 1: the direction check (--signs) tells"
    now = f"it stands at {_said(found.settings.position)}, OFF is {_said(found.settings.offset)}"
    if found.unit == "mm":
        yield undecided(
            4, "zero", "position at which the sample is where vectors and nozzles of this file mean it, such as"
        )
        yield f"{INDENT}# its middle in the beam; an ARPES stage without nozzles takes any, also 0; {now}"
    else:
        yield undecided(
            4, "zero", "position at which the axis does not act: with all axes there the vectors hold, as at the"
        )
        yield f"{INDENT}# goniometer's home; {now}"


def _limits(found: AxisFound) -> Iterator[str]:
    user, dial = _pair(found.settings.limits), _pair(found.settings.dial_limits)
    if found.limits is None:
        yield undecided(4, "limits", f"[lowest, highest]; the record has none (LLM, HLM {user}; DLLM, DHLM {dial})")
    else:
        yield line(4, "limits", list(found.limits), f"the tighter of LLM, HLM {user} and DLLM, DHLM {dial} (dial)")


def _motion(found: AxisFound) -> Iterator[str]:
    settings, unit = found.settings, found.unit or "its unit"
    step = settings.step
    if step is None:
        yield undecided(4, "step", "smallest increment, 0 for a continuous motor; the record does not say (MRES)")
    else:
        yield line(4, "step", step, f"MRES, {unit}")
    if settings.speed is not None and math.isfinite(settings.speed) and settings.speed > 0:
        yield line(4, "speed", settings.speed, f"VELO, {unit} per second")
        yield line(4, "max_speed", _FASTER * settings.speed, f"proposed, {_FASTER:g} times VELO: faster is refused")
    else:
        yield undecided(4, "speed", f"{unit} per second; VELO is {_said(settings.speed)}")
    if settings.backlash is None:
        yield undecided(4, "backlash", "by how much the motor runs past its target and comes back; BDST is not served")
    else:
        yield line(4, "backlash", abs(settings.backlash), f"BDST is {number(settings.backlash)}")
    yield from _arrival(found)


def _arrival(found: AxisFound) -> Iterator[str]:
    settings, unit = found.settings, found.unit or "its unit"
    yield line(4, "settle_s", 0.2, "proposed: wait after a move before the readback counts")
    tolerance = max(_STEPS * (settings.step or 0.0), settings.deadband or 0.0)
    if tolerance > 0 and math.isfinite(tolerance):
        yield line(4, "tolerance", tolerance, f"proposed, {_STEPS:g} steps and no less than RDBD: so near is arrived")
    else:
        yield undecided(4, "tolerance", f"how far from its target counts as arrived, {unit}")
    yield undecided(4, "max_step", f"longest single move, {unit}")
    # A stage is sent to a new place for every exposure of 0.05 s; a crystal is turned once an exposure of seconds.
    often = _MOVES_OF_A_STAGE if found.unit == "mm" else _MOVES
    yield line(4, "max_moves_per_min", often, "proposed: more moves in a minute end the run")
    yield line(4, "timeout_s", 30, "proposed: wait beyond the time that the distance takes")
    homed = {True: "MSTA says that it is homed", False: "MSTA says that it is NOT homed", None: "MSTA is not served"}
    yield line(4, "home_required", bool(settings.homed), f"{homed[settings.homed]}; true refuses one that is not")


def _said(value: float | None) -> str:
    return "not said" if value is None else number(value)


def _pair(pair: tuple[float, float] | None) -> str:
    return "not said" if pair is None else f"{number(pair[0])} to {number(pair[1])}"

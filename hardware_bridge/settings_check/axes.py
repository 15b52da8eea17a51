"""An axis of the file against its motor."""

import math
from collections.abc import Callable, Iterator

from beamgym.hardware_bridge.instrument_file import AxisEntry
from beamgym.hardware_bridge.settings import AxisSettings, is_unit
from beamgym.hardware_bridge.settings_check.difference import Difference

Travel = tuple[float, float] | None
Found = Iterator[tuple[bool, str]]

_SHARE = 0.1
"""Speeds, steps and play that differ by less are the same: files are rounded."""

_ROUNDED = 1e-6


def compare_axis(entry: AxisEntry, found: AxisSettings, travel: Travel) -> list[Difference]:
    """Return what differs between an axis of the file and its motor.

    Parameters
    ----------
    entry : of the file
    found : what the motor says
    travel : the tighter of the motor's own limits, in the coordinates of commands; None where it has none
    """
    place = f"axis {entry.name!r}"
    return [Difference(place, text, refused) for check in _CHECKS for refused, text in check(entry, found, travel)]


def _unit(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    said = found.unit
    if said is None:
        return
    if entry.egu is not None:
        if said.lower() != entry.egu.strip().lower():
            yield True, f"{found.source} says the unit {said!r}, egu is {entry.egu!r}; correct one of them"
        elif not said:
            yield False, f"{found.source} says no unit: nothing but egu: '' shows that it counts in {entry.unit}"
    elif not said:
        yield (
            True,
            f"{found.source} says no unit, so that nothing shows that it counts in {entry.unit}; write {entry.unit} "
            "there (EGU of a motor record), or give the axis egu: ''",
        )
    elif not is_unit(said, entry.unit):
        yield True, f"{found.source} counts in {said!r}, the file in {entry.unit!r}; correct one of them"


def _limits(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    if travel is None:
        yield (
            False,
            f"{found.source} has no limits of its own, so that only this program holds it; set them there too",
        )
        return
    low, high = travel
    if entry.limits is not None and max(low, entry.limits[0]) > min(high, entry.limits[1]):
        yield True, f"limits {_range(entry.limits)} and the motor's {_range(travel)} exclude each other; correct one"
        return
    if entry.limits is not None and (entry.limits[0] < low - _ROUNDED or entry.limits[1] > high + _ROUNDED):
        yield (
            False,
            f"limits {_range(entry.limits)} go beyond the motor's {_range(travel)}; the tighter hold: give limits: "
            f"[{max(low, entry.limits[0]):g}, {min(high, entry.limits[1]):g}]",
        )
    if found.position is not None and math.isfinite(found.position) and not low <= found.position <= high:
        yield False, f"it stands at {found.position:g}, outside its motor's {_range(travel)}; bring it back by hand"


def _speed(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    speed = found.speed
    if speed is None:
        return
    if not speed > 0.0:
        yield True, f"{found.source} is set to the speed {speed:g}, with which it never arrives; set another one"
        return
    if entry.max_speed is not None and speed > entry.max_speed:
        yield True, f"{found.source} is set to the speed {speed:g}, max_speed is {entry.max_speed:g}; set it slower"
        return
    longest = min(entry.max_step, _width(travel, entry.limits))
    allowed_s = longest / entry.speed + entry.timeout_s
    if longest / speed > allowed_s:
        yield (
            True,
            f"at the speed {speed:g} to which it is set a move by {longest:g} takes {longest / speed:.0f} s and is "
            f"stopped after {allowed_s:.0f} s; give speed: {speed:g}",
        )
    elif not math.isclose(speed, entry.speed, rel_tol=_SHARE):
        yield (
            False,
            f"speed is {entry.speed:g} in the file and {speed:g} in the motor; waits and costs are reckoned with the "
            f"file's: give speed: {speed:g}",
        )


def _backlash(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    if found.backlash is not None and not math.isfinite(found.backlash):
        yield True, f"{found.source} says that its backlash is {found.backlash:g} (BDST); set it to a number"
        return
    if found.backlash is None or math.isclose(abs(found.backlash), entry.backlash, rel_tol=_SHARE, abs_tol=_ROUNDED):
        return
    yield (
        False,
        f"backlash is {entry.backlash:g} in the file, and the motor runs {abs(found.backlash):g} past its target "
        f"(BDST {found.backlash:g}); give backlash: {abs(found.backlash):g}",
    )


def _direction(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    turned, offset = found.direction == -1, found.offset or 0.0
    if turned or offset:
        parts = (["its direction is Neg"] if turned else []) + ([f"its offset is {offset:g}"] if offset else [])
        yield (
            False,
            f"{' and '.join(parts)}, against the dial; sign, zero and limits of the file mean its user coordinates: "
            "make the direction check again when one of them is changed",
        )


def _step(entry: AxisEntry, found: AxisSettings, travel: Travel) -> Found:
    step = found.step
    if step is not None and entry.tolerance < 0.5 * step:
        yield (
            True,
            f"the motor's step is {step:g} (MRES), so that it stands up to half of it off: tolerance "
            f"{entry.tolerance:g} can not be kept; give a larger tolerance",
        )
    elif step is not None and entry.step and not math.isclose(entry.step, step, rel_tol=_SHARE):
        yield False, f"step is {entry.step:g} in the file and {step:g} in the motor (MRES); give step: {step:g}"
    if found.deadband is not None and found.deadband > entry.tolerance:
        yield (
            False,
            f"the motor is content {found.deadband:g} off its target (RDBD), tolerance is {entry.tolerance:g}: moves "
            "may be refused; set a smaller deadband, or give a larger tolerance",
        )


def _width(travel: Travel, own: Travel) -> float:
    widths = [high - low for low, high in (pair for pair in (travel, own) if pair is not None)]
    return min(widths, default=math.inf)


def _range(pair: tuple[float, float]) -> str:
    return f"{pair[0]:g} to {pair[1]:g}"


_CHECKS: tuple[Callable[[AxisEntry, AxisSettings, Travel], Found], ...] = (
    _unit,
    _limits,
    _speed,
    _backlash,
    _direction,
    _step,
)

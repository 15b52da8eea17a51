"""The sane range of every number of an instrument file: one table, which is asked, and which the manual shows.

What lies outside is a slip of the unit, a factor of a thousand, or a way to switch a protection off; the file does not
load. This prints the table as docs/deploying.md holds it:

python -m beamgym.hardware_bridge.instrument_file.ranges
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

HOUR_S, DAY_S, WEEK_S = 3600.0, 86400.0, 604800.0


@dataclass(frozen=True)
class Range:
    """What a number may be.

    Parameters
    ----------
    place : where it stands, without the numbers of entries: "axes: max_step"
    unit : its own
    low, high : both are allowed
    give : what to give instead: the remedy of a refusal
    axis : it holds for axes in this unit only: "deg", "mm" or "s"; "" where it holds for all
    """

    place: str
    unit: str
    low: float
    high: float
    give: str
    axis: str = ""


def _of_axes(place: str, deg: float, mm: float, seconds: float, give: str, low: float | None = None) -> Iterator[Range]:
    """Yield a row for each unit of an axis, from ``low`` or from minus the highest."""
    for unit, high in (("deg", deg), ("mm", mm), ("s", seconds)):
        yield Range(place, unit, -high if low is None else low, high, give, unit)


def _speeds(place: str, give: str) -> Iterator[Range]:
    # An exposure-time axis has no speed.
    for unit in ("deg", "mm"):
        yield Range(place, f"{unit}/s", 1e-5, 1000.0, give, unit)


_READING = "a bound that the reading can pass, in its unit; leave the side out that has none"
_POINT = "millimetres from the sample"

RANGES: tuple[Range, ...] = (
    *_of_axes("axes: limits", 3600.0, 10000.0, HOUR_S, "the travel that is free of obstacles"),
    *_of_axes("axes: zero", 3600.0, 10000.0, HOUR_S, "the position at which the axis does not act"),
    *_of_axes("axes: step", 10.0, 10.0, 10.0, "the smallest increment; 0 for a continuous motor", 0.0),
    *_speeds("axes: speed", "what the motor is set to"),
    *_speeds("axes: max_speed", "the fastest that is safe"),
    *_of_axes("axes: tolerance", 5.0, 5.0, 10.0, "what the axis keeps, some of its steps", 1e-7),
    *_of_axes("axes: max_step", 720.0, 2000.0, HOUR_S, "the longest move that you would make without a look", 1e-6),
    *_of_axes("axes: backlash", 30.0, 30.0, 10.0, "what the motor overshoots by; 0 for none", 0.0),
    *_of_axes("axes: overrun", 720.0, 2000.0, HOUR_S, "how far it may leave its way; left out, five tolerances", 0.0),
    Range("axes: settle_s", "s", 0.0, 600.0, "the time until the readback is true"),
    Range("axes: max_moves_per_min", "1/min", 0.1, 6000.0, "more than a run makes, a few tens"),
    Range("axes: timeout_s", "s", 0.1, DAY_S, "the patience beyond the time of the distance, 10 to 60"),
    Range("axes: stall_s", "s", 0.1, DAY_S, "some updates of the readback, 1 to 30"),
    Range("axes: readback_s", "s", 0.01, HOUR_S, "some updates of the readback, 0.5 to 10"),
    Range("axes: turn", "deg", 1.0, 3600.0, "360 where the readback begins anew each turn; else leave it out"),
    Range("axes: cable_turns", "turns", 0.01, 100.0, "the turns that the cables bear on either side"),
    Range("axes: cable_zero", "deg", -36000.0, 36000.0, "the position at which the cables hang free"),
    Range("axes: point_mm", "mm", -10000.0, 10000.0, f"a point of the axis, {_POINT}"),
    Range("goniometer: wrist_mm", "mm", -10000.0, 10000.0, f"where the axes meet, {_POINT}"),
    Range("detector: origin_mm", "mm", -20000.0, 20000.0, f"the centre of pixel (0, 0), {_POINT}"),
    Range("detector: pixel_mm", "mm", 1e-4, 50.0, "the edge of a pixel of this array"),
    Range("detector: energy_ev", "eV", -10000.0, 100000.0, "E - E_F of the first and last pixel"),
    Range("detector: slit_deg", "deg", -90.0, 90.0, "the angles of the first and last pixel"),
    Range("detector: exposure_s", "s", 1e-6, HOUR_S, "the shortest and the longest that you would make"),
    Range("detector: timeout_s", "s", 0.1, DAY_S, "the patience beyond the exposure, 5 to 60"),
    Range("detector: max_age_s", "s", 0.05, HOUR_S, "the read-out and 0.5; left out, that is what it is"),
    Range("detector: saturation", "counts", 1.0, 1e15, "the value of a full pixel; 1.0e9 where none is ever full"),
    Range("detector: max_saturated", "share", 0.0, 1.0, "the share of full pixels that is no fault, 0.001 to 0.05"),
    Range("detector: max_pixel_per_s", "counts/s", 1e-3, 1e12, "what the sensor bears"),
    Range("detector: max_total_per_s", "counts/s", 1e-3, 1e15, "what the sensor bears in all"),
    Range("detector: background_per_s", "counts/s", 0.0, 1e12, "what it counts without a sample"),
    Range("detector: peaks: gain", "", 1e-6, 1e6, "read-out units a count"),
    Range("detector: peaks: faintest_counts", "counts", 0.0, 1e9, "counts of the faintest spot"),
    Range("detector: peaks: threshold", "deviations", 0.1, 1000.0, "5, or somewhat more where noise is found"),
    Range("attenuator: low", "of the reading", -1e5, 1e15, _READING),
    Range("attenuator: high", "of the reading", -1e5, 1e15, _READING),
    Range("suspenders: low", "of the reading", -1e5, 1e15, _READING),
    Range("suspenders: high", "of the reading", -1e5, 1e15, _READING),
    Range("suspensions: per_minute", "", 0.0, 1000.0, "3, or what your beam does on a bad day"),
    Range("suspensions: per_run", "", 0.0, 1000.0, "30, or what your beam does on a bad day"),
    Range("dose: budget_s", "s", 0.01, WEEK_S, "the seconds of beam that the sample bears"),
    Range("heartbeats: period_s", "s", 0.02, HOUR_S, "how often it changes, with a margin of two"),
    Range("heartbeats: missed", "", 1.0, 1000.0, "3, more on a busy server"),
    *_of_axes("envelopes: forbidden", 3600.0, 10000.0, HOUR_S, "the edges of what would be hit"),
    Range("envelopes: margin", "of its axes", 0.0, 1000.0, "more than an axis runs on before it is stopped"),
    Range("nozzles: tip_mm", "mm", -10000.0, 10000.0, f"the middle of its front, {_POINT}"),
    Range("nozzles: radius_mm", "mm", 0.0, 5000.0, "the radius of its front"),
    Range("nozzles: half_angle_deg", "deg", 0.0, 90.0, "by which it widens; 0 for a tube"),
    Range("nozzles: margin_mm", "mm", 0.01, 1000.0, "the distance that is kept, 1 to 10"),
    Range("nozzles: holder: centre_mm", "mm", -5000.0, 5000.0, f"the middle of a sphere, {_POINT}"),
    Range("nozzles: holder: radius_mm", "mm", 0.0, 5000.0, "the radius of a sphere"),
    Range("confirm: every_n_steps", "", 0.0, 1000.0, "so many steps between two questions; 0 asks for none"),
    *_of_axes("confirm: larger_than", 720.0, 2000.0, HOUR_S, "the longest move that needs no question", 1e-6),
    Range("operator: deadman_s", "s", 1.0, DAY_S, "longer than the slowest decision, 30; 1800 by hand"),
    Range("laue: tolerance_deg", "deg", 0.02, 20.0, "how near to the target is aligned"),
    Range("laue: max_rotation_deg", "deg", 0.01, 180.0, "the largest rotation of one step"),
    Range("laue: exposures", "", 1.0, 10000.0, "the frames that an episode may take"),
    Range("laue: exposure_s", "s", 1e-6, HOUR_S, "one within the detector's exposure_s"),
    Range("laue: readout_s", "s", 0.0, HOUR_S, "the time from an exposure's end to its frame"),
    Range("arpes: beam_time_s", "s", 1.0, WEEK_S, "the time that an episode may take"),
    Range("arpes: max_step_mm", "mm", 1e-6, 2000.0, "the longest step of one decision"),
    Range("arpes: readout_s", "s", 0.0, HOUR_S, "the time from an exposure's end to its frame"),
)
"""Every number of a file, in the order of the manual's table; ``NOT_A_QUANTITY`` holds the others."""

NOT_A_QUANTITY = frozenset(
    {
        "axes: vector",
        "axes: sign",
        "detector: shape",
        "devices: options",
        "detector: fast",
        "detector: slow",
        "detector: peaks: max_peaks",
        "nozzles: axis",
    }
)
"""Directions, whose length does not matter, and what the entries or an adapter's options hold within bounds."""


def check_ranges(file: BaseModel) -> None:
    """Refuse a number outside its range; raises ValueError in one line with key, value, range and remedy."""
    units = {axis.name: axis.unit for axis in getattr(file, "axes", ())}
    for place, where, unit, value in _numbers(file, units, "", "", ""):
        row = range_of(place, unit)
        if row is not None and not row.low <= value <= row.high:
            raise ValueError(
                f"{where} is {value:g}, not within {_shown(row)}; give {row.give}; see 'Sensible numbers' in "
                "docs/deploying.md"
            )


def range_of(place: str, unit: str = "") -> Range | None:
    """Return the row of a place, such as "axes: limits" of an axis in ``unit``; None where there is none."""
    return next((row for row in RANGES if row.place == place and row.axis in ("", unit)), None)


def as_markdown() -> str:
    """Return the table as docs/deploying.md holds it: a line for each key."""
    lines = ["| key | range | give |", "|---|---|---|"]
    for place in dict.fromkeys(row.place for row in RANGES):
        rows = [row for row in RANGES if row.place == place]
        lines.append(f"| `{place}` | {'; '.join(map(_shown, rows))} | {rows[0].give} |")
    return "\n".join(lines)


def _shown(row: Range) -> str:
    return f"{row.low:g} to {row.high:g} {row.unit}".rstrip()


def numeric_places(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Yield the place of every number that a part may hold, as the table names it."""
    for key, field in model.model_fields.items():
        place = f"{before}{key}"
        inside = list(_models_in(field.annotation))
        for each in inside:
            yield from numeric_places(each, f"{place}: ")
        if not inside and _holds_a_number(field.annotation):
            yield place


def _numbers(
    value: Any, units: Mapping[str, str], place: str, where: str, unit: str
) -> Iterator[tuple[str, str, str, float]]:
    """Yield place in the table, place in the file, the axis's unit and the value of every number."""
    if isinstance(value, BaseModel):
        unit = getattr(value, "unit", unit)
        for key in type(value).model_fields:
            inside = f"{where}: {key}" if where else key
            yield from _numbers(getattr(value, key), units, f"{place}: {key}" if place else key, inside, unit)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, units, place, f"{where}: {key}", units.get(key, unit))
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            name = getattr(item, "name", "")
            inside = f"{where}[{i}]{f' ({name})' if name else ''}" if isinstance(item, BaseModel) else where
            yield from _numbers(item, units, place, inside, unit)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place, where, unit, float(value)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models_in(part)


def _holds_a_number(annotation: Any) -> bool:
    parts = getattr(annotation, "__args__", ())
    return annotation in (int, float) or any(_holds_a_number(part) or isinstance(part, int) for part in parts)


if __name__ == "__main__":
    print(as_markdown())

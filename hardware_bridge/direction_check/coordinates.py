"""In which coordinates motors and image were when the directions were checked, and whether they still are."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from beamgym.hardware_bridge.instrument_file import InstrumentFile

Coordinates = dict[str, dict[str, float | str]]
"""By axis: settings by the motor record's names, as far as the motor says them; by IMAGE those of the image."""

IMAGE = "the image"
"""Stands beside the axes' names, none of which holds a space."""

_FIELDS = ("DIR", "OFF", "MRES")
_NO_VIEW = (
    *("ImageMode_RBV", "TriggerMode_RBV", "NumImages_RBV", "NumExposures_RBV"),
    *("DataType_RBV", "ColorMode_RBV"),
)
"""Modes that say nothing of where a spot lies in the image; frames are judged by them."""

_SAME_STEP = 1e-6
"""Steps that differ by a smaller share are the same: a text of ten digits has been read again."""


def coordinates_of(settings: Mapping[str, Mapping[str, Any]], modes: Mapping[str, str] | None = None) -> Coordinates:
    """Return, of the settings of axes and image, those that say what their positions mean.

    Parameters
    ----------
    settings : by axis, by the motor record's names; what a motor does not say is left out
    modes : of the detector, in words: region, binning, mirrors, and which plugin its image comes from
    """
    axes: Coordinates = {
        axis: {field: known for field in _FIELDS if (known := _known(found.get(field))) is not None}
        for axis, found in settings.items()
    }
    return axes | {IMAGE: {name: word for name, word in (modes or {}).items() if name not in _NO_VIEW}}


def changed_coordinates(file: InstrumentFile, before: Mapping[str, Any], now: Coordinates) -> list[str]:
    """Return a few words for every setting that is another one than before, such as "phi: OFF was 0 and is 11".

    The image's are named like "the image: ReverseX_RBV was No and is Yes".

    Parameters
    ----------
    file : an offset counts as the same within its axis's tolerance, which homing anew may leave
    before, now : of ``coordinates_of``; what only one of them says is not compared
    """
    of_axes = (line for axis in file.axes for line in _changed(axis.name, axis.tolerance, before, now))
    return [*of_axes, *_changed(IMAGE, 0.0, before, now)]


def _changed(axis: str, tolerance: float, before: Mapping[str, Any], now: Coordinates) -> Iterator[str]:
    then, found = before.get(axis, {}), now.get(axis, {})
    for field in then:
        if field in found and not _same(field, then[field], found[field], tolerance):
            yield f"{axis}: {field} was {_text(then[field])} and is {_text(found[field])}"


def _same(field: str, one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    within = tolerance if field == "OFF" else 0.0
    return math.isclose(one, other, rel_tol=_SAME_STEP, abs_tol=within)


def _known(value: Any) -> float | str | None:
    """Return a word, or a finite number; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"

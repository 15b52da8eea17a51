"""What a value holds, as bytes: to see whether something handed over was changed, or whether two answers are equal."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import Frame


def contents(value: Any) -> Any:
    """Return something that compares equal exactly where two values hold the same numbers.

    Arrays go by their bytes, so that NaN equals NaN; dataclasses, mappings and sequences by what they hold; anything
    else, such as a function or a crystal, by which object it is.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value.dtype.str, value.shape, value.tobytes()
    if is_dataclass(value) and not isinstance(value, type):
        parts = {item.name: contents(getattr(value, item.name)) for item in fields(value)}
        return type(value).__name__, parts
    if isinstance(value, Mapping):
        return {key: contents(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [contents(item) for item in value]
    if isinstance(value, (bool, int, float, complex, str, bytes, np.generic)) or value is None:
        return type(value).__name__, repr(value)
    return "object", id(value)


def changed(before: Any, after: Any, path: str = "") -> str:
    """Return where two ``contents`` first differ, such as "positions"; empty where they are equal."""
    if before == after:
        return ""
    if isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after) == 2:
        before, after = before[1], after[1]
    if isinstance(before, dict) and isinstance(after, dict) and before.keys() == after.keys():
        name = next(key for key in before if before[key] != after[key])
        return changed(before[name], after[name], f"{path}.{name}" if path else str(name))
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        place = next(i for i, (one, two) in enumerate(zip(before, after, strict=True)) if one != two)
        return changed(before[place], after[place], f"{path}[{place}]")
    return path or "it"


def frame_arrays(frame: Frame) -> dict[str, NDArray[Any]]:
    """Return what a frame holds for each row, arrays with the batch dimension first; padding of peaks is zero."""
    arrays: dict[str, NDArray[Any]] = {"exposure_s": frame.exposure_s}
    if frame.image is not None:
        arrays["image"] = frame.image
    if frame.found is not None:
        real = frame.found.mask
        arrays["peaks"] = np.where(real[:, :, None], frame.found.position_px, 0.0)
        arrays["intensity"] = np.where(real, frame.found.intensity, 0.0)
        arrays["saturated"] = frame.found.saturated & real
    return arrays


def first_difference(one: Mapping[str, NDArray[Any]], two: Mapping[str, NDArray[Any]]) -> str:
    """Return the name of the first array that differs between two mappings of the same names; empty where none does."""
    for name, values in one.items():
        if name not in two or contents(values) != contents(two[name]):
            return name
    return ""


def rows_of(arrays: Mapping[str, NDArray[Any]], rows: Any) -> dict[str, NDArray[Any]]:
    """Return some rows of every array."""
    return {name: np.ascontiguousarray(values[rows]) for name, values in arrays.items()}

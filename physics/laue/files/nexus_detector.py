"""A detector from a NeXus file: the first NXdetector_module, through its chain of transformations.

NeXus' frame has z along the beam and y up; its (x, y, z) are (y, z, x) here. The module's offset is taken as the centre
of its first pixel, as in imgCIF, which the class comes from.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.frame_shape import agreed_shape

_TO_LAB = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_MM = {"m": 1000.0, "mm": 1.0, "um": 1e-3, "µm": 1e-3, "micron": 1e-3, "cm": 10.0}
_LONGEST_CHAIN = 64


def read_nexus_detector(file: Path, shape: tuple[int, int] | None = None) -> Detector:
    """Read a detector from a NeXus file.

    Parameters
    ----------
    file : an HDF5 file that holds an NXdetector_module with fast_pixel_direction and slow_pixel_direction
    shape : (rows, columns), where the module has no data_size

    Raises
    ------
    ValueError : not HDF5, no such module, pixels that are not square, units or transformations that are not known
    """
    import h5py

    try:
        handle = h5py.File(file, "r")
    except OSError:
        raise ValueError(f"{file.name} is not an HDF5 file, which NeXus files are") from None
    with handle:
        module = _first_module(handle)
        if module is None:
            raise ValueError(
                f"{file.name} holds no NXdetector_module with fast_pixel_direction and slow_pixel_direction; "
                "write the geometry as .json or .poni instead"
            )
        return _detector(module, shape, file.stem)


def _first_module(handle: Any) -> Any:
    found = []

    def visit(_: str, item: Any) -> None:
        if "fast_pixel_direction" in getattr(item, "keys", dict)() and "slow_pixel_direction" in item:
            found.append(item)

    handle.visititems(visit)
    return found[0] if found else None


def _detector(module: Any, shape: tuple[int, int] | None, name: str) -> Detector:
    fast, slow = module["fast_pixel_direction"], module["slow_pixel_direction"]
    sizes = [_value_mm(axis) for axis in (fast, slow)]
    if abs(sizes[0] - sizes[1]) > 1e-6 * abs(sizes[0]):
        raise ValueError(f"pixels must be square; the NeXus file gives {sizes[0]:g} × {sizes[1]:g} mm")
    written = np.asarray(module["data_size"]).tolist()[-2:] if "data_size" in module else None
    rows, columns = agreed_shape(shape, written, "NeXus file")
    start = _offset_mm(fast) + _offset_mm(slow)
    origin, _ = _through_chain(module, fast, start)
    ends = [_through_chain(module, axis, _vector(axis))[1] for axis in (fast, slow)]
    return Detector(_TO_LAB @ origin, _TO_LAB @ ends[0], _TO_LAB @ ends[1], sizes[0], (rows, columns), name)


def _through_chain(module: Any, axis: Any, start: Float64Array) -> tuple[Float64Array, Float64Array]:
    """Return ``start`` carried to the laboratory, as a point and as a direction."""
    point, direction = start.copy(), start.copy()
    item = _next(module, axis)
    for _ in range(_LONGEST_CHAIN):
        if item is None:
            return point, direction
        kind = _text(item.attrs.get("transformation_type", ""))
        if kind == "translation":
            point = point + _value_mm(item) * _vector(item)
        elif kind == "rotation":
            unit = _text(item.attrs.get("units", "deg"))
            angle = float(np.ravel(item[()])[0]) * (1.0 if unit.startswith("rad") else np.pi / 180.0)
            turn = Rotation.from_rotvec(angle * _vector(item)).as_matrix()
            point, direction = turn @ point, turn @ direction
        else:
            raise ValueError(f"{item.name} is neither a translation nor a rotation; set its transformation_type")
        point = point + _offset_mm(item)
        item = _next(module, item)
    raise ValueError(f"the chain of depends_on from {axis.name} does not end; check the NeXus file")


def _next(module: Any, item: Any) -> Any:
    path = _text(item.attrs.get("depends_on", "."))
    if path in (".", ""):
        return None
    where = module.file if path.startswith("/") else item.parent
    if path not in where:
        raise ValueError(f"{item.name} depends on {path!r}, which the NeXus file does not hold")
    return where[path]


def _vector(item: Any) -> Float64Array:
    vector = np.asarray(item.attrs.get("vector", ()), dtype=np.float64)
    length = float(np.linalg.norm(vector))
    if vector.shape != (3,) or not length > 0:
        raise ValueError(f"{item.name} needs an attribute vector of three numbers")
    unit: Float64Array = vector / length
    return unit


def _value_mm(item: Any) -> float:
    return float(np.ravel(item[()])[0]) * _scale_mm(item.attrs.get("units", "m"), item.name)


def _offset_mm(item: Any) -> Float64Array:
    if "offset" not in item.attrs:
        return np.zeros(3)
    scale = _scale_mm(item.attrs.get("offset_units", item.attrs.get("units", "m")), item.name)
    offset: Float64Array = np.asarray(item.attrs["offset"], dtype=np.float64) * scale
    return offset


def _scale_mm(units: Any, name: str) -> float:
    if _text(units) not in _MM:
        raise ValueError(f"{name} is in {_text(units)!r}; lengths are read in {', '.join(_MM)}")
    return _MM[_text(units)]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

"""A detector from a NeXus file: its one NXdetector_module, through the module's chain of transformations.

NeXus' frame has z along the beam and y up; its (x, y, z) are (y, z, x) here. The module's offset is taken as the centre
of its first pixel, as in imgCIF, which the class comes from.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files.detectors.checks import agreed_shape
from beamgym.physics.laue.files.parsing import look_through
from beamgym.physics.messages import one_line

_TO_LAB = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_MM = {
    **dict.fromkeys(("m", "meter", "metre", "meters", "metres"), 1000.0),
    **dict.fromkeys(("cm", "centimeter", "centimetre", "centimeters", "centimetres"), 10.0),
    **dict.fromkeys(("mm", "millimeter", "millimetre", "millimeters", "millimetres"), 1.0),
    **dict.fromkeys(("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre", "micrometers"), 1e-3),
}
_RADIANS = {
    **dict.fromkeys(("deg", "degree", "degrees", "°"), np.pi / 180.0),
    **dict.fromkeys(("rad", "radian", "radians"), 1.0),
}
_LONGEST_CHAIN = 64


def read_nexus_detector(file: Path, shape: tuple[int, int] | None = None) -> Detector:
    """Read a detector from a NeXus file.

    Parameters
    ----------
    file : an HDF5 file that holds an NXdetector_module with fast_pixel_direction and slow_pixel_direction
    shape : (rows, columns), where the module has no data_size

    Raises
    ------
    ValueError : not HDF5, no such module or several, pixels that are not square, units or transformations that are not
        known
    """
    look_through(file)
    try:
        handle = h5py.File(file, "r")
    except OSError:
        raise ValueError(f"{file.name} is not an HDF5 file, which NeXus files are") from None
    with handle:
        try:
            return _detector(_only_module(handle, file), shape, file.stem)
        except ValueError:
            raise
        except Exception as error:  # h5py raises OSError, KeyError, RuntimeError, TypeError and more on damaged files
            raise ValueError(f"{file.name} is damaged or no NeXus detector ({one_line(error, 100)})") from None


def _only_module(handle: Any, file: Path) -> Any:
    found: list[Any] = []

    def look(_: str, item: Any) -> None:
        if "fast_pixel_direction" in getattr(item, "keys", dict)() and "slow_pixel_direction" in item:
            found.append(item)

    handle.visititems(look)
    if not found:
        raise ValueError(
            f"{file.name} holds no NXdetector_module with fast_pixel_direction and slow_pixel_direction; "
            "write the geometry as .json or .poni instead"
        )
    if len(found) > 1:
        raise ValueError(
            f"{file.name} holds {len(found)} modules ({found[0].name}, {found[1].name} …); a camera of one flat panel "
            "is read: write its geometry as .json"
        )
    return found[0]


def _detector(module: Any, shape: tuple[int, int] | None, name: str) -> Detector:
    fast, slow = module["fast_pixel_direction"], module["slow_pixel_direction"]
    sizes = [_value_mm(axis) for axis in (fast, slow)]
    if abs(sizes[0] - sizes[1]) > 1e-6 * abs(sizes[0]):
        raise ValueError(f"pixels must be square; the NeXus file gives {sizes[0]:g} × {sizes[1]:g} mm")
    written = np.ravel(module["data_size"][()]).tolist()[-2:] if "data_size" in module else None
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
            angle = _only_value(item) * _scale(_RADIANS, item.attrs.get("units", "deg"), item.name, "angles")
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
    vector = np.asarray(item.attrs.get("vector", ()), dtype=np.float64).ravel()
    length = float(np.linalg.norm(vector))
    if vector.shape != (3,) or not length > 0:
        raise ValueError(f"{item.name} needs an attribute vector of three numbers")
    unit: Float64Array = vector / length
    return unit


def _value_mm(item: Any) -> float:
    return _only_value(item) * _scale(_MM, item.attrs.get("units", "m"), item.name, "lengths")


def _only_value(item: Any) -> float:
    """Return the number that an axis stands at; a scan's axis, which moves, is refused."""
    values = np.ravel(np.asarray(item[()], dtype=np.float64))
    if values.size == 0 or not np.isfinite(values).all():
        raise ValueError(f"{item.name} holds no finite number")
    if np.ptp(values) > 0:
        raise ValueError(f"{item.name} moves from {values.min():g} to {values.max():g}; one position is read")
    return float(values[0])


def _offset_mm(item: Any) -> Float64Array:
    if "offset" not in item.attrs:
        return np.zeros(3)
    scale = _scale(_MM, item.attrs.get("offset_units", item.attrs.get("units", "m")), item.name, "lengths")
    offset: Float64Array = np.asarray(item.attrs["offset"], dtype=np.float64).ravel() * scale
    if offset.shape != (3,) or not np.isfinite(offset).all():
        raise ValueError(f"{item.name} needs an attribute offset of three numbers")
    return offset


def _scale(known: Mapping[str, float], units: Any, name: str, what: str) -> float:
    if _text(units) not in known:
        raise ValueError(f"{name} is in {_text(units)!r}; {what} are read in {', '.join(known)}")
    return known[_text(units)]


def _text(value: Any) -> str:
    """Return an attribute's text, also where it is stored as bytes or as an array of one."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.reshape(-1)[0]
    return value.decode("utf-8", "replace").rstrip("\0 ") if isinstance(value, bytes) else str(value)

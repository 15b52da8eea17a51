"""Arrays of areaDetector: element types that Channel Access cannot name, colour, dimensions, and what is refused."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.instrument import FrameFailed

_TYPES: dict[str, str] = {
    "Int8": "i1",
    "UInt8": "u1",
    "Int16": "i2",
    "UInt16": "u2",
    "Int32": "i4",
    "UInt32": "u4",
    "Int64": "i8",
    "UInt64": "u8",
    "Float32": "f4",
    "Float64": "f8",
}
"""areaDetector's data types, by the words of DataType_RBV."""

_GREY = ("", "Mono")


def restored(name: str, data: NDArray[np.generic], data_type: str) -> NDArray[np.generic]:
    """Return a waveform's elements as the type that they have in the camera.

    Channel Access knows no unsigned types of 16 and 32 bits: areaDetector sends UInt16 as SHORT, bit for bit, so that
    40000 counts arrive as -25536.

    Parameters
    ----------
    name : the detector's name, for messages
    data : as it came
    data_type : DataType_RBV, such as "UInt16"; "" where there is no such record

    Raises
    ------
    FrameFailed : a type that is not known, or one that does not fit into the waveform's elements
    """
    if not data_type:
        return data
    if data_type not in _TYPES:
        raise FrameFailed(f"{name}: DataType_RBV is {data_type!r}, which is none of {', '.join(_TYPES)}; set another")
    wanted = np.dtype(_TYPES[data_type])
    if data.dtype.kind in "iu" and wanted.kind in "iu" and data.dtype.itemsize == wanted.itemsize:
        return data.view(wanted)
    # A wider element holds the numbers themselves: 16 unsigned bits in a LONG, any of 32 in a DOUBLE.
    if data.dtype.kind == "f" or (wanted.kind in "iu" and data.dtype.itemsize > wanted.itemsize):
        return data
    raise FrameFailed(
        f"{name}: the array is {data_type}, and its waveform has elements of {8 * data.dtype.itemsize} bits, "
        "which cut it off; give the plugin's record another FTVL"
    )


def grey_shape(name: str, sizes: Sequence[int], color_mode: str = "") -> tuple[int, int]:
    """Return (rows, columns) of a grey image.

    Parameters
    ----------
    name : the detector's name, for messages
    sizes : of the dimensions, fastest first
    color_mode : "Mono", "RGB1", …; "" where the camera does not say

    Raises
    ------
    FrameFailed : a colour image, or another number of dimensions; which of its colours were counts?
    """
    if color_mode not in _GREY:
        raise FrameFailed(f"{name}: the image is in colour ({color_mode}), no count of photons; set ColorMode to Mono")
    # Dimensions of one element hold nothing: a stack of one image is an image.
    kept = [size for place, size in enumerate(sizes) if place < 2 or size > 1]
    if len(kept) != 2:
        raise FrameFailed(
            f"{name} has {len(kept)} dimensions; a grey image has two; set ColorMode to Mono, and take one image a "
            "frame (trigger the camera first where there is none yet)"
        )
    return kept[1], kept[0]


def uncompressed(name: str, codec: str) -> None:
    """Raise FrameFailed where an array is compressed."""
    if codec not in ("", "None", "none"):
        raise FrameFailed(f"{name}: the array is compressed ({codec}); set the codec plugin's Compressor to None")


def as_image(name: str, data: NDArray[np.generic], shape: tuple[int, int]) -> NDArray[np.generic]:
    """Return the first rows · columns numbers of a flat array as (rows, columns); FrameFailed where there are fewer."""
    size = shape[0] * shape[1]
    # What areaDetector serves before the first frame.
    if size == 0:
        raise FrameFailed(f"{name} has no frame yet: its image is {shape[0]} × {shape[1]}; trigger it first")
    if data.size < size:
        raise FrameFailed(f"{name}: {data.size} numbers make no image of {shape[0]} × {shape[1]}; read it again")
    # The waveform may be longer than the frame, by how the record was set up.
    return np.array(data[:size]).reshape(shape)

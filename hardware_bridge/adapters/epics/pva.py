"""Images as NTNDArrays over PVA, where p4p is installed."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.adapters.epics.array import grey_shape, uncompressed
from beamgym.hardware_bridge.devices import answered, need
from beamgym.physics.instrument import FrameFailed


class PvaImage:
    """An NTNDArray, as areaDetector's PVA plugin serves it.

    Parameters
    ----------
    name : the detector's name, for messages
    pv : PV of the NTNDArray, e.g. "bgym:Pva1:Image"
    reply_s : the server answers within this time, seconds

    Raises
    ------
    ImportError : p4p is not installed
    """

    def __init__(self, name: str, pv: str, reply_s: float) -> None:
        # Asked when the instrument is built: a missing library is no connection that timed out.
        if find_spec("p4p") is None:
            raise ImportError(
                f"{name}: pva_image needs p4p, which is not installed; run: pip install 'beamgym[pva]', "
                "or leave pva_image out to read the image over Channel Access"
            )
        self._what = f"{name}: PV {pv} over PVA"
        self._reply_s = reply_s
        self._pv = pv
        self._context: Any = None

    async def connect(self, timeout: float) -> None:
        """Read one array; DeviceError names the PV that did not answer."""
        if self._context is None:
            # Unwrapped: the wrapper for images drops their unique id.
            self._context = need("p4p.client.asyncio", "pva").Context("pva", nt=False)
        await answered(self._what, timeout, self._context.get(self._pv))

    async def frame(self) -> tuple[NDArray[Any], int, float]:
        """Return the image (rows, columns), its unique id and the time it was taken (unix s)."""
        return ntndarray(self._what, await self._array())

    async def view(self) -> dict[str, str]:
        """Return which pixels of the chip the array holds, and which way round: see ``view_of``."""
        return view_of(await self._array())

    def close(self) -> None:
        """Close the connection; it may be opened again."""
        if self._context is not None:
            self._context.close()
            self._context = None

    async def _array(self) -> Any:
        return await answered(self._what, self._reply_s, self._context.get(self._pv))


def ntndarray(what: str, array: Any) -> tuple[NDArray[Any], int, float]:
    """Return image (rows, columns), unique id and time (unix s) of an NTNDArray.

    Raises
    ------
    FrameFailed : compressed, in colour, no two dimensions, or another number of elements

    Notes
    -----
    ``dimension`` lists the fastest first; see the EPICS normative types, "NTNDArray". Elements have their own type,
    unsigned ones too. Offset, binning and reversal are already in the array.
    """
    uncompressed(what, str((array.get("codec") or {}).get("name", "")))
    # Before its first frame the plugin serves an empty union, which is no array.
    data = np.atleast_1d(np.asarray(array["value"]))
    rows, columns = grey_shape(what, [int(part["size"]) for part in array["dimension"]], _color_mode(array))
    if data.size != rows * columns:
        raise FrameFailed(f"{what}: {data.size} numbers make no image of {rows} × {columns}")
    stamp = array["dataTimeStamp"]
    seconds = float(stamp["secondsPastEpoch"]) + 1e-9 * float(stamp["nanoseconds"])
    # A copy: the image outlives the message that it came in.
    return np.array(data).reshape(rows, columns), int(array["uniqueId"]), seconds


def view_of(array: Any) -> dict[str, str]:
    """Return offset, binning and reversal of an NTNDArray's dimensions, as words by name; {} where it says nothing."""
    parts = [(axis, part) for axis, part in zip("xy", array["dimension"], strict=False) if "binning" in part]
    keys = ("offset", "fullSize", "binning", "reverse")
    return {f"{key} {axis}": str(part[key]) for axis, part in parts for key in keys if key in part}


_COLORS = ("Mono", "Bayer", "RGB1", "RGB2", "RGB3", "YUV444", "YUV422", "YUV421")
"""areaDetector's NDColorMode_t, by number."""


def _color_mode(array: Any) -> str:
    """Return the word of the attribute ColorMode; "" where the array has none."""
    for attribute in array.get("attribute") or ():
        if attribute["name"] == "ColorMode":
            number = _plain(attribute["value"])
            return _COLORS[number] if isinstance(number, int) and 0 <= number < len(_COLORS) else str(number)
    return ""


def _plain(value: Any) -> Any:
    """Return an attribute's value out of the union or the scalar structure that it may be in."""
    found = value["value"] if isinstance(value, Mapping) or hasattr(value, "getID") else value
    return int(found) if isinstance(found, int | float | np.integer) else found

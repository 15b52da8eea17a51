"""Images as NTNDArrays over PVA, where p4p is installed."""

from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        return ntndarray(self._what, await answered(self._what, self._reply_s, self._context.get(self._pv)))

    def close(self) -> None:
        """Close the connection; it may be opened again."""
        if self._context is not None:
            self._context.close()
            self._context = None


def ntndarray(what: str, array: Any) -> tuple[NDArray[Any], int, float]:
    """Return image (rows, columns), unique id and time (unix s) of an NTNDArray.

    Raises
    ------
    FrameFailed : no two dimensions, or another number of elements

    Notes
    -----
    ``dimension`` lists the fastest first; see the EPICS normative types, "NTNDArray".
    """
    sizes = [int(part["size"]) for part in array["dimension"]]
    # Before its first frame the plugin serves an empty union, which is no array.
    data = np.atleast_1d(np.asarray(array["value"]))
    if len(sizes) != 2:
        raise FrameFailed(f"{what} has {len(sizes)} dimensions; a grey image has two; trigger the camera first")
    if data.size != sizes[0] * sizes[1]:
        raise FrameFailed(f"{what}: {data.size} numbers make no image of {sizes[1]} × {sizes[0]}")
    stamp = array["dataTimeStamp"]
    seconds = float(stamp["secondsPastEpoch"]) + 1e-9 * float(stamp["nanoseconds"])
    # A copy: the image outlives the message that it came in.
    return np.array(data).reshape(sizes[1], sizes[0]), int(array["uniqueId"]), seconds

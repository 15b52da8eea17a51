"""The settings of a motor record that another client must not change in the middle of a run, by monitors.

For the adapter's own motors, and for those of ophyd-async and classic ophyd, which do not offer BDST, BVEL and others.
"""

from typing import Any

from beamgym.hardware_bridge.adapters.epics.channels import Channels
from beamgym.hardware_bridge.instrument_file import pvs_of

# A server may lack some of them.
_WATCHED = (
    *("EGU", "OFF", "DIR", "FOFF", "SET", "SPMG", "LLM", "HLM", "DLLM", "DHLM", "MRES", "ERES", "UEIP"),
    *("VELO", "ACCL", "BDST", "BVEL", "FRAC"),
)
_WORDS = {
    "DIR": ("Pos", "Neg"),
    "FOFF": ("Variable", "Frozen"),
    "SET": ("Use", "Set"),
    "SPMG": ("Stop", "Pause", "Move", "Go"),
    "UEIP": ("No", "Yes"),
}
LACKED_S = 1.0
"""A field of a record whose server has answered already is there within this time, or is lacked, seconds."""


class RecordFields:
    """The settings of a motor record whose motor somebody else's device drives; nothing is ever written.

    Parameters
    ----------
    name : the axis's name
    record : the record, e.g. "bgym:phi"
    reply_s : its server answers within this time, seconds
    """

    def __init__(self, name: str, record: str, reply_s: float = 2.0) -> None:
        self._record, self._pv = record, Channels(name, {}, reply_s)

    async def connect(self, timeout: float) -> None:
        """Begin to watch; what has not answered within ``timeout`` seconds is taken when it does."""
        await self._pv.monitor(record_fields(self._record), timeout)

    def watched_settings(self) -> dict[str, Any]:
        """Return the settings as the monitors last told them, by the names of the record's fields; nothing is asked."""
        return {field: plain(field, value) for field, value in self._pv.latest.items()}


def record_of(device: Any) -> str | None:
    """Return the motor record behind a Motor of ophyd-async or an EpicsMotor of ophyd, over Channel Access, or None."""
    readback = getattr(device, "user_readback", None)
    source = str(getattr(readback, "source", "") or "")
    if readback is None or source.startswith("pva://"):
        return None
    return next((pv.removesuffix(".RBV") for pv in pvs_of(readback) if pv.endswith(".RBV")), None)


def record_fields(record: str, *more: str) -> dict[str, str]:
    """Return the PVs of the fields that are watched, and of some more."""
    return {field: f"{record}.{field}" for field in (*_WATCHED, *more)}


def plain(field: str, value: Any) -> Any:
    """Return a monitored value as a number or a text; a choice as its word; what is neither as a text."""
    words = _WORDS.get(field, ())
    if isinstance(value, str):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        # Records are odd at times; that it changes is seen all the same.
        return repr(value)
    return words[int(number)] if words and number in range(len(words)) else number

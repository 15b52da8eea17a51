"""Channels of the practice instrument: caproto's, with a handler for what clients put, and every put noted."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np

try:
    from caproto import (
        AccessRights,
        AlarmSeverity,
        AlarmStatus,
        CAStatus,
        ChannelAlarm,
        ChannelChar,
        ChannelData,
        ChannelDouble,
        ChannelEnum,
        ChannelFloat,
        ChannelInteger,
        ChannelShort,
        ChannelString,
    )

    # Private, and needed: ``auth_write`` of caproto converts and writes in one; here the handler alone acts.
    from caproto._backend import backend
    from caproto._dbr import native_type
    from caproto._utils import ConversionDirection
except ImportError as missing:
    raise ImportError("the practice instrument needs caproto: pip install 'beamgym[ioc]'") from missing

Put = Callable[[Any], Awaitable[None]]
"""What is done with a value that a client has put; the put is complete when it returns."""

Note = Callable[[str, Any, str], None]
"""Takes note of a put: PV, value, client."""

__all__ = ["AlarmSeverity", "AlarmStatus", "ChannelAlarm", "ChannelData", "Channels", "Note", "Put"]


class _Guarded:
    """Mixed into caproto's channels: clients may put only where there is a handler, and it alone acts."""

    pv = ""
    on_put: Put | None = None
    note: Note | None = None

    def check_access(self, hostname: str, username: str) -> Any:
        """Return what a client may do."""
        # Clients see before they write what they may write, as at a real server.
        return AccessRights.READ if self.on_put is None else AccessRights.READ | AccessRights.WRITE

    async def auth_write(
        self,
        hostname: str,
        username: str,
        data: Any,
        data_type: Any,
        metadata: Any,
        *,
        flags: int = 0,
        user_address: Any = None,
    ) -> Any:
        """Hand a client's value to the handler; returns the status of the put, which fails for what is no such value.

        A failed put is answered as EPICS servers do, with a status; caproto's own answer leaves clients waiting.
        """
        try:
            # Converted first: what cannot be a value of this channel is refused without reaching the hardware.
            value = self._of_wire(data, data_type)
            # Noted before it is carried out, and also where it is refused: the record holds what was received.
            if self.note is not None:
                self.note(self.pv, value, f"{username}@{user_address[0]}:{user_address[1]}" if user_address else "")
            if self.on_put is None:
                return CAStatus.ECA_NOWTACCESS
            await self.on_put(value)
        except (ValueError, TypeError, OverflowError):
            return CAStatus.ECA_PUTFAIL
        return CAStatus.ECA_NORMAL

    def _of_wire(self, data: Any, data_type: Any) -> Any:
        channel: Any = self
        values = backend.convert_values(
            values=data,
            from_dtype=native_type(data_type),
            to_dtype=channel.data_type,
            string_encoding=channel.string_encoding,
            enum_strings=getattr(channel, "enum_strings", None),
            direction=ConversionDirection.FROM_WIRE,
        )
        value = channel.preprocess_value(values)
        # Clients put choices as a name or as a number.
        if isinstance(channel, ChannelEnum):
            return _choice(value, channel.enum_strings)
        return value.item() if isinstance(value, np.generic) else value


def _choice(value: Any, names: tuple[str, ...]) -> int:
    """Return the number of a choice that was given as a name or a number."""
    if isinstance(value, bytes):
        # Channel Access strings are bytes without an encoding.
        value = value.decode("latin-1")
    number = names.index(value) if value in names else int(value)
    if not 0 <= number < len(names):
        raise ValueError(f"{value} is none of {', '.join(names)}")
    return number


class Double(_Guarded, ChannelDouble):
    """A float64 number."""


class Short(_Guarded, ChannelShort):
    """A 16-bit whole number."""


class Long(_Guarded, ChannelInteger):
    """A 32-bit whole number, or a waveform of them."""


class Float(_Guarded, ChannelFloat):
    """A float32 waveform."""


class Enum(_Guarded, ChannelEnum):
    """A choice among names."""


class String(_Guarded, ChannelString):
    """Up to 39 characters."""


class Text(_Guarded, ChannelChar):
    """A long text, as a waveform of characters."""


class Channels:
    """Named channels that are published when their values change.

    Parameters
    ----------
    prefix : of every name
    note : takes note of what clients put

    Attributes
    ----------
    pvdb : the channels by their full names
    """

    def __init__(self, prefix: str, note: Note | None = None) -> None:
        self.prefix, self.pvdb, self._note = prefix, dict[str, ChannelData](), note
        self._shown: dict[str, Any] = {}

    def add(self, name: str, kind: type[Any], value: Any, on_put: Put | None = None, **more: Any) -> ChannelData:
        """Serve one more channel; ``on_put`` lets clients write it."""
        pv = self.prefix + name
        channel = kind(value=value, **more)
        channel.pv, channel.on_put, channel.note = pv, on_put, self._note
        self.pvdb[pv], self._shown[name] = channel, value
        return channel

    def alias(self, name: str, other: str) -> None:
        """Serve a channel under a second name."""
        # The same object: what is put to one name is seen under the other.
        self.pvdb[self.prefix + other] = self.pvdb[self.prefix + name]

    async def show(self, values: Mapping[str, Any]) -> None:
        """Publish the values that have changed, in their order."""
        for name, value in values.items():
            old = self._shown[name]
            # nan is unlike itself; by its text it is equal, and not published over and over.
            if value is old or (not isinstance(value, np.ndarray) and (value == old or repr(value) == repr(old))):
                continue
            self._shown[name] = value
            # Not verified: that would call the handler as if a client had put it.
            await self.pvdb[self.prefix + name].write(value, verify_value=False)

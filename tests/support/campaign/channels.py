"""Channels of the campaign's server: caproto's own, written by clients through a handler, shown when they change."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from caproto import ChannelDouble, ChannelEnum, ChannelFloat, ChannelInteger, ChannelShort, ChannelString

from campaign.hall import Story

Put = Callable[[Any], Awaitable[Any]]
Happened = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True)
class Field:
    """One PV: record and field ("" for a plain one), its first value, its unit, the words of an enumeration."""

    record: str
    field: str
    value: Any
    egu: str = ""
    words: tuple[str, ...] = ()


class _Handled:
    """Mixed into caproto's channels: what a client writes goes to the handler, which says what then stands there."""

    on_put: Put | None = None
    pv = ""
    story: Story | None = None

    async def verify_value(self, data: Any) -> Any:
        value = data.item() if isinstance(data, np.generic) else data
        if self.story is not None:
            self.story.add("put", pv=self.pv, value=value)
        return data if self.on_put is None else await self.on_put(value)


class _Double(_Handled, ChannelDouble):
    pass


class _Long(_Handled, ChannelInteger):
    pass


class _Short(_Handled, ChannelShort):
    pass


class _Float(_Handled, ChannelFloat):
    pass


class _Enum(_Handled, ChannelEnum):
    pass


class _String(_Handled, ChannelString):
    pass


ARRAYS = {"long": _Long, "short": _Short, "float": _Float}


class Channels:
    """All PVs of the server.

    Parameters
    ----------
    prefix : of every name
    story : every put of a client is written down there
    happened : called with what has happened ("move", "exposure", …) and to whom
    """

    def __init__(self, prefix: str, story: Story, happened: Happened) -> None:
        self.prefix, self.story, self.happened = prefix, story, happened
        self.pvdb: dict[str, Any] = {}
        self._by: dict[tuple[str, str], Any] = {}

    def add(self, owner: str, field: Field, put: Put | None = None) -> None:
        """Serve one more PV, known here by its owner and its field."""
        name = f"{self.prefix}{field.record}" + (f".{field.field}" if field.field and owner != field.record else "")
        channel = _channel(field)
        channel.on_put, channel.pv, channel.story = put, name, self.story
        self.pvdb[name] = self._by[(owner, field.field)] = channel
        if field.field == "VAL":
            self.pvdb[name.removesuffix(".VAL")] = channel

    def plain(self, name: str, value: Any, put: Put | None = None, words: tuple[str, ...] = ()) -> None:
        """Serve a PV that is no record's field."""
        self.add(name, Field(name, "", value, words=words), put)

    def array(self, name: str, kind: str, size: int) -> None:
        """Serve a waveform, empty at first; kind is "long", "short" or "float"."""
        first = [0.0] if kind == "float" else [0]
        channel = ARRAYS[kind](value=first, max_length=size)
        self.pvdb[f"{self.prefix}{name}"] = self._by[(name, "")] = channel

    def value(self, owner: str, field: str = "") -> Any:
        """Return what stands there."""
        return self._by[(owner, field)].value

    async def show(self, owner: str, field: str, value: Any, step: float = 0.0) -> None:
        """Write a PV where its value has changed, by more than ``step``."""
        channel = self._by[(owner, field)]
        old = channel.value
        if isinstance(value, float) and isinstance(old, float) and abs(value - old) <= step:
            return
        if not isinstance(value, float | np.ndarray) and value == old:
            return
        await channel.write(value, verify_value=False)

    async def tell(self, name: str, value: Any) -> None:
        """Write a plain PV, changed or not."""
        await self._by[(name, "")].write(value, verify_value=False)


def _channel(field: Field) -> Any:
    if field.words:
        return _Enum(value=field.value, enum_strings=list(field.words))
    if isinstance(field.value, str):
        return _String(value=field.value)
    if isinstance(field.value, float):
        # the units of a channel's own metadata end after seven letters
        return _Double(value=field.value, units=field.egu[:7], precision=4)
    return _Long(value=field.value)

"""An axis as its guard knows it: how it is read, and what follows from its file and its motor's settings."""

import math
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.guard.devices.axis.state import AxisState
from beamgym.hardware_bridge.guard.devices.commands import Supervisor
from beamgym.hardware_bridge.guard.devices.proxies import AxisProxy, Overshoot, overshoot_of
from beamgym.hardware_bridge.guard.rules import swept_interval, way
from beamgym.hardware_bridge.instrument_file import AxisEntry


class KnownAxis:
    """One axis, read and never commanded.

    Parameters
    ----------
    guard : the guard that it belongs to
    entry : its part of the instrument file
    device : what is moved
    sets_exposure : it is the exposure-time axis: nothing travels and nothing can be stopped
    records : see AxisProxy
    """

    def __init__(
        self, guard: Supervisor, entry: AxisEntry, device: Any, sets_exposure: bool, records: Mapping[str, Any] | None
    ) -> None:
        self.name = entry.name
        self.entry = entry
        self.sets_exposure = sets_exposure
        self.proxy = AxisProxy(device, entry.name, guard.answer_s, {} if records is None else records)
        self.state = AxisState()
        self.guard = guard

    async def position(self) -> float:
        """Return the readback; in a dry run, where the axis would be."""
        # So that a dry run of several moves is judged from where each would have begun.
        return self.state.known if self.pretends else self.counted(await self.proxy.position())

    def counted(self, read: float) -> float:
        """Return a readback with the turns that a rotary axis has made: the one nearest to where it was last seen."""
        turn, seen = self.entry.turn, self.state.seen
        if turn is not None and math.isfinite(read) and math.isfinite(seen):
            read += turn * round((seen - read) / turn)
        self.state.seen = read if math.isfinite(read) else seen
        return read

    @property
    def overshoot(self) -> Overshoot:
        """How the motor takes out its backlash, as its settings say."""
        return overshoot_of(self.state.settings)

    def reach(self, target: float) -> tuple[float, float]:
        """Return what a move to a target takes it to besides where it begins: the target, backlash included."""
        return way(target, target, self.entry.backlash, self.overshoot.distance)

    def swept(self, start: float, target: float) -> tuple[float, float]:
        """Return all that a move may sweep: its way, widened by the tolerance."""
        entry = self.entry
        return swept_interval(start, target, entry.backlash, entry.tolerance, self.overshoot.distance)

    @property
    def pretends(self) -> bool:
        """Whether it stands only by the word of a dry run, in which it was sent."""
        return self.guard.dry_run and self.state.commanded

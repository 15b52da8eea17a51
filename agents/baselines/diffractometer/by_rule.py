"""Searches by rule: rows until reflections decide, or one row and then jumps to where others must be."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.diffractometer.acting import (
    AZIMUTH,
    CENTRE,
    DRIVE,
    Told,
    action_of,
    declaration,
    need_diffractometer,
    row_action,
    told_of,
    travel_s,
)
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth

_LEAST_BITS, _LOOK_S = 0.02, 50.0


@dataclass(frozen=True)
class SearchMemory:
    """What a search remembers of one episode.

    Parameters
    ----------
    context : public
    row : number of the next row
    drives : looks in a row that showed nothing
    order : in which places of a given orientation are looked for
    """

    context: Any
    row: int = 0
    drives: int = 0
    order: tuple[int, ...] = ()


class PowderLine:
    """Rows at the angle with most members, from the equator up; goes on until the reflections decide, then sharpens.

    Every peak is centred. Once one orientation is certain, reflections that sharpen it are driven to.
    """

    name = "powder-line"
    oracle = False
    enough: ClassVar[int] = 4
    error_deg: ClassVar[float] = 0.035
    count_s: ClassVar[float] = 0.1
    drive_deg: ClassVar[float] = 3.0

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n fresh memories; raises CannotPlay where there is no diffractometer."""
        need_diffractometer(context)
        return [SearchMemory(context) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return an action for each row."""
        done = [self._one(told_of(observation, row, memory.context), memory) for row, memory in enumerate(state)]
        return np.array([action for action, _ in done], dtype=np.float32), [memory for _, memory in done]

    def _one(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        context = memory.context
        if now.decided and now.centred >= self.enough and now.error_deg <= self.error_deg:
            return declaration(context), memory
        if now.left_s < 120.0 and now.decided:
            return declaration(context), memory
        if now.waiting:
            return action_of(context, CENTRE, count_s=self.count_s), replace(memory, drives=0)
        if now.decided and len(now.looks):
            near = int(np.argmin(travel_s(context, now)))
            return action_of(context, DRIVE, choice=near, width_deg=self.drive_deg, count_s=self.count_s), memory
        return self._search(now, memory)

    def _search(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        """Return what is done while nothing is decided."""
        context = memory.context
        line = context.lines[(memory.row // len(self._rows())) % len(context.lines)]
        chi = self._rows()[memory.row % len(self._rows())]
        return row_action(context, line.two_theta_deg, chi, 90.0, 180.0), replace(memory, row=memory.row + 1)

    def _rows(self) -> NDArray[np.float64]:
        """From the equator to both poles, half way round each: the other half holds the same from behind."""
        up = np.arange(1.0, 90.0, 2.0)
        return np.stack([up, -up], axis=1).ravel()


class Raster(PowderLine):
    """Rows from the lower pole to the upper one, at the angle with most members."""

    name = "raster"

    def _rows(self) -> NDArray[np.float64]:
        return np.arange(-89.0, 90.0, 2.0)


class IndexAndJump(PowderLine):
    """Rows for the first reflection alone; then along cones about it, and to where orientations are told apart.

    An orientation that came with the crystal is believed: the first reflection is looked for around its place.
    """

    name = "index-and-jump"
    most_drives: ClassVar[int] = 6
    cones_below: ClassVar[int] = 2
    around_deg: ClassVar[tuple[float, ...]] = (
        0.0,
        2.0,
        -2.0,
        4.0,
        -4.0,
        6.0,
        -6.0,
        8.0,
        -8.0,
        10.0,
        -10.0,
        12.0,
        -12.0,
    )
    arc_deg: ClassVar[float] = 28.0

    def _search(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        context = memory.context
        if now.given and not now.centred:
            return self._around(now, memory)
        if not now.centred:
            return super()._search(now, memory)
        if len(now.cones) and now.centred < self.cones_below and self._better_than_row(now, context):
            width = self.arc_deg if now.given else 360.0
            action = action_of(context, AZIMUTH, width_deg=width, count_s=0.05)
            return action, replace(memory, drives=0)
        if len(now.looks) and memory.drives < self.most_drives:
            best = int(np.argmax((now.bits + _LEAST_BITS) / (travel_s(context, now) + _LOOK_S)))
            action = action_of(context, DRIVE, choice=best, width_deg=self.drive_deg, count_s=self.count_s)
            return action, replace(memory, drives=memory.drives + 1)
        return super()._search(now, replace(memory, drives=0))

    def _better_than_row(self, now: Told, context: Any) -> bool:
        """Return whether the best cone promises a reflection sooner than one more row does."""
        if now.given:
            return True
        expected = context.lines[0].members * 0.5 * np.radians(context.detector.across_deg)
        by_row = (1.0 - np.exp(-expected)) / (360.0 / context.sweep_deg_s)
        return bool(now.cones[0, 0] / now.cones[0, 1] > by_row)

    def _around(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        """Rows about the places of strong reflections, the nearest first; then rows everywhere."""
        context, many = memory.context, len(self.around_deg)
        if memory.row >= many * len(now.looks):
            far = replace(memory, row=memory.row - many * len(now.looks))
            action, after = super()._search(now, far)
            return action, replace(after, row=memory.row + 1)
        if not memory.order:
            near = np.argsort(travel_s(context, now), kind="stable")
            memory = replace(memory, order=tuple(map(int, near)))
        place = now.looks[memory.order[memory.row // many]]
        names = context.instrument.names
        chi = float(np.clip(place[names.index("chi")] + self.around_deg[memory.row % many], -180.0, 180.0))
        phi = float(place[names.index("phi")])
        width = min(28.0 / max(abs(np.cos(np.radians(chi))), 0.08), 360.0)
        action = row_action(context, float(place[-1]), chi, phi, width)
        return action, replace(memory, row=memory.row + 1)

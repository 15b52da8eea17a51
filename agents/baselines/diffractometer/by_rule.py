"""Searches by rule: rows until reflections decide, or one row and then jumps to where others must be."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.diffractometer.acting import (
    AZIMUTH,
    CENTRE,
    DRIVE,
    SCAN,
    Told,
    action_of,
    declaration,
    need_diffractometer,
    row_action,
    told_of,
    travel_s,
)
from beamgym.envs.diffractometer_align import COUNTS_S, ROUGH_DEG, WIDE_DEG
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth

_LEAST_BITS, _LOOK_S = 0.02, 35.0
_REST_DEG = 4.0  # less of a row is not worth going on with
_BEHIND_DEG = 3.0  # of the peak that ended a row, from which on it is swept further


@dataclass(frozen=True)
class Row:
    """A sweep of phi that may have ended at a peak.

    Parameters
    ----------
    two_theta_deg, chi_deg : where the others stand
    low_deg, high_deg : of phi
    up : it is swept upwards
    """

    two_theta_deg: float
    chi_deg: float
    low_deg: float
    high_deg: float
    up: bool

    def rest(self, phi_deg: float) -> "Row | None":
        """Return what is left of it where a sweep has ended at phi; None where that is nothing."""
        low, high = (phi_deg, self.high_deg) if self.up else (self.low_deg, phi_deg)
        return replace(self, low_deg=low, high_deg=high) if high - low > _REST_DEG else None


@dataclass(frozen=True)
class SearchMemory:
    """What a search remembers of one episode.

    Parameters
    ----------
    context : public
    row : number of the next row
    swept : the row that was asked for last, as far as it has not been swept; None where all of it has
    asked : that row was asked for just now
    drives : looks in a row that showed nothing
    """

    context: Any
    row: int = 0
    swept: Row | None = None
    asked: bool = False
    drives: int = 0


class PowderLine:
    """Rows at the angle with most members, from the equator up; goes on until the reflections decide, then sharpens.

    A row ends at its first peak, which is centred, and is swept on from there. Once one orientation is certain,
    reflections that sharpen it are driven to.
    """

    name = "powder-line"
    oracle = False
    enough: ClassVar[int] = 4
    enough_given: ClassVar[int] = 3
    """Reflections that are centred at least; with an orientation that came with the crystal."""
    error_deg: ClassVar[float] = 0.035
    count_s: ClassVar[float] = 0.05
    drive_deg: ClassVar[float] = 3.0
    turn_deg: ClassVar[tuple[float, float]] = (0.0, 180.0)
    """Of phi, in a row."""
    apart: ClassVar[float] = 1.2
    """Between rows, in heights of the slit's acceptance."""
    by_slit: ClassVar[bool] = False
    """Whether the line is taken that has most members within the slit, or most of all."""

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
        context, memory = memory.context, _after_row(now, memory)
        enough = self.enough_given if now.given else self.enough
        if now.decided and now.centred >= enough and now.error_deg <= self.error_deg:
            return declaration(context), memory
        if now.left_s < 120.0 and now.decided:
            return declaration(context), memory
        if now.waiting:
            return action_of(context, CENTRE, count_s=self.count_s), replace(memory, drives=0)
        if now.decided and len(now.looks):
            near = int(np.argmin(travel_s(context, now)))
            return self._drive(now, context, near), memory
        return self._search(now, memory)

    def _drive(self, now: Told, context: Any, choice: int) -> NDArray[np.float32]:
        """Return the action of a look; wide where the orientation is known roughly."""
        width = WIDE_DEG if now.given and now.error_deg >= ROUGH_DEG else self.drive_deg
        return action_of(context, DRIVE, choice=choice, width_deg=width, count_s=COUNTS_S.least_s, brief=True)

    def _search(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        """Return what is done while nothing is decided: the rest of a row, or the next one."""
        context = memory.context
        if memory.swept is not None:
            return self._sweep(now, memory, memory.swept)
        line = self._lines(context)[0]
        rows = self._rows(context, line.two_theta_deg)
        line = self._lines(context)[(memory.row // len(rows)) % len(context.lines)]
        chi = rows[memory.row % len(rows)]
        return self._sweep(now, replace(memory, row=memory.row + 1), Row(line.two_theta_deg, chi, *self.turn_deg, True))

    def _sweep(self, now: Told, memory: SearchMemory, row: Row) -> tuple[NDArray[np.float32], SearchMemory]:
        """Return the action of a row, from its nearer end."""
        context = memory.context
        phi = float(now.positions[context.instrument.names.index("phi")])
        up = abs(phi - row.low_deg) <= abs(phi - row.high_deg)
        row = replace(row, up=up)
        middle, width = 0.5 * (row.low_deg + row.high_deg), row.high_deg - row.low_deg
        action = row_action(context, row.two_theta_deg, row.chi_deg, middle, width, brief=True)
        return action, replace(memory, swept=row, asked=True)

    def _lines(self, context: Any) -> Any:
        """Return the lines in the order in which rows are swept at them."""
        if not self.by_slit:
            return context.lines
        return sorted(context.lines, key=lambda line: -line.members * self._spacing(context, line.two_theta_deg))

    def _rows(self, context: Any, two_theta_deg: float) -> NDArray[np.float64]:
        """From the equator to both poles, half way round each: the other half holds the same from behind."""
        up = np.arange(0.5, 90.0 / self._spacing(context, two_theta_deg)) * self._spacing(context, two_theta_deg)
        return np.stack([up, -up], axis=1).ravel()

    def _spacing(self, context: Any, two_theta_deg: float) -> float:
        """Return how far rows lie apart, degrees."""
        return float(self.apart * context.acceptance_deg(two_theta_deg))


class Raster(PowderLine):
    """Rows from the lower pole to the upper one, at the angle with most members."""

    name = "raster"

    def _rows(self, context: Any, two_theta_deg: float) -> NDArray[np.float64]:
        return np.arange(-89.0, 90.0, self._spacing(context, two_theta_deg))


class Spiral(PowderLine):
    """Whole turns of phi at the angle with most members, chi a little farther from the pole with each."""

    name = "spiral"
    turn_deg: ClassVar[tuple[float, float]] = (-180.0, 180.0)

    def _rows(self, context: Any, two_theta_deg: float) -> NDArray[np.float64]:
        return np.arange(89.0, 0.0, -self._spacing(context, two_theta_deg))


class IndexAndJump(PowderLine):
    """Rows for the first reflection alone; then along cones about it, and to where orientations are told apart.

    An orientation that came with the crystal is believed: the first reflection is looked for around its place.
    """

    name = "index-and-jump"
    most_drives: ClassVar[int] = 6
    cones_below: ClassVar[int] = 2
    around: ClassVar[tuple[float, ...]] = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0)
    """By chi, in heights of the slit's acceptance; to 13° at most."""
    around_deg: ClassVar[float] = 25.0

    def _search(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        context = memory.context
        if now.given and not now.centred:
            return self._around(now, memory)
        if not now.centred:
            return super()._search(now, memory)
        cones = len(now.cones) and now.centred < self.cones_below and not now.given
        if cones and self._better_than_row(now, context):
            action = action_of(context, AZIMUTH, width_deg=360.0, count_s=0.05, brief=True)
            return action, replace(memory, drives=0)
        if len(now.looks) and memory.drives < (4 if now.given else 1) * self.most_drives:
            best = int(np.argmax((now.bits + _LEAST_BITS) / (travel_s(context, now) + _LOOK_S)))
            return self._drive(now, context, best), replace(memory, drives=memory.drives + 1)
        return super()._search(now, replace(memory, drives=0))

    def _better_than_row(self, now: Told, context: Any) -> bool:
        """Return whether the best cone promises a reflection sooner than one more row does."""
        line = self._lines(context)[0]
        expected = line.members * 0.25 * np.radians(self._spacing(context, line.two_theta_deg))
        by_row = (1.0 - np.exp(-expected)) / (180.0 / context.sweep_deg_s)
        return bool(now.cones[0, 0] / now.cones[0, 1] > by_row)

    def _around(self, now: Told, memory: SearchMemory) -> tuple[NDArray[np.float32], SearchMemory]:
        """Rows about the places of strong reflections, the nearest first; then rows everywhere."""
        context, many = memory.context, len(self.around)
        if memory.row >= many * len(now.looks):
            far = replace(memory, row=memory.row - many * len(now.looks))
            action, after = super()._search(now, far)
            return action, replace(after, row=after.row + many * len(now.looks))
        place, names = now.looks[memory.row // many], context.instrument.names
        place[names.index("chi")] += self.around[memory.row % many] * context.acceptance_deg(float(place[-1]))
        rock = names.index(context.instrument.halved)
        action = action_of(context, SCAN, place, rock, len(names), self.around_deg, COUNTS_S.least_s, brief=True)
        return action, replace(memory, row=memory.row + 1)


def _after_row(now: Told, memory: SearchMemory) -> SearchMemory:
    """Return the memory after a row that was asked for: what of it is left."""
    if not memory.asked or memory.swept is None:
        return memory
    phi = float(now.positions[memory.context.instrument.names.index("phi")])
    rest = memory.swept.rest(phi + (_BEHIND_DEG if memory.swept.up else -_BEHIND_DEG))
    return replace(memory, asked=False, swept=rest)

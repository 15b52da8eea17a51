"""LaueZone seen through its chart: the task whose observation is where theta and phi lay the strongest zones."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gymnasium import spaces

from beamgym.envs.laue_views import SPOT_UNITS
from beamgym.envs.laue_zone.task import LaueZoneTask, ZoneState
from beamgym.envs.task import Observation, TaskCommand, Truth
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Frame, MoveReport
from beamgym.physics.laue.zone import Charts

ZONES = 8
"""Zones that are observed of a crystal."""
STRONG = 0.8
"""Share of the strongest zone's strength from which another comes before all the weaker ones."""
ZONE_FIELDS = 4
_FARTHEST_DEG = 180.0
_BEHIND_DEG = 1000.0  # more than any step
LIKE_DEG = 10.0
"""An axis that counts is shown by the films where one of the rows lies so near to it; as near it counts unseen too."""

ZONE_UNITS = {
    **SPOT_UNITS,
    "zones": "8 rows, the strongest zones: those at least 0.8 as strong as the strongest before the rest, the nearest "
    "first among both: the steps of theta and phi that lay it along the beam as an action, the larger of the two / "
    "180°, votes near the place over those around it / the strongest's; rows of zeros at the end",
}


@dataclass(frozen=True)
class ChartedState(ZoneState):
    """A ZoneState with what the frames so far tell of each crystal's zones.

    Parameters
    ----------
    charts : of all frames
    places : (n, ZONES, 3) of the strongest zones in them: theta, phi in degrees, and contrast, 0 for none
    """

    charts: Charts | None = None
    places: Float64Array | None = None


@dataclass
class ChartedTask(LaueZoneTask):
    """The rules of LaueZone, with the strongest zones of the chart as observation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        parts = dict(self.observation_space.spaces)
        del parts["image"]
        row = np.array([-1.0, -1.0, 0.0, 0.0], np.float32)
        low = np.tile(row, ZONES)
        self.observation_space = spaces.Dict({**parts, "zones": spaces.Box(low, np.ones_like(low), dtype=np.float32)})

    def start(
        self,
        previous: ZoneState | None,
        positions: Float64Array,
        frame: Frame,
        mask: BoolArray,
        truth: Truth | None = None,
    ) -> ZoneState:
        """Begin with the first exposure; see Task.start."""
        state = super().start(previous, positions, frame, mask)
        before = charts_of(previous).begun(mask) if previous is not None else Charts.blank(len(positions))
        looked = self._looked(state, before, mask)
        return looked if truth is None else self._begun(looked, truth, mask)

    def advance(
        self, state: ZoneState, command: TaskCommand, report: MoveReport, frame: Frame, mask: BoolArray
    ) -> ZoneState:
        """Update the state by a move and its frame; see Task.advance."""
        after = super().advance(state, command, report, frame, mask)
        return self._looked(after, charts_of(state), after.exposed)

    def observe(self, state: ZoneState) -> Observation:
        """Return the observation, as fresh arrays."""
        observation = super().observe(state)
        del observation["image"]  # type: ignore[attr-defined]
        return {**observation, "zones": self._rows(state)}

    def _rows(self, state: ZoneState) -> Float32Array:
        steps, contrast = _in_order(state)
        strongest = contrast.max(axis=1, keepdims=True)
        far = np.abs(steps).max(axis=2, keepdims=True) / _FARTHEST_DEG
        share = contrast / np.where(strongest > 0.0, strongest, 1.0)
        rows = np.concatenate([steps / self.context.max_rotation_deg, far, share], axis=2)
        rows = np.where(contrast > 0.0, rows.clip(-1.0, 1.0), 0.0)
        return rows.reshape(len(rows), -1).astype(np.float32)

    def _left_deg(self, state: ZoneState, truth: Truth, error_deg: Float64Array) -> Float64Array:
        """Return how far the nearest axis is that the films have shown, or any that is as good as reached.

        To the nearest of all it would lead astray: the films show zones 45° to 80° away, and nothing of nearer ones.
        """
        steps, contrast = _in_order(state)
        n, k = steps.shape[:2]
        goniometer = self.context.goniometer
        there = goniometer.rotation(state.positions[:, None] + steps)
        here = goniometer.rotation(state.positions)
        would = there @ np.swapaxes(here, 1, 2)[:, None] @ truth["orientation"][:, None]
        off = self.context.error_deg(would.reshape(n * k, 3, 3), np.repeat(truth["cell"], k, axis=0)).reshape(n, k)
        shown = (contrast[..., 0] > 0.0) & (off <= LIKE_DEG)
        left = np.where(shown, np.abs(steps).max(axis=2) + off, np.inf).min(axis=1)
        left = np.where(error_deg <= LIKE_DEG, np.minimum(left, error_deg), left)
        return np.where(np.isfinite(left), left, error_deg)

    def _looked(self, state: ZoneState, before: Charts, mask: BoolArray) -> ChartedState:
        known = self.context
        rotation = known.goniometer.rotation(state.positions)
        charts = before.seen(state.image[..., 0], state.positions, rotation, known.detector, mask)
        places = charts.strongest(ZONES)
        if isinstance(state, ChartedState):
            return replace(state, charts=charts, places=places)
        return ChartedState(**vars(state), charts=charts, places=places)


def _in_order(state: ZoneState) -> tuple[Float64Array, Float64Array]:
    """Return steps (n, ZONES, 2) to the strongest zones, degrees, and their contrasts (n, ZONES, 1), 0 for none.

    The strong ones come first, the others after them, the nearest first among both.
    """
    places = _charted(state).places
    steps, contrast = places[..., :2] - state.positions[:, None], places[..., 2]
    none, weak = contrast <= 0.0, contrast < STRONG * contrast.max(axis=1, keepdims=True)
    after = np.where(none, np.inf, np.abs(steps).max(axis=2) + np.where(weak, _BEHIND_DEG, 0.0))
    order = np.argsort(after, axis=1, kind="stable")[..., None]
    steps = np.where(none[..., None], 0.0, steps)
    return np.take_along_axis(steps, order, axis=1), np.take_along_axis(places[..., 2:], order, axis=1)


def charts_of(state: ZoneState | None) -> Charts:
    """Return what is known of the zones; raises TypeError for the state of another task."""
    charts: Charts = _charted(state).charts
    return charts


def _charted(state: ZoneState | None) -> Any:
    if not isinstance(state, ChartedState) or state.charts is None:
        raise TypeError(f"a state of ChartedTask holds charts; found {type(state).__name__}")
    return state

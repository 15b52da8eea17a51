"""What is observed of an ArpesSpot episode: the choices there are, their spaces, and their numbers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.arpes_spot.context import SpotContext
from beamgym.envs.arpes_spot.state import SpotState
from beamgym.envs.arpes_spot.views import MAP_CELLS, MAP_LAYERS, map_to_shares
from beamgym.envs.task import Observation
from beamgym.physics.instrument import Float32Array
from beamgym.physics.row_threads import over_rows

Observed = Literal["all", "scores", "map", "spectrum"]
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("spectrum", "position", "scores", "exposure", "best", "map", "last_move", "budget"),
    "scores": ("position", "scores", "exposure", "best", "last_move", "budget"),
    "map": ("picture",),
    "spectrum": ("spectrum", "position"),
}
"""Names of the parts of each choice."""
ESTIMATE: Final = "site_estimate"
"""Part that version 1 adds where scores are observed."""
ENLARGED: Final = 2
"""Pixels of the picture along a cell of the map: 64 in all, since NatureCNN needs 36."""
_MOST_VISITS = 8.0  # drawn as 1 on the map
_BRIGHTEST = 7.0  # log10 of the electrons observed as 1
_CHART_SHARES = np.array([0.1, 1.0 / _MOST_VISITS, 1.0, 1.0, 1.0, 1.0], dtype=np.float32)  # of the map's layers


@dataclass(frozen=True)
class SiteView:
    """Encodes the states of n episodes.

    Parameters
    ----------
    context : the public side of the task
    observed : which of the choices
    estimates : whether the estimate of the site is observed beside the scores, as in version 1

    Raises
    ------
    ValueError : a choice that there is not
    """

    context: SpotContext
    observed: Observed
    estimates: bool = False

    def __post_init__(self) -> None:
        if self.observed not in PARTS:
            raise ValueError(f"unknown observation {self.observed!r}; choose one of {', '.join(get_args(Observed))}")

    @property
    def space(self) -> spaces.Dict:
        """Space of one observation."""
        unit, both, side = (0.0, 1.0), (-1.0, 1.0), ENLARGED * MAP_CELLS
        boxes = {
            "spectrum": spaces.Box(0, 255, (*self.context.grid.shape, 1), dtype=np.uint8),
            "position": _box(both, 2),
            "scores": _box(unit, 4),
            ESTIMATE: _box(unit, 2),
            "exposure": _box(unit, 2),
            "best": _box(both, 3),
            "map": _box(unit, MAP_LAYERS * MAP_CELLS**2),
            "last_move": _box(both, 3),
            "budget": _box(unit, 1),
            "picture": spaces.Box(0, 255, (side, side, MAP_LAYERS + 2), dtype=np.uint8),
        }
        return spaces.Dict({name: boxes[name] for name in self.names})

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts that are observed."""
        parts = PARTS[self.observed]
        return (*parts, ESTIMATE) if self.estimates and "scores" in parts else parts

    def encode(self, state: SpotState) -> Observation:
        """Return the observation, as fresh arrays."""
        return {name: getattr(self, f"_{name}")(state) for name in self.names}

    def _spectrum(self, state: SpotState) -> NDArray[np.uint8]:
        return state.spectrum.copy()

    def _position(self, state: SpotState) -> Float32Array:
        return self.context.fractions(state.positions).astype(np.float32)

    def _scores(self, state: SpotState) -> Float32Array:
        return (state.scores * np.array([1.0, 1.0, 1.0, 0.1], dtype=np.float32)).clip(0.0, 1.0)

    def _site_estimate(self, state: SpotState) -> Float32Array:
        estimate: Float32Array = (0.1 * state.estimate).clip(0.0, 1.0)
        return estimate

    def _exposure(self, state: SpotState) -> Float32Array:
        dwell = self.context.dwell_share(state.positions[:, 2])
        bright = np.log10(1.0 + state.electrons) / _BRIGHTEST
        return np.stack([dwell, bright], axis=1).clip(0.0, 1.0).astype(np.float32)

    def _best(self, state: SpotState) -> Float32Array:
        farthest = np.abs(self.context.stage.limits_mm).max(axis=1)
        best = state.best * np.array([0.1, *(1.0 / farthest)], dtype=np.float32)
        return best.clip(-1.0, 1.0)

    def _map(self, state: SpotState) -> Float32Array:
        n = len(state.used)
        chart = np.empty((n, state.map[0].size), dtype=np.float32)
        over_rows(n, lambda rows: map_to_shares(state.map[rows], _CHART_SHARES, chart[rows]), least=32)
        return chart

    def _last_move(self, state: SpotState) -> Float32Array:
        return state.last_move.copy()

    def _budget(self, state: SpotState) -> Float32Array:
        left: Float32Array = self._left(state)[:, None].astype(np.float32)
        return left

    def _left(self, state: SpotState) -> Any:
        return np.maximum(1.0 - state.spent_s / self.context.beam_time_s, 0.0)

    def _picture(self, state: SpotState) -> NDArray[np.uint8]:
        """Return the map, the cell where it stands, and everywhere the beam time left, (n, 64, 64, 8)."""
        n, cells = len(state.used), MAP_CELLS
        shares = np.zeros((n, cells, cells, MAP_LAYERS + 2), dtype=np.float32)
        shares[..., :MAP_LAYERS] = self._map(state).reshape(n, cells, cells, MAP_LAYERS)
        place = 0.5 * (self.context.fractions(state.positions) + 1.0) * cells
        column, row = np.minimum(place.astype(np.int64), cells - 1).T
        shares[np.arange(n), row, column, MAP_LAYERS] = 1.0
        shares[..., MAP_LAYERS + 1] = self._left(state)[:, None, None]
        grey: NDArray[np.uint8] = np.rint(255.0 * shares).astype(np.uint8)
        enlarged: NDArray[np.uint8] = grey.repeat(ENLARGED, axis=1).repeat(ENLARGED, axis=2)
        return enlarged


def choice_of(names: Collection[str]) -> Observed | None:
    """Return the choice that has parts of these names; None where there is none."""
    return next((each for each in get_args(Observed) if set(PARTS[each]) == set(names) - {ESTIMATE}), None)


def _box(ends: tuple[float, float], size: int) -> spaces.Box:
    return spaces.Box(np.float32(ends[0]), np.float32(ends[1]), (size,), dtype=np.float32)

"""What is observed of a plate under way: what a person at the instrument has, and nothing else."""

from typing import Final

import numpy as np
from gymnasium import spaces

from beamgym.envs.plate_scan.context import CALIBRATED_AFTER, ScanContext
from beamgym.envs.plate_scan.state import ScanState
from beamgym.envs.task import Observation
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array, Int64Array

FIELDS: Final = (
    *("x", "y", "room", "mass", "looks", "beam time", "spots", "indexed", "error", "several", "given up", "spread"),
)
"""Numbers of a crystal, in this order."""
_LARGEST_MM, _MOST_LOOKS, _MOST_SPOTS, _LARGEST_DEG = 10.0, 8.0, 128.0, 1.0

SCAN_UNITS: Final = {
    "present": "the crystal looked at last: x and y in the travel, -1 to 1; room for the beam / 10 mm; mass / the mean "
    "crystal's / 4; looks / 8; beam time on the exposure's scale; spots of the last frame / 128; indexed; stated error "
    "/ 1 degree; several grains; given up; how far the beam has been from its first place / 10 mm; zeros for none",
    "next": "the same of the nearest crystal that is unfinished; zeros for none",
    "table": "the same of every crystal, row by row",
    "plate": "share of the crystals that are finished, of the mass that is believed; indexed crystals / 8, at most 1",
    "stage": "x and y in the travel and the exposure on its scale, -1 to 1",
    "budget": "beam time left / budget",
}


class ScanView:
    """Encodes observations.

    Parameters
    ----------
    context : the public side of the task
    table : with every crystal
    """

    def __init__(self, context: ScanContext, table: bool) -> None:
        self.context, self.table = context, table
        row = np.array([-1.0, -1.0, *[0.0] * (len(FIELDS) - 2)], np.float32)
        ones = np.ones(len(FIELDS), np.float32)
        parts: dict[str, spaces.Space[object]] = {
            "present": spaces.Box(row, ones, dtype=np.float32),
            "next": spaces.Box(row, ones, dtype=np.float32),
            "plate": spaces.Box(0.0, 1.0, (3,), np.float32),
            "stage": spaces.Box(-1.0, 1.0, (3,), np.float32),
            "budget": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        if table:
            low = np.tile(row, context.crystals)
            parts["table"] = spaces.Box(low, np.ones_like(low), dtype=np.float32)
        self.space = spaces.Dict(parts)

    def encode(self, state: ScanState, there: Int64Array, any_left: BoolArray) -> Observation:
        """Return the observation; ``there`` (n,) is the nearest unfinished crystal where there is any."""
        n = len(state.used)
        rows, every = np.arange(n), self._rows(state)
        here = every[rows, np.maximum(state.crystal, 0)] * (state.crystal >= 0)[:, None]
        count = np.maximum(state.plates.present.sum(axis=1), 1)
        finished = (state.plates.present & ~state.unfinished).sum(axis=1) / count
        believed = (state.plates.mass_share * state.believed).sum(axis=1)
        indexed = np.minimum((state.indexed & ~state.several).sum(axis=1) / CALIBRATED_AFTER, 1.0)
        at = self.context.fractions(state.positions[:, :2])
        left = 1.0 - state.spent_s / self.context.beam_time_s
        observed = {
            "present": here,
            "next": every[rows, there] * any_left[:, None],
            "plate": np.stack([finished, believed, indexed], axis=1).clip(0.0, 1.0).astype(np.float32),
            "stage": np.concatenate([at, self.context.share_of(state.positions[:, 2:])], axis=1).clip(-1.0, 1.0),
            "budget": left[:, None].clip(0.0, 1.0),
        }
        if self.table:
            observed["table"] = every.reshape(n, -1)
        return {name: values.astype(np.float32) for name, values in observed.items()}

    def _rows(self, state: ScanState) -> Float32Array:
        """Return the numbers of every crystal, (n, m, 12)."""
        plates = state.plates
        at = self.context.fractions(plates.centre_mm)
        room = plates.reach_mm.min(axis=2) / _LARGEST_MM
        count = np.maximum(plates.present.sum(axis=1, keepdims=True), 1)
        numbers: list[Float64Array] = [
            at[..., 0],
            at[..., 1],
            room,
            plates.mass_share * count / 4.0,
            state.looks / _MOST_LOOKS,
            np.where(state.looks > 0, 0.5 * (self.context.share_of(state.beam_s) + 1.0), 0.0),
            state.spots / _MOST_SPOTS,
            state.indexed.astype(np.float64),
            np.where(state.indexed, np.minimum(state.sigma_deg, _LARGEST_DEG), _LARGEST_DEG),
            state.several.astype(np.float64),
            state.given_up.astype(np.float64),
            state.spread_mm / _LARGEST_MM,
        ]
        table = np.stack(numbers, axis=2)
        table[..., 2:] = table[..., 2:].clip(0.0, 1.0)
        found: Float32Array = (table * plates.present[..., None]).astype(np.float32)
        return found

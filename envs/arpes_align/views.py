"""What is observed of an alignment under way: what a person at the manipulator has, and nothing else."""

from typing import Final

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from beamgym.envs.arpes_align.context import ArpesAlignContext
from beamgym.envs.arpes_align.state import MAP_COLUMNS, MAP_ROWS, PoseAlignState
from beamgym.envs.task import Observation
from beamgym.physics.instrument import Float32Array, Float64Array, FrameFailed

MAP_EV: Final = (-0.45, -0.35)
"""Energies that the constant-energy map adds up, from the Fermi level."""
BRIGHTEST: Final = 7.0
"""log10 of the electrons of a cut that are observed as 1."""

POSE_UNITS: Final = {
    "spectrum": "the last cut: 255 times the square root of counts over their largest",
    "map": "the same of the constant-energy map, polar by slit; of the cuts since tilt or azimuth turned by a degree",
    "pose": "x, y, z, polar, tilt and azimuth in the travel, -1 to 1",
    "exposure": "dwell on the action's scale, 0 to 1; log10(1 + electrons) / 7",
    "last_move": "made along each axis in units of its travel; 1 where it was shortened",
    "budget": "beam time left / budget",
}


class PoseView:
    """Encodes observations.

    Parameters
    ----------
    context : the public side of the task
    chart : with the constant-energy map
    """

    def __init__(self, context: ArpesAlignContext, chart: bool) -> None:
        self.context, self.chart = context, chart
        parts: dict[str, spaces.Space[object]] = {
            "spectrum": spaces.Box(0, 255, (*context.grid.shape, 1), np.uint8),
            "pose": spaces.Box(-1.0, 1.0, (6,), np.float32),
            "exposure": spaces.Box(0.0, 1.0, (2,), np.float32),
            "last_move": spaces.Box(-1.0, 1.0, (7,), np.float32),
            "budget": spaces.Box(0.0, 1.0, (1,), np.float32),
        }
        if chart:
            parts["map"] = spaces.Box(0, 255, (MAP_ROWS, MAP_COLUMNS, 1), np.uint8)
        self.space = spaces.Dict(parts)

    def encode(self, state: PoseAlignState) -> Observation:
        """Return the observation, as fresh arrays."""
        electrons = state.counts.sum(axis=(1, 2), dtype=np.float64)
        dwell = 0.5 * (self.context.dwells.number(state.positions[:, 6]) + 1.0)
        left = 1.0 - state.spent_s / self.context.beam_time_s
        numbers = {
            "pose": self.context.fractions(state.positions[:, :6]),
            "exposure": np.stack([dwell, np.log10(1.0 + electrons) / BRIGHTEST], axis=1).clip(0.0, 1.0),
            "last_move": state.last_move.clip(-1.0, 1.0),
            "budget": left[:, None].clip(0.0, 1.0),
        }
        observed: Observation = {name: values.astype(np.float32) for name, values in numbers.items()}
        observed["spectrum"] = root_grey(state.counts)
        if self.chart:
            observed["map"] = root_grey(state.map)
        return observed


def root_grey(counts: Float32Array) -> NDArray[np.uint8]:
    """Return images (n, h, w, 1) uint8 of counts (n, h, w): square roots, the largest of each 255."""
    peak = np.maximum(counts.max(axis=(1, 2), keepdims=True), np.float32(1e-9))
    grey: NDArray[np.uint8] = np.rint(255.0 * np.sqrt(counts / peak)).astype(np.uint8)
    return grey[..., None]


def counts_of_grey(grey: NDArray[np.uint8], electrons: float) -> Float64Array:
    """Return the counts (e, a) that an observed cut stands for, by its number of electrons."""
    shape = (grey.astype(np.float64) / 255.0) ** 2
    return np.asarray(shape * electrons / max(shape.sum(), 1e-9))


def checked_cuts(counts: NDArray[np.generic] | None, shape: tuple[int, int]) -> Float32Array:
    """Return the cuts (n, e, a) of a frame; raises FrameFailed for another shape, or what cannot be counts."""
    if counts is None or counts.shape[1:] != shape:
        found = "no image" if counts is None else f"{counts.shape[1:]} pixels"
        raise FrameFailed(f"a frame holds {found}; this task was made for cuts of {shape}")
    cuts = np.asarray(counts, dtype=np.float32)
    if not (np.isfinite(cuts).all() and (cuts >= 0.0).all()):
        raise FrameFailed("a cut holds NaN, infinity or negative counts; give dead pixels the value 0")
    return cuts


def drawn_row(cuts: Float32Array, context: ArpesAlignContext, dwell_s: Float64Array) -> Float32Array:
    """Return what cuts (n, e, a) add to the map: electrons a second near its energy, (n, columns)."""
    energy = context.grid.energy_ev
    band = cuts[:, (energy >= MAP_EV[0]) & (energy <= MAP_EV[1])].sum(axis=1)
    binned = band.reshape(len(cuts), MAP_COLUMNS, -1).sum(axis=2)
    return np.asarray(binned / np.maximum(dwell_s, 1e-9)[:, None], dtype=np.float32)

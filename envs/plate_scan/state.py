"""What the PlateScan task remembers of n episodes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.plate_scan.context import CALIBRATED_AFTER
from beamgym.envs.plate_scan.outline_table import OutlineTable
from beamgym.envs.plate_scan.readings import stated_deg
from beamgym.physics.instrument import BoolArray, Float64Array, Int64Array


@dataclass(frozen=True)
class ScanState:
    """The TaskState of PlateScan; every array starts with the batch dimension n.

    Parameters
    ----------
    positions : (n, 3) readback of x and y in mm, and the exposure in s
    plates : outlines of the plates, m crystals each
    crystal : (n,) the one that was looked at last, -1 before the first
    looks : (n, m) frames of each crystal; beam_s (n, m) their exposures together
    spots : (n, m) found in its last frame; all_spots (n, m) in all frames that indexed
    first_mm : (n, m, 2) where the beam was first; spread_mm (n, m) how far from there it has been
    indexed, several, given_up : (n, m)
    angles_deg, calibrated_deg : (n, m, 3) mean of its frames, weighted by their spots; see ``FrameReading``
    used : (n,) exposures; spent_s (n,) beam time
    stopped, over : (n,) the agent stopped or nothing was left to visit; it asked for more beam time than is left
    worth : (n,) share of the plate's mass that was known when the last step was paid, less what was wrongly believed
    motor_s, exposure_s : (n,) of the last step
    """

    positions: Float64Array
    plates: OutlineTable
    crystal: Int64Array
    looks: Int64Array
    beam_s: Float64Array
    spots: Int64Array
    all_spots: Float64Array
    first_mm: Float64Array
    spread_mm: Float64Array
    indexed: BoolArray
    several: BoolArray
    given_up: BoolArray
    angles_deg: Float64Array
    calibrated_deg: Float64Array
    used: Int64Array
    spent_s: Float64Array
    stopped: BoolArray
    over: BoolArray
    worth: Float64Array
    motor_s: Float64Array
    exposure_s: Float64Array

    @property
    def believed(self) -> BoolArray:
        """(n, m) crystals that are taken for single ones whose orientation is known."""
        return self.indexed & ~self.several & ~self.given_up

    @property
    def unfinished(self) -> BoolArray:
        """(n, m) crystals of which nothing is settled yet."""
        return self.plates.present & ~(self.indexed | self.several | self.given_up)

    @property
    def calibrated(self) -> BoolArray:
        """(n,) enough crystals are indexed to know where the camera stands."""
        enough: BoolArray = (self.indexed & ~self.several).sum(axis=1) >= CALIBRATED_AFTER
        return enough

    @property
    def estimate_deg(self) -> Float64Array:
        """(n, m, 3) how each crystal stands, with the camera as it is known by now."""
        return np.where(self.calibrated[:, None, None], self.calibrated_deg, self.angles_deg)

    @property
    def sigma_deg(self) -> Float64Array:
        """(n, m) standard error of an orientation as it is stated, about each axis; infinite where none is known."""
        noise, camera = stated_deg(self.all_spots, np.broadcast_to(self.calibrated[:, None], self.indexed.shape))
        return np.where(self.indexed, np.hypot(noise, camera), np.inf)


def blank(positions: Float64Array, m: int) -> ScanState:
    """Return the state of n episodes before their first exposure."""
    n = len(positions)
    no, zero, whole = np.zeros(n, dtype=np.bool_), np.zeros(n), np.zeros(n, dtype=np.int64)
    each, none = np.zeros((n, m)), np.zeros((n, m), dtype=np.bool_)
    return ScanState(
        positions=positions.copy(),
        plates=OutlineTable.blank(n, m),
        crystal=whole - 1,
        looks=each.astype(np.int64),
        beam_s=each,
        spots=each.astype(np.int64),
        all_spots=each,
        first_mm=np.zeros((n, m, 2)),
        spread_mm=each,
        indexed=none,
        several=none,
        given_up=none,
        angles_deg=np.zeros((n, m, 3)),
        calibrated_deg=np.zeros((n, m, 3)),
        used=whole,
        spent_s=zero,
        stopped=no,
        over=no,
        worth=zero,
        motor_s=zero,
        exposure_s=zero,
    )


_KEPT = ("positions", "plates", "motor_s", "exposure_s", "crystal")


def cleared(state: ScanState, mask: BoolArray) -> ScanState:
    """Return the state with the masked rows' histories cleared."""

    def clear(values: NDArray[Any]) -> NDArray[Any]:
        kept = values.copy()
        kept[mask] = 0
        return kept

    names = [name for name in vars(state) if name not in _KEPT]
    changed: dict[str, Any] = {name: clear(getattr(state, name)) for name in names}
    return replace(state, crystal=np.where(mask, -1, state.crystal), **changed)

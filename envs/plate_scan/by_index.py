"""Plates whose frames are spots or images, and the reading of them by the scan's own indexing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.plate_scan.context import FIRST_EXPOSURE_S, ScanContext
from beamgym.envs.plate_scan.outline_table import OutlineTable
from beamgym.envs.plate_scan.readings import FrameReading, ReadFrame
from beamgym.physics.arrays import Float64Array
from beamgym.physics.goniometer import motors
from beamgym.physics.instrument import AcquireSettings, Axis, BoolArray, Frame, MoveReport, Peaks, UInt64Array
from beamgym.physics.mosaic.habit import turn_onto
from beamgym.physics.mosaic.plate import PlateContext, PlateWorld
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.mosaic.scan import LEAST_SHARE, Reader
from beamgym.physics.orientation import rotation_vector_deg

_UPRIGHT = np.array([0.0, 0.0, 1.0])
_NEARLY = 0.02  # cosines that differ by less are of one face


@dataclass
class IndexReads:
    """Reads frames by indexing each by itself, with the camera as it is stated.

    Parameters
    ----------
    optics : material, habit, camera and beam
    height_mm : of the crystals' faces above the plate's plane, as it is believed to be; each frame's is fitted
    """

    optics: PlateContext
    height_mm: float = 0.0

    @cached_property
    def reader(self) -> Reader:
        """The prepared indexer; made when first needed."""
        return Reader(self.optics.crystal, self.optics.beam, self.optics.detector)

    def __call__(self, frame: Frame, near_deg: Float64Array, known: BoolArray, rows: BoolArray) -> FrameReading:
        """Return what frames tell where ``rows`` (n,) is True; see ``Reads``."""
        read, found = FrameReading.nothing(len(rows)), frame.peaks()
        height = self.height_mm or self.optics.habit.thickness_mm
        for row in np.flatnonzero(rows):
            count = int(found.count[row])
            own = Peaks(
                found.position_px[row : row + 1, :count],
                found.intensity[row : row + 1, :count],
                found.count[row : row + 1],
                found.saturated[row : row + 1, :count],
            )
            one = self.reader.read(own, np.zeros(2), float(frame.exposure_s[row]), height)
            read.spots[row] = count
            if not one.indexed:
                continue
            read.indexed[row] = not one.grains[0].ambiguous
            read.several[row] = sum(grain.share >= LEAST_SHARE for grain in one.grains) > 1
            angles = angles_of(PLATE_TO_LAB.T @ one.grains[0].u, self.optics, self.reader.rotations)
            if known[row]:
                fold = fold_of(self.optics, self.reader.rotations)
                angles[2] += fold * np.rint((near_deg[row, 2] - angles[2]) / fold)
            read.angles_deg[row] = read.calibrated_deg[row] = angles
        return read


class IndexedPlates:
    """A PlateWorld whose exposure is set like an axis, and whose frames bring the outlines.

    Parameters
    ----------
    context : public
    world : the plates
    """

    def __init__(self, context: ScanContext, world: PlateWorld) -> None:
        self.context, self.world, self.n = context, world, world.n
        self._exposure = np.full(self.n, FIRST_EXPOSURE_S)
        self._table = OutlineTable.blank(self.n, context.crystals)
        self._rotations = context.optics.crystal.rotations if context.optics is not None else np.eye(3)[None]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """x and y in mm, and the exposure in seconds."""
        return self.context.instrument_axes

    def positions(self) -> Float64Array:
        """Return the readback of x and y and the exposure that is set, (n, 3)."""
        return np.concatenate([self.world.positions(), self._exposure[:, None]], axis=1)

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Draw a new plate and camera and send the stage to (0, 0), where ``mask`` is True."""
        self.world.reset(keys, mask)
        self._exposure = np.where(mask, FIRST_EXPOSURE_S, self._exposure)
        drawn = OutlineTable.of([self.world.outlines(row) for row in range(self.n)], self.context.crystals)
        self._table = self._table.merged(drawn, mask)

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive x and y and set the exposure, to absolute (n, 3), where ``mask``; raises MoveFailed out of range."""
        motors.check_target(self.axes, target, mask)
        report = self.world.move(np.ascontiguousarray(target[:, :2]), mask)
        self._exposure = np.where(mask, target[:, 2], self._exposure)
        return MoveReport(np.concatenate([report.readback, self._exposure[:, None]], axis=1), report.duration_s)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose for as long as is set where ``mask`` is True; the other rows repeat their last frame."""
        frame = self.world.acquire(AcquireSettings(), np.zeros_like(mask))
        for row in np.flatnonzero(mask):
            alone = np.arange(self.n) == row
            frame = self.world.acquire(AcquireSettings(float(self._exposure[row])), alone)
        return ReadFrame(
            self._exposure.copy(),
            frame.counter,
            frame.time_s,
            frame.image,
            frame.found,
            frame.finder,
            plates=self._table,
        )

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what is hidden: as ``ModelPlates``, and all that the PlateWorld knows."""
        known = dict(self.world.truth())
        optics = self.context.optics
        assert optics is not None
        shape = (*known["what"].shape, 3)
        angles = np.zeros(shape)
        for row, k in np.argwhere(known["what"] != 4):
            angles[row, k] = angles_of(known["orientation"][row, k], optics, self._rotations)
        fold = np.full(self.n, fold_of(optics, self._rotations))
        return {**known, "angles_deg": angles, "fold_deg": fold}


def angles_of(u: Float64Array, optics: PlateContext, rotations: Float64Array) -> Float64Array:
    """Return how a crystal stands against one that lies as it grows, (3,) degrees; see ``FrameReading``.

    Parameters
    ----------
    u : (3, 3) crystal to plate
    optics : material and habit
    rotations : (k, 3, 3) after which the crystal is the same
    """
    whole = u @ rotations @ optics.habit.lying(optics.crystal).T
    upright = whole[int((whole[:, 2, 2] > whole[:, 2, 2].max() - _NEARLY).argmax())]
    tilt = turn_onto(_UPRIGHT, upright[:, 2])
    flat = tilt.T @ upright
    return np.array([*rotation_vector_deg(tilt[None])[0, :2], np.degrees(np.arctan2(flat[1, 0], flat[0, 0]))])


def fold_of(optics: PlateContext, rotations: Float64Array) -> float:
    """Return the turn about the plate's normal after which a lying crystal is the same, degrees."""
    lying = optics.habit.lying(optics.crystal)
    upright = (lying @ rotations @ lying.T)[:, 2, 2] > 1.0 - 1e-6
    return 360.0 / max(int(upright.sum()), 1)

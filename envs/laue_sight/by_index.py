"""How crystals stand by indexing each frame by itself and joining the answers: quick enough to learn with."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.laue_sight.by_frames import NOTHING_DEG, shot_of
from beamgym.envs.laue_sight.by_model import ModelSight
from beamgym.physics.crystal import Crystal
from beamgym.physics.instrument import BoolArray, Float64Array, Frame
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.laue.sight import Followed, by_matched, merged
from beamgym.physics.orientation import nearest_equivalent

SEARCHED_DEG = (0.25, 0.6, 1.0)
"""Search radii: of a calibrated camera, one that is half a millimetre off, one that is off by a millimetre."""
ELSEWHERE_DEG = 5.0
"""A frame that shows the crystal farther from where the axes carried it contradicts those before: all begins anew."""


@dataclass(frozen=True)
class Joined(Followed):
    """What is known of n crystals; see ``Followed``.

    Parameters
    ----------
    dark : (n,) frames so far, of crystals of which none could be indexed; 0 of all others
    """

    dark: NDArray[np.int64]

    @property
    def lost(self) -> NDArray[np.int64]:
        """Frames that were taken of crystals of which they tell nothing, (n,)."""
        return self.dark


@dataclass(frozen=True)
class _Reading:
    """What frames give, as ModelSight takes it: (n, 3, 3) crystal to lab."""

    orientation: Float64Array


@dataclass
class IndexSight:
    """Indexes each frame by the nominal camera, and joins the answers by the model of an estimator's errors.

    Parameters
    ----------
    crystal, beam : what stands in the beam
    detector : the nominal panel, in whose pixels the frames' peaks are given
    model : joins what frames give
    usual : spots that frames of the model's errors show; None where all frames are taken to be as good
    """

    crystal: Crystal
    beam: Beam
    detector: Detector
    model: ModelSight
    usual: int | None = None

    @cached_property
    def indexer(self) -> Indexer:
        """The prepared indexer; made when first needed."""
        return Indexer(self.crystal, self.beam.band_kev, self.detector, tolerances_deg=SEARCHED_DEG, beam=self.beam)

    def begin(self, before: Joined | None, frame: Frame, positions: Float64Array, rows: BoolArray) -> Joined:
        """Return what the first frames of some rows tell; see ``Sight.begin``."""
        known = before if before is not None else self._nothing(positions)
        seen, matched = self._read(frame, positions, rows, None)
        model, found = self._model(matched), matched > 0
        return self._begun(model, known, seen, positions, rows & found, rows & ~found, np.ones_like(known.dark))

    def follow(self, before: Joined, frame: Frame, positions: Float64Array, rows: BoolArray) -> Joined:
        """Return what is known after one more frame of some rows; see ``Sight.follow``."""
        carried = self.model.goniometer.rotation(positions) @ before.mount
        sure = before.dark == 0
        seen, matched = self._read(frame, positions, rows, carried)
        model, found = self._model(matched), matched > 0
        apart, which = nearest_equivalent(seen, carried, self.crystal.rotations)
        joins = rows & found & sure & (apart <= ELSEWHERE_DEG)
        reading: Any = _Reading(np.where(joins[:, None, None], seen @ self.crystal.rotations[which], carried))
        after = model.follow(before, reading, positions, joins)
        unread = rows & ~found & sure
        if unread.any():
            # Where the axes carried it, as well as that is known: as if the frame had given that, and told nothing.
            orientation, spread = after.orientation.copy(), after.spread.copy()
            orientation[unread] = carried[unread]
            spread[unread] = self.model.carried_spread(before, positions)[unread]
            after = Followed(after.mount, after.camera_deg, after.covariance, orientation, spread)
        known = _joined(after, before.dark)
        anew, dark = rows & found & ~joins, rows & ~found & ~sure
        return self._begun(model, known, seen, positions, anew, dark, before.dark + 1)

    def foreseen_deg(self, known: Joined, positions: Float64Array) -> Float64Array:
        """Return how well mounts will be known after a frame at other positions; see ``Sight.foreseen_deg``."""
        return self.model.foreseen_deg(known, positions)

    def _model(self, matched: NDArray[np.int64]) -> ModelSight:
        """Return what joins frames in which so many spots (n,) were matched."""
        if self.usual is None:
            return self.model
        return replace(self.model, errors=by_matched(self.model.errors, matched, self.usual))

    def _begun(
        self,
        model: ModelSight,
        known: Joined,
        seen: Float64Array,
        positions: Float64Array,
        anew: BoolArray,
        dark: BoolArray,
        frames: NDArray[np.int64],
    ) -> Joined:
        """Return what is known where some rows begin with what a frame gives, and of others frames tell nothing."""
        reading: Any = _Reading(seen)
        if anew.any():
            known = _joined(merged(known, model.begin(None, reading, positions, anew), anew), known.dark)
        if dark.any():
            known = _joined(merged(known, self._nothing(positions), dark), known.dark)
        return _joined(known, np.where(anew, 0, np.where(dark, frames, known.dark)))

    def _read(
        self, frame: Frame, positions: Float64Array, rows: BoolArray, guess: Float64Array | None
    ) -> tuple[Float64Array, NDArray[np.int64]]:
        """Return the orientations (n, 3, 3) that some rows' frames give, and the spots (n,) matched; 0: not indexed."""
        seen, matched = np.tile(np.eye(3), (len(rows), 1, 1)), np.zeros(len(rows), dtype=np.int64)
        for row in np.flatnonzero(rows):
            shot = shot_of(frame, positions[row], self.model.goniometer, int(row))
            if not len(shot.position_px):
                continue
            answer = self.indexer.index(shot.position_px, shot.counts, None if guess is None else guess[row])
            if isinstance(answer, Indexed):
                seen[row], matched[row] = answer.orientation, answer.matched
        return seen, matched

    def _nothing(self, positions: Float64Array) -> Joined:
        n = len(positions)
        straight = np.tile(np.eye(3), (n, 1, 1))
        turned = self.model.goniometer.rotation(positions)
        wide, dark = NOTHING_DEG**2 * straight, np.zeros(n, dtype=np.int64)
        return Joined(straight, np.zeros((n, 3)), np.tile(np.eye(9), (n, 1, 1)), turned, wide, dark)


def _joined(known: Followed, dark: NDArray[np.int64]) -> Joined:
    return Joined(known.mount, known.camera_deg, known.covariance, known.orientation, known.spread, dark)

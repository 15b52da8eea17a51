"""How a crystal stands by one Laue frame, and where its spots belong now, at the goal and after a turn."""

from functools import cached_property
from typing import Any

import numpy as np

from beamgym.hardware_bridge.instrument_file import InstrumentFile, context_of
from beamgym.hardware_bridge.operator_page.onlooker import Limits, Predicted
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.laue.pattern import LaueModel

BRIGHTEST = 60
"""Spots that are predicted: about as many as a finder keeps."""


class LaueOnlooker:
    """Indexes each frame by itself.

    Parameters
    ----------
    file : a Laue instrument
    limits : of its axes, as they hold, by name
    """

    def __init__(self, file: InstrumentFile, limits: Limits) -> None:
        self._known: Any = context_of(file, limits)
        self._names = file.axis_names
        self._mount: Float64Array | None = None

    @cached_property
    def _indexer(self) -> Indexer:
        known = self._known
        return Indexer(known.crystal, known.beam.band_kev, known.detector)

    @cached_property
    def _model(self) -> LaueModel:
        known = self._known
        return LaueModel(known.crystal, known.beam, known.detector, brightest=BRIGHTEST)

    def look(self, spots_px: Float64Array, positions: Float64Array) -> Predicted:
        """Index found spots (s, 2), brightest first, taken where the axes read ``positions`` (k,)."""
        here = self._known.goniometer.rotation(positions)
        guess = None if self._mount is None else here @ self._mount
        answer = self._indexer.index(spots_px, None, guess) if len(spots_px) else None
        if not isinstance(answer, Indexed):
            # The crystal may have slipped: what was known of it before holds no more.
            self._mount = None
            return Predicted(f"not indexed: {'no spots' if answer is None else answer.reason}")
        self._mount = here.T @ answer.orientation
        line = f"indexed by {answer.matched} of {len(spots_px)} spots"
        return self._stands(line, positions, "misorientation_by_this_frame_deg")

    def ahead(self, positions: Float64Array) -> Predicted | None:
        """Return where the spots belong with the axes elsewhere; None while no frame was indexed."""
        return (
            None
            if self._mount is None
            else self._stands("as the last frame was indexed", positions, "misorientation_deg")
        )

    def _stands(self, line: str, positions: Float64Array, name: str) -> Predicted:
        assert self._mount is not None
        known = self._known
        goals = known.target.reachable_goals(known.goniometer, self._mount[None], positions[None])
        reachable = bool(goals.reachable[0])
        turn = dict(zip(self._names, (goals.positions[0] - positions).tolist(), strict=True)) if reachable else {}
        return Predicted(
            line if reachable else f"{line}; no goal is within the axes' limits: glue the crystal anew",
            self._spots_px(known.goniometer.rotation(positions) @ self._mount),
            self._spots_px(goals.orientation[0]),
            turn,
            {name: float(goals.error_deg[0])},
        )

    def _spots_px(self, orientation: Float64Array) -> Float64Array:
        spots = self._model.spots(orientation)
        return np.asarray(spots.position_px[0, : int(spots.count[0])], dtype=np.float64)

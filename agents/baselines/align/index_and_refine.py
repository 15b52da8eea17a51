"""Index-and-refine: index each frame and refine the camera with it, search its distance where nothing indexes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.align.frame_spots import FrameSpots
from beamgym.agents.baselines.align.index_and_move import play_by_mounts
from beamgym.agents.baselines.moves import need_kind
from beamgym.envs.policy import PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.crystal import Crystal
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.indexing import Indexed, Indexer, SeenGrain, grain_near, grains_at_distances
from beamgym.physics.orientation import misorientation_deg

DECLARE_WITHIN = 0.6
"""Share of the tolerance within which a refined pose is good enough."""
SHIFT_MM, TILT_DEG = 0.5, 0.3
"""Standard deviations of the camera's place across its normal and of its tilts, as the refinement takes them."""
RANGE_MM = 11.0
"""By how much the distance is off at most where it is searched, either way; the search takes seconds a frame."""
LEAST_MERIT = 4.0
"""−log10 of the odds of chance below which an answer is none."""
LEAST_KNOWN = (0.02, 0.02, 0.05, 0.015, 0.015)
"""The camera is never taken to be better known than this from former frames, mm and degrees."""


SAME_DEG = 2.0
"""Mounts nearer than this are one grain's: play and a camera that is off turn them by less."""


@dataclass(frozen=True, eq=False)
class _Grain:
    """A grain: its mount (3, 3), its brightness, the mean of ``frames`` frames, and how many frames lacked it."""

    mount: Float64Array
    brightness: float
    frames: int = 1
    missed: int = 0


@dataclass(frozen=True)
class _Memory:
    context: Any
    indexer: Indexer
    camera: Detector | None = None
    known: tuple[float, float, float, float, float] | None = None
    grains: tuple[_Grain, ...] = ()
    tries: int = 0

    @property
    def mount(self) -> Float64Array | None:
        """Mount of the brightest grain; None where none is known."""
        return max(self.grains, key=lambda grain: grain.brightness).mount if self.grains else None


class IndexAndRefine:
    """Index-and-move with a camera of its own: refined with every frame, its distance searched where nothing indexes.

    Parameters
    ----------
    declare_within : share of the tolerance
    shift_mm, tilt_deg : standard deviations of the camera's place and tilts
    range_mm : of the search for its distance; 0 for none
    least_merit : of an answer
    """

    name = "index-and-refine"
    oracle = False

    def __init__(
        self,
        declare_within: float = DECLARE_WITHIN,
        shift_mm: float = SHIFT_MM,
        tilt_deg: float = TILT_DEG,
        range_mm: float = RANGE_MM,
        least_merit: float = LEAST_MERIT,
    ) -> None:
        self.declare_within, self.least_merit, self.range_mm = declare_within, least_merit, range_mm
        self._near = (shift_mm, shift_mm, shift_mm, tilt_deg, tilt_deg)
        self._far = (shift_mm, shift_mm, max(shift_mm, range_mm / np.sqrt(3.0)), tilt_deg, tilt_deg)
        self._prepared: tuple[Any, Indexer] | None = None

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n memories of an unknown mount; raises CannotPlay where the crystal is not known."""
        need_kind(context, ("laue",), "index-and-refine needs a crystal whose cell is known; this environment hides it")
        known = (context.crystal, context.beam)
        if self._prepared is None or any(a is not b for a, b in zip(self._prepared[0], known, strict=True)):
            self._prepared = known, Indexer(context.crystal, context.beam.band_kev, beam=context.beam)
        return [_Memory(context, self._prepared[1]) for _ in range(n)]

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Index, then move or declare; raises CannotPlay for an environment that observes no spots and no image."""
        return play_by_mounts(self.name, self.declare_within, observation, state, self._updated)

    def _updated(self, frame: FrameSpots, memory: _Memory, here: Float64Array) -> tuple[Float64Array | None, _Memory]:
        seen = self._seen(frame, memory, here)
        if not seen:
            return None, replace(memory, tries=memory.tries + 1)
        memory, shown = _with_grains(memory, seen, here)
        return max(shown, key=lambda grain: grain.brightness).mount, memory

    def _seen(self, frame: FrameSpots, memory: _Memory, here: Float64Array) -> list[SeenGrain]:
        """Return the grains of this frame, the likeliest first."""
        position, indexer = frame.position_px, memory.indexer
        if len(position) < 6:
            return []
        if memory.camera is not None and memory.known is not None:
            found = [
                grain_near(
                    indexer, memory.camera, memory.camera, position, frame.counts, here @ grain.mount, memory.known
                )
                for grain in memory.grains
            ]
            again = [grain for grain in found if grain is not None and grain.merit >= self.least_merit]
            if again:
                others = grains_at_distances(indexer, memory.camera, position, frame.counts, memory.known)
                return [*again, *self._kept(others)]
        return self._searched(frame, indexer)

    def _searched(self, frame: FrameSpots, indexer: Indexer) -> list[SeenGrain]:
        """Index without any guess: by the nominal camera, and at other distances where that finds nothing."""
        position = frame.position_px
        answer = indexer.index_directions(frame.normals, frame.counts)
        if isinstance(answer, Indexed):
            seen = grain_near(indexer, frame.panel, frame.panel, position, frame.counts, answer.orientation, self._near)
            if seen is not None and seen.merit >= self.least_merit:
                return [seen]
        if self.range_mm <= 0.0:
            return []
        return self._kept(grains_at_distances(indexer, frame.panel, position, frame.counts, self._far, self.range_mm))

    def _kept(self, grains: Sequence[SeenGrain]) -> list[SeenGrain]:
        return [grain for grain in grains if grain.merit >= self.least_merit]


def _with_grains(memory: _Memory, seen: Sequence[SeenGrain], here: Float64Array) -> tuple[_Memory, list[_Grain]]:
    """Return the memory with the grains of a frame, and those grains: known ones are brought up to date.

    A grain that was missed as often as it was seen is forgotten: it was chance.
    """
    crystal = memory.context.crystal
    left, shown = list(memory.grains), list[_Grain]()
    for one in seen:
        mount = here.T @ one.orientation
        if any(misorientation_deg(mount, grain.mount, crystal.holohedry) < SAME_DEG for grain in shown):
            continue
        near = (grain for grain in left if misorientation_deg(mount, grain.mount, crystal.holohedry) < SAME_DEG)
        before = next(near, None)
        if before is None:
            shown.append(_Grain(mount, one.brightness))
            continue
        left.remove(before)
        frames = before.frames + 1
        mean = before.brightness + (one.brightness - before.brightness) / frames
        shown.append(_Grain(_image_near(mount, before.mount, crystal), mean, frames, before.missed))
    missed = [replace(grain, missed=grain.missed + 1) for grain in left]
    kept = (*shown, *(grain for grain in missed if grain.missed < grain.frames))
    along, down, away, tilt_y, tilt_z = np.maximum(seen[0].known, LEAST_KNOWN).tolist()
    known = along, down, away, tilt_y, tilt_z
    return replace(memory, camera=seen[0].detector, known=known, grains=kept), shown


def _image_near(mount: Float64Array, known: Float64Array, crystal: Crystal) -> Float64Array:
    """Return the image of a mount, under the lattice's rotations, that is nearest to a known one.

    The image is decided in the frame in which a grain is first seen; a frame of few spots may mistake it later.
    """
    images: Float64Array = mount @ crystal.holohedry
    away = misorientation_deg(images, known, crystal.rotations)
    nearest: Float64Array = images[int(np.argmin(away))]
    return nearest

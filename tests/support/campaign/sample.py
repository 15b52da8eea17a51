"""What the detector sees: Laue frames of a crystal, or spectra of a cleaved surface, by the package's own physics."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.hardware_bridge.instrument_file.context import context_of
from beamgym.hardware_bridge.instrument_file.file import InstrumentFile
from beamgym.physics.arpes.simulator import SimulatedArpes
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.instrument import AcquireSettings
from beamgym.physics.laue.camera import LaueCamera
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import rotation_matrix

FULL_S = 10.0
"""Seconds of the package's beam that one exposure of the file's length stands for: our source is so much brighter."""

_ONE = np.ones(1, dtype=np.bool_)


class Crystal:
    """A crystal on the goniometer that an instrument file describes.

    Parameters
    ----------
    file : the instrument as it truly is
    seed : of the mount, and of the noise
    away : how far from the aligned pose it begins: each of the axes turned, as a share of its travel
    """

    def __init__(self, file: InstrumentFile, seed: int, away: float = 0.25) -> None:
        self.context: Any = context_of(file)
        self.detector = file.detector
        self.usual_s = file.experiment.exposure_s
        known = self.context
        self.model = LaueModel(known.crystal, known.beam, known.detector, brightest=200)
        self.camera = LaueCamera(known.detector)
        self.seed = seed
        draw = np.random.default_rng([seed, 4117])
        goniometer = known.goniometer
        limits = np.array([axis.limits for axis in goniometer.axes])
        home = goniometer.home()
        goal = known.target.orientations[draw.integers(len(known.target.orientations))]
        # The aligned pose is some way from home, on axes that the inverse turns, and well within their travel.
        reach = away * np.minimum(limits[:, 1] - home, home - limits[:, 0])
        pose = home + np.sign(draw.uniform(-1.0, 1.0, len(home))) * draw.uniform(0.4, 1.0, len(home)) * reach
        for index, axis in enumerate(goniometer.axes):
            if goniometer.solve_with and axis.name not in goniometer.solve_with:
                pose[index] = home[index]
        self.mount = goniometer.rotation(pose).T @ goal

    def orientation(self, places: NDArray[np.float64], mount: Any = None) -> NDArray[np.float64]:
        """Return how the crystal stands in the lab (3, 3) with the shafts at ``places`` (k,)."""
        rotation: NDArray[np.float64] = self.context.goniometer.rotation(places)
        return rotation @ (self.mount if mount is None else mount)

    def frame(self, places: NDArray[np.float64], seconds: float, number: int, what: str = "") -> NDArray[np.uint16]:
        """Return a raw array, as the camera is mounted: the inverse of the file's transpose and flips.

        Parameters
        ----------
        places : (k,) of all shafts
        seconds : of the exposure
        number : of the frame: its noise is its own
        what : "" for the crystal, "none" where it has fallen off, "other" for another one, "dark" without beam
        """
        # another sample, not a symmetry-equivalent of this one
        mount = self.mount @ rotation_matrix(np.array([17.0, 41.0, 9.0])) if what == "other" else None
        spots = self.model.spots(self.orientation(places, mount)[None], self.context.detector.as_vector()[None])
        shown = FULL_S * seconds / self.usual_s
        count = spots.count if what in ("", "other") else np.zeros_like(spots.count)
        keys = make_keys(np.array([self.seed], np.uint64), 0, number, 77)
        light = 1e-3 if what == "dark" else shown
        counts = (spots.intensity * shown).astype(np.float32)
        image = self.camera.expose(spots.position_px, counts, count, light, keys)[0]
        return self._as_mounted(image)

    def error_deg(self, places: NDArray[np.float64]) -> float:
        """Return how far the crystal truly is from its goal."""
        known = self.context
        goals = known.target.reachable(known.goniometer, self.mount[None])
        goals = goals if goals.any() else np.ones_like(goals)
        return float(known.target.error_deg(self.orientation(places)[None], goals)[0])

    def _as_mounted(self, image: NDArray[np.uint16]) -> NDArray[np.uint16]:
        entry = self.detector
        raw = image[::-1] if entry.flip_slow else image
        raw = raw[:, ::-1] if entry.flip_fast else raw
        return np.ascontiguousarray(raw.T if entry.transpose else raw)


class Surface:
    """A cleaved surface on the stage that an instrument file describes; see ``Crystal``."""

    def __init__(self, file: InstrumentFile, seed: int) -> None:
        context: Any = context_of(file)
        self.world = SimulatedArpes(1, "easy", context.stage, context.grid.shape[0])
        self.world.reset(make_keys(np.array([seed], dtype=np.uint64)), _ONE)

    def frame(self, places: NDArray[np.float64], seconds: float, number: int, what: str = "") -> NDArray[np.float32]:
        """Return the spectrum (energy, slit) where the stage stands, in counts."""
        self.world.move(np.array([[*places[:2], max(seconds, 0.05)]]), _ONE)
        image = np.asarray(self.world.acquire(AcquireSettings(exposure_s=seconds), _ONE).image)[0].astype(np.float32)
        return np.zeros_like(image) if what in ("none", "dark") else image

    def error_deg(self, places: NDArray[np.float64]) -> float:
        """Return nan: a surface has no orientation to reach."""
        return float("nan")

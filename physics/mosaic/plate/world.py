"""PlateWorld: n plates of glued crystals on x, y stages in front of Laue cameras, as a World."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.counter_rng import make_keys
from beamgym.physics.crystal import Crystal, load_crystal
from beamgym.physics.goniometer import MotorErrors, MotorState, begun_anew, move, readback, start
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    Peaks,
    UInt64Array,
)
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.camera import FAINTEST_COUNTS, GAIN, LaueCamera
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.imperfection_kernels import disturb
from beamgym.physics.laue.imperfections import Imperfections, imperfections, miscalibrated_detectors
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.simulator import LAUE_READOUT_S, Frames
from beamgym.physics.mosaic.habit import Habit, habit_of
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate.crystals import PlateCrystal, SimulatedPlate
from beamgym.physics.mosaic.plate.drawing import GAP_MM, PlateOptions, plate_of_key
from beamgym.physics.mosaic.plate.exposure import CENTROID_SHARE, Pattern, spots_of
from beamgym.physics.mosaic.plate.footprint import Footprint
from beamgym.physics.mosaic.plate.rings import Rings
from beamgym.physics.mosaic.plate.shapes import LARGEST

BEAM_MM = 0.5
"""Diameter of the collimated beam on the plate, mm."""
MAX_PEAKS = 128
"""Peaks kept of a frame: with two grains in it, enough for both."""
STAGE_ZERO_MM, STAGE_BACKLASH_MM = 0.03, 0.01
"""Standard deviation of where the plate's frame lies in the stage's, and lost motion, mm."""
FALSE_ON_RINGS = 12.0
"""Mean number of false spots that full rings make in a frame."""
WHATS = ("single", "two grains", "twin", "bent", "empty")
"""Codes of ``truth()["what"]``."""
_UNKNOWN_TO_PLATES = ("distance_range_mm", "axial_ratio_fraction", "second_grain", "true_spots", "eccentricity_mm")
_SIMULATED = 200  # brightest spots of a grain
_STREAM_CAMERA, _STREAM_STAGE, _STREAM_FRAME, _STREAM_IMAGE, _STREAM_WIDTHS, _STREAM_DRAWN = (61, 62, 63, 64, 65, 66)


@dataclass(frozen=True)
class PlateContext:
    """Public knowledge of a plate's instrument.

    Parameters
    ----------
    crystal : the material
    habit : how its crystals grow
    detector, beam : camera and spectrum as they are believed to be
    beam_mm : diameter of the beam on the plate
    """

    crystal: Crystal
    habit: Habit
    detector: Detector
    beam: Beam
    beam_mm: float


def stage_axes(half_mm: tuple[float, float]) -> tuple[Axis, Axis]:
    """Return the axes x and y of a stage, mm: at (x, y) the beam falls on the plate's point (x, y).

    Moving to larger x carries the plate to its own left: along the lab's +y. The larger y, the lower the plate.
    """
    common: dict[str, Any] = {"kind": "linear", "speed": 5.0, "settle_s": 0.2, "step": 0.001}
    x, y = (float(half) for half in half_mm)
    return (
        Axis("x", (0.0, 1.0, 0.0), limits=(-x, x), backlash=STAGE_BACKLASH_MM, **common),
        Axis("y", (0.0, 0.0, -1.0), limits=(-y, y), backlash=STAGE_BACKLASH_MM, **common),
    )


class PlateWorld:
    """n simulated plates, each on its stage.

    Parameters
    ----------
    material : name of a crystal, a CIF file or a Crystal
    options : what plates are drawn from, at every reset
    n : plates
    level : imperfections of the camera: "easy", "real", "hard", a level's file, or numbers
    frames : "spots" draws found peaks from the noise model; "rendered" draws images for the peak finder
    habit : how the crystals grow; that of the material where not given
    beam, detector : the instrument; a tungsten tube and a panel of 512 × 512 pixels, 70 mm upstream
    beam_mm : diameter of the beam on the plate
    max_peaks : peaks kept of a frame
    plate : one given plate for all rows, instead of drawn ones

    Raises
    ------
    ValueError : for n below 1, unknown frames or level, or a level with what plates do not have
    """

    def __init__(
        self,
        material: str | PathLike[str] | Crystal,
        options: PlateOptions | None = None,
        n: int = 1,
        level: str | PathLike[str] | Imperfections = "real",
        frames: Frames = "spots",
        habit: Habit | None = None,
        beam: Beam | None = None,
        detector: Detector | None = None,
        beam_mm: float = BEAM_MM,
        max_peaks: int = MAX_PEAKS,
        plate: SimulatedPlate | None = None,
    ) -> None:
        if frames not in ("spots", "rendered"):
            raise ValueError(f"unknown frames {frames!r}; choose 'spots' (fast) or 'rendered' (images and peak finder)")
        if n < 1:
            raise ValueError(f"n is {n}; at least one plate is needed")
        if not 0.01 <= beam_mm <= 20.0:
            raise ValueError(f"a beam of {beam_mm:g} mm; give its diameter on the plate, 0.01 to 20 mm")
        self.level = imperfections(level)
        strange = [name for name in _UNKNOWN_TO_PLATES if getattr(self.level, name)]
        if strange:
            raise ValueError(f"plates know no {', '.join(strange)} of a level; choose 'easy', 'real' or 'hard'")
        crystal = load_crystal(material)
        habit, beam = habit or habit_of(crystal), beam or Beam.tube("W")
        detector = detector or Detector.back_reflection(shape=(512, 512), pixel_mm=0.32)
        self.n, self.frames, self.max_peaks, self._given = n, frames, max_peaks, plate
        self.context = PlateContext(crystal, habit, detector, beam, beam_mm)
        self.options = options or PlateOptions()
        self.model = LaueModel(crystal, beam, detector, brightest=_SIMULATED)
        self.camera = LaueCamera(detector, max_peaks=max_peaks) if frames == "rendered" else None
        self._rings = Rings(detector)
        self._axes = stage_axes(self._half_mm())
        self._errors = MotorErrors(zero_sigma=STAGE_ZERO_MM)
        self._keys = np.zeros(n, dtype=np.uint64)
        self._motors: MotorState = start(self._axes, self._errors, np.zeros(2), self._keys)
        self._plates: list[SimulatedPlate] = [self._plate(int(key)) for key in self._keys]
        self._spots = [Footprint(one, beam_mm) for one in self._plates]
        self._panels = np.tile(detector.as_vector(), (n, 1))
        self._frames, self._counter, self._clock = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n)
        self._peaks = _no_peaks(n, max_peaks)
        self._image: NDArray[Any] | None = None

    @classmethod
    def of(
        cls, crystals: Sequence[PlateCrystal] | SimulatedPlate, material: str | PathLike[str] | Crystal, **others: Any
    ) -> "PlateWorld":
        """Return a world of one given plate, such as crystals that were placed in a holder.

        Parameters
        ----------
        crystals : with outlines and grains in the frame of the plate that they lie on now
        material : of them
        others : as the class takes them, without ``options``
        """
        plate = crystals if isinstance(crystals, SimulatedPlate) else SimulatedPlate.of(crystals)
        return cls(material, PlateOptions(len(plate.crystals)), plate=plate, **others)

    @classmethod
    def drawn(
        cls, material: str | PathLike[str] | Crystal, seed: int, options: PlateOptions | None = None, **others: Any
    ) -> "PlateWorld":
        """Return a world of one plate (n = 1) that is drawn from a seed, ready to be scanned.

        Parameters
        ----------
        material, options, others : as the class takes them
        seed : the same one brings the same plate, camera and frames
        """
        world = cls(material, options, **others)
        world.reset(np.atleast_1d(make_keys(seed)), np.ones(1, dtype=np.bool_))
        return world

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The stage's x and y, mm."""
        return self._axes

    def outlines(self, row: int = 0) -> tuple[Outline, ...]:
        """Return the outlines of one plate, as a photograph of it would give them without error."""
        return self._plates[row].outlines

    def plate(self, row: int = 0) -> SimulatedPlate:
        """Return one plate with its truth."""
        return self._plates[row]

    def positions(self) -> Float64Array:
        """Return the readback of both axes, (n, 2) mm."""
        return readback(self._errors, self._motors)

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Draw a new plate, miscalibrate the camera anew and send the stage to (0, 0), where ``mask`` is True."""
        rows = np.flatnonzero(mask)
        self._keys[rows] = keys[rows]
        fresh = start(self._axes, self._errors, np.zeros(2), make_keys(self._keys[rows], 0, 0, _STREAM_STAGE))
        self._motors = begun_anew(self._motors, fresh, rows)
        drawn = make_keys(self._keys[rows], 0, 0, _STREAM_CAMERA)
        self._panels[rows] = miscalibrated_detectors(self.context.detector, self.level, drawn)
        for row in rows:
            self._plates[row] = self._plate(int(self._keys[row]))
            self._spots[row] = Footprint(self._plates[row], self.context.beam_mm)
        self._frames[rows] = 0
        self._clock[rows] = 0.0

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Move to absolute positions (n, 2) mm where ``mask`` is True; raises MoveFailed outside the limits."""
        self._motors, report = move(self._axes, self._errors, self._motors, target, mask)
        self._clock += report.duration_s
        return report

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Expose where ``mask`` is True; the other rows repeat their last frame."""
        for row in np.flatnonzero(mask):
            self._expose(int(row), settings.of_all)
        self._counter += mask
        self._frames += mask
        self._clock += mask * (settings.of_all + LAUE_READOUT_S)
        exposure = settings.of_each(self.n)
        if self.camera is None:
            peaks = self._peaks
            found = Peaks(peaks.position_px.copy(), peaks.intensity.copy(), peaks.count.copy(), peaks.saturated.copy())
            return Frame(exposure, self._counter.copy(), self._clock.copy(), found=found)
        image = self._image
        return Frame(
            exposure,
            self._counter.copy(),
            self._clock.copy(),
            image=np.zeros((self.n, *self.context.detector.shape), np.uint16) if image is None else image.copy(),
            finder=self.camera.find,
        )

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what is hidden: batch first, m places each.

        "orientation" (n, m, 3, 3) of the largest grain, crystal to plate, zeros where none is; "height_mm" (n, m);
        "what" (n, m), places in ``WHATS``; "camera" (n, 9); "position_mm" (n, 2), the plate's point in the beam.
        """
        blank = np.zeros((3, 3))
        plates = [plate.crystals for plate in self._plates]
        return {
            "orientation": np.array([[c.grains[0].orientation if c.grains else blank for c in own] for own in plates]),
            "height_mm": np.array([[c.height_mm for c in own] for own in plates]),
            "what": np.array([[WHATS.index(c.what) for c in own] for own in plates]),
            "camera": self._panels.copy(),
            "position_mm": self._motors.true.copy(),
        }

    def _plate(self, key: int) -> SimulatedPlate:
        if self._given is not None:
            return self._given
        drawn = int(np.atleast_1d(make_keys(key, 0, 0, _STREAM_DRAWN))[0])
        return plate_of_key(self.context.crystal, drawn, self.options, self.context.habit)

    def _half_mm(self) -> tuple[float, float]:
        """How far the stage goes either way: over any plate that can be drawn."""
        if self._given is not None:
            return 0.5 * self._given.size_mm[0] + 2.0, 0.5 * self._given.size_mm[1] + 2.0
        cell = 1.5 * LARGEST * self.context.habit.size_mm + 2.0 * GAP_MM
        half = 0.5 * (np.sqrt(self.options.crystals) + 2.0) * cell + 7.0
        return half, half

    def _expose(self, row: int, exposure_s: float) -> None:
        point = self._motors.true[row]
        lit = self._spots[row].at(point)
        rendered = self.camera is not None
        pattern = spots_of(self.model, lit, point, self.context.beam_mm, self._panels[row], streaks=rendered)
        key = make_keys(self._keys[row : row + 1], 0, self._frames[row : row + 1], _STREAM_FRAME)
        glue = next((crystal.glue for crystal in self._spots[row].near(point) if crystal.glue != "hidden"), "hidden")
        bare = max(0.0, 1.0 - lit.on_crystal)
        ringed = 1.0 if glue == "rings" else bare
        risen = 1.0 if glue == "rise" else 0.3 * bare
        room = _SIMULATED if rendered else self.max_peaks
        listed = self._disturbed(pattern, key, exposure_s, room)
        if self.camera is None:
            self._keep(row, _with_ring_spots(listed, self._rings, FALSE_ON_RINGS * ringed, key))
            return
        drawn = make_keys(self._keys[row : row + 1], 0, self._frames[row : row + 1], _STREAM_IMAGE)
        scale = exposure_s * self.level.counts_scale
        image = self.camera.expose(*listed, scale, drawn)[0]
        mean = scale * (ringed * self._rings.ring_rate + risen * self._rings.rise_rate)
        more = np.random.Generator(np.random.Philox(key=int(drawn[0]))).poisson(mean)
        full = np.iinfo(image.dtype).max
        if self._image is None:
            self._image = np.zeros((self.n, *image.shape), image.dtype)
        self._image[row] = np.minimum(image.astype(np.float64) + np.round(GAIN * more), full).astype(image.dtype)

    def _disturbed(
        self, pattern: Pattern, key: UInt64Array, exposure_s: float, room: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Return found or drawn spots of one frame, batch of one: places, counts, number."""
        place, intensity, width = pattern
        order = np.argsort(-intensity, kind="stable")
        place, intensity, width = place[order], intensity[order], width[order]
        rendered = self.camera is not None
        if not rendered:
            widths = np.random.Generator(np.random.Philox(key=int(make_keys(key, 0, 0, _STREAM_WIDTHS)[0])))
            place = place + CENTROID_SHARE * width[:, None] * widths.normal(size=place.shape)
        level, pixel = self.level, self.context.detector.pixel_mm
        numbers = np.array(
            [
                exposure_s * level.counts_scale,
                level.centroid_noise_mm / pixel,
                level.missing_fraction,
                level.false_spots,
                level.intensity_noise,
                0.0 if rendered else FAINTEST_COUNTS,
                FAINTEST_COUNTS,
            ]
        )
        position, counts = np.empty((1, room, 2), np.float32), np.empty((1, room), np.float32)
        source, count = np.empty((1, room), np.int64), np.empty(1, np.int64)
        disturb(
            place[None].astype(np.float32),
            intensity[None].astype(np.float32),
            np.array([len(intensity)]),
            key,
            numbers,
            self.context.detector.shape,
            position,
            counts,
            source,
            count,
        )
        return position, counts, count

    def _keep(self, row: int, listed: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]) -> None:
        position, intensity, count = listed
        kept = self._peaks
        new = Peaks(kept.position_px.copy(), kept.intensity.copy(), kept.count.copy(), kept.saturated)
        new.position_px[row], new.intensity[row], new.count[row] = position[0], intensity[0], count[0]
        self._peaks = new


def _with_ring_spots(
    listed: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]],
    rings: Rings,
    mean: float,
    key: UInt64Array,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Add false spots on the rings where there is room, and sort by brightness anew."""
    position, intensity, count = listed
    rng = np.random.Generator(np.random.Philox(key=int(key[0])))
    many = int(rng.poisson(mean))
    places = rings.places_px(rng.uniform(size=many)) + rng.uniform(-0.5, 0.5, (many, 2)) if many else np.zeros((0, 2))
    counts = FAINTEST_COUNTS * 10.0 ** rng.uniform(0.0, 1.0, len(places))
    real = int(count[0])
    every = np.concatenate([position[0, :real], places.astype(np.float32)])
    every_intensity = np.concatenate([intensity[0, :real], counts.astype(np.float32)])
    order = np.argsort(-every_intensity, kind="stable")[: position.shape[1]]
    out, bright = np.zeros_like(position), np.zeros_like(intensity)
    out[0, : len(order)], bright[0, : len(order)] = every[order], every_intensity[order]
    return out, bright, np.array([len(order)], dtype=np.int64)


def _no_peaks(n: int, room: int) -> Peaks:
    return Peaks(
        np.zeros((n, room, 2), np.float32),
        np.zeros((n, room), np.float32),
        np.zeros(n, np.int64),
        np.zeros((n, room), np.bool_),
    )

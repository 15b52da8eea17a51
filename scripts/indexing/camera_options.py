"""The camera of a command line: a geometry file, or a person's words, with flips and marks on a film."""

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from beamgym.physics.laue.cylinder import CylinderDetector
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import is_stated_camera, load_detector_for, stated_cylinder
from beamgym.physics.laue.indexing import CALIBRATED, IN_WORDS, CameraKnowledge, Hand, MeasuredPattern
from beamgym.physics.laue.stated_camera import FLIPS, Fiducials, StatedCamera, flipped, pixel_of_dpi
from beamgym.scripts.indexing.defaults import Eight


@dataclass(frozen=True)
class CameraOptions:
    """What stands on the command line about a camera; see the options' help.

    Raises
    ------
    ValueError : options that contradict each other, or one that lacks another
    """

    file: Path | None = None
    place: str | None = None
    distance_mm: float | None = None
    pixel_mm: float | None = None
    dpi: float | None = None
    center_px: tuple[float, float] | None = None
    flip: str = "none"
    rotate_deg: int = 0
    fiducials: Eight | None = None
    fiducial_size_mm: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if (self.file is None) == (self.place is None):
            raise ValueError("give the camera once: --detector FILE, or --camera PLACE --distance MM --pixel MM")
        if self.flip not in FLIPS:
            raise ValueError(f"--flip is one of {', '.join(FLIPS)}, got {self.flip!r}")
        if (self.fiducials is None) != (self.fiducial_size_mm is None):
            raise ValueError("--fiducials X1 Y1 … X4 Y4 and --fiducial-size W H go together: the marks and their mm")
        if self.file is not None:
            words = (self.distance_mm, self.pixel_mm, self.dpi, self.center_px, self.fiducials, self.rotate_deg or None)
            if any(word is not None for word in words):
                raise ValueError(
                    "--distance, --pixel, --dpi, --center, --rotate and --fiducials go with --camera; the --detector "
                    "file says them"
                )
            return
        if self.distance_mm is None:
            raise ValueError("--camera needs --distance MM, from the sample to the film or panel")
        if sum(word is not None for word in (self.pixel_mm, self.dpi, self.fiducials)) != 1:
            raise ValueError("--camera needs the pixel once: --pixel MM, --dpi N of a scan, or --fiducials on a film")

    @property
    def in_words(self) -> bool:
        """Whether a person stated the camera, here or in a file, rather than a calibration."""
        return self.file is None or is_stated_camera(self.file)

    @property
    def is_cylinder(self) -> bool:
        """Whether the file holds an image plate bent to a cylinder."""
        if self.file is None or self.file.suffix.lower() != ".json" or not self.file.is_file():
            return False
        return stated_cylinder(self.file) is not None or "radius_mm" in self.file.read_text(encoding="utf-8-sig")

    @property
    def runs_along_rows(self) -> bool:
        """Whether the pictures of a cylindrical plate are to be mirrored about their diagonal first."""
        words = stated_cylinder(self.file) if self.file is not None and self.file.is_file() else None
        return words is not None and words.unrolled == "rows"

    @property
    def begins_anywhere(self) -> bool:
        """Whether a cylindrical plate's file says nothing of where around the sample its picture begins."""
        words = stated_cylinder(self.file) if self.file is not None and self.file.is_file() else None
        return words is not None and words.beam_px is None and words.middle == "unknown"

    @property
    def hand_is_open(self) -> bool:
        """Whether a cylindrical plate's file does not say from which side its picture is seen."""
        words = stated_cylinder(self.file) if self.file is not None and self.file.is_file() else None
        return words is not None and words.seen_from == "unknown" and self.flip == "none"

    def cylinders(self, shape: tuple[int, int] | None) -> tuple[CylinderDetector, ...]:
        """Return every cylindrical plate that a file allows for pictures of a shape, the likeliest first; none if flat.

        Raises
        ------
        ValueError : a file of which nothing can be made, or one for pictures of another shape
        """
        if self.file is None:
            return ()
        words = stated_cylinder(self.file)
        plates = [load_detector_for(self.file, shape)] if words is None else words.detectors(shape)
        turned = [flipped(plate, self.flip) for plate in plates]
        return tuple(plate for plate in turned if isinstance(plate, CylinderDetector))

    @property
    def known(self) -> CameraKnowledge:
        """How well the geometry is known."""
        return IN_WORDS if self.in_words else CALIBRATED

    def marks(self, shape: tuple[int, int] | None) -> Fiducials | None:
        """Return the film's marks in a picture of this shape; None where there are none."""
        if self.fiducials is None or self.fiducial_size_mm is None:
            return None
        if shape is None:
            raise ValueError("--fiducials are marks in an image; a list of peaks has none")
        return Fiducials(np.reshape(self.fiducials, (4, 2)), self.fiducial_size_mm, shape)

    def stated(self, marks: Fiducials | None = None) -> StatedCamera | None:
        """Return the camera in words, of the straightened picture where there are marks; None for a file's."""
        if self.place is None or self.distance_mm is None:
            return None
        center = self.center_px
        if marks is not None:
            pixel = marks.pixel_mm
            seen = marks.straightened_px(center) if center is not None else marks.center_px
            center = (float(seen[0]), float(seen[1]))
        else:
            pixel = self.pixel_mm if self.pixel_mm is not None else pixel_of_dpi(self.dpi or 0.0)
        return StatedCamera(self.place, self.distance_mm, pixel, center, flip=self.flip, rotate_deg=self.rotate_deg)

    def detector(self, pattern: MeasuredPattern, marks: Fiducials | None) -> Detector:
        """Return the geometry for a pattern, straightened where there are marks."""
        camera = self.stated(marks)
        if camera is not None:
            return camera.detector(_shape_for(pattern, camera))
        assert self.file is not None
        return flipped(load_detector_for(self.file, pattern.shape), self.flip)

    def words_for(self, hand: Hand) -> str:
        """Return what states the hand of a check, instead of what was given: options, or a camera file's words."""
        camera = self.stated_without_marks()
        if camera is None or (self.file is not None and hand.rotate_deg == 0):
            flip = f"--flip {hand.flip if self.flip == 'none' else 'none'}"
            turned = f" and a geometry file of the picture turned by {hand.rotate_deg}°" if hand.rotate_deg else ""
            return flip + turned
        wanted = hand.detector(flipped(camera.detector(), self.flip if self.file is not None else "none"))
        for flip, rotate_deg in product(FLIPS, (0, 90, 180, 270)):
            other = replace(camera, flip=flip, rotate_deg=rotate_deg).detector()
            if np.allclose([other.fast, other.slow], [wanted.fast, wanted.slow], atol=1e-6):
                if self.file is not None:
                    instead = "" if self.flip == "none" else ", without --flip"
                    return f'"flip": "{flip}" and "rotate_deg": {rotate_deg} in {self.file.name}{instead}'
                turned = f" --rotate {rotate_deg}" if rotate_deg != self.rotate_deg or rotate_deg else ""
                return f"--flip {flip}{turned}"
        return f"--flip {hand.flip} --rotate {hand.rotate_deg}"

    def stated_without_marks(self) -> StatedCamera | None:
        """Return the camera with a picture of one pixel, for its directions alone; None for a calibrated one."""
        if self.file is not None:
            if not is_stated_camera(self.file):
                return None
            words = StatedCamera.from_dict(json.loads(self.file.read_text(encoding="utf-8-sig")))
            return StatedCamera(words.place, 1.0, 1.0, (0.0, 0.0), (1, 1), words.flip, words.rotate_deg)
        if self.place is None:
            return None
        return StatedCamera(self.place, 1.0, 1.0, (0.0, 0.0), (1, 1), self.flip, self.rotate_deg)


def _shape_for(pattern: MeasuredPattern, camera: StatedCamera) -> tuple[int, int]:
    """Return the picture's shape; for a list of peaks one that holds them, which needs a centre that is stated."""
    if pattern.shape is not None:
        return pattern.shape
    if camera.center_px is None:
        raise ValueError("a list of peaks does not say where its picture's middle is: give --center X Y")
    column, row = np.ceil(pattern.position_px.max(axis=0, initial=1.0) + 1.0)
    return max(int(row), 1), max(int(column), 1)

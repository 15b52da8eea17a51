"""Where the command's pictures come from: how a file is read, which finder looks for its spots, on which panel."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import PEAK_SUFFIXES
from beamgym.physics.laue.indexing import (
    Finder,
    MeasuredPattern,
    read_pattern,
    straightened,
    transposed,
    within_radius,
)
from beamgym.physics.laue.peaks import LabPeakFinder, PeakFinder, PlatePeakFinder
from beamgym.scripts.indexing.camera_options import CameraOptions

SPARE = 3
"""So many times --max-peaks are looked for where --max-radius will take some away."""
FINDERS: Mapping[str, type[LabPeakFinder] | type[PeakFinder] | type[PlatePeakFinder]] = {
    "laboratory": LabPeakFinder,
    "detector": PeakFinder,
    "plate": PlatePeakFinder,
}
"""Finders by name."""
FLAT, PLATE = ("laboratory", "detector"), ("plate", "laboratory")
"""Finders of flat cameras, and of image plates that neutrons hit, in the order in which they are tried."""


@dataclass(frozen=True)
class PictureSource:
    """The options of the command line that say how a picture is read; see their help.

    Raises
    ------
    ValueError : a finder that is none
    """

    geometry: CameraOptions
    finder: str | None = None
    threshold: float = 5.0
    max_peaks: int = 200
    max_radius_mm: float | None = None
    saturation: float | None = None
    frame: int = 0
    dataset: str | None = None
    one_based: bool | None = None
    masks: tuple[str, ...] = ()
    invert: bool | None = None
    grey: bool = False

    def __post_init__(self) -> None:
        if self.finder is not None and self.finder not in FINDERS:
            raise ValueError(f"--finder is one of {', '.join(FINDERS)}, got {self.finder!r}")

    def read(self, path: Path, finder: str | None = None) -> tuple[MeasuredPattern, Detector]:
        """Return the pattern of a file, straight and without far peaks, and the panel on which it was taken."""
        pattern = read_pattern(
            path,
            self._finder(finder or self.finder or self._usual[0]),
            self.frame,
            self.dataset,
            self.one_based,
            masks=self.masks,
            invert=self.invert,
            grey=self.grey,
        )
        if self.geometry.runs_along_rows:
            pattern = transposed(pattern)
        marks = self.geometry.marks(pattern.shape)
        if marks is not None:
            pattern = straightened(pattern, marks)
        panel = self.geometry.detector(pattern, marks)
        if self.max_radius_mm:
            pattern = within_radius(pattern, panel, self.max_radius_mm, self.max_peaks)
        return pattern, panel

    def finders(self, path: Path) -> tuple[str, ...]:
        """Return the finders to be tried on a file, in turn: the one that was asked for, else all."""
        if path.suffix.lower() in PEAK_SUFFIXES:
            return self._usual[:1]
        return self._usual if self.finder is None else (self.finder,)

    @property
    def _usual(self) -> tuple[str, ...]:
        return PLATE if self.geometry.is_cylinder else FLAT

    def _finder(self, name: str) -> Finder:
        count = self.max_peaks * (SPARE if self.max_radius_mm else 1)
        return FINDERS[name](self.threshold, count, saturation=self.saturation)

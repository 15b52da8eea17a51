"""One measured pattern: the peaks found in an image, or a list of peaks that another program found."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arrays import Float64Array
from beamgym.physics.instrument import Peaks
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.files import PEAK_SUFFIXES, inverted, read_image, read_mask, read_peaks
from beamgym.physics.laue.peaks import LabPeakFinder, PeakFinder, PlatePeakFinder
from beamgym.physics.laue.stated_camera import Fiducials, radius_mm

Finder = PeakFinder | LabPeakFinder | PlatePeakFinder
"""Whatever finds the spots of an image."""


@dataclass(frozen=True)
class MeasuredPattern:
    """What one exposure is known by.

    Parameters
    ----------
    peaks : found peaks of one frame (n = 1), brightest first
    image : (slow, fast) counts; None where only a list of peaks is known
    ignored : (slow, fast) bool, pixels of the image that count for nothing; None where there is none
    notes : what was assumed in reading the file, one line each
    beam_px : along fast and slow, the middle of the shadow that a collimator or a beam stop casts; None where none is
        seen
    unseen : (slow, fast) bool, pixels of the image in which the finder can see no spot; None where there are none
    """

    peaks: Peaks
    image: NDArray[Any] | None = None
    ignored: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()
    beam_px: tuple[float, float] | None = None
    unseen: NDArray[np.bool_] | None = None

    @property
    def count(self) -> int:
        """How many peaks there are."""
        return int(self.peaks.count[0])

    @property
    def position_px(self) -> Float64Array:
        """(count, 2) along fast and slow, 0-based."""
        return self.peaks.position_px[0, : self.count].astype(np.float64)

    @property
    def intensity(self) -> Float64Array:
        """(count,) background-subtracted sums."""
        return self.peaks.intensity[0, : self.count].astype(np.float64)

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """(count,) True where a peak is full."""
        return self.peaks.saturated[0, : self.count].astype(bool)

    @property
    def hidden(self) -> NDArray[np.bool_] | None:
        """(slow, fast) True where a spot may be and is not found: what is ignored or unseen; None if nothing is."""
        if self.ignored is None or self.unseen is None:
            return self.unseen if self.ignored is None else self.ignored
        return self.ignored | self.unseen

    def only(self, rows: NDArray[np.integer]) -> "MeasuredPattern":
        """Return the pattern with these peaks alone, by their numbers."""
        peaks = self.peaks
        kept = Peaks(
            peaks.position_px[:, rows],
            peaks.intensity[:, rows],
            np.array([len(rows)], dtype=np.int64),
            peaks.saturated[:, rows],
        )
        return replace(self, peaks=kept)

    @property
    def shape(self) -> tuple[int, int] | None:
        """(slow, fast) of the image; None for a list of peaks."""
        return None if self.image is None else (self.image.shape[0], self.image.shape[1])

    @property
    def shown(self) -> NDArray[Any] | None:
        """The image for a picture: ignored pixels hold the least of the others' counts."""
        if self.image is None or self.ignored is None or not self.ignored.any() or self.ignored.all():
            return self.image
        return np.where(self.ignored, self.image[~self.ignored].min(), self.image)


def read_pattern(
    path: str | os.PathLike[str],
    finder: Finder | None = None,
    frame: int = 0,
    dataset: str | None = None,
    one_based: bool | None = None,
    *,
    masks: Sequence[str | os.PathLike[str]] = (),
    invert: bool | None = None,
    grey: bool = False,
) -> MeasuredPattern:
    """Read an image and find its peaks, or read a list of peaks (.txt, .dat, .csv or .cor).

    Parameters
    ----------
    path : the file
    finder : how to find peaks, on the pixels that the file does not mark as dead; the default PeakFinder if not given
    frame, dataset : which image of a file with several, and where it lies in an HDF5 file, as in ``read_image``
    one_based : whether a peak list's first pixel is 1, as in LaueTools, or 0; None takes what the list says, else 0
    masks : files and rectangles of pixels to leave out, as in ``read_mask``
    invert, grey : what to make of films and colours, as in ``read_image``

    Raises
    ------
    FileNotFoundError, ImageFileError : there is no such file, or it cannot be read
    FrameFailed : an image that cannot be used: not finite, or too saturated
    ValueError : a mask that does not fit, or a mask or a film's options with a list of peaks
    """
    if Path(path).suffix.lower() in PEAK_SUFFIXES:
        if masks or invert or grey:
            raise ValueError(f"{Path(path).name} is a list of peaks: masks, inversion and grey go with an image")
        listed = read_peaks(path, one_based)
        return MeasuredPattern(listed, notes=listed.notes)
    by_finder = isinstance(finder, LabPeakFinder) and invert is None
    file = read_image(path, frame, dataset, invert=False if by_finder else invert, grey=grey)
    mask, said = read_mask(masks, (file.image.shape[0], file.image.shape[1]))
    if isinstance(finder, LabPeakFinder) and not by_finder:
        finder = replace(finder, inverted=False)
    return pattern_of(file.image, finder, file.ignored | mask, (*file.notes, *said))


def pattern_of(
    image: NDArray[Any],
    finder: Finder | None = None,
    ignored: NDArray[np.bool_] | None = None,
    notes: tuple[str, ...] = (),
) -> MeasuredPattern:
    """Find the peaks of an image (slow, fast).

    Parameters
    ----------
    image : counts or densities
    finder : the default PeakFinder if not given; a LabPeakFinder for pictures of laboratory cameras, which also finds
        the collimator's shadow, and out whether spots are dark: the pattern's image then shows them bright; a
        PlatePeakFinder for neutron image plates
    ignored : (slow, fast) True where a pixel says nothing
    notes : what is known of the picture already

    Raises
    ------
    FrameFailed : an image that cannot be used: not finite, or too saturated
    """
    dead = np.zeros(image.shape, dtype=bool) if ignored is None else ignored
    chosen = _leaving_out(finder or PeakFinder(), dead)
    if isinstance(chosen, PeakFinder):
        return MeasuredPattern(chosen(image), image, dead, notes)
    if isinstance(chosen, PlatePeakFinder):
        peaks, unseen = chosen.examine(image)
        return MeasuredPattern(peaks, image, dead, notes, unseen=unseen)
    seen = chosen.examine(image)
    shown = inverted(image, dead) if seen.inverted else image
    beam_px = None if seen.shadow is None else seen.shadow.centre_px
    return MeasuredPattern(seen.peaks, shown, dead, (*notes, *seen.notes), beam_px, seen.unseen)


def _leaving_out(finder: Finder, ignored: NDArray[np.bool_]) -> Finder:
    """Return the finder with these pixels masked besides its own; a mask of another shape it refuses by itself."""
    if finder.mask is None:
        return replace(finder, mask=ignored)
    return replace(finder, mask=finder.mask | ignored) if finder.mask.shape == ignored.shape else finder


def transposed(pattern: MeasuredPattern) -> MeasuredPattern:
    """Return the pattern mirrored about the picture's diagonal: rows are columns then."""
    moved = replace(pattern.peaks, position_px=np.ascontiguousarray(pattern.peaks.position_px[..., ::-1]))
    image, ignored, unseen = (
        None if array is None else np.ascontiguousarray(array.T)
        for array in (pattern.image, pattern.ignored, pattern.unseen)
    )
    beam_px = None if pattern.beam_px is None else (pattern.beam_px[1], pattern.beam_px[0])
    return replace(pattern, peaks=moved, image=image, ignored=ignored, unseen=unseen, beam_px=beam_px)


def straightened(pattern: MeasuredPattern, marks: Fiducials) -> MeasuredPattern:
    """Return the pattern without the perspective of a hand-held camera: peaks moved, the image redrawn for the eye.

    What the picture does not show is ignored, as is what was ignored in it.
    """
    moved = replace(pattern.peaks, position_px=marks.straightened_px(pattern.peaks.position_px).astype(np.float32))
    beam_px = pattern.beam_px
    if beam_px is not None:
        column, row = marks.straightened_px(np.array(beam_px))
        beam_px = float(column), float(row)
    if pattern.image is None:
        return replace(pattern, peaks=moved, ignored=None, beam_px=beam_px)
    dead = np.zeros(pattern.image.shape, dtype=bool) if pattern.ignored is None else pattern.ignored
    ignored, unseen = (
        None if hidden is None else marks.straightened((~hidden).astype(np.float64), fill=0.0) < 0.5
        for hidden in (dead, pattern.unseen)
    )
    image = marks.straightened(pattern.image)
    return replace(pattern, peaks=moved, image=image, ignored=ignored, beam_px=beam_px, unseen=unseen)


def within_radius(pattern: MeasuredPattern, detector: Detector, most_mm: float, most: int) -> MeasuredPattern:
    """Return the pattern without the peaks that lie farther than ``most_mm`` from the beam's point on the panel.

    The pixels out there are ignored from then on: that they show no spot says nothing against an answer.

    Parameters
    ----------
    pattern, detector : the peaks, and where the panel stands
    most_mm : largest distance on the panel, mm
    most : keep so many at most, brightest first
    """
    inside = np.flatnonzero(radius_mm(detector, pattern.position_px) <= most_mm)[:most]
    rows, columns = np.indices(detector.shape)
    outside = radius_mm(detector, np.stack([columns, rows], axis=-1).astype(np.float64)) > most_mm
    return replace(pattern.only(inside), ignored=outside if pattern.ignored is None else pattern.ignored | outside)

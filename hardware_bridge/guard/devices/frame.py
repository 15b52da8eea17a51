"""Makes a frame of a raw array (orientation, peaks) and checks its pixels (saturation, digest); pure functions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.kinds import resolve
from beamgym.hardware_bridge.guard.devices.proxies import RawFrame
from beamgym.hardware_bridge.guard.devices.repeats import Repeat, SeenFrames
from beamgym.hardware_bridge.instrument_file import DetectorEntry, InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.hardware_bridge.presence import Presence, PresenceTest
from beamgym.physics.instrument import Frame, FrameFailed, Peaks
from beamgym.physics.laue.camera import FAINTEST_COUNTS, GAIN, LaueCamera
from beamgym.physics.laue.peaks import PeakFinder

Finder = Callable[[NDArray[Any]], Peaks]


@dataclass(frozen=True)
class FrameCheck:
    """What the pixels of a raw frame show.

    Parameters
    ----------
    saturated_share : share of pixels that are full or not finite
    blank : every pixel has the same value
    repeat : how it compares with the frames before it; None where it was compared with none
    presence : whether the kind's own test sees the sample; None where it has none
    hottest, total : of the brightest pixel and of all of them, above the darkest ones; None where no ceiling is set
    """

    saturated_share: float
    blank: bool
    repeat: Repeat | None = None
    presence: Presence | None = None
    hottest: float | None = None
    total: float | None = None


def check_frame(raw: NDArray[Any], detector: DetectorEntry, seen: SeenFrames | None = None) -> FrameCheck:
    """Check a raw array of numbers, in its own orientation, and compare it with the frames before it."""
    # Objects and text are refused by the rule (item 20); nothing here may look into them.
    if raw.dtype.kind not in "uif" or raw.size == 0:
        return FrameCheck(1.0, True)
    full = raw >= detector.saturation
    # NaN compares as not full, and is no measured value either.
    if raw.dtype.kind == "f":
        full |= ~np.isfinite(raw)
    # Over the raw pixels: two frames of the same scene differ in their noise, so equal ones are one frame served twice.
    repeat = None if seen is None else seen.compare(raw, detector.saturation)
    share, blank = float(np.count_nonzero(full)) / raw.size, bool((raw == raw.flat[0]).all())
    return FrameCheck(share, blank, repeat, None, *_brightness(raw, detector))


def _brightness(raw: NDArray[Any], detector: DetectorEntry) -> tuple[float | None, float | None]:
    """Return hottest pixel and sum above the darkest pixels; (None, None) where the file sets no ceiling."""
    if detector.max_pixel_per_s is None and detector.max_total_per_s is None:
        return None, None
    values = raw.astype(np.float64)
    # Above full, and not finite, are marks of dead pixels and gaps.
    values = values[np.isfinite(values) & (values >= 0.0) & (values <= detector.saturation)]
    if not values.size:
        return None, None
    # One in a hundred is darker: a camera's pedestal, and 0 of one that counts.
    above = values - np.percentile(values, 1.0)
    return float(above.max()), float(above.sum())


def frame_of(raw: RawFrame, exposure_s: float, detector: DetectorEntry, finder: Finder | None, count: int) -> Frame:
    """Return a raw frame as tasks take it: one sample, oriented, with its peaks found where there is a finder.

    Parameters
    ----------
    raw : as the detector gave it
    exposure_s : its exposure
    detector : says how the array lies
    finder : finds spots, or None
    count : its number, where the detector gives none
    """
    image = detector.oriented(raw.image)[None]
    # Tasks count frames; a detector without a counter is counted here.
    counter = count if raw.counter is None else raw.counter
    frame = Frame(
        np.array([exposure_s]),
        np.array([counter], dtype=np.int64),
        np.array([raw.time_s if raw.time_s is not None else np.nan]),
        image,
        finder=finder,
    )
    return frame if finder is None else replace(frame, found=finder(image))


@dataclass(frozen=True)
class Examination:
    """What a detector's frames are examined with.

    Parameters
    ----------
    detector : says how the array lies
    finder : finds spots, or None
    presence : sees the sample, or None
    seen : the frames before, or None where they do not matter
    """

    detector: DetectorEntry
    finder: Finder | None
    presence: PresenceTest | None
    seen: SeenFrames | None = None

    def __call__(self, raw: RawFrame, exposure_s: float, count: int) -> tuple[FrameCheck, Frame | FrameFailed]:
        """Return what can be said of a raw frame, and the frame, or why it cannot be searched; see ``frame_of``."""
        check = check_frame(raw.image, self.detector, self.seen)
        try:
            frame = frame_of(raw, exposure_s, self.detector, self.finder, count)
        except FrameFailed as error:
            # The frame can still be judged by its pixels, and the judgement says more than a failed search.
            return check, error
        return replace(check, presence=self._presence(check, frame, exposure_s)), frame

    def _presence(self, check: FrameCheck, frame: Frame, exposure_s: float) -> Presence | None:
        empty = check.blank or (frame.found is not None and not int(frame.found.count[0]))
        # An empty frame needs no test.
        if self.presence is None or empty or frame.image is None:
            return None
        return self.presence(frame.image[0], frame.found, exposure_s)


def finder_of(file: InstrumentFile) -> Finder | None:
    """Return what finds the sample on an instrument's images; None where its kind looks for nothing."""
    make = bridge_kind(file.kind).finder
    return None if make is None else resolve(make)(file)


def presence_of(file: InstrumentFile) -> PresenceTest | None:
    """Return what sees the sample on an instrument's images; None where its kind has no test."""
    make = bridge_kind(file.kind).presence
    return None if make is None else resolve(make)(file)


def may_show_nothing(file: InstrumentFile) -> bool:
    """Return whether a frame without spots is an ordinary one of an instrument."""
    say = bridge_kind(file.kind).may_show_nothing
    return say is not None and bool(resolve(say)(file))


def spot_finder(file: InstrumentFile) -> Finder:
    """Return what finds the spots on a Laue instrument's images.

    A simulation's images are searched as the simulated camera searches its own: its background is known.
    """
    entry = file.detector.peaks
    find = _finder(file)

    def padded(images: NDArray[Any]) -> Peaks:
        # One length for every frame: a finder's own is that of the frame with the most spots, and documents whose
        # arrays change their shape cannot be written as one.
        found = find(images)
        missing = ((0, 0), (0, max(entry.max_peaks - found.intensity.shape[1], 0)))
        return Peaks(
            np.pad(found.position_px, (*missing, (0, 0))),
            np.pad(found.intensity, missing),
            found.count,
            np.pad(found.saturated, missing),
        )

    return padded


def _finder(file: InstrumentFile) -> Finder:
    entry = file.detector.peaks
    faintest = FAINTEST_COUNTS if entry.faintest_counts is None else entry.faintest_counts
    if file.simulation and entry.gain == GAIN:
        return LaueCamera(file.detector_geometry(), faintest, entry.max_peaks, entry.threshold).find
    return CountingFinder(
        PeakFinder(
            threshold=entry.threshold,
            max_peaks=entry.max_peaks,
            saturation=file.detector.saturation,
            max_saturated_share=1.0,
            shape=file.detector.shape,
        ),
        entry.gain,
        0.0 if entry.faintest_counts is None else entry.faintest_counts,
    )


@dataclass(frozen=True)
class CountingFinder:
    """A peak finder whose intensities are counts, and which leaves out the faintest.

    Parameters
    ----------
    finder : finds peaks in read-out units
    gain : read-out units a count
    faintest_counts : spots with fewer are left out
    """

    finder: PeakFinder
    gain: float
    faintest_counts: float

    def __call__(self, images: NDArray[Any]) -> Peaks:
        """Find the spots of images (n, slow, fast)."""
        found = self.finder(images)
        counts = found.intensity / np.float32(self.gain)
        count = ((counts >= self.faintest_counts) & found.mask).sum(axis=1)
        kept = np.arange(counts.shape[1])[None, :] < count[:, None]
        position = np.where(kept[..., None], found.position_px, np.float32(0))
        return Peaks(position, np.where(kept, counts, np.float32(0)), count, found.saturated & kept)

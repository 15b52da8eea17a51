"""The scan itself: crystal by crystal over any instrument with linear axes x and y."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.instrument import AcquireSettings, Frame, Instrument, Peaks
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateContext
from beamgym.physics.mosaic.scan.analysis import (
    Progress,
    analysed,
    calibrated,
    expected_height_mm,
    judge_of,
    read_frame,
)
from beamgym.physics.mosaic.scan.frames import FrameStore, TakenFrame
from beamgym.physics.mosaic.scan.places import places_in, short_route
from beamgym.physics.mosaic.scan.reading import Reader, Reading
from beamgym.physics.mosaic.scan.scanned import PlateScan

CALIBRATE_AT = (8, 20, 50)
"""After so many crystals the panel is fitted anew, so that the next ones index with it."""


@dataclass(frozen=True)
class ScanSettings:
    """How to scan.

    Parameters
    ----------
    exposure_s : of a first frame, seconds
    places : in each crystal, at most: two grains glued as one show only where the beam meets both
    longer : a place that does not index is exposed so many times longer
    looks : such second looks in a crystal, at most
    """

    exposure_s: float = 10.0
    places: int = 3
    longer: float = 4.0
    looks: int = 2

    def __post_init__(self) -> None:
        """Check the numbers."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not (np.isfinite(value) and value >= (0 if item.name == "looks" else 1e-3)):
                raise ValueError(f"{item.name} is {value}; give a positive number")
        if self.places < 1:
            raise ValueError(f"places is {self.places}; the beam has to go to at least one place of a crystal")


def scan_plate(
    instrument: Instrument,
    outlines: Sequence[Outline],
    settings: ScanSettings | None = None,
    store: FrameStore | None = None,
    progress: Progress | None = None,
    context: PlateContext | None = None,
) -> PlateScan:
    """Visit every crystal, expose, index, look again where that fails, and say what each one is.

    Parameters
    ----------
    instrument : of n = 1, with linear axes named x and y; at (x, y) the beam falls on the plate's point (x, y)
    outlines : of the crystals, plate frame
    settings : exposures and places
    store : keeps the frames as they come; crystals that it holds are not visited again
    progress : told after every crystal, and again as all are read with the camera that they gave
    context : material, habit, camera and beam; by default what the instrument says of itself

    Returns
    -------
    PlateScan

    Raises
    ------
    ValueError : no outlines, two of one name, an instrument of several samples or without such axes, or a crystal
        beyond the stage's reach; nothing has moved then
    MoveFailed : a motor did not arrive
    """
    known = instrument.context if context is None else context
    run = _Run(instrument, outlines, settings or ScanSettings(), known)
    frames: dict[str, Sequence[TakenFrame]] = {}
    readings: dict[str, Sequence[Reading]] = {}
    kept = [] if store is None else [outline for outline in outlines if outline.name in store.names]
    for outline in kept:
        assert store is not None
        frames[outline.name] = store.read(outline.name)
    left = [outline for outline in outlines if outline.name not in frames]
    here = instrument.positions()[0, run.columns]
    for number in short_route(np.array([outline.centre_mm for outline in left]), tuple(here)):
        outline = left[number]
        frames[outline.name], readings[outline.name] = run.crystal(outline)
        if store is not None:
            store.add(outline.name, frames[outline.name])
        run.learn(readings)
        if progress is not None:
            progress(len(frames), len(outlines))
    if store is not None:
        store.finish()
    return analysed(frames, outlines, known, readings, progress)


class _Run:
    """One scan under way."""

    def __init__(
        self, instrument: Instrument, outlines: Sequence[Outline], settings: ScanSettings, context: PlateContext
    ) -> None:
        self.instrument, self.settings, self.context, self.outlines = instrument, settings, context, outlines
        self.columns = _columns(instrument)
        _check(instrument, outlines, self.columns)
        self.reader = Reader(context.crystal, context.beam, context.detector)
        self.heights: dict[str, float] = {}
        self.usual_mm: float | None = None

    def crystal(self, outline: Outline) -> tuple[list[TakenFrame], list[Reading]]:
        """Take and read the frames of one crystal."""
        places, _ = places_in(outline, self.context.beam_mm, self.settings.places)
        frames, readings = [], []
        height = expected_height_mm(outline) + (self.usual_mm or 0.0)
        guess = None
        for place in places:
            frames.append(self._expose(place, self.settings.exposure_s))
            readings.append(read_frame(self.reader, frames[-1], height, guess))
            if readings[-1].indexed:
                guess, height = readings[-1].grains[0].u, readings[-1].height_mm
        for place in self._again_at(outline.name, places, readings):
            frames.append(self._expose(place, self.settings.exposure_s * self.settings.longer))
            readings.append(read_frame(self.reader, frames[-1], height, guess))
        return frames, readings

    def learn(self, readings: dict[str, Sequence[Reading]]) -> None:
        """Fit the panel anew, now and then."""
        if len(readings) in CALIBRATE_AT:
            reader, fit = calibrated(self.reader, self.outlines, readings)
            if fit is not None:
                self.reader = reader
                numbers = [k for k, one in enumerate(self.outlines) if fit.known(k)]
                away = [fit.height_mm(k) - expected_height_mm(self.outlines[k]) for k in numbers]
                self.usual_mm = float(np.median(away))

    def _again_at(self, name: str, places: Float64Array, readings: Sequence[Reading]) -> list[Float64Array]:
        """Return the places that deserve a longer look: those that did not index, or left the orientation open."""
        verdict = judge_of(self.reader, self.context).verdict(name, readings).verdict
        if verdict in ("several grains", "twin", "bent"):
            return []
        unclear = [
            place
            for place, reading in zip(places, readings, strict=True)
            if not reading.indexed or (verdict == "ambiguous" and reading.grains[0].ambiguous)
        ]
        if verdict == "indexed":
            unclear = unclear[:1]
        return unclear[: self.settings.looks]

    def _expose(self, place: Float64Array, exposure_s: float) -> TakenFrame:
        one = np.ones(1, dtype=np.bool_)
        target = self.instrument.positions().copy()
        target[0, self.columns] = place
        report = self.instrument.move(target, one)
        frame = self.instrument.acquire(AcquireSettings(exposure_s), one)
        image = None if frame.image is None else np.asarray(frame.image[0])
        point = np.asarray(report.readback[0, self.columns], dtype=np.float64)
        return TakenFrame(point, float(frame.exposure_s[0]), float(frame.time_s[0]), _peaks(frame), image)


def _peaks(frame: Frame) -> Peaks:
    found = frame.peaks()
    count = int(found.count[0])
    return Peaks(
        found.position_px[:1, :count].copy(),
        found.intensity[:1, :count].copy(),
        found.count[:1].copy(),
        found.saturated[:1, :count].copy(),
    )


def _columns(instrument: Instrument) -> list[int]:
    linear = {axis.name: k for k, axis in enumerate(instrument.axes) if axis.kind == "linear"}
    missing = [name for name in ("x", "y") if name not in linear]
    if missing:
        raise ValueError(
            f"this instrument has no linear axis {' and '.join(missing)} (its axes: "
            f"{', '.join(axis.name for axis in instrument.axes) or 'none'}); name the stage's two axes x and y"
        )
    return [linear["x"], linear["y"]]


def _check(instrument: Instrument, outlines: Sequence[Outline], columns: list[int]) -> None:
    if instrument.n != 1:
        raise ValueError(f"a scan runs on one instrument; this one holds {instrument.n} samples")
    if not outlines:
        raise ValueError("there are no outlines to visit; give at least one crystal's")
    names = [outline.name for outline in outlines]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"two outlines are named {twice[0]!r}; give each crystal its own name")
    for outline in outlines:
        for value, column in zip(outline.centre_mm, columns, strict=True):
            axis = instrument.axes[column]
            if not axis.limits[0] <= value <= axis.limits[1]:
                raise ValueError(
                    f"crystal {outline.name} lies at {axis.name} = {value:.1f} mm, the stage goes from "
                    f"{axis.limits[0]:g} to {axis.limits[1]:g}; move the plate, or leave the crystal out"
                )

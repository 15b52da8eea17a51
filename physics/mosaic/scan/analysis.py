"""From the frames of a plate to what is known of each crystal: read, calibrate by all, read again, judge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.mosaic.outline import Outline
from beamgym.physics.mosaic.plate import PlateContext
from beamgym.physics.mosaic.plate_frame import PLATE_TO_LAB
from beamgym.physics.mosaic.records import ScannedCrystal
from beamgym.physics.mosaic.scan.frames import TakenFrame
from beamgym.physics.mosaic.scan.panel import PanelFit, fit_panel, moved_panel
from beamgym.physics.mosaic.scan.reading import Reader, Reading
from beamgym.physics.mosaic.scan.scanned import PlateScan
from beamgym.physics.mosaic.scan.twinning import twin_share
from beamgym.physics.mosaic.scan.verdicts import SAME_DEG, SAME_UNCALIBRATED_DEG, Judge
from beamgym.physics.orientation import misorientation_deg

FEWEST_CRYSTALS = 5
"""Crystals that a calibration of the panel needs."""
FEWEST_SPOTS = 12
"""Spots of a frame that counts in it."""
UNKNOWN_HEIGHT_MM = 0.3
"""Height of a crystal of which nobody measured the thickness."""

CERTAIN = 8.0
"""Log-likelihood by which intensities must prefer a twin, or one of two look-alikes."""
LEAST_TWIN = 0.12
"""Smallest share of a twin that is told of."""
SAME_LAW_DEG = 0.5
_BRIGHTEST = 250

Progress = Callable[[int, int], Any]
"""Told how many crystals are done, of how many."""


def judge_of(reader: Reader, context: PlateContext) -> Judge:
    """Return the judge for what a reader reads now."""
    twin = context.habit.twin
    twins = np.zeros((0, 3, 3)) if twin is None else twin.rotation(context.crystal)[None]
    return Judge(reader.rotations, twins, SAME_DEG if reader.calibrated else SAME_UNCALIBRATED_DEG)


def read_frame(
    reader: Reader,
    frame: TakenFrame,
    height_mm: float,
    guess: Float64Array | None = None,
    *,
    height_known: bool = False,
) -> Reading:
    """Read one taken frame; parameters as of ``Reader.read``."""
    return reader.read(frame.peaks, frame.point_mm, frame.exposure_s, height_mm, guess, height_known=height_known)


def expected_height_mm(outline: Outline) -> float:
    """Return how high a crystal's face is believed to stand above the plate."""
    return UNKNOWN_HEIGHT_MM if outline.thickness_mm is None else float(outline.thickness_mm)


def calibrated(
    reader: Reader, outlines: Sequence[Outline], readings: Mapping[str, Sequence[Reading]]
) -> tuple[Reader, "Calibration | None"]:
    """Fit the panel to all frames of single grains.

    Returns
    -------
    a reader with that panel, and the fit; the reader as it was and None where too few crystals index
    """
    expected = np.array([expected_height_mm(outline) for outline in outlines])
    chosen = [
        (number, place, reading)
        for number, outline in enumerate(outlines)
        for place, reading in enumerate(readings.get(outline.name, ()))
        if reading.indexed and len(reading.grains) == 1 and len(reading.grains[0].position_px) >= FEWEST_SPOTS
    ]
    if len({number for number, _, _ in chosen}) < FEWEST_CRYSTALS:
        return reader, None
    seen = [reader.spots(number, reading.grains[0]) for number, _, reading in chosen]
    fit = fit_panel(seen, reader.detector, expected, reader.moved)
    rows = {(number, place): k for k, (number, place, _) in enumerate(chosen)}
    with_panel = replace(reader, moved=fit.moved, calibrated=True)
    return with_panel, Calibration(fit, rows)


@dataclass(frozen=True, eq=False)
class Calibration:
    """The fit, and which of its frames is whose.

    Parameters
    ----------
    fit : of the panel
    rows : by number of the crystal and of its frame
    """

    fit: PanelFit
    rows: Mapping[tuple[int, int], int]

    def height_mm(self, number: int) -> float:
        """Return a crystal's height as believed now: its own where it took part, otherwise as expected."""
        return float(self.fit.heights_mm[number])

    def known(self, number: int) -> bool:
        """Whether a crystal took part."""
        return any(own == number for own, _ in self.rows)

    def sigma_deg(self, number: int) -> Float64Array | None:
        """Return (3,) standard errors about the plate's axes of a crystal's orientation; None where it took no part."""
        rows = [k for (own, _), k in self.rows.items() if own == number]
        if not rows:
            return None
        mean = self.fit.covariance_deg2[rows].mean(axis=0)
        found: Float64Array = np.sqrt(np.diag(PLATE_TO_LAB.T @ mean @ PLATE_TO_LAB))
        return found

    def adjusted(self, number: int, readings: Sequence[Reading]) -> tuple[Reading, ...]:
        """Return a crystal's readings with the fit's orientations."""
        out = []
        for place, reading in enumerate(readings):
            row = self.rows.get((number, place))
            if row is not None:
                first = replace(reading.grains[0], u=self.fit.u[row])
                reading = replace(reading, grains=(first,), height_mm=self.height_mm(number))
            out.append(reading)
        return tuple(out)


def analysed(
    frames: Mapping[str, Sequence[TakenFrame]],
    outlines: Sequence[Outline],
    context: PlateContext,
    first: Mapping[str, Sequence[Reading]] | None = None,
    progress: Progress | None = None,
) -> PlateScan:
    """Return what the frames of a plate say.

    Parameters
    ----------
    frames : of each crystal, by its outline's name; one without frames is "not indexed"
    outlines : of all crystals
    context : material, habit, camera and beam as they are believed to be
    first : the frames as they were read already, where they were
    progress : told of every crystal that is read again
    """
    reader = Reader(context.crystal, context.beam, context.detector)
    done = dict(first or {})
    for outline in outlines:
        if outline.name not in done:
            height = expected_height_mm(outline)
            done[outline.name] = [read_frame(reader, frame, height) for frame in frames.get(outline.name, ())]
    reader, fit = calibrated(reader, outlines, done)
    if fit is not None:
        for number, outline in enumerate(outlines):
            done[outline.name] = _again(reader, fit, number, frames.get(outline.name, ()), done[outline.name])
            if progress is not None:
                progress(number + 1, len(outlines))
        reader, better = calibrated(reader, outlines, done)
        fit = better or fit
    judge = judge_of(reader, context)
    twins = _Twins(reader, context)
    crystals, heights, kept = [], np.full(len(outlines), np.nan), []
    for number, outline in enumerate(outlines):
        readings = tuple(done[outline.name])
        if fit is not None:
            readings = fit.adjusted(number, readings)
            heights[number] = fit.height_mm(number) if fit.known(number) else np.nan
        kept.append(readings)
        said = judge.verdict(outline.name, readings, None if fit is None else fit.sigma_deg(number))
        if said.verdict in ("indexed", "ambiguous"):
            said = twins.checked(said, readings, frames.get(outline.name, ()))
        crystals.append(said)
    last = [frame.time_s for own in frames.values() for frame in own]
    panel = context.detector if fit is None else fit.fit.detector()
    return PlateScan(
        tuple(crystals), panel, reader.moved, heights, reader.rotations, max(last, default=0.0), tuple(kept)
    )


def _again(
    reader: Reader, fit: Calibration, number: int, frames: Sequence[TakenFrame], readings: Sequence[Reading]
) -> list[Reading]:
    """Read a crystal's frames with the calibrated panel, from its height as known and the orientation as found."""
    known = next((one.grains[0].u for one in readings if one.indexed), None)
    out = []
    for frame, before in zip(frames, readings, strict=True):
        guess = before.grains[0].u if before.indexed else known
        out.append(read_frame(reader, frame, fit.height_mm(number), guess, height_known=fit.known(number)))
    return out


class _Twins:
    """Asks the intensities of all frames of a crystal for twins and look-alikes whose spots fall on each other."""

    def __init__(self, reader: Reader, context: PlateContext) -> None:
        self.reader = reader
        self.model = LaueModel(context.crystal, context.beam, context.detector, brightest=_BRIGHTEST)
        twin = context.habit.twin
        self.law = None if twin is None else twin.rotation(context.crystal)
        if self.law is not None and _is_one_of(self.law, reader.rotations):
            self.law = None

    def checked(
        self, said: ScannedCrystal, readings: Sequence[Reading], frames: Sequence[TakenFrame]
    ) -> ScannedCrystal:
        """Return the verdict with what the intensities say."""
        known = [(one, frame) for one, frame in zip(readings, frames, strict=True) if one.indexed]
        if said.orientation is None or not known:
            return said
        u = PLATE_TO_LAB @ said.orientation
        if said.verdict == "ambiguous":
            u, settled = self._settled(u, known)
            if settled:
                lab = PLATE_TO_LAB.T @ u
                said = replace(said, verdict="indexed", note="", orientation=lab, grains=lab[None], shares=(1.0,))
        if self.law is None:
            return said
        for law in (self.law, self.law.T):
            found = twin_share(self.model, self._parts(u, known), law)
            if found is None or found.gain < CERTAIN or not LEAST_TWIN <= found.share <= 1.0 - LEAST_TWIN:
                continue
            both = np.stack([PLATE_TO_LAB.T @ u, PLATE_TO_LAB.T @ u @ law])
            shares = (1.0 - found.share, found.share)
            order = [0, 1] if shares[0] >= shares[1] else [1, 0]
            return replace(
                said,
                verdict="twin",
                orientation=both[order[0]],
                grains=both[order],
                shares=(shares[order[0]], shares[order[1]]),
                note=f"the intensities show {100 * min(shares):.0f} % of a twin",
            )
        return said

    def _settled(self, u: Float64Array, known: Sequence[tuple[Reading, TakenFrame]]) -> tuple[Float64Array, bool]:
        """Choose between look-alikes by all frames together; whether they decide."""
        for turn in self.reader.look_alikes:
            if _is_one_of(turn, self.reader.rotations):
                continue
            found = twin_share(self.model, self._parts(u, known), turn)
            if found is None or LEAST_TWIN < found.share < 1.0 - LEAST_TWIN:
                return u, False
            if found.share >= 1.0 - LEAST_TWIN:
                if found.gain < CERTAIN:
                    return u, False
                u = u @ turn
            elif found.gain_over_whole < CERTAIN:
                return u, False
        return u, True

    def _parts(
        self, u: Float64Array, known: Sequence[tuple[Reading, TakenFrame]]
    ) -> list[tuple[Float64Array, Float64Array, Float64Array, Detector]]:
        return [
            (
                u,
                frame.peaks.position_px[0].astype(np.float64),
                frame.peaks.intensity[0].astype(np.float64),
                moved_panel(self.reader.detector, self.reader.moved, reading.height_mm),
            )
            for reading, frame in known
        ]


def _is_one_of(turn: Float64Array, rotations: Float64Array) -> bool:
    return bool(misorientation_deg(turn, np.eye(3), rotations) < SAME_LAW_DEG)

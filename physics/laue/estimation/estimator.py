"""The estimator: frame by frame, how a known crystal sits on its goniometer, and how sure that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation.adjustment import AGAIN_MM, Adjustment, Fitted
from beamgym.physics.laue.estimation.frames import Shot
from beamgym.physics.laue.estimation.grains import SHARED, grain, without
from beamgym.physics.laue.estimation.merit import demand, merit, merit_of
from beamgym.physics.laue.estimation.model import PRIORS, Prior, Setup
from beamgym.physics.laue.estimation.search import (
    MAJORITY,
    TOLERANCES_DEG,
    Start,
    by_all,
    by_distance,
    by_last,
    by_left_over,
    by_zones,
    joint_pattern,
)
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.orientation import misorientation_deg, nearest_equivalent

RAYS = 128
"""Rays, brightest first, that spots are given to."""
FIRST_FRAMES, LEFT_OVER_FRAMES = 3, 6
"""In the first frames, and in more where most spots are left over, these are searched for another grain."""
RIVALS = 3.0
"""A second fit that is worse by less, as −log10 of the odds, leaves the matter open."""
DECISIVE_LOG_ODDS = 4.6
"""Odds of 100 : 1 by the intensities settle it."""
KEPT, KEPT_BEHIND = 6, 12.0
"""Fits that are kept from frame to frame, and by how much they may be worse than the best."""
LARGER = 2.6
"""Standard deviations by which one grain must be larger than another before it is taken for the larger one."""
AS_CLEAR = 0.4
"""The larger of two grains has no fewer spots: a fit of a smaller share of the best one's merit is chance on bright
false spots, of which there are some where many starts were tried."""
SAME_DEG = 0.6
"""Fits nearer than this are one."""
MOST_STARTS = 40
EXPLAINED = 0.5
"""A frame of which fewer spots are explained, as a share of those of the best one, may not be understood."""
FEW_MERIT, AS_MANY_LEFT = 5.0, 3.0
"""It is where those few are not chance, though a fit may shift every frame a little, and where no more spots are left
over than elsewhere, within so many standard deviations."""
STRAYED_DEG = 8.0
"""By so much at most may axes carry a crystal elsewhere than they read."""


@dataclass(frozen=True)
class Track:
    """What is known after some frames.

    Parameters
    ----------
    shots : the frames
    fits : ways to see them, best first
    merits : −log10 of the odds of chance, of each
    open : whether another than the first is as good
    """

    shots: tuple[Shot, ...] = ()
    fits: tuple[Fitted, ...] = ()
    merits: tuple[float, ...] = ()
    open: bool = False

    @property
    def best(self) -> Fitted | None:
        """The best fit; None where no orientation explains the spots."""
        return self.fits[0] if self.fits and self.merits[0] >= demand(self.shots) else None


class Estimator:
    """Follows one crystal on one instrument; what it prepares serves all episodes.

    Parameters
    ----------
    crystal, beam, goniometer, detector : what stands in the beam, and the nominal instrument
    priors : what may be known of the instrument beforehand
    """

    def __init__(
        self,
        crystal: Crystal,
        beam: Beam,
        goniometer: Goniometer,
        detector: Detector,
        priors: Sequence[Prior] = PRIORS,
    ) -> None:
        self.crystal, self.goniometer, self.detector = crystal, goniometer, detector
        self.indexer = Indexer(crystal, beam.band_kev, detector, tolerances_deg=TOLERANCES_DEG, beam=beam)
        model = LaueModel(crystal, beam, detector, brightest=RAYS)
        self.adjustment = Adjustment(Setup(goniometer, detector, model), priors)

    def seen(self, track: Track, shot: Shot) -> Track:
        """Return what is known after one more frame."""
        shots = (*track.shots, shot)
        adjustment = self.adjustment
        closing = AGAIN_MM if track.shots else ()
        fits = [adjustment.fit(adjustment.grown(each, len(shots)), shots, closing) for each in track.fits]
        fits = [self._brought_in(each, shots) for each in fits]
        merits = [merit(adjustment, each, shots) for each in fits]
        if not self._convincing(shots, fits, merits):
            self._search(shots, fits, merits)
        if self._grains_left(shots, fits, merits):
            self._search_left_over(shots, fits, merits)
        return self._ranked(shots, fits, merits)

    def tried(self, shots: Sequence[Shot], starts: Sequence[Start]) -> Track:
        """Return what is known of frames by starts that were found otherwise, and by what these leave over."""
        shots, fits, merits = tuple(shots), list[Fitted](), list[float]()
        self._try(starts, shots, fits, merits)
        if max(merits, default=0.0) >= demand(shots):
            self._search_left_over(shots, fits, merits)
        return self._ranked(shots, fits, merits)

    def understands(self, track: Track) -> bool:
        """Whether the best fit explains the last frame as well as the others."""
        best, last = track.best, len(track.shots) - 1
        if best is None or best.pairs is None:
            return False
        if self.adjustment.explained(best, last) >= EXPLAINED:
            return True
        found = np.array([len(shot.position_px) for shot in track.shots])
        left = found - np.bincount(best.pairs.frame, minlength=len(found))
        usual = float(left[:-1].mean())
        few_left = left[-1] <= usual + AS_MANY_LEFT * np.sqrt(max(usual, 1.0))
        return bool(few_left) and merit_of(self.adjustment, best, track.shots, [last]) >= FEW_MERIT

    def _brought_in(self, fitted: Fitted, shots: tuple[Shot, ...]) -> Fitted:
        """Return a fit that explains the last frame too, where that frame by itself says how it stands."""
        adjustment, last = self.adjustment, len(shots) - 1
        if fitted.pairs is None or adjustment.explained(fitted, last) >= EXPLAINED:
            return fitted
        expected = adjustment.orientations(fitted, shots)[-1]
        shot = shots[-1]
        answer = self.indexer.on(self._panel(fitted)).index(shot.position_px, shot.counts, expected)
        if not isinstance(answer, Indexed):
            return fitted
        apart, which = nearest_equivalent(answer.orientation[None], expected, self.crystal.rotations)
        if apart[0] > STRAYED_DEG:
            return fitted
        other = adjustment.brought_in(fitted, shots, answer.orientation @ self.crystal.rotations[which[0]])
        return other if adjustment.explained(other, last) > adjustment.explained(fitted, last) else fitted

    def _panel(self, fitted: Fitted) -> Detector:
        """Return the panel where a fit puts it."""
        vector = self.adjustment.setup.panel_vector(fitted.values)
        return self.detector.placed(vector[:3], vector[3:6], vector[6:])

    def _search(self, shots: tuple[Shot, ...], fits: list[Fitted], merits: list[float]) -> None:
        """Add what searches find, until one of it is convincing."""
        searches = [by_last, by_all, by_distance, by_zones] if len(shots) > 1 else [by_last, by_distance, by_zones]
        for search in searches:
            starts = islice(search(self.indexer, self.goniometer, shots, self.detector), MOST_STARTS)
            self._try(starts, shots, fits, merits)
            if self._convincing(shots, fits, merits):
                return

    @staticmethod
    def _convincing(shots: tuple[Shot, ...], fits: Sequence[Fitted], merits: Sequence[float]) -> bool:
        """Whether nothing better is to be sought.

        A wrong camera makes wrong orientations that chance would not make either: in the first frames the best fit is
        to explain most of the spots, or all searches are made.
        """
        if max(merits, default=0.0) < demand(shots):
            return False
        return len(shots) > FIRST_FRAMES or _explains_most(shots, fits[int(np.argmax(merits))])

    @staticmethod
    def _grains_left(shots: tuple[Shot, ...], fits: Sequence[Fitted], merits: Sequence[float]) -> bool:
        """Whether what the best fit leaves over is to be searched."""
        if max(merits, default=0.0) < demand(shots) or len(shots) > LEFT_OVER_FRAMES:
            return False
        return len(shots) <= FIRST_FRAMES or not _explains_most(shots, fits[int(np.argmax(merits))])

    def _search_left_over(self, shots: tuple[Shot, ...], fits: list[Fitted], merits: list[float]) -> None:
        """Add a second grain, where the spots that the best fit leaves over have one."""
        best = fits[int(np.argmax(merits))]
        panel, left = self._panel(best), without(shots, grain(self.adjustment, best, shots))
        turned = self.adjustment.orientations(best, shots) @ best.mount.T
        for start in by_left_over(self.indexer, left, panel, turned, self.adjustment.strain(best, shots)):
            if self._near(start.mount, fits) >= SAME_DEG:
                self._add(replace(best, mount=start.mount), shots, fits, merits)

    def _try(self, starts: Iterable[Start], shots: tuple[Shot, ...], fits: list[Fitted], merits: list[float]) -> None:
        for start in starts:
            if self._near(start.mount, fits) >= SAME_DEG:
                self._add(self.adjustment.begin(start.mount, len(shots), start.shift_mm), shots, fits, merits)

    def _add(self, guess: Fitted, shots: tuple[Shot, ...], fits: list[Fitted], merits: list[float]) -> None:
        fitted = self.adjustment.fit(guess, shots)
        fits.append(fitted)
        merits.append(merit(self.adjustment, fitted, shots))

    def _near(self, mount: Float64Array, fits: Sequence[Fitted]) -> float:
        if not fits:
            return np.inf
        mounts = np.array([each.mount for each in fits])
        return float(misorientation_deg(mounts, mount, self.crystal.rotations).min())

    def _ranked(self, shots: tuple[Shot, ...], fits: list[Fitted], merits: list[float]) -> Track:
        kept: list[int] = []
        for i in np.argsort(merits)[::-1]:
            if len(kept) == KEPT:
                break
            behind = merits[kept[0]] - merits[i] if kept else 0.0
            if fits[i].pairs is None or (behind > KEPT_BEHIND and merits[i] < demand(shots)):
                continue
            if self._near(fits[i].mount, [fits[j] for j in kept]) <= SAME_DEG:
                continue
            if behind <= KEPT_BEHIND or self._another(fits[i], fits[kept[0]], shots):
                kept.append(int(i))
        track = Track(shots, tuple(fits[i] for i in kept), tuple(merits[i] for i in kept))
        return self._largest(self._settled(track))

    def _largest(self, track: Track) -> Track:
        """Put the largest grain first, where several are seen."""
        least = max(demand(track.shots), AS_CLEAR * max(track.merits, default=0.0))
        if sum(each >= least for each in track.merits) < 2:
            return track
        grains = [grain(self.adjustment, fitted, track.shots) for fitted in track.fits]
        seen = [i for i in range(1, len(grains)) if track.merits[i] >= least]
        others = [i for i in seen if grains[i].shared(grains[0]) < SHARED]
        if not others:
            return track
        first = max([0, *others], key=lambda i: grains[i].log_volume)
        unsure = any(grains[first].larger(grains[i]) < LARGER for i in [0, *others] if i != first)
        return replace(_led_by(track, first), open=track.open or unsure)

    def _another(self, one: Fitted, other: Fitted, shots: tuple[Shot, ...]) -> bool:
        """Whether two fits explain different spots."""
        grains = [grain(self.adjustment, each, shots) for each in (one, other)]
        return grains[0].shared(grains[1]) < SHARED

    def _settled(self, track: Track) -> Track:
        """Let intensities decide among fits that are as good as the best."""
        rivals = [i for i, each in enumerate(track.merits) if each > track.merits[0] - RIVALS]
        if len(rivals) < 2:
            return track
        odds = np.array([self._log_odds(track.fits[i], track.shots) for i in rivals])
        first = int(np.argmax(odds))
        second = float(np.max(np.delete(odds, first)))
        return replace(_led_by(track, rivals[first]), open=bool(odds[first] - second < DECISIVE_LOG_ODDS))

    def _log_odds(self, fitted: Fitted, shots: tuple[Shot, ...]) -> float:
        """Return the log likelihood of the intensities of all frames, up to a constant."""
        adjustment = self.adjustment
        orientation = adjustment.orientations(fitted, shots)
        turned = orientation @ fitted.mount.T
        panel = self._panel(fitted)
        pattern = joint_pattern(self.indexer, shots, panel, turned)
        tolerance = float(np.degrees(3.0 * fitted.spot_mm / panel.distance_mm))
        return pattern.log_odds(pattern.polish(fitted.mount, max(tolerance, 0.1), trials=1000))


def _explains_most(shots: Sequence[Shot], fitted: Fitted) -> bool:
    """Whether most spots of all frames were given to rays."""
    spots = sum(len(shot.position_px) for shot in shots)
    return fitted.pairs is not None and len(fitted.pairs) >= MAJORITY * spots


def _led_by(track: Track, first: int) -> Track:
    """Return a track with another of its fits first."""
    order = [first, *(i for i in range(len(track.fits)) if i != first)]
    return replace(track, fits=tuple(track.fits[i] for i in order), merits=tuple(track.merits[i] for i in order))

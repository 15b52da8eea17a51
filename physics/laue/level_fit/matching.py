"""Gives every found spot of a run its ray, by a fit that knows nothing of the axes: each frame stands for itself."""

from dataclasses import dataclass

import numpy as np

from beamgym.physics.instrument import BoolArray, Float64Array, Int64Array
from beamgym.physics.laue.camera import FAINTEST_COUNTS
from beamgym.physics.laue.detector import Detector
from beamgym.physics.laue.estimation import mutual_nearest as nearest_partners
from beamgym.physics.laue.imperfections import displaced_panels
from beamgym.physics.laue.indexing import Indexed, Indexer
from beamgym.physics.laue.level_fit.runs import RecordedRun, landing_px
from beamgym.physics.laue.pattern import LaueModel
from beamgym.physics.laue.simulator import LaueContext
from beamgym.physics.orientation import nearest_equivalent, rotation_matrix

PREDICTED = 192
"""Brightest rays predicted of a frame: more than any simulated frame has spots."""

FAINT = 0.1
"""Rays of fewer counts than this share of the faintest spot reported are not expected on a frame."""

CAPTURE_MM = (3.0, 1.5, 1.0)
"""Distance within which a spot is given to a ray while the fit closes in: a camera and a play at their largest, mm."""

WITHIN, LEAST_PX, MOST_MM = 4.5, 0.75, 1.2
"""At the end within so many standard deviations, at least and at most: one spot in 25,000 is further off."""

SAME_MOUNT_DEG = 1.5
"""A frame whose crystal seems to sit on the goniometer otherwise than the others' by more was indexed wrongly."""

_CAMERA_KNOWN = np.array([3.0, 3.0, 3.0, 2.0, 2.0])
"""How well a camera's place is known before the fit, mm and degrees: only keeps it from running away."""

_STRAYS_MM = 1.0
"""How far a sample is thought to leave the beam, mm: this keeps what is the camera's shift from being each frame's."""

_TURN_DEG, _UNSTEADY = 0.1, 0.1
"""A ray whose counts change by a tenth in a tenth of a degree is not used to judge intensities: a frame's orientation
is not known better, and lines of a tube are narrow."""

LEAST_SPOTS = 6
"""Spots a frame, on the mean, that must belong to the crystal: three fix its orientation and three its place."""

_STEP = 1e-3


class NotMatched(ValueError):
    """The spots of a run are not those of the crystal on this instrument, in one line."""


@dataclass(frozen=True)
class Matched:
    """One run with its spots given to rays.

    Parameters
    ----------
    run : what was recorded
    orientation : (T, 3, 3) of each frame by itself
    scale : counts found for each count expected
    position_px, counts, present : (T, s, 2), (T, s), (T, s) rays expected on each frame
    steady : (T, s) whether the counts expected do not hang on the last hundredths of a degree
    frame, ray, spot : (m,) which found spot of which frame is which of the s rays
    scattering : (m, 3) its scattering vector in the crystal's axes
    sigma_px : standard deviation of the spots about their rays, each direction
    freedom : number of residuals less that of fitted parameters
    """

    run: RecordedRun
    orientation: Float64Array
    scale: float
    position_px: Float64Array
    counts: Float64Array
    present: BoolArray
    steady: BoolArray
    frame: Int64Array
    ray: Int64Array
    spot: Int64Array
    scattering: Float64Array
    sigma_px: float
    freedom: int

    @property
    def found_px(self) -> Float64Array:
        """(m, 2) where the matched spots were found."""
        return np.asarray(self.run.peaks.position_px[self.frame, self.spot], dtype=np.float64)


@dataclass(frozen=True)
class _Pairs:
    frame: Int64Array
    ray: Int64Array
    spot: Int64Array
    scattering: Float64Array
    rate: Float64Array
    """counts expected at scale 1"""


class Matcher:
    """Matches the runs of one instrument.

    Parameters
    ----------
    context : the crystal and the nominal instrument
    """

    def __init__(self, context: LaueContext) -> None:
        self.context = context
        self.model = LaueModel(context.crystal, context.beam, context.detector, brightest=PREDICTED)
        self.indexer = Indexer(context.crystal, context.beam.band_kev, context.detector, beam=context.beam)

    def match(self, run: RecordedRun) -> Matched:
        """Return a run with its spots given to rays; raises NotMatched where that cannot be."""
        return _Fit(self, run, self._orientations(run)).result()

    def mount(self, run: RecordedRun, orientation: Float64Array) -> Float64Array:
        """Return how each frame says that the crystal sits on the goniometer at zero angles, (T, 3, 3)."""
        turned = self.context.goniometer.rotation(run.readback)
        mounts: Float64Array = np.swapaxes(turned, 1, 2) @ orientation
        return mounts

    def _orientations(self, run: RecordedRun) -> Float64Array:
        """Index every frame; those that cannot be, or disagree, take their orientation from the others."""
        answers = [self._index(run, t) for t in range(run.frames)]
        good = [t for t, answer in enumerate(answers) if isinstance(answer, Indexed)]
        if not good:
            raise NotMatched("no frame could be indexed")
        found = np.array([answer.orientation if isinstance(answer, Indexed) else np.eye(3) for answer in answers])
        mounts = self.mount(run, found)
        merit = [answer.figure_of_merit if isinstance(answer, Indexed) else -1.0 for answer in answers]
        best = int(np.argmax(merit))
        group = self.context.crystal.rotations
        apart_deg, which = nearest_equivalent(mounts, mounts[best], group)
        mounts = mounts @ group[which]
        agrees = (apart_deg < SAME_MOUNT_DEG) & (np.array(merit) >= 0.0)
        if agrees.sum() < max(1, len(good) / 2):
            raise NotMatched("its orientations do not go with the axes' positions: see `beamgym deploy --signs`")
        mounts[~agrees] = mounts[best]
        turned: Float64Array = self.context.goniometer.rotation(run.readback) @ mounts
        return turned

    def _index(self, run: RecordedRun, t: int) -> object:
        count = int(run.peaks.count[t])
        if count < 1:
            return None
        return self.indexer.index(run.peaks.position_px[t, :count], run.peaks.intensity[t, :count])


class _Fit:
    """Gauss-Newton over a run's camera (5), and the orientation and the sample's place of each of its frames (6 T).

    The sample's place is that of the panel before it, turned round: an axis that misses the sample moves it from frame
    to frame, and what is left over must be the spots' own scatter.
    """

    def __init__(self, matcher: Matcher, run: RecordedRun, orientation: Float64Array) -> None:
        self.matcher, self.run, self.orientation = matcher, run, orientation
        self.detector = matcher.context.detector
        self.place, self.strayed_mm = np.zeros(5), np.zeros((run.frames, 3))
        self.scale, self.sigma = 1.0, 1.0

    def result(self) -> Matched:
        for capture_mm in CAPTURE_MM:
            self._improve(self._pairs(capture_mm / self.detector.pixel_mm))
        for _ in range(2):
            self._improve(self._pairs(self._reach_px))
        pairs = self._pairs(self._reach_px)
        self._improve(pairs)
        return self._matched(pairs)

    @property
    def _reach_px(self) -> float:
        return min(max(WITHIN * self.sigma, LEAST_PX), MOST_MM / self.detector.pixel_mm)

    @property
    def panels(self) -> Float64Array:
        """(T, 9), as each frame's sample sees its camera."""
        panels = np.tile(displaced_panels(self.detector, self.place[None])[0], (self.run.frames, 1))
        panels[:, :3] += self.strayed_mm
        return panels

    def _expected(self) -> tuple[Float64Array, Float64Array, BoolArray, Float64Array]:
        """Return positions (T, s, 2), counts at scale 1 (T, s), which are there (T, s), scattering (T, s, 3)."""
        model = self.matcher.model
        spots = model.spots(self.orientation, self.panels)
        sign = np.where(spots.ray < 0, -1.0, 1.0)
        row = np.where(spots.ray < 0, -spots.ray - 1, spots.ray)
        scattering = sign[..., None] * model.table.q_inv_a[row]
        counts = spots.intensity.astype(np.float64) * self.run.exposure_s[:, None]
        present = spots.mask & (counts * self.scale > FAINT * FAINTEST_COUNTS)
        return spots.position_px.astype(np.float64), counts, present, scattering

    def _steady(self) -> BoolArray:
        """Return which rays keep their counts when the crystal turns a little: those on a spectral line do not."""
        spots = self.matcher.model.spots(self.orientation, self.panels)
        steady = spots.mask.copy()
        for turn in _TURN_DEG * np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, -1.0]]):
            turned = self.matcher.model.spots(rotation_matrix(turn) @ self.orientation, self.panels)
            for t in range(self.run.frames):
                known = dict(zip(turned.ray[t, turned.mask[t]], turned.intensity[t, turned.mask[t]], strict=True))
                other = np.array([known.get(ray, 0.0) for ray in spots.ray[t]])
                steady[t] &= np.abs(other - spots.intensity[t]) < _UNSTEADY * spots.intensity[t]
        return steady

    def _pairs(self, reach_px: float) -> _Pairs:
        position, counts, present, scattering = self._expected()
        peaks = self.run.peaks
        parts = []
        for t in range(self.run.frames):
            rays = np.flatnonzero(present[t])
            spots = np.arange(int(peaks.count[t]))
            near = mutual_nearest(position[t, rays], peaks.position_px[t, spots].astype(np.float64), reach_px)
            parts.append((np.full(len(near), t), rays[near[:, 0]], spots[near[:, 1]]))
        frame, ray, spot = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(frame) <= LEAST_SPOTS * self.run.frames:
            raise NotMatched(f"only {len(frame)} spots of {self.run.frames} frames belong to the crystal")
        pairs = _Pairs(frame, ray, spot, scattering[frame, ray], counts[frame, ray])
        found = peaks.intensity[frame, spot].astype(np.float64)
        whole = ~peaks.saturated[frame, spot] & (found > 2.0 * FAINTEST_COUNTS)
        if whole.sum() > 5:
            self.scale = float(np.exp(np.median(np.log(found[whole] / pairs.rate[whole]))))
        return pairs

    def _improve(self, pairs: _Pairs) -> None:
        residual, jacobian = self._linear(pairs)
        frames = self.run.frames
        prior = np.concatenate([_CAMERA_KNOWN, np.full(3 * frames, 1e3), np.full(3 * frames, _STRAYS_MM)])
        weight = _huber(residual.reshape(-1, 2))
        rows = np.concatenate([jacobian * weight[:, None], np.diag(self.sigma / prior)])
        stands = np.concatenate([self.place, np.zeros(3 * frames), self.strayed_mm.ravel()])
        known = np.concatenate([residual * weight, -self.sigma / prior * stands])
        step = np.linalg.lstsq(rows, known, rcond=None)[0]
        self.place = self.place + step[:5]
        turn, stray = step[5:].reshape(2, frames, 3)
        self.orientation = rotation_matrix(turn) @ self.orientation
        self.strayed_mm = self.strayed_mm + stray
        left = residual - jacobian @ step
        self.sigma = max(1.4826 * float(np.median(np.abs(left))), 1e-3)

    def _linear(self, pairs: _Pairs) -> tuple[Float64Array, Float64Array]:
        """Return found less expected (2 m,), px, and its derivatives (2 m, 5 + 6 T) per mm or degree."""
        q = np.einsum("mij,mj->mi", self.orientation[pairs.frame], pairs.scattering)
        pixel, panels = self.detector.pixel_mm, self.panels[pairs.frame]
        found = self.run.peaks.position_px[pairs.frame, pairs.spot].astype(np.float64)
        residual = found - landing_px(q, panels, pixel)
        frames = self.run.frames
        jacobian = np.zeros((len(q), 2, 5 + 6 * frames))
        jacobian[:, :, :5] = by_camera(self.detector, self.place, q)
        turn, stray = by_turn(q, panels, pixel), by_origin(q, panels, pixel)
        for axis in range(3):
            jacobian[np.arange(len(q)), :, 5 + 3 * pairs.frame + axis] = turn[:, :, axis]
            jacobian[np.arange(len(q)), :, 5 + 3 * (frames + pairs.frame) + axis] = stray[:, :, axis]
        return residual.ravel(), jacobian.reshape(2 * len(q), -1)

    def _matched(self, pairs: _Pairs) -> Matched:
        residual, _ = self._linear(pairs)
        freedom = len(residual) - 2 - 6 * self.run.frames  # the camera's shift is each frame's own already
        position, counts, present, _ = self._expected()
        return Matched(
            run=self.run,
            orientation=self.orientation,
            scale=self.scale,
            position_px=position,
            counts=counts,
            present=present,
            steady=self._steady(),
            frame=pairs.frame,
            ray=pairs.ray,
            spot=pairs.spot,
            scattering=pairs.scattering,
            sigma_px=float(np.sqrt((residual**2).sum() / freedom)),
            freedom=freedom,
        )


def by_camera(detector: Detector, place: Float64Array, q: Float64Array) -> Float64Array:
    """Return derivatives (m, 2, 5) of landing points by a camera's shifts (mm) and tilts (degrees), px."""
    steps = _STEP * np.eye(5)
    ahead, behind = (displaced_panels(detector, place + sign * steps) for sign in (1.0, -1.0))
    pixel = detector.pixel_mm
    moved = [landing_px(q, a, pixel) - landing_px(q, b, pixel) for a, b in zip(ahead, behind, strict=True)]
    return np.stack(moved, axis=-1) / (2.0 * _STEP)


def by_origin(q: Float64Array, panel: Float64Array, pixel_mm: float) -> Float64Array:
    """Return derivatives (m, 2, 3) of landing points by shifts of the panel along the lab's axes, px per mm."""
    columns = []
    for axis in np.eye(3):
        ahead, behind = panel.copy(), panel.copy()
        ahead[..., :3] += _STEP * axis
        behind[..., :3] -= _STEP * axis
        columns.append((landing_px(q, ahead, pixel_mm) - landing_px(q, behind, pixel_mm)) / (2.0 * _STEP))
    return np.stack(columns, axis=-1)


def by_turn(q: Float64Array, panel: Float64Array, pixel_mm: float) -> Float64Array:
    """Return derivatives (m, 2, 3) of landing points by turns of the crystal about the lab's axes, px per degree."""
    columns = []
    for axis in np.eye(3):
        moved = _STEP * np.radians(1.0) * np.cross(axis, q)
        ahead, behind = landing_px(q + moved, panel, pixel_mm), landing_px(q - moved, panel, pixel_mm)
        columns.append((ahead - behind) / (2.0 * _STEP))
    return np.stack(columns, axis=-1)


def mutual_nearest(one: Float64Array, other: Float64Array, reach: float) -> Int64Array:
    """Return (m, 2) rows of points (p, 2) and (q, 2) that are each other's nearest and within reach."""
    partner = nearest_partners(np.ascontiguousarray(one), np.ascontiguousarray(other), reach)
    rows = np.flatnonzero(partner >= 0)
    return np.stack([rows, partner[rows]], axis=1).astype(np.int64)


def _huber(residual: Float64Array) -> Float64Array:
    """Return square roots of weights (2 m,) that hold down spots far off, such as false ones near a ray."""
    distance = np.linalg.norm(residual, axis=1)
    limit = 3.0 * max(float(np.median(distance)), 1e-6)
    weight = np.sqrt(np.minimum(1.0, limit / np.maximum(distance, 1e-12)))
    return np.repeat(weight, 2)

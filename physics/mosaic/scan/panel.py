"""The camera from all crystals together: one panel, a height for each crystal, a rotation for each frame.

Gauss–Newton with Cauchy weights, as ``indexing.joint_fit`` does for one frame; each crystal's own numbers are
eliminated first (Schur's complement), so that a plate of hundreds takes a second.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from beamgym.physics.arrays import Float64Array, Int64Array
from beamgym.physics.laue.detector import Detector
from beamgym.physics.orientation import rotation_matrix

PANEL_SIGMA = (0.5, 0.5, 0.5, 0.4, 0.4)
"""What is known of the panel beforehand: shifts along fast, slow and normal in mm, tilts about y and z in degrees."""
HEIGHT_SIGMA_MM = 0.5
"""What is known of a crystal's height above the plate beforehand, beside its thickness."""
STEPS = 12
SCALE = 2.4
"""Residual, in units of the noise, at which a spot's weight is a half."""
LEAST_NOISE_PX = 0.05
FIXED = 1e12
"""Weight of a panel that stays where it is."""
_STEP = 1e-4


@dataclass(frozen=True, eq=False)
class SeenSpots:
    """The spots of one grain in one frame.

    Parameters
    ----------
    crystal : number of the crystal; frames of one share its height
    directions : (p, 3) unit plane normals in the crystal's frame
    position_px : (p, 2) where they were found
    u : (3, 3) orientation to begin with, crystal to lab
    """

    crystal: int
    directions: Float64Array
    position_px: Float64Array
    u: Float64Array


@dataclass(frozen=True, eq=False)
class PanelFit:
    """What came out.

    Parameters
    ----------
    stated : the panel as stated
    moved : (5,) how the panel stands: shifts in mm along fast, slow and normal, tilts about y and z in degrees
    heights_mm : (c,) of the crystals, towards the source
    u : (f, 3, 3) orientation of each frame's grain, crystal to lab
    covariance_deg2 : (f, 3, 3) of small rotations about the lab's axes, the panel's and the height's doubt included
    noise_px : standard deviation of a spot's coordinate
    """

    stated: Detector
    moved: Float64Array
    heights_mm: Float64Array
    u: Float64Array
    covariance_deg2: Float64Array
    noise_px: float

    def detector(self, height_mm: float = 0.0) -> Detector:
        """Return the panel as a crystal of some height sees it."""
        return moved_panel(self.stated, self.moved, height_mm)


def moved_panel(stated: Detector, moved: Float64Array, height_mm: float = 0.0) -> Detector:
    """Return a panel shifted and tilted by (5,) as of ``PanelFit``, as seen by a crystal of some height."""
    along, down, away, tilt_y, tilt_z = moved
    shift = along * stated.fast + down * stated.slow + away * stated.normal + np.array([height_mm, 0.0, 0.0])
    return stated.displaced(shift, np.array([0.0, tilt_y, tilt_z]))


def fit_panel(
    frames: Sequence[SeenSpots],
    stated: Detector,
    expected_mm: Float64Array,
    start: Float64Array | None = None,
    *,
    fixed: bool = False,
) -> PanelFit:
    """Fit panel, heights and rotations.

    Parameters
    ----------
    frames : at least one, of at least four spots each
    stated : the panel as its user states it
    expected_mm : (c,) heights of the crystals to begin with, and about which they are believed to be
    start : (5,) where the panel is believed to be to begin with
    fixed : leave the panel there

    Returns
    -------
    PanelFit
    """
    data = _Data.of(frames, stated)
    moved = np.zeros(5) if start is None else np.array(start, dtype=np.float64)
    heights, u = np.array(expected_mm, dtype=np.float64), np.stack([frame.u for frame in frames])
    known = np.full(5, FIXED) if fixed else np.array(PANEL_SIGMA) ** -2
    solved = None
    for _ in range(STEPS):
        residual = data.residuals(u, moved, heights)
        noise = max(1.48 * float(np.median(np.abs(residual))), LEAST_NOISE_PX)
        about = np.zeros(5) if fixed else moved
        solved = _Step(data, u, moved, heights, residual, noise, known, about, np.asarray(expected_mm))
        moved = moved + solved.panel
        heights = heights + solved.height
        u = np.stack([rotation_matrix(turn) @ one for turn, one in zip(solved.turn, u, strict=True)])
        if max(np.abs(solved.panel).max(), np.abs(solved.height).max(), np.abs(solved.turn).max()) < 1e-4:
            break
    assert solved is not None
    return PanelFit(stated, moved, heights, u, solved.covariance(), solved.noise)


@dataclass(frozen=True, eq=False)
class _Data:
    directions: Float64Array
    position_px: Float64Array
    frame: Int64Array
    crystal_of_frame: Int64Array
    stated: Detector

    @classmethod
    def of(cls, frames: Sequence[SeenSpots], stated: Detector) -> "_Data":
        number = np.repeat(np.arange(len(frames)), [len(frame.directions) for frame in frames])
        return cls(
            np.concatenate([frame.directions for frame in frames]),
            np.concatenate([frame.position_px for frame in frames]),
            number,
            np.array([frame.crystal for frame in frames], dtype=np.int64),
            stated,
        )

    def residuals(self, u: Float64Array, moved: Float64Array, heights: Float64Array) -> Float64Array:
        """Predicted less found positions (s, 2) px; far away where a ray misses the plane."""
        q = np.einsum("sij,sj->si", u[self.frame], self.directions)
        return self.of_normals(q, moved_panel(self.stated, moved), heights[self.crystal_of_frame][self.frame])

    def of_normals(self, q: Float64Array, panel: Detector, height: Float64Array) -> Float64Array:
        """As ``residuals``, for plane normals (s, 3) in the lab and a height for each."""
        ray = np.array([1.0, 0.0, 0.0]) - 2.0 * q[:, :1] * q
        towards = ray @ panel.normal
        origin = panel.origin_mm + height[:, None] * np.array([1.0, 0.0, 0.0])
        with np.errstate(divide="ignore", invalid="ignore"):
            point = ((origin @ panel.normal) / towards)[:, None] * ray - origin
        found = np.stack([point @ panel.fast, point @ panel.slow], axis=1) / panel.pixel_mm
        missed: Float64Array = np.where((towards > 1e-6)[:, None], found - self.position_px, 1e4)
        return missed


class _Step:
    """One step of the fit, and the covariance at its end."""

    def __init__(
        self,
        data: _Data,
        u: Float64Array,
        moved: Float64Array,
        heights: Float64Array,
        residual: Float64Array,
        noise: float,
        known: Float64Array,
        about: Float64Array,
        expected: Float64Array,
    ) -> None:
        self.noise = noise
        weight = 1.0 / (1.0 + (residual**2).sum(axis=1) / (SCALE * noise) ** 2) / noise**2
        jacobian = _jacobian(data, u, moved, heights, residual, bool(known[0] >= FIXED))
        self.panel, self.height, self.turn = np.zeros(5), np.zeros(len(heights)), np.zeros((len(u), 3))
        normal, gradient = np.diag(known), known * about
        self._own = []
        for crystal in np.unique(data.crystal_of_frame):
            frames = np.flatnonzero(data.crystal_of_frame == crystal)
            own, cross, down, panel, right = self._crystal(data, frames, jacobian, residual, weight)
            own[0, 0] += HEIGHT_SIGMA_MM**-2
            down[0] += (heights[crystal] - expected[crystal]) / HEIGHT_SIGMA_MM**2
            inverse = np.linalg.inv(own)
            normal = normal + panel - cross @ inverse @ cross.T
            gradient = gradient + right - cross @ inverse @ down
            self._own.append((int(crystal), frames, inverse, cross, down))
        self._inverse = np.linalg.inv(normal)
        self.panel = -self._inverse @ gradient
        for crystal, frames, inverse, cross, down in self._own:
            change = -inverse @ (down + cross.T @ self.panel)
            self.height[crystal] = change[0]
            self.turn[frames] = change[1:].reshape(-1, 3)

    @staticmethod
    def _crystal(
        data: _Data, frames: Int64Array, jacobian: Float64Array, residual: Float64Array, weight: Float64Array
    ) -> tuple[Float64Array, Float64Array, Float64Array, Float64Array, Float64Array]:
        """Return one crystal's parts of the normal equations: height first, then three turns a frame."""
        size = 1 + 3 * len(frames)
        own, cross, down = np.zeros((size, size)), np.zeros((5, size)), np.zeros(size)
        panel, right = np.zeros((5, 5)), np.zeros(5)
        for place, frame in enumerate(frames):
            rows = slice(*np.searchsorted(data.frame, [frame, frame + 1]))
            part, w = jacobian[rows].reshape(-1, 9), np.repeat(weight[rows], 2)
            whole, slope = (part * w[:, None]).T @ part, (part * w[:, None]).T @ residual[rows].ravel()
            at = np.r_[0, 1 + 3 * place : 4 + 3 * place]
            mine = np.r_[3, 0:3]
            own[np.ix_(at, at)] += whole[np.ix_(mine, mine)]
            cross[:, at] += whole[4:][:, mine]
            down[at] += slope[mine]
            panel += whole[4:, 4:]
            right += slope[4:]
        # a frame whose spots leave a turn open must not make the matrix singular
        own[range(1, size), range(1, size)] += 1e-6
        return own, cross, down, panel, right

    def covariance(self) -> Float64Array:
        """Return (f, 3, 3) in square degrees of each frame's rotation."""
        out = np.zeros((len(self.turn), 3, 3))
        for _, frames, inverse, cross, _ in self._own:
            through = inverse @ cross.T
            whole = inverse + through @ self._inverse @ through.T
            for place, frame in enumerate(frames):
                at = slice(1 + 3 * place, 4 + 3 * place)
                out[frame] = whole[at, at]
        return out


def _jacobian(
    data: _Data, u: Float64Array, moved: Float64Array, heights: Float64Array, residual: Float64Array, fixed: bool
) -> Float64Array:
    """(s, 2, 9) derivatives by three turns (degrees), the height (mm) and the panel's five, by differences."""
    q = np.einsum("sij,sj->si", u[data.frame], data.directions)
    height = heights[data.crystal_of_frame][data.frame]
    columns, panel = [], moved_panel(data.stated, moved)
    for k in range(3):
        turn = rotation_matrix(_STEP * np.eye(3)[k])
        columns.append(data.of_normals(q @ turn.T, panel, height) - residual)
    columns.append(data.of_normals(q, panel, height + _STEP) - residual)
    for k in range(5):
        if fixed:
            columns.append(np.zeros_like(residual))
            continue
        there = moved_panel(data.stated, moved + _STEP * np.eye(5)[k])
        columns.append(data.of_normals(q, there, height) - residual)
    slopes: Float64Array = np.stack(columns, axis=2) / _STEP
    return slopes

"""How a crystal stands on its mount, from all cuts of it seen so far: a posterior with one or more modes.

The fit rests on band positions (see ``fit_kernels``). A cut alone cannot tell a crystal from its mirror image in the
plane of the slit; cuts at two polar angles can.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from beamgym.physics.arpes.aligning.fit_kernels import PARAMETERS, agreements
from beamgym.physics.arpes.aligning.manipulator import pose_rotation
from beamgym.physics.arpes.aligning.materials import NOMINAL_WORK_EV, LayeredCrystal
from beamgym.physics.arpes.bands_models import WAVENUMBER, rotation_x, rotation_y, rotation_z
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arrays import Float64Array

_FIRST_EV, _STEP_EV, _LAST_EV = -2.6, 0.01, 0.8
_HALF_WIDTH_EV, _EDGE_EV = 0.04, 0.02
_MIDDLE_EV = -0.5
_COLUMNS = 48
_STEPS: Final = np.array([0.15, 0.15, 0.4, 0.12, 0.12, 0.008, 0.008])
"""Of the differences that stand for derivatives."""
_GRID_DEG, _GRID_STEP_DEG, _TURN_STEP_DEG = 9.0, 1.0, 3.0
_MODEL_ERROR = 0.15
"""Of a column's line, relative to its mean counts: bands and lines are not exactly those told."""


@dataclass(frozen=True, eq=False)
class PosePrior:
    """What is known of a crystal on its mount before anything is seen.

    Parameters
    ----------
    middle : (7,) most probable parameters
    sigmas : (7,) standard deviations; the usual ones leave the azimuth open
    """

    middle: Float64Array = field(default_factory=lambda: np.zeros(PARAMETERS))
    sigmas: Float64Array = field(default_factory=lambda: np.array([3.5, 3.5, 1e3, 0.45, 0.45, 0.04, 0.04]))

    @classmethod
    def beside(cls, theta: Float64Array) -> "PosePrior":
        """Return what is known of another flake of a surface of which one flake stands as ``theta`` (7,) says.

        It may be a twin, turned by half the lattice's angle: the azimuth counts modulo that.
        """
        return cls(theta.copy(), np.array([1.3, 1.3, 1.0, 0.3, 0.3, 0.02, 0.02]))


@dataclass(frozen=True, eq=False)
class PoseMode:
    """One way in which the crystal may stand.

    Parameters
    ----------
    theta : (7,) see ``fit_kernels.PARAMETERS``
    covariance : (7, 7) by the curvature
    log_weight : logarithm of the posterior's peak times its volume
    """

    theta: Float64Array
    covariance: Float64Array
    log_weight: float


@dataclass(frozen=True, eq=False)
class PosePosterior:
    """What the cuts say, the most probable way first.

    Parameters
    ----------
    modes : ways in which the crystal may stand
    weights : (m,) their probabilities
    """

    modes: tuple[PoseMode, ...]
    weights: Float64Array

    def sigma_deg(self, pose: Float64Array, direction_deg: float, period_deg: float) -> Float64Array:
        """Return standard deviations (3,) of what ``seen_angles`` gives at a pose (6,), of the first mode, degrees."""
        theta = self.modes[0].theta
        columns = []
        for step in np.diag(1e-3 * np.ones(5)):
            moved = theta + np.array([*step, 0.0, 0.0])
            there = seen_angles(moved, pose, direction_deg, period_deg)
            columns.append((there - seen_angles(theta, pose, direction_deg, period_deg)) / 1e-3)
        slopes = np.array(columns).T
        return np.asarray(np.sqrt(np.diag(slopes @ self.modes[0].covariance[:5, :5] @ slopes.T)))


@dataclass(eq=False)
class PoseFit:
    """Fits cuts of one crystal.

    Parameters
    ----------
    told : the crystal with its bands
    grid : energies and slit angles of a cut
    prior : what is known beforehand
    """

    told: LayeredCrystal
    grid: Grid
    prior: PosePrior = field(default_factory=PosePrior)

    def __post_init__(self) -> None:
        """Work out the lines that columns are compared with; raises ValueError where no bands are told."""
        if len(self.told.terms) != 2:
            raise ValueError(
                "no bands are told: fit mirror symmetry instead, or make the environment with dispersion=True"
            )
        energy, places = self.grid.energy_ev, np.arange(_FIRST_EV, _LAST_EV, _STEP_EV)
        edge = 1.0 / (1.0 + np.exp(np.clip(energy / _EDGE_EV, -60.0, 60.0)))
        half = _HALF_WIDTH_EV + 0.05 * places[:, None] ** 2
        lines = edge * half / ((energy - places[:, None]) ** 2 + half**2)
        ground, _ = np.linalg.qr(np.stack([edge, edge * energy, edge * energy**2], axis=1))
        self._lines = np.ascontiguousarray(lines - (lines @ ground) @ ground.T)
        self._gram = np.ascontiguousarray(self._lines @ self._lines.T)
        self._slit = self.grid.slit_deg.reshape(_COLUMNS, -1).mean(axis=1)
        self._wave = float(WAVENUMBER * np.sqrt(self.told.photon_ev - NOMINAL_WORK_EV + _MIDDLE_EV))
        self.forget()

    def forget(self) -> None:
        """Drop all cuts: another crystal is in the beam."""
        self._turns: list[Float64Array] = []
        self._dots: list[Float64Array] = []
        self._noise: list[Float64Array] = []

    def __len__(self) -> int:
        """Return the number of cuts."""
        return len(self._turns)

    def add(self, pose: Float64Array, counts: Float64Array) -> None:
        """Take in a cut (e, a) of counts at a pose (6,)."""
        columns = counts.reshape(counts.shape[0], _COLUMNS, -1).sum(axis=2).T
        mean = columns.mean(axis=1)
        self._turns.append(pose_rotation(pose))
        self._dots.append(columns @ self._lines.T)
        self._noise.append(mean + 0.05 + (_MODEL_ERROR * mean) ** 2)

    def posterior(self, start: Sequence[Float64Array] | None = None, most: int = 8) -> PosePosterior:
        """Return what all cuts say; raises ValueError without any.

        Parameters
        ----------
        start : parameters (7,) to go on from; None searches everywhere
        most : modes that are refined
        """
        if not self._turns:
            raise ValueError("no cut has been taken in; add one first")
        begins = self._searched(most) if start is None else list(start)
        modes = _distinct([self._refined(theta) for theta in begins], self.told.fold_deg)
        logs = np.array([mode.log_weight for mode in modes])
        order = np.argsort(-logs)
        weights = np.exp(logs[order] - logs.max())
        return PosePosterior(tuple(modes[i] for i in order), weights / weights.sum())

    def twin(self, theta: Float64Array) -> Float64Array:
        """Return the parameters (7,) of the same crystal turned by half the lattice's angle."""
        return np.asarray(theta + self.told.mirror_deg * np.eye(PARAMETERS)[2])

    def values(self, thetas: Float64Array) -> Float64Array:
        """Return the logarithm of the posterior at parameters (t, 7), up to a constant, (t,)."""
        out = np.empty(len(thetas))
        agreements(
            np.ascontiguousarray(thetas),
            np.array(self._turns),
            self._slit,
            self._wave,
            self.told.code,
            self.told.a_angstrom,
            self.told.terms,
            _FIRST_EV,
            _STEP_EV,
            np.array(self._dots),
            self._gram,
            np.array(self._noise),
            out,
        )
        off = thetas - self.prior.middle
        half = 0.5 * self.told.mirror_deg
        off[:, 2] = (off[:, 2] + half) % (2.0 * half) - half
        return np.asarray(out - 0.5 * ((off / self.prior.sigmas) ** 2).sum(axis=1))

    def _searched(self, most: int) -> list[Float64Array]:
        """Return the best places of a grid over tilts and azimuth, none beside a better one."""
        tilts = np.arange(-_GRID_DEG, _GRID_DEG + 1e-9, _GRID_STEP_DEG)
        turns = np.arange(0.0, self.told.fold_deg, _TURN_STEP_DEG)
        grid = np.stack(np.meshgrid(tilts, tilts, turns, indexing="ij"), axis=-1).reshape(-1, 3)
        thetas = np.concatenate([grid, np.zeros((len(grid), PARAMETERS - 3))], axis=1)
        values = self.values(thetas)
        found: list[Float64Array] = []
        for index in np.argsort(-values)[: 60 * most]:
            if all(_apart(thetas[index], other, self.told.fold_deg) for other in found):
                found.append(thetas[index])
            if len(found) == most:
                break
        return found

    def _refined(self, theta: Float64Array) -> PoseMode:
        """Return the mode that Newton's method reaches, with curvatures by differences."""
        value, slope, curve = self._curved(theta)
        for _ in range(12):
            size, axes = np.linalg.eigh(-curve)
            size = np.maximum(np.abs(size), 1.0 / (25.0 * _STEPS.max()) ** 2)
            step = axes @ ((axes.T @ slope) / size)
            step *= min(1.0, float((8.0 * _STEPS / np.maximum(np.abs(step), 1e-12)).min()))
            tries = theta + np.array([1.0, 0.5, 0.2, 0.05])[:, None] * step
            reached = self.values(tries)
            best = int(np.argmax(reached))
            if reached[best] <= value + 0.01:
                break
            theta = tries[best]
            value, slope, curve = self._curved(theta)
        known = np.diag(self.prior.sigmas**-2.0)
        size, axes = np.linalg.eigh(-curve - known)  # of the cuts alone: what noise turned round says nothing
        covariance = np.linalg.inv((axes * np.maximum(size, 0.0)) @ axes.T + known + 1e-9 * np.eye(PARAMETERS))
        volume = 0.5 * float(np.linalg.slogdet(covariance)[1])
        return PoseMode(theta, covariance, float(value) + volume)

    def _curved(self, theta: Float64Array) -> tuple[float, Float64Array, Float64Array]:
        """Return value, gradient (7,) and Hessian (7, 7) at a place."""
        offsets = np.diag(_STEPS)
        pairs = [(i, j) for i in range(PARAMETERS) for j in range(i)]
        both = np.array([offsets[i] + offsets[j] for i, j in pairs])
        places = np.concatenate([theta[None], theta + offsets, theta - offsets, theta + both, theta - both])
        values = self.values(places)
        middle, up, down = values[0], values[1 : PARAMETERS + 1], values[PARAMETERS + 1 : 2 * PARAMETERS + 1]
        slope, bend = 0.5 * (up - down) / _STEPS, (up - 2.0 * middle + down) / _STEPS**2
        curve = np.diag(bend)
        plus, minus = values[2 * PARAMETERS + 1 :].reshape(2, -1)
        for (i, j), high, low in zip(pairs, plus, minus, strict=True):
            twice = high + low + 2.0 * middle - up[i] - down[i] - up[j] - down[j]
            curve[i, j] = curve[j, i] = 0.5 * twice / (_STEPS[i] * _STEPS[j])
        return float(middle), slope, curve


def seen_angles(theta: Float64Array, pose: Float64Array, direction_deg: float, period_deg: float) -> Float64Array:
    """Return where Γ is measured along and across the slit, and by how much a direction misses the slit, (3,) degrees.

    Parameters
    ----------
    theta : (7,) how the crystal stands on its mount
    pose : (6,) of the manipulator
    direction_deg, period_deg : the direction in the crystal, and the turn after which it is the same
    """
    full = pose_rotation(pose) @ rotation_x(theta[0]) @ rotation_y(theta[1]) @ rotation_z(theta[2])
    x, y, z = full[:, 2]
    sine, named = np.hypot(x, y), np.radians(direction_deg)
    scale = np.degrees(np.arctan2(sine, z) / sine) if sine > 1e-12 else 180.0 / np.pi
    laid = full[:, :2] @ np.array([np.cos(named), np.sin(named)])
    off = (np.degrees(np.arctan2(-laid[0], laid[1])) + 0.5 * period_deg) % period_deg - 0.5 * period_deg
    return np.array([y * scale + theta[3], x * scale + theta[4], off])


def standing_angles(theta: Float64Array, direction_deg: float, period_deg: float, near_deg: float) -> Float64Array:
    """Return polar, tilt and azimuth (3,), degrees, at which a crystal stands as asked.

    Parameters
    ----------
    theta, direction_deg, period_deg : as ``seen_angles`` takes them
    near_deg : the azimuth that it is to be nearest to
    """
    half = 0.5 * period_deg
    pose = np.zeros(6)
    pose[5] = (90.0 - direction_deg - theta[2] - near_deg + half) % period_deg - half + near_deg
    for _ in range(20):  # each is nearly one axis's own
        along, across, off = seen_angles(theta, pose, direction_deg, period_deg)
        pose[3:] += -across, along, -off
    return pose[3:]


def _apart(theta: Float64Array, other: Float64Array, fold_deg: float) -> bool:
    turn = (theta[2] - other[2] + 0.5 * fold_deg) % fold_deg - 0.5 * fold_deg
    return bool(np.abs(theta[:2] - other[:2]).max() > 1.6 or abs(turn) > 4.5)


def _distinct(modes: list[PoseMode], fold_deg: float) -> list[PoseMode]:
    """Return the modes without those that reached the same place as a better one."""
    kept: list[PoseMode] = []
    for mode in sorted(modes, key=lambda one: -one.log_weight):
        if not any(_same(mode.theta, one.theta, fold_deg) for one in kept):
            kept.append(mode)
    return kept


def _same(theta: Float64Array, other: Float64Array, fold_deg: float) -> bool:
    """Return whether both see Γ at the same place when all axes stand at 0, with the crystal turned alike."""
    apart = theta - other
    turn = (apart[2] + 0.5 * fold_deg) % fold_deg - 0.5 * fold_deg
    return bool(abs(apart[0] - apart[3]) < 0.6 and abs(apart[1] + apart[4]) < 0.6 and abs(turn) < 2.5)

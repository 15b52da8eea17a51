"""The adjustment: mount, panel and axes from the spots of all frames, by robust least squares about a prior.

Gauss-Newton with Cauchy weights on the spots alone (Holland and Welsch 1977), never on what was known beforehand. The
spots' own scatter is estimated anew at each step. What is known beforehand is one of several priors; that of the
largest evidence (MacKay, "Bayesian Interpolation", Neural Computation 4 (1992) 415) is taken on, and all count in what
is said of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import Float64Array
from beamgym.physics.laue.estimation.evidence import Belief, weigh
from beamgym.physics.laue.estimation.frames import Pairs, Shot, readings
from beamgym.physics.laue.estimation.model import PRIORS, Layout, Prior, Setup, mutual_nearest, normal_equations
from beamgym.physics.orientation import rotation_matrix

CLOSING_IN_MM = (3.0, 1.5, 0.8, 0.5)
"""Distance within which a spot is given to a ray while a fit closes in, mm."""
AGAIN_MM = (1.2, 0.6, 0.5)
"""The same where all but the last frame were fitted before."""
WITHIN = 3.5
"""At the end, within so many standard deviations."""
HALF_WEIGHT = 2.4
"""Residual, in standard deviations, at which a spot counts by half: 95 % efficient for Gaussian errors."""
INFORMATION = 1.24
"""What a spot tells under these weights, against the sum of the weights: 0.95 of a Gaussian spot against 0.76."""
LEAST_SPOT_MM, USUAL_SPOT_MM, USUAL_NUMBERS = 0.02, 0.1, 4.0
LEAST_PAIRS = 4


@dataclass(frozen=True)
class Fitted:
    """One way to see all frames.

    Parameters
    ----------
    mount : (3, 3) the crystal on the goniometer at zero angles
    values : (p,) the other parameters, by ``Layout``
    spot_mm : one standard deviation of a spot about its ray, each direction, mm
    pairs : which spots were given to which rays
    turn : (3, p) how the crystal turns in the lab in the last frame, degrees, by the parameters
    beliefs : what each prior makes of it; of a fit on its way, what its own makes of it
    prior : the one of the largest evidence
    misfit : mean square of the residuals, mm²
    information : (p, p) what the spots tell of the parameters
    """

    mount: Float64Array
    values: Float64Array
    spot_mm: float = USUAL_SPOT_MM
    pairs: Pairs | None = None
    turn: Float64Array | None = None
    beliefs: tuple[Belief, ...] = ()
    prior: int = 0
    misfit: float = 0.0
    information: Float64Array | None = None


class Adjustment:
    """Fits what is seen of one crystal on one instrument.

    Parameters
    ----------
    setup : the nominal instrument
    priors : what may be known of it beforehand
    """

    def __init__(self, setup: Setup, priors: Sequence[Prior] = PRIORS) -> None:
        self.setup, self.priors = setup, tuple(priors)

    def begin(self, mount: Float64Array, frames: int, shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Fitted:
        """Return a guess from how the crystal sits on the goniometer, and where the panel stands."""
        values = self.priors[0].mean(self.setup.layout(frames))
        values[Layout.shift] = shift_mm
        return Fitted(mount, values, prior=self.loosest if any(shift_mm) else 0)

    def grown(self, fitted: Fitted, frames: int) -> Fitted:
        """Return a fit with room for more frames."""
        values = self.priors[0].mean(self.setup.layout(frames))
        values[: len(fitted.values)] = fitted.values
        return replace(fitted, values=values)

    def fit(self, guess: Fitted, shots: Sequence[Shot], closing_in_mm: Sequence[float] = CLOSING_IN_MM) -> Fitted:
        """Fit all frames; returns the guess as it was where too few spots belong to the crystal."""
        fitted = guess
        for reach in closing_in_mm:
            fitted = replace(fitted, spot_mm=min(fitted.spot_mm, 0.4 * reach))
            pairs = self.pair(fitted, shots, reach)
            if len(pairs) < LEAST_PAIRS:
                return guess
            fitted = self.improved(fitted, shots, pairs)
        return self._settled(fitted, shots) or guess

    def _settled(self, fitted: Fitted, shots: Sequence[Shot]) -> Fitted | None:
        """Return the fit by the prior of the largest evidence; None where too few spots belong to the crystal.

        The spots' scatter is that of the loosest prior, under which nothing else hides in it: under a prior that is too
        tight the misfit would count as scatter, and speak for that prior.
        """
        loose = replace(fitted, prior=self.loosest)
        for last in (False, True):
            pairs = self.pair(loose, shots, max(WITHIN * loose.spot_mm, 0.1))
            if len(pairs) < LEAST_PAIRS:
                return None
            loose = self.improved(loose, shots, pairs, weighed=last)
        settled, spot_mm = loose, loose.spot_mm
        # A second time where the first made another prior the likeliest.
        for _ in range(2):
            best = int(np.argmax([belief.weight for belief in settled.beliefs]))
            if settled is not loose and best == settled.prior:
                break
            likely = replace(settled, prior=best, spot_mm=spot_mm)
            settled = self.improved(likely, shots, pairs, weighed=True)
        return replace(settled, spot_mm=spot_mm)

    def brought_in(self, fitted: Fitted, shots: Sequence[Shot], orientation: Float64Array) -> Fitted:
        """Return a fit to which a last frame belongs that stands otherwise than expected, at ``orientation`` (3, 3)."""
        last = len(shots) - 1
        assert fitted.pairs is not None
        earlier = fitted.pairs.of(fitted.pairs.frame < last)
        panel = self.panels(fitted, shots)[-1]
        strain = self.strain(fitted, shots)
        pairs = earlier.joined(self.pair_one(shots[-1], last, orientation, panel, strain, CLOSING_IN_MM[2]))
        loose = replace(fitted, prior=self.loosest)
        for _ in range(3):
            loose = self.improved(replace(loose, spot_mm=USUAL_SPOT_MM), shots, pairs)
        return self.fit(loose, shots, AGAIN_MM)

    @property
    def loosest(self) -> int:
        """The prior under which the axes are known worst."""
        return int(np.argmax([prior.zero_deg + 1e-3 * prior.distance_mm for prior in self.priors]))

    def explained(self, fitted: Fitted, frame: int) -> float:
        """Return how many spots of a frame were given to rays, as a share of what the best frame has."""
        if fitted.pairs is None:
            return 0.0
        counts = np.bincount(fitted.pairs.frame, minlength=frame + 1)
        return float(counts[frame] / max(int(counts.max()), 1))

    def orientations(self, fitted: Fitted, shots: Sequence[Shot]) -> Float64Array:
        """Return crystal to lab in every frame, (T, 3, 3)."""
        readback = readings(shots)
        true, _, _ = self.setup.course(fitted.values, self.setup.layout(len(shots)), readback)
        turned: Float64Array = self.setup.goniometer.rotation(true) @ fitted.mount
        return turned

    def pair(self, fitted: Fitted, shots: Sequence[Shot], reach_mm: float) -> Pairs:
        """Give spots to rays: each other's nearest, within reach."""
        strain = self.strain(fitted, shots)
        placed = self.orientations(fitted, shots), self.panels(fitted, shots)
        return self._paired(list(enumerate(shots)), *placed, strain, reach_mm)

    def strain(self, fitted: Fitted, shots: Sequence[Shot]) -> Float64Array:
        """Return what a fit deforms the reciprocal cell by, (3, 3)."""
        return self.setup.strain(fitted.values, self.setup.layout(len(shots)))

    def pair_one(
        self,
        shot: Shot,
        number: int,
        orientation: Float64Array,
        panel: Float64Array,
        strain: Float64Array,
        reach_mm: float,
    ) -> Pairs:
        """The same in one frame, whose crystal (3, 3) with its cell deformed (3, 3) stands before a panel (9,)."""
        return self._paired([(number, shot)], orientation[None], panel[None], strain, reach_mm)

    def _paired(
        self,
        frames: Sequence[tuple[int, Shot]],
        orientations: Float64Array,
        panels: Float64Array,
        strain: Float64Array,
        reach_mm: float,
    ) -> Pairs:
        """The same of numbered frames, with the crystal (T, 3, 3) and the panel (T, 9) of each."""
        pixel, middle = self.setup.detector.pixel_mm, self.setup.middle_px
        normals, numbers, found_px = [], [], []
        rays = self.setup.rays(orientations, panels, strain)
        for (number, shot), there in zip(frames, rays, strict=True):
            near = mutual_nearest(np.ascontiguousarray(shot.position_px), there.position_px, reach_mm / pixel)
            found = np.flatnonzero(near >= 0)
            normals.append(there.normal[near[found]])
            numbers.append(np.full(len(found), number))
            found_px.append(shot.position_px[found])
        return Pairs(np.concatenate(normals), np.concatenate(numbers), pixel * (np.concatenate(found_px) - middle))

    def panels(self, fitted: Fitted, shots: Sequence[Shot]) -> Float64Array:
        """Return the panel as each frame's sample sees it, (T, 9)."""
        setup, layout = self.setup, self.setup.layout(len(shots))
        panels = np.tile(setup.panel_vector(fitted.values), (len(shots), 1))
        true, _, _ = setup.course(fitted.values, layout, readings(shots))
        panels[:, :3] -= setup.strayed(true) @ fitted.values[layout.miss]
        return panels

    def improved(self, fitted: Fitted, shots: Sequence[Shot], pairs: Pairs, weighed: bool = False) -> Fitted:
        """Return the fit after one step of Gauss-Newton; its beliefs are those of all priors where ``weighed``."""
        layout = self.setup.layout(len(shots))
        variance = fitted.spot_mm**2 / INFORMATION
        orientation, by_turn, by_shift = self.derivatives(fitted, layout, readings(shots))
        matrix, gradient = np.zeros((layout.size, layout.size)), np.zeros(layout.size)
        residual = np.zeros((len(pairs), 2))
        panel = self.setup.panel(fitted.values)
        centres = panel.centre + np.einsum("tip,p->ti", by_shift[:, :, layout.miss], fitted.values[layout.miss])
        normal_equations(
            pairs.normal, pairs.frame, pairs.found_mm, orientation, centres, panel.edges, by_turn, by_shift,
            layout.tilt.start, self.setup.modes, layout.cell.start, self.setup.strain(fitted.values, layout),
            self.setup.radius_mm, HALF_WEIGHT * fitted.spot_mm, matrix, gradient, residual,
        )  # fmt: skip
        chosen = self.priors if weighed else self.priors[fitted.prior : fitted.prior + 1]
        which = fitted.prior if weighed else 0
        spots = matrix / variance, gradient / variance
        beliefs = weigh(*spots, fitted.values, chosen, layout, self.setup.rotates, which)
        own = beliefs[which]
        step = own.step
        values = fitted.values + step
        values[layout.mount] = 0.0
        spot_mm = _scatter_mm(residual, float(np.sum(own.covariance * matrix)) / variance)
        return Fitted(
            mount=rotation_matrix(step[layout.mount]) @ fitted.mount,
            values=values,
            spot_mm=spot_mm,
            pairs=pairs,
            turn=by_turn[-1],
            beliefs=tuple(replace(each, step=each.step - step) for each in beliefs),
            prior=fitted.prior,
            misfit=float(np.mean(residual**2)),
            information=matrix / variance,
        )

    def derivatives(
        self, fitted: Fitted, layout: Layout, readback: Float64Array, first: int = 0
    ) -> tuple[Float64Array, Float64Array, Float64Array]:
        """Return orientations (T, 3, 3), and how they turn (degrees) and the panel shifts (mm), (T, 3, p) each.

        Parameters
        ----------
        first : of the frames from this one on
        """
        setup, k = self.setup, layout.axes
        true, by_play, by_start = (each[first:] for each in setup.course(fitted.values, layout, readback))
        frames = len(true)
        rotation, by_axes = setup.goniometer.rotation(true), setup.goniometer.jacobian(true)
        by_turn, by_shift = np.zeros((frames, 3, layout.size)), np.zeros((frames, 3, layout.size))
        by_turn[:, :, layout.mount] = rotation
        by_turn[:, :, layout.zero] = by_axes
        by_turn[:, :, layout.each] = by_axes * by_play[:, None]
        by_turn[:, :, layout.start] = by_axes * by_start[:, None]
        by_turn[:, :, layout.play] = (by_axes * (by_play * setup.rotates)[:, None]).sum(axis=2)
        for t in range(frames):
            column = layout.readings.start + (first + t) * k
            by_turn[t, :, column : column + k] = by_axes[t]
        by_shift[:, :, layout.shift] = setup.edges.T
        by_shift[:, :, layout.miss] = -setup.strayed(true)
        return rotation @ fitted.mount, by_turn, by_shift


def _scatter_mm(residual: Float64Array, fitted: float) -> float:
    """Return the spots' own scatter, mm, from residuals (m, 2) of which so many numbers were fitted away.

    A few spots do not tell it: a usual scatter counts as if it had been seen in a few numbers more.
    """
    free = max(residual.size - fitted, 0.2 * residual.size)
    seen = residual.size / free * (1.4826 * float(np.median(np.abs(residual)))) ** 2
    blend = (USUAL_NUMBERS * USUAL_SPOT_MM**2 + free * seen) / (USUAL_NUMBERS + free)
    return max(float(np.sqrt(blend)), LEAST_SPOT_MM)

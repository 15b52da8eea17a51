"""SimulatedAligning: n cleaved surfaces on six-axis manipulators before an electron analyser, as a World."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.physics.arpes.aligning.cut_kernels import (
    ENERGY_MARGIN,
    SLIT_MARGIN,
    add_flake,
    add_ground,
    resolved,
)
from beamgym.physics.arpes.aligning.episode import HiddenPart, PoseState, draw_hidden
from beamgym.physics.arpes.aligning.levels import AligningNumbers, aligning_numbers
from beamgym.physics.arpes.aligning.manipulator import manipulator_axes
from beamgym.physics.arpes.aligning.materials import LayeredCrystal, layered_crystal
from beamgym.physics.arpes.bands_models import WAVENUMBER, polarisation_vector
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.counter_rng import make_keys
from beamgym.physics.goniometer import MotorErrors, motors
from beamgym.physics.instrument import (
    AcquireSettings,
    Axis,
    BoolArray,
    Float64Array,
    Frame,
    MoveReport,
    UInt64Array,
)

ALIGNING_READOUT_S: Final = 0.1
"""Time between two exposures that neither drives nor counts, seconds."""
FIRST_CUT_S: Final = 1.0
"""Dwell of the exposure with which an episode begins, seconds."""
FOCUS_SIGMA_MM: Final = 0.25
"""How fast counts fall off beside the focus: a Gaussian of the height."""
_BLUR_DEG_PER_MM, _ANGLE_FWHM_DEG, _ENERGY_FWHM_EV, _KELVIN = 2.5, 0.3, 0.04, 30.0
_INELASTIC, _DIRT, _HOLDER = 0.5, 0.4, 0.35
_FWHM = 2.3548
_STREAM_MOTORS, _STREAM_FRAME, _STREAM_SAMPLE = 110, 111, 112


@dataclass(frozen=True, eq=False)
class AligningContext:
    """What everybody knows of the instrument: crystal, analyser and axes."""

    crystal: LayeredCrystal
    grid: Grid
    axes: tuple[Axis, ...]


def aligning_grid() -> Grid:
    """Return energies and slit angles of a cut: 64 by 96 pixels."""
    return Grid.uniform((-1.5, 0.1), (-15.0, 15.0), (64, 96))


class SimulatedAligning:
    """n simulated spectrometers with one cleaved surface each on a six-axis manipulator.

    Its axes are x, y and z in mm, polar, tilt and azimuth in degrees, and the dwell in seconds, which is set like an
    axis: every exposure lasts as long as the dwell then set, whatever the settings of ``acquire`` say.

    Parameters
    ----------
    n : samples
    material : "hexagonal" or "square"
    level : "ideal", "real", "hard" or AligningNumbers
    direction : of the crystal that is to lie along the slit

    Raises
    ------
    ValueError : n below 1, an unknown material, level or direction
    """

    def __init__(
        self,
        n: int = 1,
        material: str = "hexagonal",
        level: str | AligningNumbers = "real",
        direction: str = "gamma-K",
    ) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; at least one sample is needed")
        self.n, self.level = n, aligning_numbers(level)
        crystal = layered_crystal(material)
        self.direction_deg, self.period_deg = crystal.direction_deg(direction), crystal.period_deg(direction)
        self.context = AligningContext(crystal, aligning_grid(), manipulator_axes())
        mm, deg = self.level.backlash_mm, self.level.backlash_deg
        self._errors = MotorErrors(backlash=(mm, mm, mm, deg, deg, deg))
        self._keys = np.zeros(n, np.uint64)
        home = np.zeros((n, 6))
        self._motors = motors.start(self.context.axes[:6], self._errors, home, self._keys)
        self._hidden: list[HiddenPart | None] = [None] * n
        self._dwell = np.full(n, FIRST_CUT_S)
        self._frames, self._clock = np.zeros(n, np.int64), np.zeros(n)
        self._counts = np.zeros((n, *self.context.grid.shape), np.float32)
        self._per_unit = self.level.counts_per_s / self._reference_sum()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """x, y, z in mm, polar, tilt, azimuth in degrees, and the dwell in seconds."""
        return self.context.axes

    def positions(self) -> Float64Array:
        """Return the readback of the six axes and the dwell that is set, (n, 7)."""
        return np.concatenate([motors.readback(self._errors, self._motors), self._dwell[:, None]], axis=1)

    def reset(self, keys: UInt64Array, mask: BoolArray) -> None:
        """Cleave a new surface and put all axes at 0, where ``mask`` is True."""
        rows = np.flatnonzero(mask)
        self._keys[rows] = keys[rows]
        drawn = make_keys(self._keys, 0, 0, _STREAM_MOTORS)[rows]
        fresh = motors.start(self.context.axes[:6], self._errors, np.zeros((len(rows), 6)), drawn)
        self._motors = motors.begun_anew(self._motors, fresh, rows)
        self._dwell[rows], self._frames[rows], self._clock[rows] = FIRST_CUT_S, 0, 0.0
        samples = make_keys(self._keys, 0, 0, _STREAM_SAMPLE)
        for row in rows:
            self._hidden[row] = draw_hidden(
                int(samples[row]), self.level, self.context.crystal, self.direction_deg, self.period_deg
            )

    def move(self, target: Float64Array, mask: BoolArray) -> MoveReport:
        """Drive the six axes and set the dwell, to absolute (n, 7), where ``mask``; MoveFailed outside the limits."""
        motors.check_target(self.context.axes, target, mask)
        six = np.ascontiguousarray(target[:, :6])
        self._motors, report = motors.move(self.context.axes[:6], self._errors, self._motors, six, mask)
        self._dwell = np.where(mask, target[:, 6], self._dwell)
        self._clock = self._clock + np.where(mask, report.duration_s, 0.0)
        return MoveReport(np.concatenate([report.readback, self._dwell[:, None]], axis=1), report.duration_s)

    def acquire(self, settings: AcquireSettings, mask: BoolArray) -> Frame:
        """Count for the dwell that is set where ``mask`` is True; the other rows repeat their last frame."""
        counts = self._counts.copy()
        keys = make_keys(self._keys, 0, self._frames, _STREAM_FRAME)
        for row in np.flatnonzero(mask):
            rng = np.random.default_rng(int(keys[row]))
            counts[row] = rng.poisson(self.expected(int(row)) * self._dwell[row])
        self._counts = counts
        self._frames = self._frames + mask
        self._clock = self._clock + mask * (self._dwell + ALIGNING_READOUT_S)
        return Frame(self._dwell.copy(), self._frames.copy(), self._clock.copy(), image=counts.copy())

    def truth(self) -> Mapping[str, NDArray[Any]]:
        """Return what no instrument knows, each with n rows.

        "gamma_deg" (n, 2) where Γ of the flake in the beam's middle is measured, along and across the slit;
        "azimuth_error_deg" (n,) between the direction asked and the slit; "height_mm" (n,) from the focus; "flake"
        (n,), -1 beside the sample; "place_score", "threshold" (n,) of the site, and of sites among the best of its
        flake; "goal_pose" (n, 6) with which the best site of the largest flake in reach stands as asked.
        """
        seen = [
            _NOWHERE if hidden is None else hidden.state(self._motors.true[row])
            for row, hidden in enumerate(self._hidden)
        ]
        goals = [np.zeros(6) if hidden is None else hidden.goal_pose for hidden in self._hidden]
        return {
            "gamma_deg": np.array([one.gamma_deg for one in seen]),
            "azimuth_error_deg": np.array([one.azimuth_deg for one in seen]),
            "height_mm": np.array([one.height_mm for one in seen]),
            "flake": np.array([one.flake for one in seen]),
            "place_score": np.array([one.score for one in seen]),
            "threshold": np.array([one.threshold for one in seen]),
            "goal_pose": np.array(goals),
        }

    def hidden(self, row: int) -> HiddenPart:
        """Return all that is hidden of a row; raises ValueError before the first reset."""
        found = self._hidden[row]
        if found is None:
            raise ValueError("there is no surface yet; reset first")
        return found

    def expected(self, row: int) -> Float64Array:
        """Return the electrons a second that each pixel is to expect, (64, 96)."""
        hidden, pose = self.hidden(row), self._motors.true[row]
        site, height = hidden.place(pose)
        share, clean, _, _ = hidden.surface.under(*site)
        in_focus = self._per_unit * np.exp(-0.5 * (height / FOCUS_SIGMA_MM) ** 2)
        cut = self._signal(hidden, pose, in_focus * clean * hidden.surface.brightness, height)
        counts = self.level.counts_per_s / self._per_unit * in_focus
        dirt = _DIRT * counts * float((share[:-1] - clean).sum())
        energy = self.context.grid.energy_ev
        add_ground(cut, energy, _INELASTIC, dirt, _HOLDER * counts * share[-1], _KELVIN)
        return cut

    def _signal(self, hidden: HiddenPart, pose: Float64Array, weights: Float64Array, height: float) -> Float64Array:
        grid, crystal = self.context.grid, self.context.crystal
        step_ev, step_deg = grid.energy_ev[1] - grid.energy_ev[0], grid.slit_step_deg
        energy = grid.energy_ev[0] + step_ev * np.arange(-ENERGY_MARGIN, grid.shape[0] + ENERGY_MARGIN)
        slit = grid.slit_deg[0] + step_deg * np.arange(-SLIT_MARGIN, grid.shape[1] + SLIT_MARGIN)
        left = (slit - hidden.zero_deg) / hidden.scale - hidden.field_deg[0]
        wave = WAVENUMBER * np.sqrt(crystal.photon_ev - hidden.work_ev + energy[[0, -1]])
        raw = np.zeros((len(energy), len(slit)))
        for flake in np.flatnonzero(weights > 0.0):
            add_flake(
                energy,
                left,
                -hidden.field_deg[1],
                hidden.turn(pose, int(flake)),
                wave[0],
                wave[1],
                crystal.code,
                crystal.a_angstrom,
                hidden.terms,
                hidden.width_ev * hidden.surface.broadening[flake],
                hidden.phases,
                _FIELD,
                float(weights[flake]),
                raw,
            )
        out = np.empty(grid.shape)
        blur = np.hypot(_ANGLE_FWHM_DEG, _BLUR_DEG_PER_MM * height) / _FWHM / step_deg
        resolved(raw, energy, _ENERGY_FWHM_EV / _FWHM / step_ev, blur, _KELVIN, out)
        return out

    def _reference_sum(self) -> float:
        """Return the sum of a cut along the crystal's x of what is told, with its background, per unit of weight."""
        plain = draw_hidden(0, aligning_numbers("ideal"), self.context.crystal, self.direction_deg, self.period_deg)
        return float((1.0 + _INELASTIC) * self._signal(plain, plain.goal_pose, np.ones(1), 0.0).sum())


_NOWHERE: Final = PoseState((90.0, 90.0), 90.0, 0.0, -1, 0.0, np.inf)
_FIELD: Final = np.ascontiguousarray(polarisation_vector(45.0, 30.0).real)
"""Polarisation of the light: between horizontal and vertical, so that intensities are even along neither."""

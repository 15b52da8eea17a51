"""Public knowledge of one LaueAlign task, and its reward."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from beamgym.envs.exposures import ExposureRange
from beamgym.physics.crystal import Crystal
from beamgym.physics.goniometer import Goniometer, Target
from beamgym.physics.instrument import Axis, BoolArray, Float64Array
from beamgym.physics.laue.beam import Beam
from beamgym.physics.laue.detector import Detector

LARGEST_ERROR_DEG = 180.0


@dataclass(frozen=True)
class AlignContext:
    """Public knowledge of one LaueAlign task: what everybody at the instrument knows.

    Parameters
    ----------
    crystal, goniometer, detector, beam : the sample and the nominal instrument
    target : what is to be brought where
    tolerance_deg : error at which a declared pose counts as success
    max_rotation_deg : rotation (or step of an axis) of a full action, degrees
    action : "rotation" (a lab rotation vector, inverse kinematics chooses the axes), "axes" (a step per axis) or
        "decisions" (one of a few choices)
    exposures : budget, the first exposure included
    exposure_s, readout_s : of every frame; where exposures are chosen, ``exposure_s`` is that of the first one
    chosen : the exposures that an action may choose; None where all are equally long
    """

    crystal: Crystal
    goniometer: Goniometer
    detector: Detector
    beam: Beam
    target: Target
    tolerance_deg: float = 0.25
    max_rotation_deg: float = 90.0
    action: Literal["rotation", "axes", "decisions"] = "rotation"
    exposures: int = 20
    exposure_s: float = 10.0
    readout_s: float = 2.0
    chosen: ExposureRange | None = None

    def __post_init__(self) -> None:
        if not 0.02 <= self.tolerance_deg <= 20.0:
            raise ValueError(f"tolerance_deg is {self.tolerance_deg}; choose 0.02 to 20 degrees")
        if not 0.0 < self.max_rotation_deg <= 180.0:
            raise ValueError(f"max_rotation_deg is {self.max_rotation_deg}; choose more than 0 and at most 180 degrees")
        if self.action not in ("rotation", "axes", "decisions"):
            raise ValueError(f"unknown action mode {self.action!r}; choose 'rotation', 'axes' or 'decisions'")
        if not isinstance(self.exposures, (int, np.integer)) or self.exposures < 1:
            raise ValueError(f"exposures is {self.exposures}; give a whole number, 1 (the first exposure) or more")
        if not (0.0 < self.exposure_s < np.inf and 0.0 <= self.readout_s < np.inf):
            raise ValueError(
                f"exposure_s is {self.exposure_s} and readout_s {self.readout_s}; finite seconds, the first above 0"
            )

    @property
    def instrument_axes(self) -> tuple[Axis, ...]:
        """The goniometer's axes."""
        return self.goniometer.axes

    @property
    def sample(self) -> str:
        """Name of the crystal."""
        return self.crystal.name

    @property
    def action_size(self) -> int:
        """Numbers of an action: a rotation vector or a step per axis, and the declaration; 1 of a decision.

        Where exposures are chosen, that of the next frame stands before the declaration.
        """
        if self.action == "decisions":
            return 1
        moves = 3 if self.action == "rotation" else len(self.goniometer.axes)
        return moves + 1 + (self.chosen is not None)

    @property
    def band_kev(self) -> tuple[float, float]:
        """Lowest and highest energy of the beam, keV."""
        return self.beam.band_kev


@dataclass(frozen=True)
class RewardModel:
    """The reward of a LaueAlign episode.

    Dense: F = gamma * phi(s') - phi(s) with phi = shaping * (1 - ln(1 + error / tolerance) / ln(1 + 180 / tolerance)),
    0 after the end where the version says so (Ng, Harada & Russell 1999), minus time_cost per instrument second, plus
    success at a right declaration, minus price at a wrong one. Sparse: success and price only.
    """

    kind: Literal["dense", "sparse"] = "dense"
    gamma: float = 0.99
    shaping: float = 0.5
    time_cost: float = 0.001
    success: float = 1.0
    price: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in ("dense", "sparse"):
            raise ValueError(f"unknown reward {self.kind!r}; choose 'dense' or 'sparse'")
        if not 0.0 < self.gamma <= 1.0:
            raise ValueError(f"gamma is {self.gamma}; choose more than 0 and at most 1")
        for name in ("shaping", "time_cost", "success", "price"):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; choose a finite number, 0 or more")

    def potential(self, error_deg: Float64Array, tolerance_deg: float) -> Float64Array:
        """Return phi, 0 to ``shaping``, of errors in degrees."""
        share = np.log1p(error_deg / tolerance_deg) / np.log1p(LARGEST_ERROR_DEG / tolerance_deg)
        potential: Float64Array = self.shaping * (1.0 - share)
        return potential

    def pay(
        self,
        before: Float64Array,
        after: Float64Array,
        instrument_s: Float64Array,
        success: BoolArray,
        wrong: BoolArray | None = None,
    ) -> Float64Array:
        """Return the reward of a step, (n,), from the potentials around it, its instrument seconds and its success.

        ``wrong`` (n,) are declarations that were none.
        """
        bonus: Float64Array = self.success * success.astype(np.float64)
        if wrong is not None and self.price:
            bonus = bonus - self.price * wrong
        if self.kind == "sparse":
            return bonus
        paid: Float64Array = self.gamma * after - before - self.time_cost * instrument_s + bonus
        return paid

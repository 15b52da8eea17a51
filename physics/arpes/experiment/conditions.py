"""What an ``Experiment`` is given: a sample in an instrument, as plain numbers and functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.physics.arpes.bands_models import Bands, Geometry, KzBroadening, impurity
from beamgym.physics.arpes.detection import Background, Response, SpaceCharge
from beamgym.physics.arpes.experiment.parts import Domain, Gap
from beamgym.physics.arrays import Float64Array

SelfEnergy = Callable[[Float64Array], NDArray[np.complex128]]
MatrixElement = Callable[[Float64Array], Float64Array]


def constant_width(omega_ev: Float64Array) -> NDArray[np.complex128]:
    """Return the self-energy of an experiment that is given none: −iΓ with Γ = 0.02 eV."""
    return impurity(omega_ev, 0.02)


@dataclass(frozen=True, eq=False)
class Conditions:
    """A sample in an instrument, before anything is measured; ``Experiment`` says what each number is and checks it."""

    bands: Bands
    photon_energy_ev: float = 21.2
    work_function_ev: float = 4.5
    geometry: Geometry = field(default_factory=Geometry)
    temperature_k: float = 20.0
    energy_fwhm_ev: float = 0.01
    angle_fwhm_deg: float = 0.2
    self_energy: SelfEnergy = constant_width
    matrix_element: MatrixElement | None = None
    band_weights: ArrayLike | None = None
    domains: tuple[Domain, ...] = (Domain(),)
    gap: Gap | None = None
    kz: KzBroadening | None = None
    charging_ev: float = 0.0
    background: Background = field(default_factory=Background)
    response: Response = field(default_factory=Response)
    space_charge: SpaceCharge = field(default_factory=SpaceCharge)
    electrons_per_pulse: float = 0.0
    spot_mm: float = 0.2

    @property
    def shift_ev(self) -> float:
        """Shift of the whole spectrum, by charging and space charge, eV."""
        return self.charging_ev + self._cloud()[0]

    @property
    def resolution_ev(self) -> float:
        """Energy resolution with the broadening by space charge, full width at half maximum, eV."""
        return self._cloud()[1]

    def _cloud(self) -> tuple[float, float]:
        shift, width = self.space_charge.apply(self.electrons_per_pulse, self.spot_mm, self.energy_fwhm_ev)
        return float(shift), float(width)

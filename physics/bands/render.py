"""From a reconstructed band structure back to a measurement: the simulator's counts over momentum and energy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from beamgym.physics.arpes.bands_models import TabulatedBands
from beamgym.physics.arpes.detection import Grid
from beamgym.physics.arpes.experiment import Experiment, Spectrum
from beamgym.physics.bands.structure import BandStructure, filled


@dataclass(frozen=True)
class Setting:
    """The instrument that a band structure is shown to.

    Parameters
    ----------
    photon_energy_ev, work_function_ev : eV
    energy_fwhm_ev, angle_fwhm_deg : resolution
    temperature_k : of the electrons
    events : electrons counted in all
    """

    photon_energy_ev: float = 21.2
    work_function_ev: float = 4.5
    energy_fwhm_ev: float = 0.03
    angle_fwhm_deg: float = 0.2
    temperature_k: float = 50.0
    events: float = 1e7


def experiment_of(bands: BandStructure, setting: Setting = Setting()) -> Experiment:
    """Return the experiment whose sample has these bands, interpolated by splines, masked momenta filled from nearby.

    Raises
    ------
    ValueError : a line of momenta: a surface needs a plane
    """
    if bands.is_line:
        raise ValueError("a line of momenta makes no surface; reconstruct a plane, or render a tight binding")
    table = TabulatedBands(bands.kx, bands.ky, np.moveaxis(filled(bands.energy_ev, bands.mask), 0, -1))
    return Experiment(
        table,
        photon_energy_ev=setting.photon_energy_ev,
        work_function_ev=setting.work_function_ev,
        energy_fwhm_ev=setting.energy_fwhm_ev,
        angle_fwhm_deg=setting.angle_fwhm_deg,
        temperature_k=setting.temperature_k,
    )


def rendered(
    bands: BandStructure,
    energy_ev: tuple[float, float],
    shape: tuple[int, int, int],
    setting: Setting = Setting(),
    seed: int = 0,
) -> Spectrum:
    """Return a simulated cube of counts over (energy, slit, deflection), the slit along ky.

    The angles are the widest that stay inside the bands' momenta at every energy.

    Parameters
    ----------
    bands : on a plane of momenta about the surface normal, eV about the Fermi level
    energy_ev : lowest and highest energy, eV
    shape : (energy, slit, deflection) pixels
    setting : the instrument
    seed : of the counts
    """
    experiment = experiment_of(bands, setting)
    slit, deflection = _angles(bands, experiment, energy_ev)
    grid = Grid.uniform(energy_ev, slit, shape[:2])
    return experiment.cube(grid, np.linspace(*deflection, shape[2]), events=setting.events, seed=seed)


def _angles(
    bands: BandStructure, experiment: Experiment, energy_ev: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ends of slit and deflection, degrees: margins for the blur are left."""
    kinetic = energy_ev[1] + 0.2 + experiment.photon_energy_ev - experiment.work_function_ev
    reach = []
    for axis in (bands.ky, bands.kx):
        margin = 0.06 * (axis[-1] - axis[0])
        ends = np.stack([np.zeros(2), np.array([axis[0] + margin, axis[-1] - margin])], axis=1)
        slit, _ = experiment.geometry.angles(ends, np.full(2, kinetic))
        reach.append((float(slit[0]), float(slit[1])))
    return reach[0], reach[1]

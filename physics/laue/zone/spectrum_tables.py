"""Tables for the spot intensities of a one-atom crystal: spectrum, form factor, dispersion and thermal motion.

I = Σₙ Φ(Eₙ) λₙ² / sin²θ · |F|² · P · A / V, with Φ per unit energy (Cruickshank, Helliwell & Moffat, Acta Cryst. A43
(1987) 656), F = (f0 + f′ + i f″) exp(−B s²), P = (1 + cos² 2θ)/2 and V the volume per atom. The sample is thick:
A ∝ 1/µ(E), and what the tilt of its face does to the path is left out.
"""

import numpy as np

from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import dispersion, f0, mass_attenuation_cm2_per_g
from beamgym.physics.instrument import Float64Array
from beamgym.physics.laue.beam import Beam, energy_grid
from beamgym.physics.laue.zone.kernels import SpectrumTables, brightest_at

ZONE_BAND_KEV = (5.0, 25.0)
ELEMENT = "Cu"
LEAST_SIN_THETA = 0.84
"""Below it nothing reaches a panel of ±50 mm at 40 mm (0.864 at its corners), be it 2 mm and a degree out of place."""

_TUBE_KV = 20.0
_B_ISO = 0.5  # Å², of a metal at room temperature
_PER_INV_A = 1000.0  # points of the form factor's table per 1/Å
_LENGTHS = 4096  # points of the table that ranks directions


def largest_length() -> float:
    """Return the longest |q| that diffracts in the band, 1/Å."""
    length: float = 2.0 * ZONE_BAND_KEV[1] / HC_KEV_A
    return length


def copper_spectrum() -> SpectrumTables:
    """Return the tables for copper atoms in the beam of a molybdenum tube at 20 kV, with a phosphor screen.

    That is just below molybdenum's K edge: a continuum without lines, in which no distant reflection flares up.
    """
    beam = Beam.tube("Mo", _TUBE_KV, (ZONE_BAND_KEV[0], _TUBE_KV)).detected_by("phosphor")
    energy = beam.energy_kev
    attenuation = mass_attenuation_cm2_per_g(ELEMENT, energy)
    weight = beam.spectrum * beam.efficiency / energy**2 / attenuation
    f_prime, f_second = dispersion(ELEMENT, energy)
    s = _form_grid()
    return _tables(energy, weight / weight.max(), f_prime, f_second, f0(ELEMENT, s), np.exp(-2.0 * _B_ISO * s**2))


def point_spectrum() -> SpectrumTables:
    """Return the tables of the published task: |F| = 1, Kramers' continuum of a 50 kV tube, no absorption."""
    energy = energy_grid(ZONE_BAND_KEV)
    weight = (50.0 / energy - 1.0) / energy**2
    nothing, one = np.zeros_like(energy), np.ones_like(_form_grid())
    return _tables(energy, weight / weight.max(), nothing, nothing, one, one)


def rank_table(spectrum: SpectrumTables) -> Float64Array:
    """Return the largest intensity at which a direction can appear on the panel, on a uniform grid of its |q|.

    Returns
    -------
    (g,) for |q| from 0 to ``largest_length()``; times 1/V it bounds any spot's intensity
    """
    lengths, sines = np.linspace(0.0, largest_length(), _LENGTHS), np.linspace(LEAST_SIN_THETA, 1.0, 48)
    table: Float64Array = brightest_at(lengths, sines, spectrum)
    return table


def _form_grid() -> Float64Array:
    return np.arange(0.0, 0.5 * largest_length() + 4.0 / _PER_INV_A, 1.0 / _PER_INV_A)


def _tables(
    energy: Float64Array,
    weight: Float64Array,
    f_prime: Float64Array,
    f_second: Float64Array,
    form: Float64Array,
    thermal: Float64Array,
) -> SpectrumTables:
    return SpectrumTables(
        low_kev=float(energy[0]),
        high_kev=float(energy[-1]),
        per_kev=(len(energy) - 1) / float(energy[-1] - energy[0]),
        weight=weight,
        f_prime=f_prime,
        f_second=f_second,
        per_inv_a=_PER_INV_A,
        form=form,
        thermal=thermal,
    )

"""What of a crystal can be counted: every reflection in each line of the beam's spectrum, with its strength."""

from dataclasses import dataclass

import numpy as np
from scipy.constants import physical_constants

from beamgym.physics.arrays import Float64Array
from beamgym.physics.constants import HC_KEV_A
from beamgym.physics.crystal import Crystal, structure_factors
from beamgym.physics.diffractometer.scans.beams import MonoBeam

_RE_A = physical_constants["classical electron radius"][0] * 1e10
_FM_A = 1e-5
_PER_A_IN_PER_MM = 1e7
_FAINT = 1e-6  # of the strongest: below it a reflection is not seen in any scan


@dataclass(frozen=True, eq=False)
class Reflecting:
    """Reflections sorted by their length.

    Parameters
    ----------
    q : (m, 3) crystal Cartesian, 1/Å, times the ratio of the line's wavelength to the nominal one
    bragg : (m,) θ, radians, at the nominal wavelength
    strength : (m,) Φ V_crystal λ³ |F|² r² / V_cell², counts · radian per second: over sin 2θ and times the polarisation
        factor, the count rate integrated over the rocking angle
    """

    q: Float64Array
    bragg: Float64Array
    strength: Float64Array


def reflecting(crystal: Crystal, beam: MonoBeam, most_two_theta_deg: float = 150.0) -> Reflecting:
    """Return what can be counted of a crystal in a beam.

    Parameters
    ----------
    crystal : its structure, for the radiation of the beam
    beam : flux, lines, usual volume
    most_two_theta_deg : as far as the arm goes

    Raises
    ------
    ValueError : a wavelength that reaches no reflection, or a crystal of another radiation

    Notes
    -----
    Kinematical: Q = r² λ³ |F|² / (V² sin 2θ) (Zachariasen, Theory of X-ray Diffraction in Crystals (1945), eq. 3.74; of
    neutrons with b for r·f: Bacon, Neutron Diffraction (1975), §4). Absorption and extinction are left out.
    """
    if crystal.radiation != beam.radiation:
        raise ValueError(
            f"{crystal.name} has the structure factors of {crystal.radiation}s and the beam {beam.name!r} needs "
            f"{beam.radiation}s; load it with radiation={beam.radiation!r}"
        )
    reach = 2.0 * np.sin(np.radians(0.5 * min(most_two_theta_deg, 178.0))) / beam.wavelength_a
    lines = [(1.0, 1.0), *((line.ratio, line.share) for line in beam.lines)]
    length_unit = _RE_A if beam.radiation == "xray" else _FM_A
    volume = 1.0 / abs(float(np.linalg.det(crystal.b_matrix)))
    table = crystal.reflections(0.5 * HC_KEV_A * reach / min(ratio for ratio, _ in lines))
    index = table.hkl[table.ray] * table.order[:, None]
    length = np.linalg.norm(index @ crystal.b_matrix.T, axis=1)
    qs, strengths = [], []
    for ratio, share in lines:
        wavelength = beam.wavelength_a * ratio
        inside = length * ratio <= reach
        energy = np.clip(HC_KEV_A / wavelength, *table.energy_kev[[0, -1]])
        factor = np.abs(structure_factors(table, energy))[inside] * length_unit
        one = share * wavelength**3 * factor**2 / volume**2
        q = index[inside] @ crystal.b_matrix.T * ratio
        qs += [q, -q]
        strengths += [one, one]
    q, strength = np.concatenate(qs), np.concatenate(strengths)
    if not len(q):
        raise ValueError(
            f"{beam.wavelength_a:g} Å reaches no reflection of {crystal.name} below 2θ = {most_two_theta_deg:g}°; "
            "take a shorter wavelength"
        )
    scale = beam.flux_per_mm2_s * beam.crystal_mm3 * _PER_A_IN_PER_MM
    seen = strength > _FAINT * strength.max()
    q, strength = q[seen], strength[seen] * scale
    order = np.argsort(np.linalg.norm(q, axis=1), kind="stable")
    q = np.ascontiguousarray(q[order])
    bragg = np.arcsin(0.5 * beam.wavelength_a * np.linalg.norm(q, axis=1))
    return Reflecting(q, bragg, np.ascontiguousarray(strength[order]))

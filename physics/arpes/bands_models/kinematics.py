"""Angles and momenta of a photoelectron: exact for any manipulator rotation, along the slit and with a deflector.

Frame of the analyser: z from the sample along the lens axis, y up, x completing the right-handed set. The slit lies
along y ("vertical") or x ("horizontal"). The sample's frame (x, y in the surface, z its normal) coincides with it at
zero angles; then ``polar_deg`` turns the sample about y, ``tilt_deg`` about the x axis that polar has carried along and
``azimuth_deg`` about the sample's own normal: R = R_y(polar) R_x(tilt) R_z(azimuth).

An electron that enters at ``slit_deg`` α and ``deflection_deg`` β left the sample at η = √(α² + β²) from the lens axis,
towards (α, β): that is how a deflector lens maps them (Ishida & Shin, Rev. Sci. Instrum. 89 (2018) 043903).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import e, hbar, m_e

from beamgym.physics.arpes.bands_models.kernels import fill_directions, fill_momentum
from beamgym.physics.arrays import Float64Array

Slit = Literal["vertical", "horizontal"]

_BEHIND = "part of the window looks at the sample from behind its surface; reduce polar or tilt"
WAVENUMBER = 1e-10 * math.sqrt(2.0 * m_e * e) / hbar  # 0.5123 1/Å: free electron of 1 eV


def rotation_y(angle_deg: ArrayLike) -> Float64Array:
    """Return rotations about y, (..., 3, 3), for angles in degrees."""
    return _rotation(angle_deg, 2, 0)


def rotation_x(angle_deg: ArrayLike) -> Float64Array:
    """Return rotations about x, (..., 3, 3), for angles in degrees."""
    return _rotation(angle_deg, 1, 2)


def rotation_z(angle_deg: ArrayLike) -> Float64Array:
    """Return rotations about z, (..., 3, 3), for angles in degrees."""
    return _rotation(angle_deg, 0, 1)


def _rotation(angle_deg: ArrayLike, first: int, second: int) -> Float64Array:
    angle = np.radians(np.asarray(angle_deg, dtype=np.float64))
    matrix = np.zeros((*angle.shape, 3, 3))
    matrix[..., 3 - first - second, 3 - first - second] = 1.0
    matrix[..., first, first] = matrix[..., second, second] = np.cos(angle)
    matrix[..., second, first] = np.sin(angle)
    matrix[..., first, second] = -np.sin(angle)
    return matrix


def kinetic_energy_ev(
    energy_ev: ArrayLike, photon_energy_ev: ArrayLike, work_function_ev: ArrayLike = 4.5
) -> Float64Array:
    """Return kinetic energies outside the surface, eV.

    Parameters
    ----------
    energy_ev : energy relative to the Fermi level, eV
    photon_energy_ev : eV
    work_function_ev : of the patch the electron leaves, eV. It sets the refraction and the low-energy cut-off; the
        Fermi level stays where the analyser's own work function puts it.

    Raises
    ------
    ValueError : a photon energy that does not exceed the work function, or energies below the vacuum level
    """
    photon, work = np.asarray(photon_energy_ev, dtype=np.float64), np.asarray(work_function_ev, dtype=np.float64)
    if not np.all(work > 0):
        raise ValueError(f"work_function_ev must be positive; found {float(np.min(work)):g} eV")
    if not np.all(photon > work):
        raise ValueError(
            f"no electron leaves: the photon energy {float(np.min(photon)):g} eV does not exceed the work function "
            f"{float(np.max(work)):g} eV; raise photon_energy_ev"
        )
    kinetic = np.asarray(energy_ev, dtype=np.float64) + (photon - work)
    if not np.all(kinetic > 0):
        raise ValueError(
            f"the window reaches {-float(np.min(kinetic)):.3g} eV below the vacuum level, where no electron leaves; "
            f"keep energies above {float(np.max(work - photon)):.3g} eV or raise photon_energy_ev"
        )
    return np.asarray(kinetic)


@dataclass(frozen=True)
class Geometry:
    """Orientation of the sample against the analyser.

    Parameters
    ----------
    polar_deg, tilt_deg, azimuth_deg : manipulator angles in degrees, scalars or (n,)
    slit : "vertical" (along the polar axis) or "horizontal"

    Raises
    ------
    ValueError : an unknown slit, angles that are not finite
    """

    polar_deg: ArrayLike = 0.0
    tilt_deg: ArrayLike = 0.0
    azimuth_deg: ArrayLike = 0.0
    slit: Slit = "vertical"

    def __post_init__(self) -> None:
        if self.slit not in ("vertical", "horizontal"):
            raise ValueError(f'slit must be "vertical" or "horizontal", not {self.slit!r}')
        for name in ("polar_deg", "tilt_deg", "azimuth_deg"):
            if not np.all(np.isfinite(np.asarray(getattr(self, name), dtype=np.float64))):
                raise ValueError(f"{name} must be finite angles in degrees")

    def rotation(self) -> Float64Array:
        """Return the sample's rotation, (..., 3, 3): sample frame to analyser frame."""
        return np.asarray(rotation_y(self.polar_deg) @ rotation_x(self.tilt_deg) @ rotation_z(self.azimuth_deg))

    def _laid(self) -> Float64Array:
        """Columns: the directions of the slit, of the deflection and of the lens axis in the analyser's frame."""
        if self.slit == "horizontal":
            return np.eye(3)
        return np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])

    def momentum(
        self,
        slit_deg: ArrayLike,
        kinetic_ev: ArrayLike,
        deflection_deg: ArrayLike = 0.0,
    ) -> Float64Array:
        """Return k∥ = (kx, ky) in the sample's frame, 1/Å, shape (..., 2) of the broadcast arguments.

        Raises
        ------
        ValueError : angles of 90° and more off the lens axis, a direction below the surface, kinetic energies ≤ 0
        """
        along, across = np.radians(np.asarray(slit_deg, float)), np.radians(np.asarray(deflection_deg, float))
        eta = np.hypot(along, across)
        if not np.all(eta < 0.5 * math.pi):
            raise ValueError("slit_deg and deflection_deg must stay within 90° of the lens axis")
        kinetic = np.asarray(kinetic_ev, dtype=np.float64)
        if not np.all(kinetic > 0):
            raise ValueError(f"kinetic energies must be positive; found {float(np.min(kinetic)):g} eV")
        scale = np.sinc(eta / math.pi)
        laid = np.stack(np.broadcast_arrays(along * scale, across * scale, np.cos(eta)), axis=-1) @ self._laid().T
        turned = np.einsum("...ji,...j->...i", self.rotation(), laid)
        if not np.all(turned[..., 2] > 0):
            raise ValueError(_BEHIND)
        return np.asarray(WAVENUMBER * np.sqrt(kinetic)[..., None] * turned[..., :2])

    def angles(self, momentum: ArrayLike, kinetic_ev: ArrayLike) -> tuple[Float64Array, Float64Array]:
        """Return (slit_deg, deflection_deg) at which electrons of ``momentum`` (..., 2), 1/Å, arrive.

        Raises
        ------
        ValueError : a momentum outside the photoelectron cone |k∥| < K
        """
        k, kinetic = np.asarray(momentum, dtype=np.float64), np.asarray(kinetic_ev, dtype=np.float64)
        reduced = k / (WAVENUMBER * np.sqrt(kinetic))[..., None]
        out_of_plane = 1.0 - np.sum(reduced**2, axis=-1)
        if not np.all(out_of_plane > 0):
            raise ValueError(
                f"momenta up to {float(np.max(np.linalg.norm(k, axis=-1))):.3g} 1/Å lie outside the photoelectron cone "
                f"of {float(WAVENUMBER * np.sqrt(np.min(kinetic))):.3g} 1/Å; raise the photon energy"
            )
        emitted = np.concatenate([reduced, np.sqrt(out_of_plane)[..., None]], axis=-1)
        laid = np.einsum("...ij,...j->...i", self.rotation(), emitted) @ self._laid()
        sine = np.hypot(laid[..., 0], laid[..., 1])
        eta = np.arctan2(sine, laid[..., 2])
        scale = np.degrees(np.where(sine > 1e-12, eta / np.maximum(sine, 1e-300), 1.0))
        return laid[..., 0] * scale, laid[..., 1] * scale

    def turn(self, n: int) -> Float64Array:
        """Return the rows of the rotations that ``kernels.fill_directions`` takes, (n, 2, 3)."""
        matrix = np.swapaxes(self.rotation(), -1, -2) @ self._laid()
        return np.ascontiguousarray(np.broadcast_to(matrix[..., :2, :], (n, 2, 3)))


def cut_momentum(
    geometry: Geometry,
    slit_deg: ArrayLike,
    nodes_ev: ArrayLike,
    photon_energy_ev: ArrayLike,
    work_function_ev: ArrayLike = 4.5,
    deflection_deg: ArrayLike = 0.0,
) -> Float64Array:
    """Momenta of n cuts at a few energies: what the spectral kernels interpolate bands on.

    Parameters
    ----------
    geometry : angles of shape () or (n,)
    slit_deg : (w,) columns
    nodes_ev : (m,) energies relative to the Fermi level, eV
    photon_energy_ev, work_function_ev, deflection_deg : scalars or (n,)

    Returns
    -------
    (n, m, w, 2) momenta in the sample's frame, 1/Å

    Raises
    ------
    ValueError : as ``Geometry.momentum`` and ``kinetic_energy_ev``
    """
    photon, work, deflection = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (photon_energy_ev, work_function_ev, deflection_deg))
    )
    n = max(photon.size, *(np.size(a) for a in (geometry.polar_deg, geometry.tilt_deg, geometry.azimuth_deg)))
    nodes, slit = np.asarray(nodes_ev, dtype=np.float64), np.radians(np.asarray(slit_deg, dtype=np.float64))
    kinetic = np.broadcast_to(kinetic_energy_ev(nodes, photon.reshape(-1, 1), work.reshape(-1, 1)), (n, nodes.size))
    if not np.max(np.abs(slit)) + np.radians(np.max(np.abs(deflection))) < 0.5 * math.pi:
        raise ValueError("slit_deg and deflection_deg must stay within 90° of the lens axis")
    direction = np.empty((n, slit.size, 2))
    across = np.ascontiguousarray(np.broadcast_to(np.radians(deflection).reshape(-1), (n,)))
    _check_facing(geometry, slit, across)
    fill_directions(slit, across, geometry.turn(n), direction)
    momentum = np.empty((n, nodes.size, slit.size, 2))
    fill_momentum(WAVENUMBER * np.sqrt(kinetic), direction, momentum)
    return momentum


def _check_facing(geometry: Geometry, slit_rad: Float64Array, across_rad: Float64Array) -> None:
    """Raise ValueError for windows (n, w) with emission angles behind the surface."""
    normal = geometry.rotation()[..., 2] @ geometry._laid()  # (..., 3), in the frame that the slit lies in
    widest = math.hypot(float(np.max(np.abs(slit_rad))), float(np.max(np.abs(across_rad))))
    if np.all(normal[..., 2] > math.sin(widest)):
        return
    along, across = slit_rad, across_rad[:, None]
    eta = np.hypot(along, across)
    scale = np.sinc(eta / math.pi)
    x, y, z = np.moveaxis(np.broadcast_to(normal, (across_rad.size, 3)), -1, 0)[..., None]
    if not np.all(x * along * scale + y * across * scale + z * np.cos(eta) > 0):
        raise ValueError(_BEHIND)


def perpendicular_momentum(momentum: ArrayLike, kinetic_ev: ArrayLike, inner_potential_ev: float) -> Float64Array:
    """Return kz inside the crystal, 1/Å: free-electron final state in an inner potential V0.

    kz = 0.5123 √(E_kin + V0 − (k∥/0.5123)²) (Hüfner, Photoelectron Spectroscopy, 3rd ed. 2003, section 1.3).

    Raises
    ------
    ValueError : a negative inner potential
    """
    if not (math.isfinite(inner_potential_ev) and inner_potential_ev >= 0):
        raise ValueError(f"inner_potential_ev must be an energy ≥ 0 in eV, not {inner_potential_ev!r}")
    square = np.sum((np.asarray(momentum, dtype=np.float64) / WAVENUMBER) ** 2, axis=-1)
    inside = np.asarray(kinetic_ev, dtype=np.float64) + inner_potential_ev - square
    return np.asarray(WAVENUMBER * np.sqrt(np.maximum(inside, 0.0)))

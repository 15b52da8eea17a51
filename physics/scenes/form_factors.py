"""Small-angle scattering of dilute particles, |F(q)|² averaged over all directions, 1 at q = 0.

Formulas as collected by J. S. Pedersen, Adv. Colloid Interface Sci. 70 (1997) 171; numbers in parentheses are his.
"""

import numpy as np
from scipy.special import j1

from beamgym.physics.arrays import Float64Array

_ANGLES = 48  # of the average over directions, Gauss–Legendre


def sphere(q: Float64Array, radius: float) -> Float64Array:
    """Return a sphere's (1): q in 1/Å, radius in Å."""
    return np.asarray(_ball(q * radius) ** 2)


def vesicle(q: Float64Array, radius: float, shell: float) -> Float64Array:
    """Return a hollow sphere's (3): outer radius and thickness of the shell in Å."""
    outer, inner = radius**3, (radius - shell) ** 3
    whole = (outer * _ball(q * radius) - inner * _ball(q * (radius - shell))) / (outer - inner)
    return np.asarray(whole**2)


def ellipsoid(q: Float64Array, radius: float, ratio: float) -> Float64Array:
    """Return an ellipsoid of revolution's (5): semi-axes radius, radius and ratio · radius, Å."""
    cosine, weight = _directions()
    reach = radius * np.sqrt(1.0 + cosine**2 * (ratio**2 - 1.0))
    return np.asarray(_ball(q[..., None] * reach) ** 2 @ weight)


def cylinder(q: Float64Array, radius: float, length: float) -> Float64Array:
    """Return a cylinder's (9): radius and length in Å."""
    cosine, weight = _directions()
    across = q[..., None] * radius * np.sqrt(1.0 - cosine**2)
    along = 0.5 * q[..., None] * length * cosine
    round_ = np.where(across > 1e-6, 2.0 * j1(across) / np.maximum(across, 1e-6), 1.0)
    return np.asarray((round_ * np.sinc(along / np.pi)) ** 2 @ weight)


def gaussian_coil(q: Float64Array, gyration: float) -> Float64Array:
    """Return a flexible polymer's (21), Debye's: radius of gyration in Å."""
    x = np.maximum((q * gyration) ** 2, 1e-6)
    return np.asarray(2.0 * (np.exp(-x) + x - 1.0) / x**2)


def _ball(x: Float64Array) -> Float64Array:
    near = np.maximum(x, 1e-2)
    return np.where(x > 1e-2, 3.0 * (np.sin(near) - near * np.cos(near)) / near**3, 1.0 - x**2 / 10.0)


def _directions() -> tuple[Float64Array, Float64Array]:
    """Return cosines of 0 to 1 and their weights, that add up to 1."""
    place, weight = np.polynomial.legendre.leggauss(_ANGLES)
    return 0.5 * (place + 1.0), 0.5 * weight

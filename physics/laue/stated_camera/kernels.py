"""Kernel of the sharpness of zones: how many triples of plane normals lie in one plane, within their errors."""

import math

from numba import njit

FARTHEST = 12.0
"""Exponent beyond which a triple counts for nothing."""
SAME_PLACE = 1e-12
"""Mean square sine of the angles between three normals below which they are one."""


@njit(cache=True)
def coplanar_triples(normals, variance, widened) -> float:  # type: ignore[no-untyped-def]
    """Count triples of normals that lie in one plane, each by a Gaussian of how far it does not.

    Parameters
    ----------
    normals : (n, 3) unit vectors
    variance : (n,) of each normal's direction, about any axis across it, radians²
    widened : by how much the errors are taken larger than they are

    Returns
    -------
    sum over triples of exp(-det² / (2 widened² var(det))), det = n_i · (n_j × n_k)
    """
    count = normals.shape[0]
    total = 0.0
    inverse = 0.5 / (widened * widened)
    for i in range(count):
        for j in range(i + 1, count):
            x = normals[i, 1] * normals[j, 2] - normals[i, 2] * normals[j, 1]
            y = normals[i, 2] * normals[j, 0] - normals[i, 0] * normals[j, 2]
            z = normals[i, 0] * normals[j, 1] - normals[i, 1] * normals[j, 0]
            sine_ij = x * x + y * y + z * z
            for k in range(j + 1, count):
                det = x * normals[k, 0] + y * normals[k, 1] + z * normals[k, 2]
                cos_ik = normals[i, 0] * normals[k, 0] + normals[i, 1] * normals[k, 1] + normals[i, 2] * normals[k, 2]
                cos_jk = normals[j, 0] * normals[k, 0] + normals[j, 1] * normals[k, 1] + normals[j, 2] * normals[k, 2]
                # an error across a normal changes det by the sine of the angle between the other two
                spread = (
                    variance[k] * sine_ij
                    + variance[j] * (1.0 - cos_ik * cos_ik)
                    + variance[i] * (1.0 - cos_jk * cos_jk)
                )
                # one peak listed three times says nothing of any plane
                if spread <= SAME_PLACE * (variance[i] + variance[j] + variance[k]):
                    continue
                exponent = det * det * inverse / spread
                if exponent < FARTHEST:
                    total += math.exp(-exponent)
    return total

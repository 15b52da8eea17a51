"""Numba kernels of counts: the resolution function of a mosaic crystal before a slit, and Poisson numbers."""

import math
from typing import Any

import numpy as np
from numba import njit

from beamgym.physics.counter_rng import bits, uniform
from beamgym.physics.noise_kernels import poisson_large

_GATE = 6.0  # standard deviations beyond which nothing is counted
_SQRT_HALF = math.sqrt(0.5)
_TO_UNIT = 2.0**-53


@njit(cache=True, nogil=True, error_model="numpy")
def _slit(off, half, sigma) -> Any:  # type: ignore[no-untyped-def]
    """Share of a Gaussian at ``off`` that passes a slit from −half to half."""
    scale = _SQRT_HALF / sigma
    return 0.5 * (math.erf((half - off) * scale) + math.erf((half + off) * scale))


@njit(cache=True, nogil=True, error_model="numpy")
def _one(g, theta, beam, side, out, plane, across, shift, widths, slit, polarised) -> Any:  # type: ignore[no-untyped-def]
    """Return density per radian times the share that passes the slit, over sin 2θ; see ``expected``."""
    length = math.sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2])
    along = -(g[0] * beam[0] + g[1] * beam[1] + g[2] * beam[2]) / length
    # the rocking angle: how much steeper the beam meets the planes than Bragg's law asks
    rocking = math.asin(min(1.0, max(-1.0, along))) - theta
    mosaic, horizontal, vertical, spread, extent = widths
    tangent = math.tan(theta)
    widest = max(horizontal, vertical)
    if abs(rocking) > _GATE * math.sqrt(mosaic**2 + widest**2 + (tangent * spread) ** 2):
        return 0.0
    sine, cosine = math.sin(2.0 * theta), math.cos(2.0 * theta)
    k = 0.5 * length / math.sin(theta)
    # where the diffracted beam would go, and the directions in and off the reflection's own plane
    fx, fy, fz = g[0] + k * beam[0], g[1] + k * beam[1], g[2] + k * beam[2]
    size = math.sqrt(fx * fx + fy * fy + fz * fz)
    fx, fy, fz = fx / size, fy / size, fz / size
    ahead = fx * out[0] + fy * out[1] + fz * out[2]
    if ahead < 0.5:
        return 0.0
    to_plane = math.atan2(fx * plane[0] + fy * plane[1] + fz * plane[2], ahead)
    to_across = math.atan2(fx * across[0] + fy * across[1] + fz * across[2], ahead)
    # the unit vector off the beam towards the diffracted beam, its shares of left and up
    ux, uy, uz = g[0] + along * length * beam[0], g[1] + along * length * beam[1], g[2] + along * length * beam[2]
    u = math.sqrt(ux * ux + uy * uy + uz * uz)
    left = (ux * side[0] + uy * side[1] + uz * side[2]) / u
    in_plane = (horizontal * left) ** 2 + vertical**2 * (1.0 - left * left)
    off_plane = horizontal**2 * (1.0 - left * left) + (vertical * left) ** 2
    # rocking angle and direction of flight, both linear in divergence α, mosaic η and Δλ/λ δ:
    # w = w0 + η − α − tan θ δ and γ = γ0 + cos 2θ α + (1 − cos 2θ) η + sin 2θ δ
    var_w = mosaic**2 + in_plane + (tangent * spread) ** 2
    cov = (1.0 - cosine) * mosaic**2 - cosine * in_plane - tangent * sine * spread**2
    var_g = (cosine**2) * in_plane + ((1.0 - cosine) * mosaic) ** 2 + (sine * spread) ** 2
    density = math.exp(-0.5 * rocking * rocking / var_w) / math.sqrt(2.0 * math.pi * var_w)
    drift = -cov / var_w * rocking
    # the plane of this reflection seen in the slit's frame
    dx, dy, dz = ux / u - 0.0, uy / u, uz / u
    tx = cosine * dx - sine * beam[0]
    ty = cosine * dy - sine * beam[1]
    tz = cosine * dz - sine * beam[2]
    in_slit = tx * plane[0] + ty * plane[1] + tz * plane[2]
    up_slit = tx * across[0] + ty * across[1] + tz * across[2]
    to_plane += drift * in_slit + shift[0]
    to_across += drift * up_slit + shift[1]
    kept = max(var_g - cov * cov / var_w, 0.0)
    off = off_plane + (2.0 * math.sin(theta) * mosaic) ** 2
    sigma_plane = math.sqrt(kept * in_slit**2 + off * up_slit**2 + extent**2)
    sigma_across = math.sqrt(kept * up_slit**2 + off * in_slit**2 + extent**2)
    passed = _slit(to_plane, slit[0], sigma_plane) * _slit(to_across, slit[1], sigma_across)
    if passed < 1e-9:
        return 0.0
    sideways = fx * side[0] + fy * side[1] + fz * side[2]
    upwards2 = max(1.0 - sideways**2 - (fx * beam[0] + fy * beam[1] + fz * beam[2]) ** 2, 0.0)
    if polarised >= 0.0:
        passed *= 1.0 - polarised * sideways**2 - (1.0 - polarised) * upwards2
    return density * passed / sine


@njit(cache=True, nogil=True, error_model="numpy")
def expected(frames, shifts, two_theta, q, bragg, strength, us, shares, widths, slit, polarised, rate) -> None:  # type: ignore[no-untyped-def]
    """Write count rates of reflections, counts per second, of s places of the axes.

    Parameters
    ----------
    frames : (s, 5, 3) in the mount frame: along the beam, to its left, along the arm, and the slit's two directions: in
        the arm's plane, towards larger angles, and across it
    shifts : (s, 2) by how far the sample's offset shifts what falls on the slit, radians
    two_theta : (s,) of the arm, radians
    q, bragg, strength : (m, 3), (m,), (m,) of ``Reflecting``
    us : (g, 3, 3) of each grain, crystal to mount frame
    shares : (g,) of each grain's volume
    widths : mosaic, horizontal and vertical divergence, Δλ/λ and the crystal's extent seen from the slit, standard
        deviations, radians
    slit : half widths, radians
    polarised : share polarised horizontally; below 0 for neutrons
    rate : (s,) filled

    Notes
    -----
    Gaussian divergence, mosaic and spread, to first order, as Cooper & Nathans, Acta Cryst. A24 (1968) 481; the slit is
    a window and not a Gaussian: its share is that of the direction of flight given that the reflection is excited, in
    and across the plane taken by themselves, which is exact where the reflection lies in the arm's plane.
    """
    local = np.empty((5, 3))
    reach = math.hypot(slit[0], slit[1]) + _GATE * (
        max(widths[0], widths[1], widths[2]) * 2.0 + 2.0 * widths[3] + widths[4]
    )
    half_wavelength = math.sin(bragg[0]) / math.sqrt(q[0, 0] ** 2 + q[0, 1] ** 2 + q[0, 2] ** 2)
    steepest = math.tan(bragg[bragg.shape[0] - 1])
    widest = max(widths[1], widths[2])
    gate = _GATE * math.sqrt(widths[0] ** 2 + widest**2 + (steepest * widths[3]) ** 2)
    for s in range(frames.shape[0]):
        total = 0.0
        far = reach + abs(shifts[s, 0]) + abs(shifts[s, 1])
        low = np.searchsorted(bragg, 0.5 * (two_theta[s] - far))
        high = np.searchsorted(bragg, 0.5 * (two_theta[s] + far))
        for grain in range(us.shape[0]):
            if shares[grain] <= 0.0:
                continue
            for a in range(5):
                for b in range(3):
                    local[a, b] = (
                        us[grain, 0, b] * frames[s, a, 0]
                        + us[grain, 1, b] * frames[s, a, 1]
                        + us[grain, 2, b] * frames[s, a, 2]
                    )
            for j in range(low, high):
                # most reflections are far from the sphere: one product decides
                along = q[j, 0] * local[0, 0] + q[j, 1] * local[0, 1] + q[j, 2] * local[0, 2]
                square = q[j, 0] * q[j, 0] + q[j, 1] * q[j, 1] + q[j, 2] * q[j, 2]
                miss = along + square * half_wavelength
                if miss * miss > square * gate * gate:
                    continue
                total += (
                    shares[grain]
                    * strength[j]
                    * _one(
                        q[j],
                        bragg[j],
                        local[0],
                        local[1],
                        local[2],
                        local[3],
                        local[4],
                        shifts[s],
                        widths,
                        slit,
                        polarised,
                    )
                )
        rate[s] = total


@njit(cache=True, nogil=True, error_model="numpy")
def draw(mean, seconds, dead_s, spikes, key, out) -> None:  # type: ignore[no-untyped-def]
    """Draw counts of p points.

    Parameters
    ----------
    mean : (p,) expected without dead time
    seconds : (p,) counted for
    dead_s : dead time of the counter, seconds
    spikes : bursts per second
    key : of the scan
    out : (p,) filled

    Notes
    -----
    With x = rate · τ a counter shows mean / (1 + x) with the variance mean / (1 + x)³ (Müller, Nucl. Instrum. Methods
    112 (1973) 47, for long exposures): a Poisson number whose deviation is shrunk by 1 / (1 + x).
    """
    for p in range(mean.shape[0]):
        live = 1.0 if seconds[p] <= 0.0 else 1.0 + mean[p] * dead_s / seconds[p]
        shown = mean[p] / live
        if shown <= 0.0:
            count = 0.0
        elif shown < 10.0:
            left = float(bits(key, 64 * p) >> np.uint64(11)) * _TO_UNIT
            term, count = math.exp(-shown), 0.0
            while left >= term and count < 200.0:
                left -= term
                count += 1.0
                term *= shown / count
        else:
            count = float(poisson_large(shown, key, np.uint64(64 * p), np.uint64(1)))
        if live > 1.0 + 1e-9:
            count = float(round(shown + (count - shown) / live))
        if uniform(key, 64 * p + 62) < spikes * seconds[p]:
            count += math.floor(50.0 * 10.0 ** uniform(key, 64 * p + 63))
        out[p] = max(count, 0.0)

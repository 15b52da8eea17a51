"""Self-energies: retarded (Im Σ < 0) and causal (Re Σ is the Hilbert transform of Im Σ).

Each kind is a function of ω that returns a complex array. Where a closed form exists, its real part is the transform
exactly; the others are tabulated and transformed by ``hilbert``. Sums of parts are causal again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from beamgym.physics.arpes.detection import BOLTZMANN_EV
from beamgym.physics.arrays import Complex128Array, Float64Array


def impurity(omega_ev: ArrayLike, gamma_ev: ArrayLike) -> Complex128Array:
    """Elastic scattering: Σ = −iΓ, the half width Γ > 0 in eV."""
    gamma = np.asarray(gamma_ev, dtype=np.float64)
    if not np.all(gamma > 0):
        raise ValueError(f"an impurity width must be positive; found {float(np.min(gamma)):g} eV")
    return np.asarray(-1j * gamma * np.ones_like(np.asarray(omega_ev, dtype=np.float64)))


def fermi_liquid(
    omega_ev: ArrayLike, v_per_ev: ArrayLike, cutoff_ev: ArrayLike = 0.5, temperature_k: ArrayLike = 0.0
) -> Complex128Array:
    """Fermi liquid, −Im Σ = v (ω² + (π kT)²) at small ω, that saturates at the stated cut-off.

    Parameters
    ----------
    omega_ev : energy relative to the Fermi level, eV
    v_per_ev : v ≥ 0 in 1/eV
    cutoff_ev : ω_c; −Im Σ tends to v ω_c² far above it
    temperature_k : of the electrons

    Notes
    -----
    v ω² has no Hilbert transform (the integral diverges). Here −Im Σ = v ω_c² ω²/(ω² + ω_c²), whose transform is
    Re Σ = −v ω_c³ ω/(ω² + ω_c²): together Σ = −i v ω_c² ω/(ω + iω_c), analytic in the upper half plane. The thermal
    term (Ashcroft & Mermin, Solid State Physics, 1976, chapter 17) is constant, which transforms to zero.
    """
    omega, v = np.asarray(omega_ev, dtype=np.float64), np.asarray(v_per_ev, dtype=np.float64)
    cutoff = np.asarray(cutoff_ev, dtype=np.float64)
    if not (np.all(v >= 0) and np.all(cutoff > 0)):
        raise ValueError("a Fermi liquid needs v_per_ev ≥ 0 and cutoff_ev > 0")
    thermal = v * (math.pi * BOLTZMANN_EV * _temperature(temperature_k)) ** 2
    return np.asarray(-1j * v * cutoff**2 * omega / (omega + 1j * cutoff) - 1j * thermal)


def electron_boson(
    omega_ev: ArrayLike, coupling: ArrayLike, boson_ev: ArrayLike, temperature_k: ArrayLike = 20.0
) -> Complex128Array:
    """Coupling to one boson (Einstein) mode: the kink at −Ω and the mass renormalisation 1 + λ.

    Parameters
    ----------
    omega_ev : eV
    coupling : λ ≥ 0, without unit
    boson_ev : Ω > 0, eV
    temperature_k : above 0; it broadens the kink

    Notes
    -----
    α²F = (λΩ/2) δ(Ω′ − Ω) in Allen & Mitrović, Solid State Physics 37 (1982) 1, Eq. 4.47:
    Σ = (λΩ/2) {−2πi [n(Ω) + 1/2] + ψ(1/2 + i(Ω − ω)/2πT) − ψ(1/2 − i(Ω + ω)/2πT)}.
    """
    from scipy.special import psi

    omega, strength = np.asarray(omega_ev, dtype=np.float64), np.asarray(coupling, dtype=np.float64)
    mode = np.asarray(boson_ev, dtype=np.float64)
    if not (np.all(strength >= 0) and np.all(mode > 0)):
        raise ValueError("electron–boson coupling needs coupling ≥ 0 and boson_ev > 0")
    thermal = 2.0 * math.pi * BOLTZMANN_EV * np.maximum(_temperature(temperature_k), 1e-3)
    occupied = 1.0 / np.expm1(np.minimum(2.0 * math.pi * mode / thermal, 700.0))
    up, down = psi(0.5 + 1j * (mode - omega) / thermal), psi(0.5 - 1j * (mode + omega) / thermal)
    return np.asarray(0.5 * strength * mode * (-2j * math.pi * (occupied + 0.5) + up - down))


def marginal(
    omega_ev: ArrayLike, coupling: ArrayLike, cutoff_ev: float = 0.5, temperature_k: float = 0.0
) -> Complex128Array:
    """Marginal Fermi liquid, −Im Σ = (π/2) λ x with x = √(ω² + (πkT)²), that saturates at the stated cut-off.

    Parameters
    ----------
    omega_ev : eV
    coupling : λ ≥ 0; any shape that broadcasts with the energies
    cutoff_ev : ω_c: x/(1 + (x/ω_c)⁴)^¼ stands for x
    temperature_k : of the electrons

    Notes
    -----
    Varma et al., Phys. Rev. Lett. 63 (1989) 1996. Re Σ by ``causal``.
    """
    strength = np.asarray(coupling, dtype=np.float64)
    if not (np.all(strength >= 0) and cutoff_ev > 0):
        raise ValueError("a marginal Fermi liquid needs coupling ≥ 0 and cutoff_ev > 0")
    thermal = math.pi * BOLTZMANN_EV * float(_temperature(temperature_k))

    def imaginary(omega: Float64Array) -> Float64Array:
        x = np.hypot(omega, thermal)
        return np.asarray(-0.5 * math.pi * x / (1.0 + (x / cutoff_ev) ** 4) ** 0.25)

    return np.asarray(strength * causal(imaginary, omega_ev, reach_ev=_reach(omega_ev, 12.0 * cutoff_ev)))


def published_kink(
    omega_ev: ArrayLike,
    low_ev: ArrayLike,
    high_ev: ArrayLike,
    boson_ev: float,
    width_ev: float,
) -> Complex128Array:
    """Return the step of Eq. 3 of the paper, −Im Σ from ``low_ev`` near E_F to ``high_ev`` beyond ω0, made causal.

    The paper's step stands at −ω0 only, which is no causal self-energy of a metal; here it is mirrored to +ω0, and
    Re Σ is its transform. ``width_ev`` is the step's energy scale 1/γ, in eV.
    """
    low, high = np.asarray(low_ev, dtype=np.float64), np.asarray(high_ev, dtype=np.float64)
    if not (np.all(low > 0) and np.all(high >= low) and boson_ev > 0 and width_ev > 0):
        raise ValueError("a kink needs 0 < low_ev ≤ high_ev, boson_ev > 0 and width_ev > 0")

    def imaginary(omega: Float64Array) -> Float64Array:
        return np.asarray(-0.5 * (1.0 + np.tanh(0.5 * (np.abs(omega) - boson_ev) / width_ev)))

    step = causal(imaginary, omega_ev, reach_ev=_reach(omega_ev, 2.0 * (boson_ev + 20.0 * width_ev)))
    return np.asarray((high - low) * step - 1j * low)


def causal(
    imaginary: Callable[[Float64Array], Float64Array], omega_ev: ArrayLike, reach_ev: float, points: int = 16384
) -> Complex128Array:
    """Complete Im Σ to a causal Σ: tabulate it over ±``reach_ev``, transform it, and interpolate at ``omega_ev``.

    Raises
    ------
    ValueError : an imaginary part that has not levelled off at ±``reach_ev``, or energies beyond half of it
    """
    omega = np.asarray(omega_ev, dtype=np.float64)
    if np.max(np.abs(omega), initial=0.0) > 0.5 * reach_ev:
        raise ValueError(f"energies up to {float(np.max(np.abs(omega))):g} eV need a larger reach_ev than {reach_ev:g}")
    grid = np.linspace(-reach_ev, reach_ev, points)
    part = imaginary(grid)
    real = hilbert(part)
    return np.asarray(np.interp(omega, grid, real) + 1j * imaginary(omega))


def hilbert(imaginary: ArrayLike) -> Float64Array:
    """Real part from the imaginary part of a causal function on a uniform grid: (1/π) P∫ Im Σ(ω′)/(ω′ − ω) dω′.

    Parameters
    ----------
    imaginary : (..., g) values on a uniform grid whose ends lie where the function is constant, the same at both ends

    Returns
    -------
    (..., g) the transform of the piecewise linear function through the points, by FFT

    Raises
    ------
    ValueError : values that are not finite, ends that differ by more than 2 % of the range (a diverging transform)

    Notes
    -----
    The transform of a triangle of half width 1 is the second difference of x ln|x|, over π. A constant transforms to 0.
    """
    values = np.asarray(imaginary, dtype=np.float64)
    g = values.shape[-1]
    if not np.all(np.isfinite(values)):
        raise ValueError("a Hilbert transform needs finite values")
    first, last, spread = values[..., 0], values[..., -1], np.ptp(values, axis=-1)
    if np.any(np.abs(first - last) > 0.02 * spread):
        raise ValueError("the imaginary part must level off to one value at both ends; widen the grid or saturate it")
    place = np.arange(-g, g + 1, dtype=np.float64)
    primitive = place * np.log(np.maximum(np.abs(place), 1e-300))
    kernel = (primitive[2:] - 2.0 * primitive[1:-1] + primitive[:-2]) / math.pi
    size = 1 << (3 * g).bit_length()
    level = 0.5 * (first + last)[..., None]
    # out[i] = Σ_j v[j] K(j − i): a correlation, so the kernel (odd in its argument) enters reversed
    product = np.fft.rfft(values - level, size) * np.fft.rfft(kernel[::-1], size)
    full = np.fft.irfft(product, size)
    return np.asarray(full[..., g - 1 : 2 * g - 1])


def _reach(omega_ev: ArrayLike, least_ev: float) -> float:
    return max(least_ev, 3.0 * float(np.max(np.abs(np.asarray(omega_ev, dtype=np.float64)), initial=0.0)))


def _temperature(temperature_k: ArrayLike) -> Float64Array:
    temperature = np.asarray(temperature_k, dtype=np.float64)
    if not (np.all(np.isfinite(temperature)) and np.all(temperature >= 0)):
        raise ValueError(f"temperature_k must not be negative; found {float(np.min(temperature)):g}")
    return temperature

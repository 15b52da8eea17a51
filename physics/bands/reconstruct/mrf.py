"""Band by band by a Markov random field: intense where a band is, and smooth from momentum to momentum.

The objective is that of Xian, Stimper et al., "A machine learning route between band mapping and band structure",
Nature Computational Science 3 (2023) 101: Σ_k ln I(k, E_k) − Σ_neighbours (E_k − E_k')²/2η², and in its curvature form
− Σ (E_k−1 − 2 E_k + E_k+1)²/2η_c² besides. It is climbed site by site on a checkerboard (three colours with curvature),
which is local on purpose: the start says which band is meant. This is an implementation of its own of that formula.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.reconstruct.mrf_kernels import ascend, finish
from beamgym.physics.bands.structure import BandStructure

FLOOR = 1e-6
"""Of the largest intensity: smaller ones count as this, since the logarithm of 0 forbids everything."""


@dataclass(frozen=True)
class MrfSettings:
    """How smooth a band is to be.

    Parameters
    ----------
    eta_ev : standard deviation of the difference between neighbours, eV
    curvature_ev : standard deviation of second differences, eV; None for the plain form
    about : "energy", as published, or "offset": smooth is then the difference from the start
    between_steps : place bands between the steps of the energy axis
    sweeps : at most; the end is reached where no site moves
    """

    eta_ev: float = 0.1
    curvature_ev: float | None = None
    about: str = "energy"
    between_steps: bool = True
    sweeps: int = 1000

    def __post_init__(self) -> None:
        for name in ("eta_ev", "curvature_ev"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} must be an energy above 0 eV, not {value!r}")
        if self.about not in ("energy", "offset"):
            raise ValueError(f'smoothness is about "energy" or "offset", not {self.about!r}')
        if self.sweeps < 1:
            raise ValueError(f"sweeps must be at least 1, not {self.sweeps}")


@dataclass(frozen=True, eq=False)
class MrfResult:
    """Bands, and how the ascent ended.

    Parameters
    ----------
    bands : the reconstructed band structure; its errors are widths of the conditional probability of each site, which
        bound an error from above where a band stands alone
    sweeps : (b,) sweeps that each band took
    converged : (b,) whether no site moved any more
    """

    bands: BandStructure
    sweeps: tuple[int, ...]
    converged: tuple[bool, ...]


def log_intensity(cube: BandCube) -> Float32Array:
    """Return the logarithm (x, y, e) of the intensity over its largest value, at least ln ``FLOOR``."""
    top = np.float32(max(float(cube.intensity.max(axis=2)[cube.mask].max()), 1e-30))
    scaled = np.maximum(cube.intensity / top, np.float32(FLOOR))
    return np.asarray(np.log(scaled, out=scaled))


def reconstruct_mrf(
    cube: BandCube, start: BandStructure, settings: MrfSettings = MrfSettings(), log_i: Float32Array | None = None
) -> MrfResult:
    """Reconstruct every band of a start, each alone.

    Parameters
    ----------
    cube : the data
    start : on the cube's momenta, eV in the cube's zero
    settings : smoothness
    log_i : (x, y, e) as of ``log_intensity``, where it is there already

    Raises
    ------
    ValueError : a start on other momenta
    """
    check_start(cube, start)
    logs = log_intensity(cube) if log_i is None else log_i
    peak = logs.max(axis=2)
    mask = cube.mask & start.mask
    step = cube.step_ev
    near = step**2 / (2.0 * settings.eta_ev**2)
    curved = 0.0 if settings.curvature_ev is None else step**2 / (2.0 * settings.curvature_ev**2)
    energies, errors, sweeps, converged = [], [], [], []
    for band in start.energy_ev:
        place, width, took, moving = _one(logs, peak, mask, (band - cube.energy_ev[0]) / step, near, curved, settings)
        energies.append(cube.energy_ev[0] + step * place)
        errors.append(step * width)
        sweeps.append(took)
        converged.append(moving == 0)
    found = replace(start, energy_ev=np.stack(energies), error_ev=np.stack(errors), mask=mask)
    return MrfResult(found, tuple(sweeps), tuple(converged))


def _one(
    logs: Float32Array,
    peak: Float32Array,
    mask: np.ndarray,  # type: ignore[type-arg]
    start: Float64Array,
    near: float,
    curved: float,
    settings: MrfSettings,
) -> tuple[Float64Array, Float64Array, int, int]:
    """Reconstruct one band from a start (x, y) in steps: place, width, sweeps, and how many sites still moved."""
    index = np.clip(np.rint(start), 0, logs.shape[2] - 1).astype(np.int32)
    ref = start if settings.about == "offset" else np.zeros_like(start)
    took, moving = ascend(logs, peak, mask, ref, index, near, curved, settings.sweeps)
    place, width = np.empty(index.shape), np.empty(index.shape)
    finish(logs, peak, mask, ref, index, near, curved, place, width)
    return (place if settings.between_steps else index.astype(np.float64)), width, int(took), int(moving)


def check_start(cube: BandCube, start: BandStructure) -> None:
    """Raise ValueError for bands on other momenta than a cube's."""
    same = start.kx.size == cube.kx.size and start.ky.size == cube.ky.size
    if not (same and np.allclose(start.kx, cube.kx) and np.allclose(start.ky, cube.ky)):
        raise ValueError(
            f"{start.name} lies on {start.kx.size} x {start.ky.size} momenta, the data on "
            f"{cube.kx.size} x {cube.ky.size}; bring it onto the data's by start.on(cube.kx, cube.ky)"
        )
    if not (cube.mask & start.mask).any():
        raise ValueError(f"{start.name} and the data have no momentum in common inside their masks")

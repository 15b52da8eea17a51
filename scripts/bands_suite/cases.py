"""The two cases, from the folder of measured data: a patch whose truth is known, and a measured line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.bands.compare import features, symmetry_centre
from beamgym.physics.bands.cube import BandCube
from beamgym.physics.bands.files import CubeWords, read_cube, read_theory
from beamgym.physics.bands.prepare import without_background
from beamgym.physics.bands.reconstruct import (
    MrfSettings,
    align,
    pointwise_fits,
    polish,
    reconstruct_joint,
    reconstruct_mrf,
)
from beamgym.physics.bands.structure import BandStructure

PATCH, LINE = "kpoint_LDA_synth_8.h5", "hsymline_symmetrized.h5"
BANDS = 8
LDA_SHIFT_EV = 0.86813
"""By which the published patch was shifted, from LDA's energies (its authors' notebook)."""
LINE_LENGTH = 3.66
"""Γ–M–K–Γ of WSe2, 1/Å: a = 3.28 Å."""
FUNCTIONALS, HIGHEST = ("PBE", "LDA"), 2
SURE_EV = 0.015
"""Pointwise fits that state larger errors say nothing on bands that are to be known to 15 meV."""
_VOIGT = (0.1, 0.05)  # σ and γ of the lines that the patch was made of, eV


@dataclass(frozen=True, eq=False)
class PatchTruth:
    """Where the published patch has its bands.

    Parameters
    ----------
    energy_ev : (b, x, y) eV
    known : (x, y) momenta that LDA's table covers
    misfit : root mean square by which the patch differs from lines at the truth, over the largest intensity
    """

    energy_ev: Float64Array
    known: BoolArray
    misfit: float


def folder() -> Path:
    """Return the folder of the two cases.

    Raises
    ------
    ValueError : the measured data are not there
    """
    place = Path(os.environ.get("BEAMGYM_DATA", "../shared/data")) / "bands"
    if not (place / PATCH).is_file() or not (place / LINE).is_file():
        raise ValueError(f"{place} does not hold {PATCH} and {LINE}; name the folder of measured data by BEAMGYM_DATA")
    return place


def patch_truth(cube: BandCube, place: Path) -> PatchTruth:
    """Return the patch's bands: LDA's, whose momenta are on another scale, laid onto the patch.

    Scale and centre are those with which lines at LDA's energies make the patch itself, to 0.3 % of its peak: a check
    of the truth, which no reconstruction is told.
    """
    import h5py
    from scipy.interpolate import RectBivariateSpline
    from scipy.optimize import minimize
    from scipy.special import voigt_profile

    with h5py.File(place / "kpoint_LDA.h5", "r") as store:
        kx, ky, bands = (np.asarray(store[name][()]) for name in ("kx", "ky", "bands"))
    splines = [RectBivariateSpline(kx, ky, band) for band in bands[:BANDS]]
    middle = float(ky.mean())

    def laid(p: Float64Array) -> tuple[Float64Array, BoolArray]:
        x, y = (cube.kx - p[1]) * p[0], (cube.ky - p[2]) * p[0] + middle
        inside = ((x >= kx[0]) & (x <= kx[-1]))[:, None] & ((y >= ky[0]) & (y <= ky[-1]))[None]
        x, y = np.clip(x, kx[0], kx[-1]), np.clip(y, ky[0], ky[-1])
        return np.stack([spline(x, y) for spline in splines]) + LDA_SHIFT_EV, inside

    def rest(p: Float64Array) -> float:
        energy, inside = laid(p)
        lines = sum(voigt_profile(cube.energy_ev - band[inside][:, None], *_VOIGT) for band in energy)
        return float(np.sqrt(((cube.intensity[inside] - lines) ** 2).mean())) + 10.0 * float(inside.mean() < 0.3)

    start = np.array([0.9, 0.0, float(cube.ky.mean())])
    simplex = start + np.array([[0.0, 0.0, 0.0], [0.03, 0.0, 0.0], [0.0, 0.02, 0.0], [0.0, 0.0, 0.02]])
    found = minimize(rest, start, method="Nelder-Mead", options={"initial_simplex": simplex, "maxiter": 90})
    energy, inside = laid(found.x)
    return PatchTruth(energy, inside, float(found.fun) / float(cube.intensity.max()))


def patch_case(place: Path) -> dict[str, Any]:
    """Reconstruct the patch from PBE; returns root mean squares (b,), eV, against the truth, and more figures."""
    cube = read_cube(place / PATCH)
    theory = read_theory(place / "kpoint_PBE.h5", cube).first(BANDS)
    truth = patch_truth(cube, place)
    prepared = without_background(cube)
    alignment = polish(prepared, align(prepared, theory), theory)
    joint = reconstruct_joint(prepared, alignment)
    found = {
        "theory": theory,
        "automatic alignment": alignment.bands,
        "joint model": joint.bands,
        "plain field from it": reconstruct_mrf(cube, alignment.bands).bands,
        "offset field from it": reconstruct_mrf(cube, alignment.bands, MrfSettings(about="offset")).bands,
        "plain field from the theory": reconstruct_mrf(cube, theory).bands,
    }
    inside = np.abs(joint.bands.energy_ev - truth.energy_ev)[:, truth.known] <= joint.bands.error_ev[:, truth.known]
    about = symmetry_centre(joint.bands, 3, False, (float(cube.kx.mean()), float(cube.ky.mean())))
    vector = features(joint.bands, turns=3, centre=about, degree=4)
    return {
        "momenta": int(truth.known.sum()),
        "truth_misfit": truth.misfit,
        "rms_ev": {name: _rms(one, truth).tolist() for name, one in found.items()},
        "coverage": float(inside.mean()),
        "features": vector.numbers + 2,  # the centre is fitted too
        "smaller": cube.intensity.size / (vector.numbers + 2),
        "features_rms_ev": float(np.median(vector.rms_ev)),
    }


def _rms(bands: BandStructure, truth: PatchTruth) -> Float64Array:
    return np.asarray(np.sqrt(((bands.energy_ev - truth.energy_ev)[:, truth.known] ** 2).mean(axis=1)))


def line_case(place: Path) -> dict[str, Any]:
    """Reconstruct the measured line from PBE and from LDA; returns how far apart the answers are, of every band.

    The two highest bands are placed by the plain field too, started from the joint model, and fitted curve by curve.
    """
    cube = read_cube(place / LINE, CubeWords(length=LINE_LENGTH))
    prepared = without_background(cube)
    joint, field = {}, {}
    for name in FUNCTIONALS:
        theory = read_theory(place / f"hsymline_{name}.h5", cube)
        alignment = polish(prepared, align(prepared, theory), theory)
        joint[name] = reconstruct_joint(prepared, alignment).bands
        field[name] = reconstruct_mrf(cube, joint[name].first(HIGHEST)).bands
    fits = pointwise_fits(cube, joint["PBE"], HIGHEST)
    sure = fits.mask & (fits.error_ev.max(axis=0) <= SURE_EV)
    methods: dict[str, Any] = {}
    for method, answers in (("joint model", joint), ("plain field from it", field)):
        apart = np.abs(answers["PBE"].energy_ev - answers["LDA"].energy_ev)[:, :, 0]
        methods[method] = {
            "apart_median_ev": np.median(apart, axis=1).tolist(),
            "apart_rms_ev": np.sqrt((apart**2).mean(axis=1)).tolist(),
            "pointwise_median_ev": {name: _away(one, fits, sure) for name, one in answers.items()},
        }
    error = np.median(joint["PBE"].error_ev[:, :, 0], axis=1)
    return {"methods": methods, "error_ev": error.tolist(), "momenta": cube.shape[0], "sure_momenta": int(sure.sum())}


def _away(bands: BandStructure, fits: BandStructure, sure: BoolArray) -> list[float]:
    """Return the median distance of the highest bands from pointwise fits, eV, where these are sure."""
    apart = np.abs(bands.energy_ev[:HIGHEST] - fits.energy_ev)[:, sure]
    return [float(value) for value in np.median(apart, axis=1)]

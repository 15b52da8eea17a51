"""The ARPES rows of `beamgym speed`, and aurelia's random spectra beside them."""

import contextlib
import io
from typing import Any

import numpy as np

from beamgym.scripts.speed_work import Work

SPECTRA = 64
"""Spectra of one call."""


def arpes_224(seed: int) -> Work:
    """Random 224 × 224 spectra of the published recipe, with components and totals of both scores."""
    return _recipe("published", (224, 224), seed)


def arpes_532x500(seed: int) -> Work:
    """The same on the published grid of 532 × 500."""
    return _recipe("published", (532, 500), seed)


def arpes_224_full(seed: int) -> Work:
    """Random 224 × 224 spectra of the recipe with everything in it."""
    return _recipe("full", (224, 224), seed)


def _recipe(recipe: str, shape: tuple[int, int], seed: int) -> Work:
    from beamgym.physics.arpes.recipes import generate, recipe_grid
    from beamgym.physics.counter_rng import make_keys

    keys, grid = make_keys(seed, np.arange(SPECTRA)), recipe_grid(shape)
    return Work(lambda: generate(recipe, keys, grid), SPECTRA)


def aurelia_224(seed: int) -> Work:
    """aurelia (MIT): random spectra of 224 × 224, scored."""
    return _aurelia((224, 224), seed)


def aurelia_532x500(seed: int) -> Work:
    """aurelia (MIT): random spectra of 532 × 500, scored."""
    return _aurelia((532, 500), seed)


def _aurelia(shape: tuple[int, int], seed: int) -> Work:
    import aurelia

    np.random.seed(seed)  # noqa: NPY002 - aurelia draws from numpy's global state

    def once() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            _aurelia_spectrum(aurelia, shape, np.random)

    return Work(once, 1)


def _aurelia_spectrum(aurelia: Any, shape: tuple[int, int], rng: Any) -> None:
    """Draw one spectrum over the published ranges, through aurelia's own steps from bands to counts and score."""
    bands = aurelia.Bands(Npts=[shape[1], 220], edges=1.1)
    bands.Make_kpath()
    bands.Make_bands()
    spectrum = aurelia.Spec(bands, dimension="sliceEk", Omega=np.linspace(-0.55, 0.15, shape[0]))
    spectrum.Make_matrix_elements(ME={"type": ["poly", "symm", "rot"]})
    spectrum.Make_self_energy(SE={"type": "FL"})
    blur = aurelia.mod(rng.uniform(5, 50), {"ER": rng.uniform(0.005, 0.2), "kR": rng.uniform(0.01, 0.06)})
    spectrum.Make_specfun(blur)
    spectrum.Make_specmod(blur)
    levels = {name: rng.uniform(0.01, 0.2) for name in ("polyA", "flatA", "shirA")}
    analyser = {"response": "center", "sensitivity": rng.uniform(0.8, 1.0), "type": "HA", "slit": "vertical"}
    counting = aurelia.experiment(
        spectrum,
        detector={**analyser, "counting mode": "PC"},
        bkgd={"type": ["flat", "Shirley", "poly"], **levels},
        Ne=rng.uniform(1e4, 1e5),
    )
    measured = aurelia.ARPES(spectrum, counting, dimension="sliceEk")
    measured.Make_angle_conv()
    counting.Make_bkgd(measured)
    counting.Make_detector_responsivity(measured)
    measured.Make_statistics(counting)
    measured.Make_quality_score()

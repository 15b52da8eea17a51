"""Random spectra of aurelia 0.1.0 (MIT, the `peers` extra), through its own steps: a rival's speed, a judge's data."""

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray


def load_aurelia() -> Any:
    """Return the installed aurelia; raises ValueError, with the remedy, where there is none."""
    try:
        import aurelia
    except ImportError as error:
        raise ValueError("aurelia is not installed; pip install 'beamgym[peers]'") from error
    return aurelia


def aurelia_spectrum(aurelia: Any, shape: tuple[int, int], rng: Any) -> tuple[NDArray[Any], list[float]]:
    """Draw one spectrum over the published ranges, through aurelia's own steps from bands to counts and score.

    Parameters
    ----------
    aurelia : the module
    shape : (energy, slit) pixels
    rng : numpy's global state or a RandomState; aurelia itself draws from the global one

    Returns
    -------
    counts (e, a), and [F, S, B, N, total] by the published brackets
    """
    from beamgym.physics.arpes.score import PAPER_BRACKETS

    with contextlib.redirect_stdout(io.StringIO()):
        bands = aurelia.Bands(Npts=[shape[1], 220], edges=1.1)
        bands.Make_kpath()
        bands.Make_bands()
        spectrum = aurelia.Spec(bands, dimension="sliceEk", Omega=np.linspace(-0.55, 0.15, shape[0]))
        spectrum.Make_matrix_elements(ME={"type": ["poly", "symm", "rot"]})
        spectrum.Make_self_energy(SE={"type": "FL"})
        blur = aurelia.mod(rng.uniform(5, 50), {"ER": rng.uniform(0.005, 0.2), "kR": rng.uniform(0.01, 0.06)})
        spectrum.Make_specfun(blur)
        spectrum.Make_specmod(blur)
        measured, counting = _measure(aurelia, spectrum, rng)
        measured.Make_statistics(counting)
        brackets = {
            "threshold": PAPER_BRACKETS.thresholds,
            "penalty": PAPER_BRACKETS.penalties,
            "weight": PAPER_BRACKETS.weights,
        }
        measured.Make_quality_score(brackets)
    return measured.stats, [float(measured.score[name]) for name in ("feature", "width", "bkgd", "counts", "final")]


def _measure(aurelia: Any, spectrum: Any, rng: Any) -> tuple[Any, Any]:
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
    return measured, counting


def aurelia_spectra(spectra: int, seed: int, shape: tuple[int, int]) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield ``spectra`` of aurelia one by one: counts (1, e, a) float32, and S, B, N and total (1, 4) float32."""
    aurelia = load_aurelia()
    np.random.seed(seed)  # noqa: NPY002 - aurelia draws from numpy's global state
    for _ in range(spectra):
        counts, score = aurelia_spectrum(aurelia, shape, np.random)
        yield counts[None].astype(np.float32), np.array([score[1:]], np.float32)

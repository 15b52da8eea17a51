"""Scores of spectra by a trained network: protocol, network input, and the shipped scorer.

The network sees counts only. Spectra of any grid from 64 x 64 pixels up are added up to 64 x 64 cells, as a picture
without its brightness, and the brightness goes beside it as numbers. N is counted, not guessed.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.arpes_spot.scoring_kernels import FEATURES, SIDE, write_scorer_input
from beamgym.envs.bundles import BundleError, OnnxModel
from beamgym.physics.arpes.score import paper_total, v2_total
from beamgym.physics.instrument import BoolArray, Float32Array
from beamgym.physics.row_threads import over_rows

COMPONENTS: Final = ("S", "B", "N", "total")
"""What is scored, in this order."""

SCORE_DEFINITIONS: Final = ("paper", "v2")
"""Definitions of the score; see docs/arpes_scores.md."""

OUTPUTS: Final = 2 * len(SCORE_DEFINITIONS) * len(COMPONENTS) + 1
"""Numbers a network gives: scores and uncertainties by both definitions, then the ood value."""

_AMPLE = 1e3  # features that cost nothing
_CHUNK = 256
SHIPPED_SCORER: Final = "arpes-scorer-small"


@dataclass(frozen=True)
class Quality:
    """Scores of m spectra with their uncertainties and ood values.

    Parameters
    ----------
    scores : (m, 4) S, B, N and total in points
    uncertainty : (m, 4) expected absolute error of each, larger for spectra unlike those it was trained on
    ood : (m,) out-of-distribution value; above 1 for about one in 200 of the training's spectra
    feature, feature_uncertainty : (m,) F in the definition's unit and its expected absolute error; None where a scorer
        does not tell it, and leaves what it costs out of the total or guesses it
    bounds : (m, 5, 4) of S, B, N, total and F: ends of the 68 % interval, then of the 95 % interval; None as F
    """

    scores: Float32Array
    uncertainty: Float32Array
    ood: Float32Array
    feature: Float32Array | None = None
    feature_uncertainty: Float32Array | None = None
    bounds: Float32Array | None = None

    @property
    def flagged(self) -> BoolArray:
        """(m,) whether a spectrum is out of distribution, so that its score says little."""
        return self.ood > 1.0


class Scorer(Protocol):
    """Scores spectra by their counts."""

    name: str

    def quality(self, counts: ArrayLike) -> Quality:
        """Return scores, uncertainties and ood value of spectra (m, e, a)."""
        ...


def scorer_input(counts: ArrayLike) -> dict[str, Float32Array]:
    """Return the inputs of a scoring network for spectra.

    Parameters
    ----------
    counts : (m, e, a) electrons per pixel, e and a at least 64

    Returns
    -------
    "image" (m, 64, 64) √(counts / mean); "intensity" (m, 22): log₁₀(1 + electrons) / 6, N, what N alone leaves of the
    ``paper`` and the ``v2`` total / 10, √(largest / mean) / 8, share of empty cells, 16 quantiles of 4 x 4 blocks

    Raises
    ------
    ValueError : another shape, counts that are negative or not finite
    TypeError : complex numbers, or something else than numbers
    """
    kind = np.asarray(counts).dtype
    if not (np.issubdtype(kind, np.integer) or np.issubdtype(kind, np.floating) or kind == np.bool_):
        raise TypeError(f"counts are real numbers, electrons per pixel; found {kind}")
    spectra = np.ascontiguousarray(counts, dtype=np.float32)
    if spectra.ndim != 3 or min(spectra.shape[1:], default=0) < SIDE:
        raise ValueError(
            f"spectra must have the shape (m, energy, slit) with at least {SIDE} x {SIDE} pixels; "
            f"found {np.shape(counts)}"
        )
    image = np.empty((len(spectra), SIDE, SIDE), np.float32)
    intensity = np.zeros((len(spectra), FEATURES), np.float32)
    if not write_scorer_input(spectra, image, intensity):
        raise ValueError("a spectrum holds NaN, infinity or negative counts; give dead pixels the value 0")
    for column, total in ((2, paper_total), (3, v2_total)):
        intensity[:, column] = 0.1 * total(_AMPLE, 1.0, 0.85, intensity[:, 1].astype(np.float64))
    return {"image": image, "intensity": intensity}


class QualityScorer:
    """A scorer read from a bundle.

    Parameters
    ----------
    model : a bundle of kind "scorer"
    definition : "v2" (the surfaces' own) or "paper"
    mirrored : also score the mirror image and take the mean: a little better, and half as fast

    Raises
    ------
    ValueError : an unknown score definition
    BundleError : a bundle that is no scorer
    """

    def __init__(self, model: OnnxModel, definition: str = "v2", mirrored: bool = False) -> None:
        if definition not in SCORE_DEFINITIONS:
            raise ValueError(f"unknown score definition {definition!r}; choose one of {', '.join(SCORE_DEFINITIONS)}")
        if model.manifest.encoder.name == "window":
            raise BundleError(f"bundle {model.name} is a composed scorer; load it with load_scorer")
        if model.manifest.kind != "scorer":
            raise BundleError(
                f"bundle {model.name} is a {model.manifest.kind}, not a scorer; give a scorer's directory"
            )
        self.model, self.name, self.definition, self.mirrored = model, model.name, definition, mirrored
        self._first = SCORE_DEFINITIONS.index(definition) * len(COMPONENTS)

    @classmethod
    def load(cls, path: str | Path, definition: str = "v2", mirrored: bool = False) -> "QualityScorer":
        """Read a scorer's bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path), definition, mirrored)

    def quality(self, counts: ArrayLike) -> Quality:
        """Return scores, uncertainties and ood value of spectra (m, e, a); raises ValueError as ``scorer_input``."""
        seen = scorer_input(counts)
        out = self.model.predict(seen, batch=_CHUNK)
        if self.mirrored:
            out = 0.5 * (out + self.model.predict({**seen, "image": seen["image"][:, :, ::-1]}, batch=_CHUNK))
        width, first = len(COMPONENTS), self._first
        spread = first + len(SCORE_DEFINITIONS) * width
        scores = out[:, first : first + width]
        if self.mirrored and self.definition == "paper":
            scores = _composed(scores)
        return Quality(scores, out[:, spread : spread + width], out[:, -1])

    def __call__(self, counts: Float32Array) -> NDArray[np.float32]:
        """Return S, B, N and the total in points (m, 4) of spectra (m, e, a)."""
        spectra = np.asarray(counts)
        each = over_rows(len(spectra), lambda rows: self.quality(spectra[rows]).scores, least=4)
        return each[0] if len(each) == 1 else np.concatenate(each)


def _composed(scores: Float32Array) -> Float32Array:
    """Return scores (m, 4) with the ``paper`` total of their components: the mean of two totals lies between steps."""
    s, b, n = scores[:, :3].T.astype(np.float64)
    return np.column_stack([scores[:, :3], paper_total(_AMPLE, s, b, n)]).astype(np.float32)


@cache
def shipped_scorer(definition: str = "v2", mirrored: bool = False) -> QualityScorer:
    """Return the scorer that is shipped; raises BundleError where none is."""
    return QualityScorer.load(Path(str(files("beamgym.envs.models"))) / SHIPPED_SCORER, definition, mirrored)

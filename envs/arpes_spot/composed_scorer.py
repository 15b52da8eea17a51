"""The scorer whose total is composed of its components, and the loader of scorers of either kind."""

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from beamgym.envs.arpes_spot.composing import LEVELS, Composed, component, compose, expected_total, feature_values
from beamgym.envs.arpes_spot.dispersion import unlike_counts
from beamgym.envs.arpes_spot.scoring import SCORE_DEFINITIONS, Quality, QualityScorer
from beamgym.envs.arpes_spot.window_input import window_input
from beamgym.envs.bundles import BundleError, OnnxModel
from beamgym.physics.instrument import Float32Array
from beamgym.physics.row_threads import over_rows

WINDOW_ENCODER: Final = "window"
"""Name of the encoder in the manifest of a composed scorer."""

COMPOSED_SCORER: Final = "arpes-scorer-composed"
"""The composed scorer that is shipped."""

BANDLESS_F: Final = 1.2
"""F of ``v2`` below which a spectrum is taken to show no bands.

A broad band in a narrow window has 2, sharp bands have ten or more.
"""

_MEDIAN = LEVELS.index(0.5)
_MOST_OOD = 10.0
_N = 1  # column of the numbers
_OUTPUTS = 5  # S and B of ``paper``, S and B of ``v2``, log F


class ComposedScorer:
    """A scorer that gives S, B, N and F as distributions and composes the total of them by the formula.

    Parameters
    ----------
    model : a bundle of kind "scorer" with the encoder "window"
    definition : "v2" or "paper"
    mirrored : also score the mirror image and take the mean of the components: a little better, and half as fast

    Raises
    ------
    ValueError : an unknown score definition
    BundleError : a bundle that is no composed scorer
    """

    def __init__(self, model: OnnxModel, definition: str = "v2", mirrored: bool = False) -> None:
        if definition not in SCORE_DEFINITIONS:
            raise ValueError(f"unknown score definition {definition!r}; choose one of {', '.join(SCORE_DEFINITIONS)}")
        if model.manifest.kind != "scorer" or model.manifest.encoder.name != WINDOW_ENCODER:
            raise BundleError(f"bundle {model.name} is no composed scorer; load it with load_scorer")
        self.model, self.name, self.definition, self.mirrored = model, model.name, definition, mirrored
        self._first = 2 * SCORE_DEFINITIONS.index(definition)

    @classmethod
    def load(cls, path: str | Path, definition: str = "v2", mirrored: bool = False) -> "ComposedScorer":
        """Read a scorer's bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path), definition, mirrored)

    def quality(self, counts: ArrayLike, energy_ev: ArrayLike | None = None) -> Quality:
        """Return scores, uncertainties and ood value of spectra.

        Parameters
        ----------
        counts : (m, e, a) electrons per pixel
        energy_ev : (e,) energies of the rows from the Fermi level; rows beyond the window are left out, and what the
            window lacks is taken as not measured. Without them the rows span −0.55 to 0.15 eV.

        Raises
        ------
        ValueError, TypeError : as ``window_input``
        """
        return self.qualities(counts, energy_ev, (self.definition,))[self.definition]

    def qualities(
        self,
        counts: ArrayLike,
        energy_ev: ArrayLike | None = None,
        definitions: tuple[str, ...] = SCORE_DEFINITIONS,
    ) -> dict[str, Quality]:
        """Return what ``quality`` does by several score definitions, for the price of one."""
        seen = window_input(counts, energy_ev)
        values, ood = self._values(seen)
        ood = np.maximum(ood, np.minimum(unlike_counts(np.asarray(counts, np.float32)), _MOST_OOD)).astype(np.float32)
        ood = np.maximum(ood, _without_bands(values[:, 4])).astype(np.float32)
        n = np.minimum(seen["numbers"][:, _N].astype(np.float64), 1.0)
        return {name: _quality(name, values, n, np.shape(counts)[2], ood) for name in definitions}

    def __call__(self, counts: Float32Array) -> NDArray[np.float32]:
        """Return S, B, N and the total in points (m, 4) of spectra (m, e, a)."""
        spectra = np.asarray(counts)
        each = over_rows(len(spectra), lambda rows: self.quality(spectra[rows]).scores, least=4)
        return each[0] if len(each) == 1 else np.concatenate(each)

    def with_estimates(self, counts: Float32Array, number: NDArray[np.float64]) -> tuple[Float32Array, Float32Array]:
        """Return the scores of spectra, and what their totals would be with other numbers of electrons.

        Parameters
        ----------
        counts : (m, e, a)
        number : (m,) N with which they are to be compared, as at the reference dwell

        Returns
        -------
        (m, 4) S, B, N and the total in points, and (m, 2) the total at ``number`` and its expected absolute error
        """
        spectra = np.asarray(counts)

        def rows_of(rows: slice) -> tuple[Float32Array, Float32Array]:
            seen = window_input(spectra[rows])
            values, _ = self._values(seen)
            n = np.minimum(seen["numbers"][:, _N].astype(np.float64), 1.0)
            s, b = values[:, self._first], values[:, self._first + 1]
            f = feature_values(values[:, 4], spectra.shape[2], self.definition)
            total = expected_total(self.definition, s, b, n, f)[0]
            scores = np.stack([component(s).value, component(b).value, n, total], axis=1)
            estimates = np.stack(expected_total(self.definition, s, b, number[rows], f), axis=1)
            return scores.astype(np.float32), estimates.astype(np.float32)

        parts = over_rows(len(spectra), rows_of, least=4)
        scores, estimates = (np.concatenate(each) for each in zip(*parts, strict=True))
        return scores, estimates

    def _values(self, seen: dict[str, Float32Array]) -> tuple[Float32Array, Float32Array]:
        # Row by row: more at once would change last bits with their number.
        out = self.model.predict(seen, batch=1)
        if self.mirrored:
            mirror = np.ascontiguousarray(seen["image"][:, :, ::-1])
            out = 0.5 * (out + self.model.predict({**seen, "image": mirror}, batch=1))
        return out[:, :-1].reshape(len(out), _OUTPUTS, len(LEVELS)), out[:, -1]


def _quality(definition: str, values: Float32Array, n: NDArray[np.float64], columns: int, ood: Float32Array) -> Quality:
    """Return the quality by one definition of what the network told, values (m, 5, 9), and of N (m,)."""
    first = 2 * SCORE_DEFINITIONS.index(definition)
    s, b = values[:, first], values[:, first + 1]
    f = feature_values(values[:, 4], columns, definition)
    parts = [component(s), component(b), _counted(n), compose(definition, s, b, n, f), component(f)]
    value, error = (
        np.stack([getattr(part, name) for part in parts[:4]], 1).astype(np.float32) for name in ("value", "error")
    )
    bounds = np.stack([part.bounds for part in parts], axis=1).astype(np.float32)
    feature = parts[4]
    return Quality(value, error, ood, feature.value.astype(np.float32), feature.error.astype(np.float32), bounds)


def load_scorer(path: str | Path, definition: str = "v2", mirrored: bool = False) -> QualityScorer | ComposedScorer:
    """Read a scorer's bundle of either kind; raises BundleError for what is wrong with it."""
    model = OnnxModel.load(path)
    composed = model.manifest.encoder.name == WINDOW_ENCODER
    return (ComposedScorer if composed else QualityScorer)(model, definition, mirrored)


@cache
def composed_scorer(definition: str = "v2", mirrored: bool = False) -> ComposedScorer:
    """Return the composed scorer that is shipped; raises BundleError where none is."""
    return ComposedScorer.load(Path(str(files("beamgym.envs.models"))) / COMPOSED_SCORER, definition, mirrored)


def _without_bands(log_f: Float32Array) -> NDArray[np.float64]:
    """Return how surely spectra show nothing that changes along the slit, (m,): above 1 they are flagged."""
    return np.asarray(np.minimum(BANDLESS_F / np.exp(log_f[:, _MEDIAN].astype(np.float64)), _MOST_OOD))


def _counted(n: NDArray[np.float64]) -> Composed:
    return Composed(n, np.zeros_like(n), np.repeat(n[:, None], 4, axis=1))

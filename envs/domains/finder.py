"""The bundle of the network of domains on cuts: numbers, offsets and weights with their errors."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from beamgym.envs.bundles import BundleError, OnnxModel
from beamgym.physics.arpes.domains import CANVAS, MOST, Canvas, CutDomains
from beamgym.physics.arrays import Float64Array

BINS: Final = 48
"""Columns of the canvas over which offsets are looked for: 12°."""

NUMBERS: Final = 7
"""What is said of a cut as a whole: log odds of three numbers, logits of three weights, one error."""

ENCODER: Final = "cut"
"""Name of the encoder in the manifest."""

DOMAINS_ENV_ID: Final = "beamgym/Cuts-v0"
"""What stands in the manifest of a bundle that belongs to no environment."""

_HELD = (0.16, 0.5, 0.84)


class DomainFinder:
    """Finds domains in cuts by a bundle.

    Parameters
    ----------
    model : a bundle of kind "domains"

    Raises
    ------
    BundleError : a bundle that finds no domains
    """

    def __init__(self, model: OnnxModel) -> None:
        if model.manifest.kind != "domains" or model.manifest.encoder.name != ENCODER:
            raise BundleError(
                f"bundle {model.name} finds no domains; `beamgym train domains-arpes` makes one that does"
            )
        self.model, self.name = model, model.name
        settings = model.manifest.encoder.parameters
        self.split, self.spread, self.weight_spread, self.single = (
            float(np.asarray(settings.get(name, usual)))
            for name, usual in (("split", 0.5), ("spread", 1.0), ("weight_spread", 1.0), ("single", 0.0))
        )

    @classmethod
    def load(cls, path: str | Path) -> "DomainFinder":
        """Read a bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path))

    def __call__(self, cuts: Canvas) -> list[CutDomains]:
        """Return what is said of every cut."""
        n = len(cuts.counts)
        given = {
            "counts": np.asarray(cuts.counts, np.float32),
            "rows": np.repeat(cuts.rows[None].astype(np.float32), n, 0),
            "columns": np.repeat(cuts.columns[None].astype(np.float32), n, 0),
        }
        answer = self.model.predict(given, batch=64).astype(np.float64)
        return [said(one, self.split, self.spread, self.weight_spread, cuts.scale, self.single) for one in answer]


def said(
    answer: Float64Array,
    split: float = 0.5,
    spread: float = 1.0,
    weight_spread: float = 1.0,
    scale: float = 1.0,
    single: float = 0.0,
) -> CutDomains:
    """Return the domains that one answer of the network means.

    Parameters
    ----------
    answer : (7 + 5 · 48,) as ``DomainNet`` gives it
    split : probability of more than one domain from which there are more
    spread, weight_spread : factors on the errors of offsets and weights, measured after the training
    scale : the cut's angular step over the canvas'
    single : added to the log odds of one domain, measured after the training
    """
    probability = _softmax(answer[:MOST] + np.array([single, 0.0, 0.0]))
    bins = answer[NUMBERS:].reshape(5, BINS)
    more = 1.0 - probability[0]
    number = 1 if more < split else 2 + int(probability[2] > probability[1])
    if number == 1:
        return CutDomains(1, probability, np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1))
    place = np.asarray(np.arange(BINS) * CANVAS.slit_step_deg * scale, np.float64)
    quantiles = np.array([_quantiles(place, bins[j]) for j in ((0,) if number == 2 else (1, 2))])
    offset = np.concatenate([[0.0], quantiles[:, 1]])
    error = np.concatenate([[0.0], spread * 0.5 * (quantiles[:, 2] - quantiles[:, 0])])
    if number == 2:
        at = _softmax(bins[0])
        lower = float(np.clip(0.5 + bins[3] @ at, 0.02, 0.98))
        weight, log_error = np.array([lower, 1.0 - lower]), float(bins[4] @ at)
    else:
        weight, log_error = _softmax(answer[MOST : 2 * MOST]), float(answer[2 * MOST])
    weight_error = np.full(number, weight_spread * np.exp(np.clip(log_error, -4.0, 0.0)))
    return CutDomains(number, probability, np.maximum.accumulate(offset), error, weight, weight_error)


def shipped_finder() -> DomainFinder:
    """Return the shipped network."""
    return DomainFinder.load(Path(str(files("beamgym.envs.models"))) / "domains-arpes")


def _softmax(logits: ArrayLike) -> Float64Array:
    values = np.asarray(logits, np.float64)
    raised = np.exp(values - values.max())
    return np.asarray(raised / raised.sum())


def _quantiles(place: Float64Array, logits: Float64Array) -> Float64Array:
    """Return the 16 %, 50 % and 84 % points of a histogram."""
    chance = _softmax(logits)
    return np.interp(_HELD, np.cumsum(chance) - 0.5 * chance, place)

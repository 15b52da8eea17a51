"""A chooser's bundle: the probability of each candidate that its site is among the best of the surface."""

from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
from gymnasium import spaces

from beamgym.agents.baselines.choosing.looks import CANDIDATES, COLUMNS
from beamgym.envs.bundles import BundleError, OnnxModel, SpaceSpec
from beamgym.physics.instrument import Float32Array, Float64Array

ENCODER: Final = "candidates"
"""Name of the encoder in a chooser's manifest."""

SHIPPED: Final = "spot-chooser"
"""Name of the shipped chooser's bundle."""

INPUT: Final = spaces.Dict({"candidates": spaces.Box(-1e4, 1e4, (CANDIDATES, COLUMNS), np.float32)})
"""What a chooser is given; see :class:`Looks`."""


class SiteChooser:
    """Says of each candidate how probably its site is among the best of its surface.

    Parameters
    ----------
    model : a bundle of kind "chooser"

    Raises
    ------
    BundleError : a bundle that is no chooser, or one of other candidates
    """

    def __init__(self, model: OnnxModel) -> None:
        if model.manifest.kind != "chooser" or model.manifest.encoder.name != ENCODER:
            raise BundleError(f"bundle {model.name} is no chooser; `beamgym train spot-chooser` makes one")
        found = model.manifest.observation_space
        if found != {name: SpaceSpec.of(space) for name, space in INPUT.items()}:
            raise BundleError(f"bundle {model.name} judges other candidates; train it again")
        self.model, self.name = model, model.name

    @classmethod
    def load(cls, path: str | Path) -> "SiteChooser":
        """Read a bundle; raises BundleError for what is wrong with it."""
        return cls(OnnxModel.load(path))

    def __call__(self, shown: Float32Array) -> Float64Array:
        """Return the probabilities (CANDIDATES,) of one look, 0 where there is no candidate."""
        logits = self.model.predict({"candidates": shown[None]})[0].astype(np.float64)
        return np.where(shown[:, 0] > 0.0, 1.0 / (1.0 + np.exp(-logits)), 0.0)


def shipped_chooser() -> SiteChooser:
    """Return the shipped chooser."""
    return SiteChooser.load(Path(str(files("beamgym.envs.models"))) / SHIPPED)

"""One scene, and who draws the scenes of each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array

SCENES = ("laue", "diffraction", "sans", "arpes")
TURNED = SCENES[:3]
"""Scenes whose frames may be turned and mirrored: the axes of the others are not of one kind."""
"""Every kind of scene."""

SPLITS = ("train", "tune", "test")
"""No crystal and no model of one is in another."""

NO_PEAKS = np.zeros((0, 5))


@dataclass(frozen=True, eq=False)
class Scene:
    """What a detector is expected to count in one exposure.

    Parameters
    ----------
    kind : one of ``SCENES``
    model : which crystal, form factor or bands it shows
    rate : (slow, fast) expected counts at exposure 1×
    mask : (slow, fast) True where the detector sees nothing: beam stop, hole, gaps
    peaks : (k, 5) what may be found: column and row in pixels, expected counts (0 where a place is empty), and the
        standard deviations along columns and rows in pixels
    q_inv_a : (slow, fast) length of the scattering vector, 1/Å, of small-angle scattering only
    """

    kind: str
    model: str
    rate: Float32Array
    mask: BoolArray
    peaks: Float64Array = field(default_factory=lambda: NO_PEAKS)
    q_inv_a: Float64Array | None = None


class SceneSource(Protocol):
    """Draws the scenes of one kind and one split."""

    def take(self, seed: int, index: int) -> Scene:
        """Return scene number ``index`` of a seed: the same one wherever and whenever it is drawn."""
        ...


def scene_source(kind: str, split: str) -> SceneSource:
    """Return who draws scenes.

    Parameters
    ----------
    kind : one of ``SCENES``
    split : "train", "tune" (settings of rivals, selection) or "test"

    Raises
    ------
    ValueError : another kind or split
    """
    if kind not in SCENES:
        raise ValueError(f"unknown scene {kind!r}; choose one of {', '.join(SCENES)}")
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; choose one of {', '.join(SPLITS)}")
    return cast(SceneSource, import_module(f"beamgym.physics.scenes.{kind}").Scenes(split))


def generator(kind: str, split: str, seed: int, index: int) -> np.random.Generator:
    """Return the random numbers of one scene; raises ValueError for a seed or number below 0."""
    if seed < 0 or index < 0:
        raise ValueError(f"seed {seed}, scene {index}: give whole numbers of 0 or more")
    return np.random.default_rng([seed, index, SCENES.index(kind), SPLITS.index(split)])

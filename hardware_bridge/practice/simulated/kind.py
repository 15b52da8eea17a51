"""What the emulated hardware needs to know of the world behind it, whatever kind of instrument it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from beamgym.envs.kinds import resolve
from beamgym.envs.task import Truth
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.kinds import bridge_kind
from beamgym.physics.instrument import Float64Array


def _dark(counter: int, shape: tuple[int, int]) -> NDArray[Any]:
    return np.zeros(shape, dtype=np.uint16)


def _bare(counter: int, shape: tuple[int, int], seconds: float) -> NDArray[Any]:
    """Return a structureless frame: what the beam makes beside the sample, a fifth of a count a second and pixel."""
    counts = np.random.default_rng(counter).poisson(0.2 * seconds, shape)
    return np.minimum(counts, np.iinfo(np.uint16).max).astype(np.uint16)


@dataclass(frozen=True)
class PracticeSample:
    """A task and its world of one sample, as an environment has them, and what the emulated hardware adds.

    Parameters
    ----------
    task, world : of n = 1; the world's frames have images
    home : (k,) where its k motors stand at first; a world with one axis more takes the exposure time as its last
    inside : (truth) → further names and plain values of the truth record; "inside" says whether what is now held would
        count as success
    exposure_s, readout_s : of a frame
    exposure_limits_s : shortest and longest exposure
    dark : (counter, shape) → a frame (slow, fast) without light
    bare : (counter, shape, seconds) → a frame (slow, fast) of beam without the sample
    emulator : (kind, options, this) → the ``sample.EmulatedSample`` that hardware serves; None for the usual one
    """

    task: Any
    world: Any
    home: Float64Array
    inside: Callable[[Truth], Mapping[str, Any]]
    exposure_s: float
    readout_s: float = 0.0
    exposure_limits_s: tuple[float, float] = (1e-3, 3600.0)
    dark: Callable[[int, tuple[int, int]], NDArray[Any]] = _dark
    bare: Callable[[int, tuple[int, int], float], NDArray[Any]] = _bare
    emulator: Callable[[str, dict[str, Any], Any], Any] | None = None


def practice_sample(kind: str, options: Mapping[str, Any]) -> PracticeSample:
    """Return what a practice instrument of a kind serves; raises ValueError, TypeError for what it cannot be."""
    made: PracticeSample = resolve(bridge_kind(kind).practice)(dict(options))
    return made


def simulation_of(file: InstrumentFile, level: str) -> PracticeSample:
    """Return the same for the instrument that a file describes, at a level: the environment to compare it with."""
    return practice_sample(file.kind, resolve(bridge_kind(file.kind).practice_options)(file, level))

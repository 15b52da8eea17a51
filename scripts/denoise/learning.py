"""`beamgym denoise --train-on-this` and `--pairs`: a denoiser learnt from the frames at hand."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import check_counts
from beamgym.scripts.denoise.files import Stack

LOW, HIGH = "low", "high"
"""Data sets of a file of pairs: (n, slow, fast) counts each, the second counted longer."""

_LEAST_COUNTS = 2000.0  # below it there is nothing to learn from


def learn(
    stacks: Sequence[Stack],
    pairs: Path | None,
    gain: float | None,
    bundle: Path,
    epochs: int,
    seed: int,
    words: Sequence[str],
    progress: Callable[[str, int, int], None],
) -> Path:
    """Train on frames by count splitting, or on pairs, and write the bundle.

    Raises
    ------
    ValueError : frames that are no counts, too small or too few, or pairs whose stacks differ
    """
    from beamgym.agents.denoising import DenoiserConfig, DenoiserTrainer, finish
    from beamgym.agents.training import RunFolder

    frames = _of_pairs(pairs, gain) if pairs is not None else _of_frames(stacks, gain)
    side = _side(frames.first)
    regime: Any = "noise2noise" if pairs is not None else "split"
    config = DenoiserConfig(
        scene="own", regime=regime, epochs=epochs, steps=120, side=side, width=16, frames=len(frames.first)
    )
    run = RunFolder(bundle.parent / f"{bundle.name}-run")
    trainer = DenoiserTrainer(config, run, seed, run.begun, frames, progress)
    trainer.run()
    return finish(trainer, bundle, shlex.join(["beamgym", "denoise", *words]), overwrite=True)


def _of_frames(stacks: Sequence[Stack], gain: float | None) -> Any:
    from beamgym.agents.denoising import Frames

    first: list[Float64Array] = []
    masks: list[BoolArray] = []
    for stack in stacks:
        for frame in stack.frames:
            first.append(check_counts(frame, gain, stack.mask))
            masks.append(stack.mask)
    total = sum(float(frame.sum()) for frame in first)
    if total < _LEAST_COUNTS:
        raise ValueError(f"{total:.0f} counts in all are too few to learn from; give more frames, or a shipped bundle")
    return Frames(tuple(first), tuple(masks), counted=True)


def _of_pairs(path: Path, gain: float | None) -> Any:
    from beamgym.agents.denoising import Frames

    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; --pairs takes HDF5 with the data sets {LOW} and {HIGH}")
    try:
        with h5py.File(path, "r") as file:
            low, high = (np.atleast_3d(np.asarray(file[name][()], np.float64)) for name in (LOW, HIGH))
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path} holds no pairs; it needs two data sets, {LOW} and {HIGH}, of (n, slow, fast)"
        ) from error
    if low.shape != high.shape:
        raise ValueError(f"{path}: {LOW} has shape {low.shape}, {HIGH} {high.shape}; each frame needs its partner")
    first, second = (tuple(check_counts(frame, gain) for frame in stack) for stack in (low, high))
    return Frames(first, tuple(np.zeros(frame.shape, np.bool_) for frame in first), counted=True, second=second)


def _side(frames: Sequence[Float64Array]) -> int:
    """Return the edge of the patches: 64 pixels, less for small frames; raises ValueError for still smaller ones."""
    shortest = int(min(min(frame.shape) for frame in frames))
    if shortest < 32:
        raise ValueError(f"a frame is {shortest} pixels wide; a network sees 32 about a pixel: give larger frames")
    side: int = min(64, shortest // 8 * 8)
    return side

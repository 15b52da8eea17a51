"""What `beamgym denoise` does: reads, learns where asked, denoises, and writes beside the originals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from beamgym.envs.denoising import FrameDenoiser, shipped_denoiser
from beamgym.physics.arpes.load import SUFFIXES
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import check_counts, dead_pixels, hot_pixels
from beamgym.physics.files import write_json
from beamgym.physics.scenes import is_sans_text
from beamgym.scripts.denoise.files import IMAGES, Stack, beside, read_stack
from beamgym.scripts.denoise.learning import learn
from beamgym.scripts.denoise.peaks import read_places, write_peaks

RATE, UNCERTAINTY, PEAKS, SETTINGS = "rate", "uncertainty", "peaks", "denoised"
_MOST_LISTED = 1000


@dataclass(frozen=True)
class Asked:
    """What the command line asked for; see ``beamgym denoise --help``."""

    files: tuple[Path, ...]
    scene: str | None
    bundle: Path | None
    train_on_this: bool
    pairs: Path | None
    gain: float | None
    masks: tuple[str, ...]
    dataset: str | None
    out: Path | None
    epochs: int
    overwrite: bool
    seed: int
    mask_suspected: bool = False
    peaks_at: Path | None = None


def denoise_files(asked: Asked, say: Callable[[str], object], words: Sequence[str]) -> list[dict[str, Any]]:
    """Denoise files, and return what was found of each.

    Raises
    ------
    ValueError, OSError : with one line, before anything is written where a file cannot be read or an answer is there
    """
    stacks = [read_stack(path, asked.dataset, asked.masks) for path in asked.files]
    places = None if asked.peaks_at is None else read_places(asked.peaks_at)
    targets = [_targets(stack, asked) for stack in stacks]
    denoiser = _denoiser(asked, stacks, words)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
    return [
        _one(stack, target, denoiser or shipped_denoiser(asked.scene or _scene_of(stack.path)), asked, places, say)
        for stack, target in zip(stacks, targets, strict=True)
    ]


def _targets(stack: Stack, asked: Asked) -> dict[str, Path]:
    """Return where the answers go; raises ValueError where one would replace something that may not be replaced."""
    endings = {RATE: stack.ending, UNCERTAINTY: stack.ending, SETTINGS: ".json"}
    if asked.peaks_at is not None:
        endings[PEAKS] = ".csv"
    found = {what: beside(stack.path, what, ending, asked.out) for what, ending in endings.items()}
    for path in found.values():
        if path.exists() and not asked.overwrite:
            raise ValueError(f"{path} exists; add --overwrite to replace an earlier answer, or choose another --out")
    return found


def _denoiser(asked: Asked, stacks: list[Stack], words: Sequence[str]) -> FrameDenoiser | None:
    if asked.bundle is not None:
        return FrameDenoiser.load(asked.bundle)
    if not asked.train_on_this and asked.pairs is None:
        return None
    target = beside(asked.files[0], "denoiser", "", asked.out)
    with tqdm(total=asked.epochs, desc="learning", unit="epoch", mininterval=2.0) as bar:

        def progress(phase: str, done: int, total: int) -> None:
            bar.update(1.0 / total)

        learn(stacks, asked.pairs, asked.gain, target, asked.epochs, asked.seed, words, progress)
    return FrameDenoiser.load(target)


def _one(
    stack: Stack,
    targets: dict[str, Path],
    denoiser: FrameDenoiser,
    asked: Asked,
    places: Float64Array | None,
    say: Callable[[str], object],
) -> dict[str, Any]:
    counts = np.stack([check_counts(frame, asked.gain, stack.mask) for frame in stack.frames])
    dead, hot = dead_pixels(counts, stack.mask), hot_pixels(counts, stack.mask)
    suspected = dead | hot
    mask = stack.mask | suspected if asked.mask_suspected else stack.mask
    answers = [denoiser(frame, mask, asked.gain) for frame in stack.frames]
    for what, values in ((RATE, [one.rate for one in answers]), (UNCERTAINTY, [one.uncertainty for one in answers])):
        stack.write(targets[what], np.stack(values))
    report: dict[str, Any] = {
        "file": stack.path.name,
        "network": denoiser.name,
        "scene": denoiser.scene,
        "made_by": denoiser.model.manifest.training.command,
        "regime": denoiser.model.manifest.training.algorithm,
        "gain": asked.gain,
        "frames": len(answers),
        "masked_pixels": int(mask.sum()),
        "suspected": _suspected(dead, hot, asked.mask_suspected),
        "empty_share": [[one.empty.share, one.empty.deviation] for one in answers],
        "counts_in_the_files": stack.scale,
        "noise_ratio": [one.noise_ratio for one in answers],
        "scaled": [one.scaled for one in answers],
        "flags": sorted({flag for one in answers for flag in one.flags}),
        "notes": [*stack.notes, *_suspicion(dead, hot, asked.mask_suspected)],
        "rate": targets[RATE].name,
        "uncertainty": targets[UNCERTAINTY].name,
    }
    if places is not None:
        report["peaks"] = write_peaks(targets[PEAKS], counts, places, mask)
    write_json(targets[SETTINGS], report)
    written = f"{targets[RATE].name}, {targets[UNCERTAINTY].name}"
    frames = "1 frame" if len(answers) == 1 else f"{len(answers)} frames"
    say(f"{stack.path.name}: {frames} by {denoiser.name} → {written}")
    for line in (*report["notes"], *report["flags"], *report.get("peaks", {}).get("flags", ())):
        say(f"  {line}")
    return report


def _suspected(dead: BoolArray, hot: BoolArray, masked: bool) -> dict[str, Any]:
    """Return which pixels are suspected, as [column, row], the first thousand of each kind."""

    def listed(pixels: BoolArray) -> list[list[int]]:
        return [[int(column), int(row)] for row, column in np.argwhere(pixels)[:_MOST_LISTED]]

    return {"dead": listed(dead), "hot": listed(hot), "masked": masked}


def _suspicion(dead: BoolArray, hot: BoolArray, masked: bool) -> tuple[str, ...]:
    if not (dead.any() or hot.any()):
        return ()
    done = "they are masked" if masked else "--mask-suspected masks them"
    counted = f"{int(dead.sum())} dead and {int(hot.sum())} hot pixels are suspected by their neighbours"
    return (f"{counted}; {done}",)


def _scene_of(path: Path) -> str:
    """Return which shipped network a file is for, by what it is."""
    if is_sans_text(path):
        return "sans"
    ending = path.suffix.lower()
    return "arpes" if ending in SUFFIXES and ending not in IMAGES else "laue"

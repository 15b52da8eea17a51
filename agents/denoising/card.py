"""A denoiser's calibration after its training, its model card, and its bundle."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from beamgym.agents.denoising.data import Frames
from beamgym.agents.denoising.export import DenoiserOrigin, export_denoiser, reference_tiles
from beamgym.agents.denoising.trainer import DenoiserTrainer
from beamgym.envs.denoising import noise_ratio
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import empty_share, thin

_TEXT = """# Denoiser of counted frames: {scene}

From counts to the rate behind them, in the frame's own exposure, and how far off the rate may be.

| | |
|---|---|
| learnt from | {regime}, {patches:,} patches of {side} × {side} pixels out of {frames} frames |
| network | {network}, {size:,} weights; it mixes the frame with itself smoothed, pixel by pixel, and corrects that |
| loss | {loss} |
| selected by | Poisson deviance of what was not shown: {best:.4f} a pixel |
| noise | simulated Poisson counts ("detector-realistic simulation"); {own} |
| uncertainty | {spread:.3g} times what the network says, so that 68 % of pixels lie within it {judge} |
| usual noise ratio | {low:.2f} to {high:.2f}; outside the frame is flagged |
| CPU time | {minutes:.0f} minutes of one core; seed {seed} |
| again | `{command}` |

For: finding and showing what is weak. Not for: anything whose statistics matter. Noise is gone from what it returns,
but so is independence: neighbouring pixels are off together, weak peaks are drawn towards what was trained on.
Intensities, χ² and refinements belong to the counts. Figures: `beamgym benchmark denoise --scene {named}`;
docs/denoising.md.
"""

_SCENE_FRAMES, _EXPOSURES = 12, (0.25, 1.0, 4.0)
_HELD = 0.6827  # of pixels, by one standard deviation
_EMPTY = 3.0  # standard deviations of the share of empty pixels, at least, before a frame is flagged


def finish(trainer: DenoiserTrainer, path: str | Path, command: str, overwrite: bool = False) -> Path:
    """Calibrate a trained network and write its bundle; returns the bundle's directory."""
    config = trainer.config
    calibration = calibrate(trainer)
    patches = trainer.epoch * config.steps * config.batch
    algorithm = f"{config.regime}, {config.network}, {config.loss}"
    origin = DenoiserOrigin(command, algorithm, trainer.seed, patches, config.scene, calibration)
    card = denoiser_card(trainer, calibration, command)
    return export_denoiser(trainer.net, path, origin, card, reference_tiles(trainer.frames), overwrite)


@dataclass(frozen=True)
class _Judged:
    """One frame of the calibration: noise ratio, the share of empty pixels in its standard deviations, how far off
    rates are and are said to be, and what is masked."""

    ratio: float
    empty: float
    off: Float64Array
    said: Float64Array
    hidden: BoolArray


@torch.no_grad()
def calibrate(trainer: DenoiserTrainer) -> dict[str, Any]:
    """Return the noise ratios that are usual, how far off the share of empty pixels may be, what makes uncertainties as
    large as errors are ("spread"), and how far rates of neighbours are off together.

    Of the tuning scenes, whose truth is known. Of one's own frames errors are taken from two thinned halves of each,
    which knows nothing of what is wrong in both; so they are never made smaller than the network says. Neighbours are
    taken to be fully off together, which is the safe side.
    """
    config, net = trainer.config, trainer.net.eval()
    own = config.scene == "own"
    frames = (
        trainer.frames
        if own
        else Frames.of_scenes(config.model_copy(update={"regime": "noise2truth"}), 1_000_003, "tune", _SCENE_FRAMES)
    )
    draw, judged = np.random.default_rng(5), []
    for frame, mask in zip(frames.first[:_SCENE_FRAMES], frames.masks, strict=False):
        for exposure in (1.0,) if own else _EXPOSURES:
            window = tuple(slice(0, min(256, length) // 8 * 8) for length in frame.shape)
            judged.append(_judged(net, frame[window] * exposure, mask[window], draw, own))
    ratios = [one.ratio for one in judged]
    low, high = min(ratios) - 0.05, max(ratios) + 0.05
    shares = [(np.abs(one.off) / one.said)[~one.hidden & (one.said > 0.0)] for one in judged]
    spread = max(1.0 if own else 0.0, float(np.quantile(np.concatenate(shares), _HELD)))
    together = [_together(one.off, spread * one.said, one.hidden) for one in judged]
    return {
        "noise_ratio": [round(low, 3), round(high, 3)],
        "spread": round(spread, 4),
        "empty": _EMPTY if own else round(max(_EMPTY, max(one.empty for one in judged) + 0.5), 2),
        "correlation": 1.0 if own else round(float(np.clip(np.median(together), 0.0, 1.0)), 4),
    }


def _judged(
    net: torch.nn.Module, frame: Float64Array, hidden: BoolArray, draw: np.random.Generator, own: bool
) -> _Judged:
    counts = np.where(hidden, 0.0, frame if own else draw.poisson(frame).astype(np.float64))
    rate, said = _answer(net, counts, hidden)
    ratio, share = noise_ratio(counts, rate, hidden), empty_share(counts, rate, hidden)
    empty = share.share / share.deviation
    if not own:
        return _Judged(ratio, empty, rate - frame, said, hidden)
    one, two = (_answer(net, half, hidden)[0] for half in thin(counts, 0.5, draw))
    return _Judged(ratio, empty, one - two, said, hidden)


def _answer(net: torch.nn.Module, counts: Float64Array, hidden: BoolArray) -> tuple[Float64Array, Float64Array]:
    """Return the rate, the sum of the counts kept, and its uncertainty as the network says it."""
    answer = net(torch.from_numpy(counts[None].astype(np.float32)))[0].numpy().astype(np.float64)
    rate = np.exp(answer[0])
    rate *= counts[~hidden].sum() / max(1e-9, rate[~hidden].sum())
    return rate, rate * np.exp(answer[1])


def _together(off: Float64Array, spread: Float64Array, hidden: BoolArray) -> float:
    """Return the correlation of neighbours that makes sums over boxes of 8 × 8 pixels as far off as they are."""
    rows, columns = (8 * (length // 8) for length in off.shape)

    def boxes(values: Float64Array) -> Float64Array:
        cells = values[:rows, :columns].reshape(rows // 8, 8, columns // 8, 8)
        return np.asarray(cells.sum((1, 3)))

    clear = boxes(hidden.astype(np.float64)) == 0.0
    if not clear.any():
        return 1.0
    apart, whole = boxes(spread**2)[clear], boxes(spread)[clear] ** 2
    seen = np.median(boxes(off)[clear] ** 2 / (0.4549 * whole))  # the median of χ² with one degree of freedom
    return float((seen - np.median(apart / whole)) / max(1e-9, 1.0 - np.median(apart / whole)))


def denoiser_card(trainer: DenoiserTrainer, calibration: dict[str, Any], command: str) -> str:
    """Return the card of a finished training, in Markdown."""
    config = trainer.config
    low, high = calibration["noise_ratio"]
    own = config.scene == "own"
    return _TEXT.format(
        scene="frames of one's own" if own else config.scene,
        named="laue" if own else config.scene,
        regime=config.regime,
        patches=trainer.epoch * config.steps * config.batch,
        side=config.side,
        frames=len(trainer.frames.first),
        network=config.network,
        size=trainer.net.size,
        loss=config.loss,
        best=trainer.best,
        own="the counts of the frames themselves" if own else "no measured frame",
        low=low,
        high=high,
        spread=calibration["spread"],
        judge="(two halves of each frame)" if own else "(tuning scenes)",
        minutes=trainer.cpu_s / 60.0,
        seed=trainer.seed,
        command=command,
    )

"""`beamgym denoise SAMPLE --plan BACKGROUND`: how to share small-angle beam time, and what the denoiser saves of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beamgym.agents.denoising import Pair, plan_times, savings
from beamgym.envs.denoising import FrameDenoiser, shipped_denoiser
from beamgym.physics.arrays import BoolArray, Float64Array
from beamgym.physics.counts import check_counts
from beamgym.physics.scenes import read_sans


@dataclass(frozen=True)
class Planned:
    """What the command line asked for: the times of sample and background in seconds, hours to be shared, transmission
    and counts a second of the attenuated beam."""

    times_s: tuple[float, float]
    hours: float
    transmission: float
    beam_rate: float


def parse_times(words: str | None) -> tuple[float, float]:
    """Return the seconds of sample and background out of "600,600"; raises ValueError."""
    try:
        sample, background = (float(part) for part in str(words).split(","))
    except ValueError:
        raise ValueError(
            "a plan needs how long both frames were counted; give --times SAMPLE,BACKGROUND in seconds, as 600,600"
        ) from None
    return sample, background


def plan_sans(
    files: Sequence[Path], background: Path, asked: Planned, bundle: Path | None, say: Callable[[str], object]
) -> dict[str, Any]:
    """Print a plan, and return its figures.

    Raises
    ------
    ValueError, OSError : with one line
    """
    if len(files) != 1:
        raise ValueError(f"a plan is for one sample; {len(files)} files were given")
    numbers = (*asked.times_s, asked.hours, asked.beam_rate)
    if not all(np.isfinite(each) and each > 0.0 for each in numbers) or not 0.0 < asked.transmission <= 1.0:
        raise ValueError("times, hours and the beam's rate are to be above 0, the transmission above 0 and at most 1")
    denoiser = shipped_denoiser("sans") if bundle is None else FrameDenoiser.load(bundle)
    pair = _pair(files[0], background, asked)
    plan = plan_times(pair, 3600.0 * asked.hours)
    saved = savings(pair, _method(denoiser))
    for name, seconds in (
        ("sample", plan.sample_s),
        ("background", plan.background_s),
        ("transmission (with and without the sample)", plan.transmission_s),
    ):
        say(f"{name:<44}{seconds / 60.0:8.1f} min")
    say(f"error of the subtracted I(q), {plan.rings} rings with signal: {100 * plan.error:.2f} %")
    say(f"  of the same time shared evenly: {100 * plan.error_even:.2f} %")
    say("counts     raw error   denoised   raw needs so many times the counts for the denoised error")
    for one in saved:
        say(f"1/{1 / one.share:<6.0f} {100 * one.raw:9.2f} % {100 * one.denoised:8.2f} % {one.times:10.1f}×")
    say("  judged by the rest of these frames' own counts, thinned exactly; the errors at 1/2 are the least certain")
    if all(one.times <= 1.0 for one in saved):
        say("  the denoiser saves no time on this pair: take I(q) from the counts")
    return {"plan": dict(vars(plan)), "savings": [dict(vars(one)) for one in saved], "network": denoiser.name}


def _pair(sample: Path, background: Path, asked: Planned) -> Pair:
    first, second = read_sans(sample), read_sans(background)
    if first.counts.shape != second.counts.shape or not np.allclose(first.q_inv_a, second.q_inv_a, rtol=1e-3):
        raise ValueError(
            f"{background.name} was measured at other q than {sample.name}; give a background of the same camera length"
        )
    counts = [check_counts(one.counts, None, one.mask) for one in (first, second)]
    return Pair(
        counts[0],
        counts[1],
        *asked.times_s,
        first.mask | second.mask,
        first.q_inv_a,
        asked.transmission,
        asked.beam_rate,
    )


def _method(denoiser: FrameDenoiser) -> Callable[[Float64Array, BoolArray], Float64Array]:
    return lambda counts, mask: np.nan_to_num(denoiser(counts, mask).rate)

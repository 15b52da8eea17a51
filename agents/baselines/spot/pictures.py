"""Counts read back from a spectrum's picture, and a policy that plays where pictures are all there is.

A picture holds 255 √(counts / largest): how many electrons there were is not in it. It is in what they leave behind:
few electrons make few grey levels, and which ones they are tells the largest count; many make noise whose width does.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from beamgym.agents.baselines.spot.search import ProbeResult, SearchPolicy, action_of, spot_context
from beamgym.envs.arpes_spot import SpotContext, composed_scorer
from beamgym.envs.policy import CannotPlay, PolicyState
from beamgym.envs.task import Observation, Truth
from beamgym.physics.arpes.score import REFERENCE_COUNTS
from beamgym.physics.arpes.simulator import FIRST_DWELL_S
from beamgym.physics.arpes.surface import REFERENCE_DWELL_S
from beamgym.physics.instrument import BoolArray, Float32Array, Float64Array

MOST_LEVELS: Final = 60
"""Largest counts up to which the grey levels tell it alone; above, other numbers make nearly the same ones."""
_LARGEST: Final = 2000  # largest counts that are tried
_SPARE_S: Final = 1.0  # of the beam time, which is not observed


def counts_of(picture: NDArray[np.uint8]) -> Float32Array:
    """Return the counts (e, a) behind a picture (e, a) of 255 √(counts / largest); see the module."""
    levels = np.bincount(picture.ravel(), minlength=256) > 0
    fits = np.flatnonzero(~(levels & ~_tables()).any(axis=1)) + 1  # the largest counts that make all these levels
    if not picture.any():
        return np.zeros(picture.shape, dtype=np.float32)
    largest = float(fits[0]) if fits.size and fits[0] <= MOST_LEVELS else _by_noise(picture)
    if largest > MOST_LEVELS and fits.size:
        largest = float(fits[np.abs(fits - largest).argmin()])
    counts = (picture.astype(np.float64) + 0.5 * (picture > 0) * (picture < 255)) ** 2 / 65025.0 * largest
    return np.asarray(np.rint(counts), dtype=np.float32)


@cache
def _tables() -> BoolArray:
    """Return which grey levels whole numbers up to a largest one can make, (2000, 256), the row being largest − 1."""
    made = np.zeros((_LARGEST, 256), dtype=np.bool_)
    for largest in range(1, _LARGEST + 1):
        counts = np.arange(largest + 1, dtype=np.float32)
        made[largest - 1, np.sqrt(np.float32(65025.0) / np.float32(largest) * counts).astype(np.uint8)] = True
    return made


def _by_noise(picture: NDArray[np.uint8]) -> float:
    """Return the largest count by the noise: the root of a Poisson number scatters by a half, whatever its mean."""
    grey = picture.astype(np.float64)
    apart = 0.5 * (grey[1:, 1:] - grey[1:, :-1] - grey[:-1, 1:] + grey[:-1, :-1])
    bright = grey[1:, 1:] > np.median(grey)
    scatter = 1.4826 * float(np.median(np.abs(apart[bright]))) if bright.any() else 1.0
    return float(np.clip((255.0 / (2.0 * max(scatter, 1.0))) ** 2, 1.0, _LARGEST))


@dataclass
class _Reading:
    """What is kept of an episode: the search, where and when the last exposure was, and the beam time spent."""

    running: Any
    dwell_s: float
    spent_s: float = 0.0
    held_mm: Float64Array | None = None


class PictureReader(SearchPolicy):
    """Runs a search on pictures: reads the counts back, scores them, and keeps the time itself."""

    def start(self, context: Any, n: int) -> PolicyState:
        """Return n searches that have not begun; otherwise as SearchPolicy.start."""
        return self._readings(super().start(context, n), context)

    def start_from(self, context: Any, seeds: Sequence[int]) -> PolicyState:
        """Return a search for each seed; otherwise as ``start``."""
        return self._readings(super().start_from(context, seeds), context)

    def act(
        self, observation: Observation, state: PolicyState, truth: Truth | None = None
    ) -> tuple[NDArray[np.float32], PolicyState]:
        """Return each search's next probe, or a declaration; raises CannotPlay where no spectrum is observed."""
        if "spectrum" not in observation or "position" not in observation:
            raise CannotPlay(f"{self.name} reads spectra; use beamgym/ArpesSpotImage-v1, or observation='all'")
        context: SpotContext = state[0].running.context
        results = _results(observation, state, context)
        actions = np.zeros((len(state), 4), dtype=np.float32)
        shortest, longest = np.log(context.stage.dwell_s)
        for row, (reading, result) in enumerate(zip(state, results, strict=True)):
            actions[row] = action_of(context, result, reading.running.next(result))
            reading.dwell_s = float(np.exp(shortest + 0.5 * (float(actions[row, 2]) + 1.0) * (longest - shortest)))
        return actions, state

    def _readings(self, searches: PolicyState, context: Any) -> PolicyState:
        first = float(np.clip(FIRST_DWELL_S, *spot_context(context, self.name).stage.dwell_s))
        return [_Reading(running, first) for running in searches]


def _results(observation: Observation, state: PolicyState, context: SpotContext) -> list[ProbeResult]:
    """Return what the last exposures gave, and count the time that they took."""
    low, high = context.stage.limits_mm.T
    sites = low + 0.5 * (observation["position"].astype(np.float64) + 1.0) * (high - low)
    counts = np.stack([counts_of(picture) for picture in observation["spectrum"][..., 0]])
    electrons = counts.sum(axis=(1, 2), dtype=np.float64)
    dwells = np.array([reading.dwell_s for reading in state])
    number = np.minimum(electrons * REFERENCE_DWELL_S / dwells / REFERENCE_COUNTS, 1.0)
    scores, estimates = composed_scorer().with_estimates(counts, number)
    results = []
    for i, reading in enumerate(state):
        held = sites[i] if reading.held_mm is None else reading.held_mm
        lead = context.stage.lead_s(held[None], sites[i : i + 1], dwells[i : i + 1])
        reading.spent_s += float(lead[0] * (reading.held_mm is not None)) + reading.dwell_s + context.readout_s
        reading.held_mm = sites[i]
        results.append(
            ProbeResult(
                site_mm=sites[i],
                dwell_s=reading.dwell_s,
                sharpness=float(scores[i, 0]),
                background=float(scores[i, 1]),
                total=float(scores[i, 3]),
                electrons=float(electrons[i]),
                left_s=context.beam_time_s - reading.spent_s - _SPARE_S,
                bits=zlib.crc32(observation["spectrum"][i].tobytes()),
                estimate=(float(estimates[i, 0]), float(estimates[i, 1])),
            )
        )
    return results

"""The cuts of the suite, every method's answers to them, and what these are worth."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from beamgym.envs.domains import shipped_finder
from beamgym.physics.arpes.domains import (
    CANVAS,
    CutDomains,
    SimulatedCuts,
    autocorrelation_fit,
    mdc_peaks,
    mixture_fit,
    simulated_cuts,
    whole_canvas,
)
from beamgym.physics.arrays import Float64Array
from beamgym.scripts.rates import Rate

NETWORK, MIXTURE, PEAKS, AUTOCORRELATION = "network", "mixture fit", "MDC peaks", "autocorrelation"
METHODS = (NETWORK, MIXTURE, PEAKS, AUTOCORRELATION)
SEED = 50_000
"""Seeds of the test cuts begin here; no training, tuning or calibration uses any of them."""

_RESAMPLED = 400


@dataclass(frozen=True, eq=False)
class CutCase:
    """Cuts with two domains, and with one whose crystal has two bands or more, and all answers by method."""

    two: SimulatedCuts
    one: SimulatedCuts
    of_two: dict[str, list[CutDomains]]
    of_one: dict[str, list[CutDomains]]


def method_of(name: str) -> Callable[[SimulatedCuts], list[CutDomains]]:
    """Return a method by its name, as a function of cuts on the canvas."""
    if name == NETWORK:
        finder = shipped_finder()
        return lambda cuts: finder(whole_canvas(cuts.counts))
    fit: Any = {MIXTURE: mixture_fit, PEAKS: mdc_peaks, AUTOCORRELATION: autocorrelation_fit}[name]
    return lambda cuts: [fit(one, CANVAS.slit_step_deg) for one in cuts.counts]


def run_cuts(population: str, number: int, seed: int, methods: tuple[str, ...] = METHODS) -> CutCase:
    """Return ``number`` cuts with two domains and as many with one, and what every method says of them."""
    two = simulated_cuts(SEED + 2 * seed, number, population, (2,))
    one = simulated_cuts(SEED + 2 * seed + 1, 2 * number, population, (1,))
    one = one[np.flatnonzero(one.bands >= 2)[:number]]
    asked = {name: method_of(name) for name in methods}
    return CutCase(
        two, one, {name: ask(two) for name, ask in asked.items()}, {name: ask(one) for name, ask in asked.items()}
    )


def right(case: CutCase, method: str) -> Rate:
    """Return how many cuts with two domains are said to hold two."""
    return Rate.of(answer.number == 2 for answer in case.of_two[method])


def split(case: CutCase, method: str) -> Rate:
    """Return how many cuts with one domain are said to hold more."""
    return Rate.of(answer.number > 1 for answer in case.of_one[method])


def off_deg(case: CutCase, method: str) -> Float64Array:
    """Return how far offsets are off where two domains were found, degrees."""
    pairs = zip(case.of_two[method], case.two.offset_deg[:, 1], strict=True)
    return np.array([answer.offset_deg[1] - truth for answer, truth in pairs if answer.number == 2])


def held(case: CutCase, method: str) -> Rate:
    """Return how often the interval of 68 % holds the offset, where two domains were found."""
    errors = [answer.offset_error_deg[1] for answer in case.of_two[method] if answer.number == 2]
    return Rate.of(np.abs(off_deg(case, method)) <= np.array(errors))


def close(case: CutCase, method: str, within_deg: float = 0.5) -> Rate:
    """Return how many cuts with two domains are said to hold two, at an offset that is no further off than this."""
    pairs = zip(case.of_two[method], case.two.offset_deg[:, 1], strict=True)
    return Rate.of(answer.number == 2 and abs(answer.offset_deg[1] - truth) <= within_deg for answer, truth in pairs)


def weight_off(case: CutCase, method: str) -> Float64Array:
    """Return how far the lower domain's weight is off where two domains were found."""
    pairs = zip(case.of_two[method], case.two.weight[:, 0], strict=True)
    return np.array([answer.weight[0] - truth for answer, truth in pairs if answer.number == 2])


def weight_held(case: CutCase, method: str) -> Rate:
    """Return how often the stated error of a weight holds it, where two domains were found."""
    errors = [answer.weight_error[0] for answer in case.of_two[method] if answer.number == 2]
    return Rate.of(np.abs(weight_off(case, method)) <= np.array(errors))


def middle(values: Float64Array) -> tuple[float, float, float]:
    """Return the median of absolute values and the ends of its 95 % interval, by resampling."""
    sizes = np.abs(values)
    if not sizes.size:
        return float("nan"), float("nan"), float("nan")
    random = np.random.default_rng(0)
    medians = np.median(sizes[random.integers(sizes.size, size=(_RESAMPLED, sizes.size))], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(np.median(sizes)), float(low), float(high)

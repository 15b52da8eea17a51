"""The samples of the suite: maps over (x, y) with one, two and three domains whose places are known."""

from itertools import permutations
from typing import Any

import numpy as np

from beamgym.physics.arpes.domains import SampleDomains, SimulatedSample, sample_domains, simulated_sample
from beamgym.physics.arrays import Float64Array
from beamgym.scripts.rates import Rate

SEED = 60_000
"""Seeds of the samples begin here."""


def run_samples(number: int, seed: int) -> dict[str, Any]:
    """Return how often the number of domains is right, and how right labels, weights and shifts then are."""
    counted: list[bool] = []
    labels: list[bool] = []
    held: list[bool] = []
    weights: list[float] = []
    for i in range(number):
        sample = simulated_sample(SEED + 10_000 * seed + i, 1 + i % 3)
        found = sample_domains(sample.cuts)
        counted.append(found.number == len(sample.offset_deg))
        if counted[-1] and found.number > 1:
            order = _order(sample, found)
            off = found.weight[:, order] - sample.weight
            labels += (found.label == np.array(order)[sample.weight.argmax(1)]).tolist()
            weights.append(float(np.sqrt((off**2).mean())))
            held += (np.abs(off) <= found.weight_error[:, order]).ravel().tolist()
    return {
        "samples": number,
        "number_right": Rate.of(counted).as_dict(),
        "label_right": Rate.of(labels).as_dict(),
        "weight_rms": float(np.median(weights)) if weights else None,
        "weight_held": Rate.of(held).as_dict(),
    }


def samples_line(figures: dict[str, Any]) -> str:
    """Return the figures of samples in a line."""
    said = []
    for name, words in (
        ("number_right", "number right"),
        ("label_right", "label right"),
        ("weight_held", "error holds"),
    ):
        rate = figures[name]
        if rate["total"]:
            low, high = rate["ci95"]
            said.append(f"{words} {100 * rate['share']:.1f} % ({100 * low:.1f}–{100 * high:.1f}) of {rate['total']}")
    weight = "" if figures["weight_rms"] is None else f"; weights {figures['weight_rms']:.3f} off (RMS, median)"
    return f"{figures['samples']} samples of 196 sites, 1 to 3 domains: " + ", ".join(said) + weight


def _order(sample: SimulatedSample, found: SampleDomains) -> tuple[int, ...]:
    """Return which pattern belongs to each domain: that with the most alike weights."""

    def off(order: tuple[int, ...]) -> float:
        rest: Float64Array = np.abs(found.weight[:, order] - sample.weight)
        return float(rest.sum())

    return min(permutations(range(found.number)), key=off)

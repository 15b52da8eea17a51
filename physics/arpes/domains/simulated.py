"""Simulated cuts with their domains: any dispersion of the `full` recipe, copied along the slit.

A domain is the same crystal, tilted along the slit by another angle: all its bands are copied by that angle with one
weight. Besides, its polar angle differs by 0.3° and its azimuth by 1° (standard deviations), so that copies are not
perfect. Spin-orbit splitting and bilayers copy bands too, but in energy: a third of the samples has such a pair, in
each domain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from beamgym.physics.arpes.domains.canvas import CANVAS, Canvas, whole_canvas
from beamgym.physics.arpes.load import band_share
from beamgym.physics.arpes.recipes import FullParameters, draw, simulate_spectra, take
from beamgym.physics.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from beamgym.physics.counter_rng import make_keys

POPULATIONS: Final = ("usual", "wide")
"""Resolutions of 3–30 meV and 0.05–0.5° below 100 K, bands well seen; and the recipe's own, bands hardly seen too."""

SMALLEST_DEG: Final = 1.5
"""Offset between neighbouring domains from which a cut is said to hold two."""

_WIDEST, _SPAN = 8.0, 10.0  # of one offset, and of all, degrees
_COPIED = 0.3  # share of samples whose band has a copy by physics
_STREAM = 91  # of the keys
_CHUNK = 256
_ORDER = np.arange(3)


@dataclass(frozen=True, eq=False)
class SimulatedCuts:
    """n cuts on the canvas, and what they hold.

    Parameters
    ----------
    counts : (n, 48, 120) electrons
    number : (n,) of domains
    offset_deg : (n, 3) along the slit from the lowest, rising; NaN beyond the number
    weight : (n, 3) shares, in that order; NaN beyond the number
    bands : (n,) of one domain
    copied : (n,) whether a band has a copy by physics
    """

    counts: Float32Array
    number: Int64Array
    offset_deg: Float64Array
    weight: Float64Array
    bands: Int64Array
    copied: BoolArray

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: slice | NDArray[Any]) -> "SimulatedCuts":
        """Return some of the cuts."""
        return SimulatedCuts(*(getattr(self, name)[index] for name in self.__dataclass_fields__))


def simulated_cuts(
    seed: int,
    count: int,
    population: str = "usual",
    numbers: tuple[int, ...] = (1, 2),
    events: float = 5e4,
    smallest_deg: float = SMALLEST_DEG,
) -> SimulatedCuts:
    """Return cuts in which every domain's bands are in the window.

    Parameters
    ----------
    seed : of the cuts; count : how many
    population : "usual" or "wide"
    numbers : of domains, as often as they stand here
    events : electrons in a cut
    smallest_deg : between neighbouring domains; the largest is 8°, that of all 10°

    Raises
    ------
    ValueError : an unknown population
    """
    if population not in POPULATIONS:
        raise ValueError(f"unknown population {population!r}; choose one of {', '.join(POPULATIONS)}")
    parts: list[SimulatedCuts] = []
    for part in _chunks(seed, population, numbers, events, smallest_deg):
        parts.append(part)
        if sum(map(len, parts)) >= count:
            break
    names = SimulatedCuts.__dataclass_fields__
    return SimulatedCuts(*(np.concatenate([getattr(part, name) for part in parts])[:count] for name in names))


def _chunks(
    seed: int, population: str, numbers: tuple[int, ...], events: float, smallest_deg: float
) -> Iterator[SimulatedCuts]:
    chunk = 0
    while True:
        keys = make_keys(seed, np.arange(chunk * _CHUNK, (chunk + 1) * _CHUNK), 0, _STREAM)
        random = np.random.default_rng([seed, chunk, _STREAM])
        number = np.asarray(numbers)[random.integers(len(numbers), size=_CHUNK)]
        drawn, copied = _drawn(keys, random, population, number, smallest_deg)
        kept = np.flatnonzero(_seen(drawn, keys, population))
        some = replace(take(drawn, kept), events=np.full(kept.size, int(events)))
        batch = simulate_spectra(some, CANVAS, keys[kept])
        yield SimulatedCuts(batch.counts, some.domains, *_as_seen(some), some.bands, copied[kept])
        chunk += 1


def _drawn(
    keys: NDArray[np.uint64], random: np.random.Generator, population: str, number: Int64Array, smallest_deg: float
) -> tuple[FullParameters, BoolArray]:
    """Return the recipe's parameters with domains of our own, and which samples have a band copied by physics."""
    p, n = draw("full", keys, CANVAS), len(keys)
    assert isinstance(p, FullParameters)
    offset = _offsets(random, n, smallest_deg)
    middle = 0.5 * offset[np.arange(n), number - 1]
    terms, bands, copied = _copied(p, random)
    own: dict[str, Any] = {
        "terms": terms,
        "bands": bands,
        "domains": number,
        "tilt_deg": random.uniform(-8.0, 8.0, n)[:, None] + offset - middle[:, None],
        "polar_deg": random.uniform(-10.0, 10.0, n)[:, None] + 0.3 * random.standard_normal((n, 3)),
        "azimuth_deg": random.uniform(0.0, 360.0, n)[:, None] + random.standard_normal((n, 3)),
        "share": _shares(random, number),
        "detector": np.zeros(n, dtype=np.int64),
        "dead_time": np.zeros(n),
        "fermi_ev": np.zeros(n),
        "events": np.full(n, 1000),
    }
    if population == "usual":
        own["resolution_ev"] = np.exp(random.uniform(np.log(0.003), np.log(0.03), n))
        own["angle_fwhm_deg"] = np.exp(random.uniform(np.log(0.05), np.log(0.5), n))
        own["temperature_k"] = np.exp(random.uniform(np.log(5.0), np.log(100.0), n))
    return replace(p, **own), copied


def _offsets(random: np.random.Generator, n: int, smallest_deg: float) -> Float64Array:
    """Return the tilts of three domains from the first, (n, 3): neighbours ``smallest_deg`` apart or more."""
    second = random.uniform(smallest_deg, _WIDEST, n)
    room = _SPAN - second - smallest_deg
    third = second + smallest_deg + np.maximum(room, 0.0) * random.uniform(0.0, 1.0, n)
    return np.stack([np.zeros(n), second, third], axis=1)


def _shares(random: np.random.Generator, number: Int64Array) -> Float64Array:
    """Return shares (n, 3): of two a quarter or more each, of three a fifth or more."""
    n = len(number)
    one = random.uniform(0.25, 0.75, n)
    two = np.stack([one, 1.0 - one, np.zeros(n)], axis=1)
    three = 0.2 + 0.4 * random.dirichlet([1.0, 1.0, 1.0], n)
    share = np.where((number == 2)[:, None], two, three)
    return np.where((number == 1)[:, None], np.array([1.0, 0.0, 0.0]), share)


def _copied(p: FullParameters, random: np.random.Generator) -> tuple[Float64Array, Int64Array, BoolArray]:
    """Give some single bands a copy 40–250 meV above, half of them with another width, as a bilayer's has."""
    n, terms = len(p), p.terms.copy()
    at = (random.uniform(size=n) < _COPIED) & (p.surface < 3)
    split = np.exp(random.uniform(np.log(0.04), np.log(0.25), n))
    wider = 1.0 + np.where(random.uniform(size=n) < 0.5, 0.0, random.uniform(-0.2, 0.2, n))
    terms[at, 1] = terms[at, 0] * wider[at, None]
    terms[at, 1, 0] = terms[at, 0, 0] + split[at]
    return terms, np.where(at, 2, p.bands), at


def _seen(p: FullParameters, keys: NDArray[np.uint64], population: str) -> BoolArray:
    """Return whether the bands of every domain, each alone, are seen: their share of the electrons, their structure."""
    electrons, structure = (0.1, 0.2) if population == "usual" else (0.05, 0.1)
    seen = np.ones(len(p), dtype=np.bool_)
    for d in range(3):
        at = np.flatnonzero((p.domains > d) & seen)
        if not at.size:
            continue
        single = simulate_spectra(_single(take(p, at), d), CANVAS, keys[at], clean=True)
        bands, rest = single.arpes.sum((1, 2)), single.background.sum((1, 2))
        shape = np.array([band_share(one * (1e5 / one.sum())) if one.sum() > 0 else 0.0 for one in single.arpes])
        seen[at] = (bands / (bands + rest) * p.share[at, d] > electrons) & (shape > structure)
    return seen


def _single(p: FullParameters, d: int) -> FullParameters:
    """Return the parameters of samples that consist of their domain number ``d`` alone."""
    n, names = len(p), ("polar_deg", "tilt_deg", "azimuth_deg")
    angles = {name: np.repeat(getattr(p, name)[:, [d]], 3, axis=1) for name in names}
    whole = np.tile([1.0, 0.0, 0.0], (n, 1))
    return replace(p, domains=np.ones(n, np.int64), share=whole, **angles)


@dataclass(frozen=True, eq=False)
class SimulatedSample:
    """A sample of side × side sites, seen in cuts of one instrument.

    Parameters
    ----------
    cuts : of all sites, on the canvas
    weight : (m, k) share of every domain in a site's electrons, by its place on the slit
    offset_deg : (k,) along the slit from the lowest
    """

    cuts: Canvas
    weight: Float64Array
    offset_deg: Float64Array


def simulated_sample(
    seed: int, number: int = 2, side: int = 14, electrons: float = 3000.0, blur_sites: float = 0.7
) -> SimulatedSample:
    """Return a sample whose domains lie about random seeds, seen with a beam of a standard deviation in sites.

    Parameters
    ----------
    seed : of bands and places; number : of domains, 1 to 3
    side : sites along x and y; electrons : of a site's cut; blur_sites : of the beam
    """
    chunk = 0
    while True:
        keys = make_keys(seed, np.arange(chunk * 16, (chunk + 1) * 16), 1, _STREAM)
        random = np.random.default_rng([seed, chunk, _STREAM, 1])
        drawn, _ = _drawn(keys, random, "usual", np.full(16, number), SMALLEST_DEG)
        kept = np.flatnonzero(_seen(drawn, keys, "usual"))
        if kept.size:
            break
        chunk += 1
    one, key = replace(take(drawn, kept[:1]), events=np.full(1, 2_000_000)), keys[kept[:1]]
    offset, _ = _as_seen(one)
    order = np.argsort(-one.tilt_deg[0, :number])
    rates = np.stack([simulate_spectra(_single(one, int(d)), CANVAS, key).counts[0] for d in order]).astype(np.float64)
    rates *= electrons / rates.sum((1, 2), keepdims=True)
    y, x = np.mgrid[:side, :side]
    seeds = random.uniform(0.0, side, (2, 4 * number))
    nearest = ((y[..., None] - seeds[0]) ** 2 + (x[..., None] - seeds[1]) ** 2).argmin(-1) % number
    shown = [gaussian_filter((nearest == d).astype(np.float64), blur_sites) for d in range(number)]
    weight = np.stack(shown, axis=-1).reshape(-1, number)
    counts = random.poisson(np.tensordot(weight, rates, 1)).astype(np.float32)
    return SimulatedSample(whole_canvas(counts), weight, offset[0, :number])


def _as_seen(p: FullParameters) -> tuple[Float64Array, Float64Array]:
    """Return offsets and weights in the order in which copies lie on the slit: a larger tilt lies lower."""
    place = np.where(p.domains[:, None] > _ORDER, -p.tilt_deg, np.inf)
    order = np.argsort(place, axis=1)
    place, share = np.take_along_axis(place, order, 1), np.take_along_axis(p.share, order, 1)
    known = p.domains[:, None] > _ORDER
    return np.where(known, place - place[:, :1], np.nan), np.where(known, share, np.nan)

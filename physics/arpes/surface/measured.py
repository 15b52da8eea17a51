"""A surface from a measured map: cluster its spectra, keep its geography, simulate the rest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from beamgym.physics.arpes.surface.fields import FIELD_MM, RASTER_CELLS, Geography
from beamgym.physics.arpes.surface.flakes import LARGEST_SHIFT_EV
from beamgym.physics.arpes.surface.levels import MOST_FLAKES
from beamgym.physics.arpes.surface.measured_input import checked_map
from beamgym.physics.arpes.surface.measured_shifts import cluster_means, mixed, shifts
from beamgym.physics.arrays import Float64Array

_TRIES = 8  # starts of the clustering; the tightest result is kept
_FAINTEST = 1e-3  # weight of known neighbours below which there are none
_EVEN = 0.05  # of a pitch: how far sites may lie from even ones
_THICKEST = 4.0  # layers thicker than that are all the same: no bands are left


@dataclass(frozen=True, eq=False)
class MeasuredSurface:
    """What was made of a map.

    Parameters
    ----------
    geography : for the simulator
    cluster : (y, x) which of the k clusters each measured site belongs to; −1 beside the sample
    spectra : (k, e) mean spectrum of each cluster, which sums to 1
    explained : share of the variance of the spectra's shapes that the clusters hold
    mixed : (y, x) sites on the sample that look like a mixture of two clusters, as at rims; they have no shift of
        their own, but that of their neighbours
    clipped : share of the other sites on the sample that are shifted further than a surface can be, ±0.12 eV, and so
        stay there; where it is more than a little, the clusters are not what they seem: ask for others
    """

    geography: Geography
    cluster: NDArray[np.int64]
    spectra: Float64Array
    explained: float
    mixed: NDArray[np.bool_]
    clipped: float


def measured_surface(
    intensity: ArrayLike,
    x_mm: ArrayLike,
    y_mm: ArrayLike,
    energy_ev: ArrayLike,
    clusters: int = 5,
    field_mm: float | None = FIELD_MM,
    holder_below: float = 0.0,
    holder_clusters: int = 0,
    smooth_px: float = 1.0,
    seed: int = 0,
) -> MeasuredSurface:
    """Turn a measured map into a surface.

    Parameters
    ----------
    intensity : (y, x, e) counts; masked sites of a masked array are beside the sample; an xarray.DataArray is turned by
        the names of its dimensions
    x_mm, y_mm, energy_ev : the axes, rising; sites at uneven steps keep their places
    clusters : how many kinds of site there are, 1 to 12; each becomes a flake with bands of its own
    field_mm : edge of the simulated field into which the map is laid, stretched alike both ways; None keeps its size
    holder_below : sites with less than this share of the brightest total are beside the sample
    holder_clusters : how many clusters, those with the smoothest spectra, are substrate and so beside the sample
    smooth_px : spectra are averaged over neighbours by a Gaussian of that standard deviation before they are compared
    seed : of the clustering

    Returns
    -------
    MeasuredSurface
        flake: the clusters. Layer: −ln of a site's total over that of its cluster's brightest sites. Potential: by
        how much a site's spectrum is shifted against its cluster's mean; where it is rather a mixture of two
        clusters, as its neighbours are

    Raises
    ------
    ValueError : axes that do not fit or rise, counts negative or not finite, too few sites on the sample

    Notes
    -----
    Spectra are compared by the square roots of their shapes (Hellinger distance), in which Poisson noise is even, and
    clustered by k-means (Lloyd, IEEE Trans. Inf. Theory 28 (1982) 129). Shifts are those of the linear least squares
    s(E) ≈ a m(E) − δ m′(E). Mixtures are told from shifts by a test at the level of 1 %, see ``measured_shifts.mixed``.
    """
    counts, masked, axes = checked_map(intensity, (y_mm, x_mm, energy_ev))
    if not 1 <= clusters <= MOST_FLAKES:
        raise ValueError(f"clusters is {clusters}; choose 1 to {MOST_FLAKES}")
    if not 0 <= holder_clusters < clusters:
        raise ValueError(f"holder_clusters is {holder_clusters} of {clusters}; at least one cluster must be sample")
    soft = gaussian_filter(counts, (smooth_px, smooth_px, 0.0), mode="nearest")
    if masked.any():  # sites that are not there are no neighbours
        weight = gaussian_filter((~masked).astype(np.float64), smooth_px, mode="nearest")
        soft = np.where(masked[..., None], 0.0, soft / np.maximum(weight, _FAINTEST)[..., None])
    total = soft.sum(axis=2)
    sample = (total > max(holder_below * float(total.max()), 0.0)) & ~masked
    if sample.sum() < clusters:
        raise ValueError(f"{int(sample.sum())} places lie on the sample, too few for {clusters} clusters")
    shapes = soft[sample] / total[sample][:, None]
    label, explained = _clustered(np.sqrt(shapes), clusters, seed)
    cluster = np.full(total.shape, -1, dtype=np.int64)
    cluster[sample] = label
    spectra = cluster_means(shapes, label)
    layer, shift, mixture = np.zeros(total.shape), np.zeros(total.shape), np.zeros(total.shape, dtype=np.bool_)
    mixture[sample] = mixed(shapes, label, axes[2], LARGEST_SHIFT_EV)
    for k in range(clusters):
        here = cluster == k
        bright = np.percentile(total[here], 95.0)
        layer[here] = np.clip(-np.log(total[here] / bright), 0.0, _THICKEST)
        found = soft[here] / total[here][:, None]
        mix = mixture[here]
        # A mean that mixtures have a part in is no spectrum of this kind of site to measure shifts from.
        shift[here] = shifts(found, spectra[k] if mix.all() else found[~mix].mean(axis=0), axes[2])[0]
    holder = np.isin(cluster, np.argsort(_structure(spectra))[:holder_clusters])
    cluster[holder] = -1
    own = (cluster >= 0) & ~mixture
    clipped = float((np.abs(shift[own]) > LARGEST_SHIFT_EV).mean()) if own.any() else 0.0
    potential = _smoothed(shift.clip(-LARGEST_SHIFT_EV, LARGEST_SHIFT_EV), own, smooth_px)
    geography = _laid(cluster, layer, potential, axes, field_mm)
    return MeasuredSurface(geography, cluster, spectra, explained, mixture & (cluster >= 0), clipped)


def _smoothed(values: Float64Array, known: NDArray[np.bool_], smooth_px: float) -> Float64Array:
    """Return the mean of the known neighbours' values, by a Gaussian; 0 where there is none within its reach."""
    weight = gaussian_filter(known.astype(np.float64), smooth_px, mode="nearest")
    total = gaussian_filter(np.where(known, values, 0.0), smooth_px, mode="nearest")
    return np.where(weight > _FAINTEST, total / np.maximum(weight, _FAINTEST), 0.0)


def _clustered(shapes: Float64Array, clusters: int, seed: int) -> tuple[NDArray[np.int64], float]:
    """Return the cluster (m,) of each shape, the largest first, and the share of the variance they hold."""
    from scipy.cluster.vq import kmeans2  # a good part of a second with what it imports, which simulating needs not

    around = shapes - shapes.mean(axis=0)
    best, least = np.zeros(len(shapes), dtype=np.int64), np.inf
    for start in range(_TRIES):
        random = np.random.default_rng([seed, start])
        means, label = kmeans2(around, clusters, minit="++", seed=random, missing="warn")
        within = float(((around - means[label]) ** 2).sum())
        if within < least and len(np.unique(label)) == clusters:
            best, least = label, within
    if not np.isfinite(least):
        raise ValueError(f"the map's spectra do not fall into {clusters} clusters; ask for fewer")
    order = np.argsort(-np.bincount(best, minlength=clusters), kind="stable")
    renamed = np.empty(clusters, dtype=np.int64)
    renamed[order] = np.arange(clusters)
    everything = float((around**2).sum())
    return renamed[best], 1.0 - least / everything if everything > 0 else 1.0


def _structure(spectra: Float64Array) -> Float64Array:
    """Return how much each spectrum (k, e) departs from a straight line, relative to its mean, (k,)."""
    place = np.linspace(-1.0, 1.0, spectra.shape[1])
    line = np.polynomial.polynomial.polyfit(place, spectra.T, 1)
    left = spectra - np.polynomial.polynomial.polyval(place, line)
    return np.asarray(left.std(axis=1) / spectra.mean(axis=1))


def _laid(
    cluster: NDArray[np.int64],
    layer: Float64Array,
    potential: Float64Array,
    axes: list[Float64Array],
    field_mm: float | None,
) -> Geography:
    """Lay the map in the middle of a square raster: nearest flakes, interpolated fields, nothing around it."""
    y, x = axes[0], axes[1]
    pitch = [(axis[-1] - axis[0]) / (axis.size - 1) for axis in (y, x)]
    extent = max(y.size * pitch[0], x.size * pitch[1])
    offset = ((np.arange(RASTER_CELLS) + 0.5) / RASTER_CELLS - 0.5) * extent
    row, column = (_place(axis, step, offset) for axis, step in ((y, pitch[0]), (x, pitch[1])))
    rows, columns = np.meshgrid(row, column, indexing="ij")
    inside = (np.abs(rows - 0.5 * (y.size - 1)) <= 0.5 * y.size) & (
        np.abs(columns - 0.5 * (x.size - 1)) <= 0.5 * x.size
    )
    nearest = [np.clip(np.rint(place), 0, size - 1).astype(int) for place, size in ((rows, y.size), (columns, x.size))]
    flake = np.where(inside, cluster[nearest[0], nearest[1]], -1)
    fields = [map_coordinates(values, [rows, columns], order=1, mode="nearest") for values in (layer, potential)]
    fields = [np.where(flake >= 0, values, 0.0) for values in fields]
    size_mm = float(extent if field_mm is None else field_mm)
    return Geography(flake.astype(np.int16), fields[0].astype(np.float32), fields[1].astype(np.float32), size_mm)


def _place(axis: Float64Array, pitch: float, offset: Float64Array) -> Float64Array:
    """Return where offsets from the middle of an axis lie, in sites; between sites of uneven steps by proportion."""
    even = offset / pitch + 0.5 * (axis.size - 1)
    if np.abs(np.diff(axis) - pitch).max() <= _EVEN * pitch:
        return even
    middle = 0.5 * (axis[0] + axis[-1])
    inner = np.interp(offset + middle, axis, np.arange(axis.size, dtype=np.float64))
    # Half a site hangs over at either end, as on an even map.
    return np.where((even < 0.0) | (even > axis.size - 1.0), even, inner)

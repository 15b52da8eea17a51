"""Patterns of several grains or twins at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from beamgym.physics.arrays import Float64Array, Int32Array
from beamgym.physics.laue.pattern.spots import LaueModel, Spots

if TYPE_CHECKING:
    from beamgym.physics.crystal import Crystal


@dataclass(frozen=True, eq=False)
class GrainSpots(Spots):
    """Spots of several grains in one list, brightest first; ``grain`` (n, s) int32 says whose each is."""

    grain: Int32Array


@dataclass(frozen=True)
class TwinLaw:
    """A rotation that turns one twin into the other.

    Parameters
    ----------
    indices : the axis, [uvw] or (hkl)
    of : "uvw" for a real-space direction, "hkl" for the normal of a plane
    angle_deg : turn about it
    """

    indices: tuple[int, int, int]
    of: Literal["uvw", "hkl"]
    angle_deg: float = 180.0

    def rotation(self, crystal: Crystal) -> Float64Array:
        """Return the (3, 3) rotation in the crystal's Cartesian frame: a twin's orientation is U times it."""
        axis = crystal.direction(self.indices) if self.of == "uvw" else crystal.plane_normal(self.indices)
        matrix: Float64Array = Rotation.from_rotvec(np.radians(self.angle_deg) * np.asarray(axis)).as_matrix()
        return matrix


TWIN_LAWS: Mapping[str, TwinLaw] = {
    "spinel": TwinLaw((1, 1, 1), "hkl"),  # fcc and diamond metals and semiconductors, {111} twins
    "dauphine": TwinLaw((0, 0, 1), "uvw"),  # quartz; every spot position stays, intensities change
    "reverse-obverse": TwinLaw((0, 0, 1), "uvw", 60.0),  # rhombohedral layers, Bi2Se3
    "ferroelastic": TwinLaw((1, 1, 0), "hkl"),  # orthorhombic cuprates: a and b change places
}


def twin_law(name: str) -> TwinLaw:
    """Return a twin law by name; raises ValueError with the known names for any other."""
    if name not in TWIN_LAWS:
        raise ValueError(f"no twin law {name!r}; known are {', '.join(sorted(TWIN_LAWS))}, or make a TwinLaw")
    return TWIN_LAWS[name]


def twin_orientations(orientation: ArrayLike, rotations: ArrayLike) -> Float64Array:
    """Return the orientations of a crystal (n, 3, 3) and of its twins as (n, 1 + t, 3, 3); ``rotations`` (t, 3, 3)."""
    u = np.asarray(orientation, dtype=np.float64)
    turns = np.concatenate([np.eye(3)[None], np.asarray(rotations, dtype=np.float64).reshape(-1, 3, 3)])
    together: Float64Array = u[:, None] @ turns[None]
    return together


def grain_spots(
    models: LaueModel | Sequence[LaueModel],
    orientation: ArrayLike,
    fraction: ArrayLike,
    detectors: ArrayLike | None = None,
    brightest: int | None = None,
) -> GrainSpots:
    """Simulate the pattern of g grains that share the beam.

    Parameters
    ----------
    models : one for all grains, or one for each (phases); their detectors must be the same
    orientation : (n, g, 3, 3) of every grain, crystal Cartesian to lab
    fraction : (g,) or (n, g) share of the illuminated volume; scales the intensities
    detectors : (n, 9) each sample's own panel, as in ``LaueModel.spots``
    brightest : keep this many of a list; None keeps all

    Returns
    -------
    GrainSpots, brightest first

    Raises
    ------
    ValueError : shapes that do not fit, shares that are negative, not finite or add up to more than 1
    """
    u = np.asarray(orientation, dtype=np.float64)
    if u.ndim != 4 or u.shape[2:] != (3, 3) or u.shape[1] == 0:
        raise ValueError(f"orientations of grains must have shape (n, g, 3, 3) with g ≥ 1; found {u.shape}")
    n, g = u.shape[:2]
    every = [models] * g if isinstance(models, LaueModel) else list(models)
    if len(every) != g or any(model.detector != every[0].detector for model in every):
        raise ValueError(f"give one model, or one for each of the {g} grains, all with the same detector")
    share = _shares(fraction, n, g)
    lists = [every[k].spots(np.ascontiguousarray(u[:, k]), detectors) for k in range(g)]
    return merged_spots(lists, share, brightest)


def _shares(fraction: ArrayLike, n: int, g: int) -> Float64Array:
    share = np.asarray(fraction, dtype=np.float64)
    if share.shape not in ((g,), (n, g)):
        raise ValueError(f"fractions must have shape ({g},) or ({n}, {g}), one per grain; found {share.shape}")
    share = np.broadcast_to(share, (n, g))
    if not np.all(np.isfinite(share)) or np.any(share < 0) or np.any(share.sum(axis=1) > 1 + 1e-9):
        raise ValueError("fractions are shares of the volume: finite, not negative, adding up to at most 1")
    return share


def merged_spots(lists: Sequence[Spots], share: Float64Array, brightest: int | None) -> GrainSpots:
    """Merge the lists of g grains, brightest first; ``share`` (n, g) scales each grain's intensities."""
    parts = {
        name: np.concatenate([getattr(part, name) for part in lists], axis=1)
        for name in ("position_px", "energy_kev", "ray")
    }
    scaled = [part.intensity * share[:, k : k + 1].astype(np.float32) for k, part in enumerate(lists)]
    grain = [np.full(part.ray.shape, k, dtype=np.int32) for k, part in enumerate(lists)]
    count = np.sum([part.count for part in lists], axis=0)
    whole = GrainSpots(count, intensity=np.concatenate(scaled, axis=1), grain=np.concatenate(grain, axis=1), **parts)
    return sorted_spots(whole, brightest)


def sorted_spots(spots: GrainSpots, brightest: int | None) -> GrainSpots:
    """Sort lists brightest first; rows without intensity, and those beyond ``brightest``, are dropped."""
    total = np.count_nonzero(spots.intensity > 0, axis=1)
    count = total if brightest is None else np.minimum(total, brightest)
    kept = int(count.max(initial=0))
    place = np.argsort(-spots.intensity, axis=1, kind="stable")[:, :kept]
    real = np.arange(kept)[None, :] < count[:, None]

    def gather(values: NDArray[Any], kind: type) -> NDArray[Any]:
        taken: NDArray[Any] = (np.take_along_axis(values, place, axis=1) * real).astype(kind)
        return taken

    position = np.take_along_axis(spots.position_px, place[..., None], axis=1)
    return GrainSpots(
        count=count.astype(np.int64),
        position_px=position * real[..., None].astype(np.float32),
        intensity=gather(spots.intensity, np.float32),
        energy_kev=gather(spots.energy_kev, np.float32),
        ray=gather(spots.ray, np.int32),
        grain=gather(spots.grain, np.int32),
    )

"""Places in counted frames with the ground under them: satellites' own, and others where none may be."""

from dataclasses import dataclass

import numpy as np

from beamgym.agents.denoising.ground.config import GroundConfig
from beamgym.envs.denoising import FEATURES, CountedFrame, hidden_box, profile, surroundings
from beamgym.physics.arrays import Float32Array, Float64Array
from beamgym.physics.scenes import Scene, scene_source

_EDGE_PX = 12.0
_ACROSS, _ALONG = (1.4, 3.6), (2.6, 9.0)  # standard deviations of places, pixels
_MOST_RISE = 6.0  # of the ground within a box over its median in the frame: a Bragg peak has no satellite in it
_GAPS = 0.2  # share of the frames in which a strip is hidden


@dataclass(frozen=True, eq=False)
class GroundScene:
    """Expected counts with and without what may be found, and the places (k, 4) of that."""

    rate: Float64Array
    ground: Float64Array
    places: Float64Array

    @classmethod
    def of(cls, scene: Scene) -> "GroundScene":
        """Take the peaks out of a scene."""
        rate = scene.rate.astype(np.float64)
        ground, places = rate.copy(), scene.peaks[:, [0, 1, 3, 4]]
        everywhere = np.s_[0 : rate.shape[0], 0 : rate.shape[1]]
        for place, counts in zip(places, scene.peaks[:, 2], strict=True):
            ground -= counts * profile(place, everywhere)
        return cls(rate, ground, places)


@dataclass(frozen=True, eq=False)
class GroundPlaces:
    """n places: what surrounds each (n, FEATURES), its level (n,), the ground under it (n,), both in counts a pixel,
    and the number of pixels (n,) that a peak there is spread over."""

    told: Float32Array
    level: Float64Array
    ground: Float64Array
    pixels: Float64Array

    def of(self, chosen: object) -> "GroundPlaces":
        """Return some of them."""
        return GroundPlaces(*(getattr(self, name)[chosen] for name in ("told", "level", "ground", "pixels")))


def ground_scenes(config: GroundConfig, split: str, seed: int, number: int) -> list[GroundScene]:
    """Return scenes of a split."""
    source = scene_source(config.scene, split)
    return [GroundScene.of(source.take(seed, index)) for index in range(number)]


def draw_places(scenes: list[GroundScene], config: GroundConfig, seed: int, epoch: int, number: int) -> GroundPlaces:
    """Return ``number`` places of an epoch, in a random order; the same whenever it is drawn."""
    rows: list[tuple[Float32Array, float, float, float]] = []
    frame = 0
    while len(rows) < number:
        draw = np.random.default_rng([seed, epoch, frame, 19])
        rows += _of_frame(scenes[frame % len(scenes)], config, draw)
        frame += 1
    order = np.random.default_rng([seed, epoch, 23]).permutation(len(rows))[:number]
    told = np.empty((number, FEATURES), np.float32)
    rest = np.empty((3, number))
    for i, row in enumerate(order):
        told[i], rest[:, i] = rows[row][0], rows[row][1:]
    return GroundPlaces(told, *rest)


def _of_frame(
    scene: GroundScene, config: GroundConfig, draw: np.random.Generator
) -> list[tuple[Float32Array, float, float, float]]:
    exposure = float(np.exp(draw.uniform(*np.log(config.exposures))))
    counts = draw.poisson(scene.rate * exposure).astype(np.float64)
    ground, places = scene.ground * exposure, np.concatenate([scene.places, _anywhere(scene, config.places, draw)])
    hidden = np.zeros(counts.shape, np.bool_)
    if draw.random() < _GAPS:
        first = int(draw.integers(counts.shape[0]))
        hidden[first : first + int(draw.integers(1, 12))] = True
    turns, mirrored = int(draw.integers(4)), bool(draw.random() < 0.5)
    counts, ground = _turned(counts, turns, mirrored), _turned(ground, turns, mirrored)
    hidden = _turned(hidden.astype(np.float64), turns, mirrored) > 0.0
    frame, found, usual = CountedFrame(counts, hidden), [], float(np.median(ground))
    for place in _places_turned(places, scene.rate.shape[0], turns, mirrored):
        box = hidden_box(place, (counts.shape[0], counts.shape[1]))
        if ground[box].max() > _MOST_RISE * usual:
            continue
        around, shares = surroundings(frame, place), profile(place, box)
        under = float((shares * ground[box]).sum() / shares.sum())
        found.append((around.told, around.level, under, float(shares.sum() ** 2 / (shares**2).sum())))
    return found


def _anywhere(scene: GroundScene, number: int, draw: np.random.Generator) -> Float64Array:
    edges = [length - _EDGE_PX for length in scene.rate.shape]
    return np.stack(
        [
            draw.uniform(_EDGE_PX, edges[1], number),
            draw.uniform(_EDGE_PX, edges[0], number),
            draw.uniform(*_ACROSS, number),
            draw.uniform(*_ALONG, number),
        ],
        axis=1,
    )


def _turned(image: Float64Array, turns: int, mirrored: bool) -> Float64Array:
    found = np.rot90(image, turns)
    return np.ascontiguousarray(found[:, ::-1] if mirrored else found)


def _places_turned(places: Float64Array, side: int, turns: int, mirrored: bool) -> Float64Array:
    """Return where the places of a square frame are when it is turned by ``np.rot90``, then mirrored."""
    column, row, across, along = places.T
    for _ in range(turns):
        column, row, across, along = row, side - 1.0 - column, along, across
    if mirrored:
        column = side - 1.0 - column
    return np.stack([column, row, across, along], axis=1)

"""A dictionary of orientations as a linear layer: scores of k known patterns for a gnomonic map.

Its weights start as the closed-form best linear classifier of simulated patterns (linear discriminant of equal
covariances: Fisher, Annals of Eugenics 7, 1936, 179; Rao, J. R. Stat. Soc. B 10, 1948, 159) and are trained further
with the rest of the network. From the pattern alone the whole turn to the goal has to be guessed, and a network that
starts from random weights takes a million patterns before it leaves the mean.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from beamgym.physics.instrument import Float64Array

_RIDGE = 1e-3  # share of the mean variance added to every direction, so that empty map cells cannot divide by zero


def spread_orientations(candidates: Float64Array, rotations: Float64Array, count: int) -> Float64Array:
    """Choose orientations that cover the symmetry-reduced space evenly, by farthest-point sampling.

    Parameters
    ----------
    candidates : (m, 3, 3) random orientations, m well above count
    rotations : (g, 3, 3) proper rotations of the Laue group
    count : how many to choose

    Returns
    -------
    (count, 3, 3) orientations
    """
    equivalent = (candidates[:, None] @ rotations[None]).reshape(-1, 9)
    shape = len(candidates), len(rotations)
    chosen, nearest = [0], np.full(len(candidates), -np.inf)
    while len(chosen) < count:
        traces = (equivalent @ candidates[chosen[-1]].ravel()).reshape(shape).max(axis=1)
        nearest = np.maximum(nearest, traces)
        chosen.append(int(nearest.argmin()))
    return candidates[chosen]


def nearest_entry(orientation: Float64Array, entries: Float64Array, rotations: Float64Array) -> NDArray[np.int64]:
    """Return (n,) which of the entries (k, 3, 3) is nearest to each orientation (n, 3, 3), symmetry-reduced."""
    equivalent = (entries[:, None] @ rotations[None]).reshape(-1, 9).astype(np.float32)
    traces = orientation.reshape(-1, 9).astype(np.float32) @ equivalent.T
    best: NDArray[np.int64] = traces.reshape(len(orientation), len(entries), -1).max(axis=2).argmax(axis=1)
    return best


class Dictionary(nn.Module):
    """Scores k orientations against a gnomonic map.

    Parameters
    ----------
    entries : k, number of orientations
    pixels : edge of the map
    """

    turns: Tensor

    def __init__(self, entries: int, pixels: int) -> None:
        super().__init__()
        self.score = nn.Linear(pixels * pixels, entries)
        self.register_buffer("turns", torch.zeros(entries, 3))
        kernel = torch.tensor([1.0, 2.0, 1.0]) / 4.0
        self.register_buffer("kernel", (kernel[:, None] * kernel)[None, None])

    def features(self, gnomonic_map: Tensor) -> Tensor:
        """Blur a map (b, 1, pixels, pixels) by a cell and take its square root, which evens out intensities."""
        blurred = functional.conv2d(gnomonic_map, self.kernel, padding=1)  # type: ignore[arg-type]
        return torch.sqrt(blurred + 1e-4).flatten(1)

    def forward(self, gnomonic_map: Tensor) -> Tensor:
        """Return the scores (b, k), logits of the entries."""
        scores: Tensor = self.score(self.features(gnomonic_map))
        return scores

    @torch.no_grad()
    def fit(self, turns: Float64Array, draw: Callable[[], tuple[Tensor, NDArray[np.int64]]], batches: int) -> None:
        """Set the weights to the linear discriminant of simulated patterns.

        Parameters
        ----------
        turns : (k, 3) rotation vectors from each entry to the goal, radians
        draw : gives a batch of maps (b, 1, pixels, pixels) and their entries (b,)
        batches : how many to draw
        """
        entries, cells = self.score.weight.shape
        count, total, square = np.zeros(entries), np.zeros((entries, cells)), np.zeros((cells, cells))
        for _ in range(batches):
            maps, which = draw()
            seen = self.features(maps).double().numpy()
            square += seen.T @ seen
            np.add.at(total, which, seen)
            np.add.at(count, which, 1.0)
        mean = total / np.maximum(count, 1.0)[:, None]
        within = (square - (mean * count[:, None]).T @ mean) / count.sum()
        within += _RIDGE * np.trace(within) / cells * np.eye(cells)
        weight = np.linalg.solve(within, mean.T).T
        self.score.weight.copy_(torch.as_tensor(weight))
        self.score.bias.copy_(torch.as_tensor(-0.5 * (weight * mean).sum(axis=1)))
        self.turns.copy_(torch.as_tensor(turns))

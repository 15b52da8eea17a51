"""The detector's sensitivity behind the spectra of a recipe, pixel by pixel."""

from __future__ import annotations

import numpy as np

from beamgym.physics.arpes.detection import Grid, centre
from beamgym.physics.arpes.recipes import FullParameters, PublishedParameters, full_response
from beamgym.physics.arrays import Float32Array


def recipe_response(parameters: PublishedParameters | FullParameters, grid: Grid) -> Float32Array:
    """Return the sensitivity (n, e, a) of each pixel for n spectra of a recipe; dead time and ADC left out."""
    if isinstance(parameters, PublishedParameters):
        along, across = (centre(parameters.sensitivity, pixels).astype(np.float32) for pixels in grid.shape)
        return np.asarray(along[:, :, None] * across[:, None, :])
    parts = full_response(parameters, grid).arrays(len(parameters), grid.shape)
    rows, columns, maps = (np.asarray(part, dtype=np.float32) for part in parts[:3])
    index = np.asarray(parts[3], dtype=np.int64)
    gain = rows[:, :, None] * columns[:, None, :]
    mapped = index >= 0
    gain[mapped] *= maps[index[mapped]]
    return np.asarray(gain, dtype=np.float32)

"""Random spectra with labels: the published recipe and a fuller one, spread evenly, in files."""

from beamgym.physics.arpes.recipes.recipes import RECIPES, generate, recipe_grid
from beamgym.physics.arpes.recipes.sampler import Sampler, stream
from beamgym.physics.arpes.recipes.shards import check_amounts, read_scores, write_dataset

__all__ = [
    "RECIPES",
    "Sampler",
    "check_amounts",
    "generate",
    "read_scores",
    "recipe_grid",
    "stream",
    "write_dataset",
]

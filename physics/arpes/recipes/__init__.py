"""Random spectra with labels: the published recipe and a fuller one, spread evenly, in files."""

from beamgym.physics.arpes.recipes.batch import take
from beamgym.physics.arpes.recipes.full import FullParameters
from beamgym.physics.arpes.recipes.full_scene import full_response
from beamgym.physics.arpes.recipes.published import PublishedParameters
from beamgym.physics.arpes.recipes.recipes import RECIPES, draw, generate, recipe_grid, simulate_spectra
from beamgym.physics.arpes.recipes.sampler import Sampler, stream
from beamgym.physics.arpes.recipes.shards import SpectraShards, check_amounts, read_scores, write_dataset

__all__ = [
    "RECIPES",
    "FullParameters",
    "PublishedParameters",
    "Sampler",
    "SpectraShards",
    "check_amounts",
    "draw",
    "full_response",
    "generate",
    "read_scores",
    "recipe_grid",
    "simulate_spectra",
    "stream",
    "take",
    "write_dataset",
]

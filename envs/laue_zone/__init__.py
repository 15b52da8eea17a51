"""Find a symmetry axis of an unknown crystal with two axes."""

from beamgym.envs.laue_zone.factory import make_env, make_vector_env

__all__ = [
    "make_env",
    "make_vector_env",
]

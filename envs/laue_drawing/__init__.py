"""Pictures of an alignment under way: the pattern with what is expected, and what was spent."""

from beamgym.envs.laue_drawing.rendering import LaueRenderer

__all__ = ["LaueRenderer"]

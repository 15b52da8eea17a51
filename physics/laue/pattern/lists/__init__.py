"""Kernels of spot lists: a table of rays, a panel and orientations in, lists of spots out."""

from beamgym.physics.laue.pattern.lists.list_kernels import brightest_lists, pad_lists, whole_lists
from beamgym.physics.laue.pattern.lists.panel_kernels import first_bad_panel, first_bad_rotation, panel_frame
from beamgym.physics.laue.pattern.lists.rays import WINDOW_MARGIN, ranked, ray_tables
from beamgym.physics.laue.pattern.lists.tables import NO_SLAB, PLATE, THICK_SLAB, Panel, Physics

__all__ = [
    "NO_SLAB",
    "PLATE",
    "THICK_SLAB",
    "WINDOW_MARGIN",
    "Panel",
    "Physics",
    "brightest_lists",
    "first_bad_panel",
    "first_bad_rotation",
    "pad_lists",
    "panel_frame",
    "ranked",
    "ray_tables",
    "whole_lists",
]

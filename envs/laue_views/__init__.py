"""What a policy sees of a Laue frame: rows of spots and axes, or the image, and spots found in such an image."""

from beamgym.envs.laue_views.image_finder import ImageFinder, image_panel
from beamgym.envs.laue_views.map_view import MapView
from beamgym.envs.laue_views.observations import (
    AXIS_FIELDS,
    MAX_AXES,
    SPOT_FIELDS,
    SPOT_UNITS,
    ImageView,
    SpotView,
    axis_rows,
    axis_space,
    brightness,
    spot_rows,
    spot_space,
)

__all__ = [
    "AXIS_FIELDS",
    "MAX_AXES",
    "SPOT_FIELDS",
    "SPOT_UNITS",
    "ImageFinder",
    "ImageView",
    "MapView",
    "SpotView",
    "axis_rows",
    "axis_space",
    "brightness",
    "image_panel",
    "spot_rows",
    "spot_space",
]

"""Episodes played again with the truth at hand: why they ended as they did, and a picture of the last frame."""

from beamgym.scripts.laue_gallery.picture import write_picture
from beamgym.scripts.laue_gallery.replay import Replayed, replay
from beamgym.scripts.laue_gallery.words import why
from beamgym.scripts.laue_gallery.zones import zone_failure

__all__ = ["Replayed", "replay", "why", "write_picture", "zone_failure"]

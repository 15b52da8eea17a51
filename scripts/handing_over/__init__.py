"""A crystal handed over from a Laue camera to a diffractometer: the file that `beamgym index --hand-over` writes."""

from beamgym.scripts.handing_over.file import HandOver

__all__ = ["HandOver"]

"""beamgym: Gymnasium environments for aligning crystals; importing it registers them."""

from importlib.metadata import version

__version__ = version("beamgym")

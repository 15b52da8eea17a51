"""beamgym: Gymnasium environments for aligning crystals; importing it registers them."""

from importlib.metadata import version

from beamgym.envs import register_all

__version__ = version("beamgym")

register_all()

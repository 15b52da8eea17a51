"""`beamgym mosaic`: from a plate of glued crystals to a printed holder, one sub-command a step."""

from beamgym.scripts.mosaic.command import SUB_COMMANDS, mosaic_command

__all__ = ["SUB_COMMANDS", "mosaic_command"]

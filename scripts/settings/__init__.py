"""`--set name=value`: any option of an environment, on the command line of every verb that makes one."""

from beamgym.scripts.settings.words import Settings, read_settings

__all__ = ["Settings", "read_settings"]

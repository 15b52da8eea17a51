"""`beamgym page`: a finished run in a browser, from its log."""

from beamgym.scripts.page.command import page_command

__all__ = ["page_command"]

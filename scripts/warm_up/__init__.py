"""`beamgym warm-up`: compiles what environments, demo and deployments need, once for this machine."""

from beamgym.scripts.warm_up.command import warm_up_command

__all__ = ["warm_up_command"]

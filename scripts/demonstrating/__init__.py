"""What `beamgym demo` plays, and what it shows of it."""

from beamgym.scripts.demonstrating.demo import Demo, show_demo

__all__ = ["Demo", "show_demo"]

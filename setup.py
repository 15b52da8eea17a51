"""Derives the packages, and where each lies, from the tree: a new folder with an __init__.py needs no list."""

from pathlib import Path

from setuptools import setup

FLOORS = ("physics", "envs", "agents", "hardware_bridge", "scripts")
rooms = [init.parent for floor in FLOORS for init in sorted(Path(floor).rglob("__init__.py"))]
package_dir = {"beamgym": "src/beamgym"} | {".".join(("beamgym", *room.parts)): room.as_posix() for room in rooms}
setup(packages=list(package_dir), package_dir=package_dir)

"""Keeps other libraries' own words off the terminal: what happens is said by the session's events."""

import logging
from typing import Any

from beamgym.hardware_bridge.devices import need

LIBRARIES = ("bluesky", "ophyd_async")


def quiet() -> None:
    """Let bluesky and ophyd-async print and log nothing in this process from now on.

    A RunEngine prints advice that is wrong here, such as to press Ctrl-C twice to pause: Ctrl-C stops everything. It
    has no setting for it, so that its module gets a ``print`` of its own.
    """
    for library in LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    engine: Any = need("bluesky.run_engine", "hardware")
    engine.print = _unsaid


def _unsaid(*words: object, **options: object) -> None:
    """Print nothing."""

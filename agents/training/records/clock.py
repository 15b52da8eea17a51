"""When the next checkpoint is due by time: a machine that dies costs so long at most."""

import time

SAVE_EVERY_S = 60.0
"""Seconds between two checkpoints, besides those that are due by steps."""


class SaveClock:
    """Says when so many seconds have passed since the last checkpoint."""

    def __init__(self) -> None:
        self._saved_s = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved_s >= SAVE_EVERY_S

    def restart(self) -> None:
        """Count from now on."""
        self._saved_s = time.monotonic()

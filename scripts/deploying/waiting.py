"""Tells every few seconds that a wait goes on, for a screen on which nothing else would happen meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EVERY_S = 5.0


@contextmanager
def telling_seconds(what: str, tell: Callable[[str], object], every_s: float = EVERY_S) -> Iterator[None]:
    """Tell, within this, every so many seconds how long something has taken: "WHAT: 5 s"; nothing of a short wait.

    Parameters
    ----------
    what : goes on, in a few words
    tell : called with each line, from a thread
    every_s : between two lines, seconds
    """
    begun, over = time.monotonic(), threading.Event()

    def keep_telling() -> None:
        while not over.wait(every_s):
            tell(f"{what}: {time.monotonic() - begun:.0f} s")

    teller = threading.Thread(target=keep_telling, name="telling", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()

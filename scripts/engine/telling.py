"""How far the work is, on stderr: a bar on a terminal, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from beamgym.physics.jobs import Pace

_LINES: Final = 20
"""Lines of progress where stderr is no terminal."""
_LINE_S: Final = 60.0
"""No longer without one."""


@contextmanager
def told(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function that is called with a number of pieces as they are finished; rate and time left are told."""
    console, pace = Console(stderr=True), Pace(total)
    if console.is_terminal:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        with Progress(*columns, TextColumn("{task.fields[pace]}"), console=console, transient=True) as progress:
            bar = progress.add_task(label, total=total, pace="")

            def draw(pieces: int) -> None:
                pace.add(pieces)
                progress.update(bar, advance=pieces, pace=pace.text)

            yield draw
        return
    last, step = [0, time.monotonic()], max(total // _LINES, 1)

    def write(pieces: int) -> None:
        pace.add(pieces)
        done, now = pace.done, time.monotonic()
        if done // step > last[0] // step or now - last[1] > _LINE_S or done == total:
            last[:] = done, now
            words = ", ".join(filter(None, (f"{label}: {done} of {total}", pace.text)))
            console.print(words, highlight=False, markup=False, soft_wrap=True)

    yield write

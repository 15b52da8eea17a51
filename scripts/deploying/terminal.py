"""The sink of a deployment's events that prints them on the terminal, and asks there."""

import os
import select
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.status import Status

from beamgym.hardware_bridge.deployment.events import (
    DirectionsChecked,
    Ended,
    Event,
    FrameTaken,
    InstrumentRead,
    Note,
    Progress,
    Question,
    StateChanged,
)
from beamgym.hardware_bridge.terminal import ask_terminal
from beamgym.scripts.deploying.tables import axes_table, others_table
from beamgym.scripts.deploying.waiting import telling_seconds

_WIDTH = 120  # columns, where no terminal says how many


class Terminal:
    """Prints what a human at the keyboard needs, asks there, and keeps quiet about everything else.

    Parameters
    ----------
    console : where it prints; bars and the like go to standard error
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or (Console() if sys.stdout.isatty() else Console(width=_WIDTH))
        self._status: Status | None = None
        self._waiting: AbstractContextManager[None] | None = None
        self._bar: ProgressBar | None = None
        self._held = False
        self._printers: dict[type[Event], Callable[[Any], None]] = {
            StateChanged: self._state,
            Note: self._note,
            FrameTaken: self._frame,
            InstrumentRead: self._read,
            DirectionsChecked: self._directions,
            Progress: self._progress,
            Ended: self._ended,
        }

    def report(self, event: Event) -> None:
        """Print an event, where it is one for the terminal."""
        printer = self._printers.get(type(event))
        if printer is not None:
            printer(event)

    async def ask(self, question: Question) -> str:
        """Put a question to the terminal and wait for a line; the wait can be cancelled."""
        return await ask_terminal(question.text, self._show)

    def line(self, text: str) -> None:
        """Print a line as it is."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _show(self, text: str) -> None:
        self.console.print(text, end="", highlight=False, markup=False, soft_wrap=True)

    def _state(self, event: StateChanged) -> None:
        self._stop_status()
        if event.state == "suspended":
            self._held = True
            self.line(f"suspended: {event.reason}. It goes on by itself when that is over; Ctrl-C ends it")
        elif event.state == "running" and self._held:
            self._held = False
            self.line("it goes on")
        if event.state != "rehearsing":
            return
        if self.console.is_terminal:
            self._status = self.console.status("rehearsing in simulation; the first time compiles for a minute")
            self._status.start()
        else:
            # A log file or a pipe shows no spinner.
            self._waiting = telling_seconds("rehearsing in simulation, which compiles the first time", self.line)
            self._waiting.__enter__()

    def _note(self, event: Note) -> None:
        if event.in_passing:
            self.console.print(event.text, highlight=False, markup=False, style="dim")
        else:
            self.line(event.text)

    def _frame(self, event: FrameTaken) -> None:
        # Of many episodes, for which a bar is shown, nobody reads every step.
        if self._bar is None:
            seen = "" if event.spots_px is None else f", {len(event.spots_px)} spots"
            text = f"step {event.step}: exposed for {event.exposure_s:g} s{seen}"
            self.console.print(text, highlight=False, markup=False, style="dim")

    def _read(self, event: InstrumentRead) -> None:
        self.console.print(axes_table(event.findings))
        self.console.print(others_table(event.findings))
        for found in event.findings.differences:
            self.line(f"{'WOULD BE REFUSED' if found.refused else 'note'}: {found.place}: {found.text}")

    def _directions(self, event: DirectionsChecked) -> None:
        for text in event.lines:
            self.line(f"direction check: {text}")
        if event.passed:
            self.line(f"direction check passed; kept in {event.record}")

    def _progress(self, event: Progress) -> None:
        if self._bar is None:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
            self._bar = ProgressBar(*columns, console=Console(stderr=True), transient=True)
            self._bar.add_task(event.what, total=event.total)
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=event.done)
        if event.done == event.total:
            self._stop_bar()

    def _ended(self, event: Ended) -> None:
        self._stop_status()
        self._stop_bar()

    def _stop_status(self) -> None:
        status, self._status = self._status, None
        if status is not None:
            status.stop()
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.__exit__(None, None, None)

    def _stop_bar(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()


def say_from_handler(text: str) -> None:
    """Say something from a signal handler: a terminal that is gone, or stands still, must not disturb an abort."""
    with suppress(OSError, ValueError):
        descriptor = -1 if sys.__stderr__ is None else sys.__stderr__.fileno()
        if select.select([], [descriptor], [], 0.0)[1]:
            os.write(descriptor, text.encode())

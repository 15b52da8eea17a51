"""Asks about a command once and as a whole, and remembers to what the yes was given.

A yes holds for what was shown: a command of which anything has changed since then is asked about again.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

from beamgym.hardware_bridge.guard.devices import GuardedCommand
from beamgym.hardware_bridge.guard.instrument import GuardedInstrument
from beamgym.hardware_bridge.guard.questions import Confirms
from beamgym.hardware_bridge.guard.rules import ANSWER, decide
from beamgym.hardware_bridge.guard.show import show_exposure, show_move
from beamgym.hardware_bridge.records import ShownCommand

Moves = Mapping[str, tuple[float, float]]
"""(from, to) of every axis that a command moves, in its own unit."""


class Permits:
    """Has a human confirm commands, one question at a time.

    Parameters
    ----------
    guard : of the instrument
    confirms : decides when to ask, and asks

    Attributes
    ----------
    shown : the command to which a question waits for its answer; None where none does
    """

    def __init__(self, guard: GuardedInstrument, confirms: Confirms) -> None:
        self.shown: ShownCommand | None = None
        self._guard, self._confirms = guard, confirms
        self._announced: dict[str, float] = {}
        self._exposure_follows = True
        self._granted: ShownCommand | None = None
        self._moved: set[str] = set()
        # Made in the loop that uses it.
        self._turn: asyncio.Lock | None = None

    def announce(self, targets: Mapping[str, float], exposure_follows: bool = True) -> None:
        """Say which axes one command moves together: the question about any of them is about all."""
        self._announced, self._exposure_follows = dict(targets), exposure_follows

    def used(self, axis: str) -> None:
        """Note that an axis was moved: the yes holds for the others still, and for this one no more."""
        self._moved.add(axis)

    def forget(self) -> None:
        """Forget what was granted and announced: the guard is armed anew."""
        self._granted = None
        self.announce({})

    async def ask(
        self,
        command: GuardedCommand,
        interrupt: "asyncio.Future[str] | None",
        moves: Moves,
        exposure_s: float | None,
    ) -> str | None:
        """Have a command confirmed where it must be; see ``Guard.ask_before``."""
        if interrupt is not None and interrupt.done():
            return None
        asking = asyncio.ensure_future(self._permit(moves, exposure_s))
        try:
            both: set[asyncio.Future[Any]] = {asking} if interrupt is None else {asking, interrupt}
            # The abort must not wait for a human: the question is taken back.
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if interrupt is not None and interrupt.done():
                return None
            question, answer = asking.result()
        finally:
            asking.cancel()
        command.decide(ANSWER, question=question, answer=answer)
        return question

    async def _permit(self, moves: Moves, exposure_s: float | None) -> tuple[str, bool]:
        """Return the question, empty where none was put, and whether the command may go."""
        targets = {name: target for name, (_, target) in moves.items()}
        # Sent elsewhere than was announced: it is another command.
        if any(self._announced.get(name, target) != target for name, target in targets.items()):
            self.announce({})
        if self._turn is None:
            self._turn = asyncio.Lock()
        # One after another: whose command was part of the first question finds the answer given.
        async with self._turn:
            lengths = {name: target - start for name, (start, target) in moves.items()}
            why = self._confirms.why_ask(lengths, exposure_s is not None)
            question, answer = await self._put(why, targets, exposure_s) if why else ("", True)
            # An exposure that is let pass ends a step, and every yes with it.
            if exposure_s is not None and answer and not question:
                self._granted = None
                self._confirms.exposed()
            return question, answer

    async def _put(self, why: str, targets: Mapping[str, float], exposure_s: float | None) -> tuple[str, bool]:
        """Put a question, unless a yes holds for the command as it is now."""
        self.shown = shown = await self._show(targets, exposure_s)
        try:
            if self._holds(shown, targets):
                return "", True
            question = f"{why}: {shown.summary()}. Do it?\n{shown.text()}\n"
            answer = await self._confirms.ask(question)
        finally:
            self.shown = None
        # By the rule, as everything: what it does not let pass is not granted to the other axes of the command either.
        granted = decide("confirmed", {"question": question, "answer": answer}).allowed
        self._granted, self._moved = shown if granted else None, set()
        return question, answer

    async def _show(self, targets: Mapping[str, float], exposure_s: float | None) -> ShownCommand:
        if exposure_s is not None:
            return await show_exposure(self._guard, exposure_s)
        # Of a command that was announced its other axes are shown too: a human says yes to all or to nothing.
        others = {} if targets.keys().isdisjoint(self._announced) else self._announced
        return await show_move(self._guard, {**others, **targets}, self._exposure_follows)

    def _holds(self, shown: ShownCommand, axes: Collection[str]) -> bool:
        granted = self._granted
        return granted is not None and self._moved.isdisjoint(axes) and granted.covers(shown, axes)

"""A guard under test: who answers it, how often its watch looked, which items are left out, and how it is driven."""

import asyncio
import contextlib
import functools
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from beamgym.hardware_bridge.guard.guard import Guard
from beamgym.hardware_bridge.guard.life import DeadMan
from beamgym.hardware_bridge.guard.rules import table
from beamgym.hardware_bridge.guard.rules.decision import Decision
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.records.audit import AuditLog

BUSY_S = 10.0
"""On a busy machine a device may take so long for an answer, seconds; tests of what is late say less."""


@contextlib.contextmanager
def left_out(*items: int) -> Iterator[None]:
    """Let the rule table pass what these guard items would refuse, while the block lasts.

    Only a test can do that, by putting another table in the place of the shipped one, which cannot be changed. Item 5
    is a time limit besides, which nothing reaches then.
    """

    def lenient(rule: Callable[..., Decision]) -> Callable[..., Decision]:
        @functools.wraps(rule)
        def decide(**inputs: Any) -> Decision:
            decision = rule(**inputs)
            return Decision(decision.item, True) if decision.item in items else decision

        return decide

    with pytest.MonkeyPatch.context() as patch:
        if items:
            patch.setattr(table, "RULES", {name: lenient(rule) for name, rule in table.RULES.items()})
        if 5 in items:
            patch.setattr(table, "TIME_LIMITS", dict.fromkeys(table.TIME_LIMITS, lambda **inputs: math.inf))
        yield


class Guarded:
    """A guard, its log, and a human who says yes unless ``answers`` says otherwise for a part of the question.

    Parameters
    ----------
    file : of the instrument
    folder : for the audit log
    items : guard items that are left out while something is driven
    """

    most_s = 200.0
    """How long one test may drive it, seconds."""

    pause_s = 0.01
    """How long ``until`` waits between two looks, seconds."""

    def __init__(self, file: InstrumentFile, folder: Path, items: tuple[int, ...]) -> None:
        self.file, self.log, self.items = file, folder / "audit.jsonl", items
        self.deadman = DeadMan()
        self.answers: dict[str, bool] = {}
        self.questions: list[str] = []
        self.guard: Any = None
        self.looks = 0

    def confirm(self, question: str) -> bool:
        """Answer, and remember what was asked."""
        self.questions.append(question)
        return next((answer for part, answer in self.answers.items() if part in question), True)

    def enforces(self, item: int) -> bool:
        """Whether a guard item is not left out."""
        return item not in self.items

    def guarded(self, devices: Any, audit: AuditLog, **options: Any) -> Guard:
        """Make the guard over the devices, without arming it."""
        options = {"confirm": self.confirm, "deadman": self.deadman, "answer_s": BUSY_S, **options}
        self.guard = Guard(self.file, devices, audit, **options)
        check, self.looks = self.guard.watch.check, 0

        async def counted(command: Any) -> None:
            await check(command)
            self.looks += 1

        self.guard.watch.check = counted
        made: Guard = self.guard
        return made

    def armed(self, **options: Any) -> contextlib.AbstractAsyncContextManager[Guard]:
        """Make the guard, arm it, and close it at the end."""
        raise NotImplementedError

    @contextlib.asynccontextmanager
    async def closing(self, guard: Guard, arm: bool = True) -> AsyncIterator[Guard]:
        """Arm a guard, and close it at the end."""
        try:
            if arm:
                await guard.arm()
            yield guard
        finally:
            await guard.close()

    def drive(self, test: Any, **options: Any) -> Any:
        """Run a coroutine function of an armed guard."""

        async def all_of_it() -> Any:
            async with self.armed(**options) as guard:
                return await test(guard)

        return asyncio.run(asyncio.wait_for(all_of_it(), self.most_s))

    async def until(self, true: Callable[[], Any], limit_s: float = 30.0) -> None:
        """Wait, while the loop goes on, until something is so."""
        give_up = time.monotonic() + limit_s
        while not await self.asked(true):
            assert time.monotonic() < give_up, f"not so within {limit_s:g} s"
            await asyncio.sleep(self.pause_s)

    async def asked(self, true: Callable[[], Any]) -> Any:
        """Ask whether something is so."""
        return true()

    def wait(self, true: Callable[[], Any]) -> None:
        """Wait in a thread, until something is so; 30 s at most."""
        asyncio.run(self.until(true))

    async def looked(self, times: int = 3, limit_s: float = 60.0) -> None:
        """Wait until the watch has looked at everything so often again, and let it be."""
        wanted = self.looks + times + 1  # one may be under way
        await self.until(lambda: self.looks >= wanted, limit_s)

    async def latched(self) -> None:
        """Wait until the guard has latched by itself."""
        await self.until(lambda: self.guard.state == "latched")

    def lines(self) -> list[dict[str, Any]]:
        """Return the audit log's lines."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

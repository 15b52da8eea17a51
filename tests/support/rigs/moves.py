"""What tests of moving axes say again and again: changes of one axis in a file, and moves that a guard is to make.

Or to refuse.
"""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from beamgym.hardware_bridge.guard.rules.decision import GuardRefused


def axis(name: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of the instrument file: some numbers of one axis."""

    def change(content: dict[str, Any]) -> None:
        for entry in content["axes"]:
            entry.update(changes if entry["name"] == name else {})

    return change


def moving(*targets: tuple[str, float]) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """Return a test that sets axes in turn, (name, target) each."""

    async def go(guard: Any) -> None:
        for name, target in targets:
            await guard.axes[name].set(target)

    return go


async def arming(guard: Any) -> None:
    """Arm a guard."""
    await guard.arm()


def refused(bench: Any, items: set[int], test: Callable[[Any], Coroutine[Any, Any, Any]], **options: Any) -> str:
    """Run a test that the guard of a bench must refuse for one of some items, abort included; returns the line."""

    async def attempt(guard: Any) -> GuardRefused:
        with pytest.raises(GuardRefused) as caught:
            await test(guard)
        await guard.aborted()
        return caught.value

    found = bench.drive(attempt, **options)
    assert found.item in items, found.line
    return str(found.line)

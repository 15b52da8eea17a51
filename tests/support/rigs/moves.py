"""What tests of moving axes say again and again: changes of one axis in a file, and moves that a guard is to make."""

from collections.abc import Callable, Coroutine
from typing import Any


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

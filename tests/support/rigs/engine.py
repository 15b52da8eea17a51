"""A RunEngine with an armed guard in its loop."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from bluesky import RunEngine


@contextlib.contextmanager
def engine_with(rig: Any, **options: Any) -> Iterator[tuple[Any, Any]]:
    """Yield a RunEngine and the guard of a rig, armed in its loop; ``options`` are the guard's."""
    engine = RunEngine({}, context_managers=[])

    def do(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, engine.loop).result(200.0)

    def suspend(back: Callable[[], Coroutine[Any, Any, Any]], line: str) -> None:
        engine.request_suspend(back, justification=line)

    guard = rig.make(**({"suspend": suspend} | options))
    try:
        do(guard.arm())
        yield engine, guard
    finally:
        do(guard.close())
        engine.loop.call_soon_threadsafe(engine.loop.stop)
        engine._th.join(timeout=10.0)
        engine.loop.close()

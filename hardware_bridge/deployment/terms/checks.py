"""What is refused before anything begins: options that cannot be, a sink that cannot be told or asked."""

import inspect
from pathlib import Path
from typing import Any

from beamgym.hardware_bridge.deployment.terms.options import Options
from beamgym.hardware_bridge.instrument_file import InstrumentFile
from beamgym.hardware_bridge.records import MODES


def check_options(options: Options) -> None:
    """Raise ValueError, in one line, for the first option that cannot be."""
    for name in ("devices", "token", "out"):
        value = getattr(options, name)
        if value is not None and not isinstance(value, Path):
            raise ValueError(f"Options: {name} is {value!r}; give a pathlib.Path of it")
    if options.confirm not in MODES:
        raise ValueError(f"--confirm is {options.confirm!r}; choose {', '.join(MODES)}")
    if options.token is not None and not options.token.exists():
        raise ValueError(f"--token: there is no file {options.token}; whatever touches it must run before the start")


def refuse_on_hardware(options: Options, file: InstrumentFile, path: Path) -> None:
    """Raise ValueError for what only a simulation allows, where the file at ``path`` is of real hardware."""
    if file.simulation:
        return
    if options.yes:
        raise ValueError(f"--yes is for simulations; {path} is real hardware, and a human must answer there")
    if options.episodes:
        raise ValueError(f"--practice is for simulations; {path} is real hardware")


def check_sink(events: Any) -> None:
    """Raise ValueError before anything begins where a sink could not be told, or not be asked."""
    if events is None:
        return
    name = type(events).__name__
    if not callable(getattr(events, "report", None)):
        raise ValueError(f"the sink {name} cannot be told anything; add `def report(self, event)`")
    if not inspect.iscoroutinefunction(getattr(events, "ask", None)):
        raise ValueError(f"the sink {name} cannot be asked; add `async def ask(self, question)`, which returns a text")

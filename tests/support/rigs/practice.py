"""The practice instruments as ophyd-async devices, made once for a process: a file for ``devices=`` imports them."""

from functools import cache

from beamgym.hardware_bridge.practice.devices.instruments import PracticeInstrument, arpes_stage, laue_goniometer

SPEED = 200.0


@cache
def instrument(kind: str) -> PracticeInstrument:
    """The one instrument of a kind: "laue" or "arpes"."""
    made = laue_goniometer if kind == "laue" else arpes_stage
    return made(kind, 11, "easy", SPEED)


def fresh(kind: str, seed: int = 11) -> PracticeInstrument:
    """The same as new: its sample mounted, motors at home, shutter closed, no faults, no frames."""
    with instrument(kind)._bench.hardware() as hardware:
        hardware.fresh(seed)
    return instrument(kind)


def file_text(kind: str) -> str:
    """A Python file whose devices() are the instrument's."""
    return f"from rigs.practice import instrument\n\n\ndef devices():\n    return instrument({kind!r}).parts()\n"

"""What is looked at once more after an abort: each device by itself, and what cannot be read counts."""

import asyncio
from types import SimpleNamespace

import pytest

from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.devices.together import set_off_again


def axis(name, stopped_at, reads, moving=False):
    async def position():
        if isinstance(reads, Exception):
            raise reads
        return reads

    async def is_moving():
        return moving

    proxy = SimpleNamespace(moving=is_moving)
    state, entry = SimpleNamespace(stopped_at=stopped_at), SimpleNamespace(tolerance=0.01)
    return SimpleNamespace(name=name, state=state, entry=entry, proxy=proxy, position=position)


def shutter(opened):
    async def opened_again():
        return opened

    return SimpleNamespace(opened_again=opened_again)


@pytest.mark.parametrize(
    ("reads", "moving", "left"),
    [
        (1.0, False, ()),
        (1.1, False, ("x",)),
        (1.0, True, ("x",)),
        (float("nan"), False, ("x",)),
        (DeviceError("gone"), False, ("x",)),
    ],
)
def test_an_axis_that_left_moves_or_cannot_be_read_is_named(reads, moving, left):
    axes = {"x": axis("x", 1.0, reads, moving), "y": axis("y", 2.0, 2.0), "z": axis("z", float("nan"), 5.0)}
    assert asyncio.run(set_off_again(axes, shutter(False))) == left
    assert asyncio.run(set_off_again(axes, shutter(True))) == (*left, "shutter")

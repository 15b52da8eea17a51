"""Axes turned by hand: what the operator is told, and which of his answers count."""

import asyncio
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bluesky.protocols import Movable, Readable, Stoppable

from beamgym.hardware_bridge.adapters.manual import ManualAxis, ManualOptions
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.manual_operator import Operator
from beamgym.physics.instrument import MoveFailed


class Person:
    """Answers from a list, and remembers what was asked and told."""

    def __init__(self, *answers: str) -> None:
        self.asked: list[str] = []
        self.told: list[str] = []
        self._answers: Iterator[str] = iter(answers)
        self.operator = Operator(self.ask, self.told.append)

    def ask(self, question: str) -> str:
        self.asked.append(question)
        return next(self._answers)


def axis(person: Person, timeout_s: float = 5.0, **options: Any) -> ManualAxis:
    return ManualAxis("phi", "deg", 0.1, timeout_s, person.operator, ManualOptions(**options))


async def value_of(phi: ManualAxis) -> float:
    return (await phi.read())["phi"]["value"]


def moved(person: Person, target: float, **options: Any) -> float:
    async def run() -> float:
        phi = axis(person, **options)
        await phi.connect(1.0)
        await phi.set(target)
        return await value_of(phi)

    return asyncio.run(run())


def test_the_turn_is_told_in_words_with_axis_direction_amount_start_and_end():
    person = Person("10", "13.25")
    assert moved(person, 13.25, up="clockwise", down="counter-clockwise") == 13.25
    assert person.asked == [
        "What does phi read now, in deg? ",
        "Turn phi clockwise by 3.25 deg, from 10.00 deg to 13.25 deg. Then type what it reads: ",
    ]


def test_a_turn_to_smaller_readings_is_told_the_other_way():
    person = Person("10", "-2")
    assert moved(person, -2.0, up="clockwise", down="counter-clockwise", decimals=1) == -2.0
    assert person.asked[1] == (
        "Turn phi counter-clockwise by 12.0 deg, from 10.0 deg to -2.0 deg. Then type what it reads: "
    )


def test_the_position_is_what_the_operator_read_and_not_the_target():
    assert moved(Person("10", "13.31"), 13.25) == 13.31


@pytest.mark.parametrize("answer", [" 13.25 ", "13,25", "13.25 deg", "+13.25"])
def test_a_reading_may_be_typed_as_people_type(answer: str):
    assert moved(Person("10", answer), 13.25) == 13.25


@pytest.mark.parametrize("answer", ["", "nan", "NaN", "inf", "-inf", "yes", "13.25.1", "1e9999", "0x10", "13 25"])
def test_an_answer_that_is_no_number_is_refused_and_the_position_is_unknown(answer: str):
    async def run() -> None:
        phi = axis(Person("10", answer))
        await phi.connect(1.0)
        with pytest.raises(MoveFailed, match="is no reading; type a number in deg"):
            await phi.set(13.25)
        assert math.isnan(await value_of(phi))

    asyncio.run(run())


def test_an_answer_off_by_more_than_the_tolerance_is_refused_and_the_position_is_where_it_was_read():
    async def run() -> None:
        phi = axis(Person("10", "13.4", "13.25"))
        await phi.connect(1.0)
        with pytest.raises(MoveFailed, match=r"phi reads 13\.4 deg, 0\.15 off its target 13\.25; at most 0\.1"):
            await phi.set(13.25)
        assert await value_of(phi) == 13.4
        await phi.set(13.25)
        assert await value_of(phi) == 13.25

    asyncio.run(run())


@pytest.mark.parametrize("target", [math.nan, math.inf, -math.inf])
def test_a_target_that_is_not_finite_is_refused_before_anybody_is_asked(target: float):
    person = Person("10")
    with pytest.raises(ValueError, match="phi cannot be sent to"):
        moved(person, target)
    assert len(person.asked) == 1


def test_a_turn_smaller_than_the_scale_is_not_asked_for():
    person = Person("10")
    assert moved(person, 10.004) == 10.0
    assert len(person.asked) == 1


def test_from_an_unknown_position_no_turn_is_asked_for():
    person = Person()
    with pytest.raises(MoveFailed, match="unknown position"):
        asyncio.run(_set(axis(person), 5.0))
    assert person.asked == []


async def _set(phi: ManualAxis, target: float) -> None:
    await phi.set(target)


def test_connect_asks_once_and_again_only_where_the_position_is_unknown():
    person = Person("10", "11")

    async def run() -> None:
        phi = axis(person)
        await phi.connect(1.0)
        await phi.connect(1.0)
        assert len(person.asked) == 1
        status = phi.set(20.0)
        await phi.stop()
        with pytest.raises(asyncio.CancelledError):
            await status
        assert math.isnan(await value_of(phi))
        await phi.connect(1.0)
        assert await value_of(phi) == 11.0

    asyncio.run(run())


def test_stop_tells_the_operator_and_ends_the_turn():
    person = Person("10")

    async def never(question: str) -> str:
        person.asked.append(question)
        if len(person.asked) > 1:
            await asyncio.sleep(60.0)
        return "10"

    async def run() -> None:
        phi = ManualAxis("phi", "deg", 0.1, 5.0, Operator(never, person.told.append))
        await phi.connect(1.0)
        status = phi.set(20.0)
        await asyncio.sleep(0.02)
        assert await phi.moving()
        await phi.stop()
        with pytest.raises(asyncio.CancelledError):
            await status
        assert not await phi.moving()
        assert math.isnan(await value_of(phi))
        assert person.told == ["STOP: leave phi where it is."]

    asyncio.run(run())


def test_an_operator_who_does_not_answer_is_not_waited_for_for_ever():
    enough = threading.Event()

    def silent(question: str) -> str:
        enough.wait(60.0)
        return "10"

    phi = ManualAxis("phi", "deg", 0.1, 0.1, Operator(silent, print))
    with pytest.raises(DeviceError, match=r"the operator.*within 0\.1 s|the operator: no answer within 0\.1 s"):
        asyncio.run(phi.connect(1.0))
    enough.set()


def test_while_an_old_question_holds_the_terminal_no_second_one_is_put():
    asked: list[str] = []
    enough = threading.Event()

    def silent(question: str) -> str:
        asked.append(question)
        enough.wait(60.0)
        return "10"

    async def run() -> None:
        phi = ManualAxis("phi", "deg", 0.1, 0.1, Operator(silent, print))
        with pytest.raises(DeviceError):
            await phi.connect(1.0)
        with pytest.raises(DeviceError, match="has not answered the question before"):
            await phi.connect(1.0)

    asyncio.run(run())
    enough.set()
    assert len(asked) == 1


def test_a_closed_terminal_is_one_line():
    def closed(question: str) -> str:
        raise EOFError

    phi = ManualAxis("phi", "deg", 0.1, 1.0, Operator(closed, print))
    with pytest.raises(DeviceError, match="nobody to ask"):
        asyncio.run(phi.connect(1.0))


def test_axes_that_are_turned_together_are_asked_for_one_after_the_other():
    under_way, most = 0, 0

    async def ask(question: str) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.02)
        under_way -= 1
        return "0" if "now" in question else question.split(" to ")[-1].split(" ")[0]

    async def run() -> list[float]:
        operator = Operator(ask, print)
        axes = [ManualAxis(name, "deg", 0.1, 5.0, operator) for name in ("phi", "chi", "omega")]
        await asyncio.gather(*(one.connect(1.0) for one in axes))
        await asyncio.gather(*(one.set(target) for one, target in zip(axes, (1.0, 2.0, 3.0), strict=True)))
        return [(await one.read())[one.name]["value"] for one in axes]

    assert asyncio.run(run()) == [1.0, 2.0, 3.0]
    assert most == 1


def test_the_ends_of_travel_come_from_the_options_or_are_absent():
    async def limits(phi: ManualAxis) -> Any:
        return await phi.motor_limits()

    assert asyncio.run(limits(axis(Person(), low=-20.0, high=15.0))) == (-20.0, 15.0)
    assert asyncio.run(limits(axis(Person()))) is None
    with pytest.raises(ValueError, match="low and high go together"):
        axis(Person(), low=-20.0)


@pytest.mark.parametrize("protocol", [Movable, Readable, Stoppable])
def test_a_manual_axis_satisfies_the_protocols(protocol: Callable[..., Any]):
    assert isinstance(axis(Person()), protocol)

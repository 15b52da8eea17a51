"""A question on the terminal can be taken back: nobody is left reading, and an answer belongs to its question."""

import asyncio
import os
import pty
import subprocess
import sys
import threading
from functools import partial

import pytest

from beamgym.hardware_bridge import terminal
from beamgym.hardware_bridge.devices import DeviceError
from beamgym.hardware_bridge.guard.questions import Questions
from beamgym.hardware_bridge.instrument_file.entries import ConfirmEntry
from beamgym.hardware_bridge.instrument_file.load import load_instrument, shipped_instrument
from beamgym.hardware_bridge.manual_operator import Operator
from beamgym.hardware_bridge.records.confirmation import Confirmation, content_digest, subject
from beamgym.hardware_bridge.terminal import ask_nobody, ask_terminal, said_yes


@pytest.fixture
def typed(monkeypatch):
    """The writing end of a pipe that is standard input."""
    reading, writing = os.pipe()
    monkeypatch.setattr(terminal, "standard_input", lambda: reading)
    yield writing
    os.close(reading)


@pytest.fixture
def shown():
    """Texts that were shown."""
    return []


def test_each_question_gets_its_own_line(typed, shown):
    os.write(typed, "yes\nno\nGrüße\n".encode())

    async def three():
        return [await ask_terminal(f"{i}? ", shown.append) for i in range(3)]

    assert asyncio.run(three()) == ["yes", "no", "Grüße"]
    assert shown == ["0? ", "1? ", "2? "]
    os.close(typed)


def test_an_answer_may_come_in_pieces_while_the_loop_goes_on(typed, shown):
    async def piecewise():
        asking = asyncio.ensure_future(ask_terminal("? ", shown.append))
        os.write(typed, b"ye")
        await asyncio.sleep(3.0 * terminal.POLL_S)
        assert not asking.done()
        os.write(typed, b"s\n")
        return await asyncio.wait_for(asking, 30.0)

    assert asyncio.run(piecewise()) == "yes"
    os.close(typed)


def test_a_question_that_is_taken_back_leaves_no_thread_and_no_reader(typed, shown):
    async def taken_back():
        threads = threading.active_count()
        asking = asyncio.ensure_future(ask_terminal("? ", shown.append))
        await asyncio.sleep(2.0 * terminal.POLL_S)
        assert threading.active_count() == threads
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        os.write(typed, b"late\n")

    asyncio.run(taken_back())
    assert shown == ["? ", "\n"]
    assert os.read(typed_back(), 10) == b"late\n"
    os.close(typed)


def typed_back():
    """The reading end of the pipe that is standard input."""
    return terminal.standard_input()


def test_nobody_to_ask_is_told(typed, shown):
    os.close(typed)
    with pytest.raises(EOFError):
        asyncio.run(ask_terminal("? ", shown.append))


def test_what_was_typed_before_a_question_is_not_its_answer(monkeypatch, shown):
    keyboard, screen = pty.openpty()
    monkeypatch.setattr(terminal, "standard_input", lambda: screen)

    async def stale():
        os.write(keyboard, b"yes\n")
        asking = asyncio.ensure_future(ask_terminal("? ", shown.append))
        await asyncio.sleep(3.0 * terminal.POLL_S)
        assert not asking.done()
        os.write(keyboard, b"no\n")
        return await asyncio.wait_for(asking, 30.0)

    try:
        assert asyncio.run(stale()) == "no"
    finally:
        os.close(keyboard)
        os.close(screen)


def test_a_process_with_an_open_question_ends_at_once_and_in_good_order():
    script = (
        "import asyncio, sys\n"
        "from beamgym.hardware_bridge.terminal import ask_terminal\n"
        "async def main():\n"
        "    asking = asyncio.ensure_future(ask_terminal('asked\\n', sys.stdout.write))\n"
        "    await asyncio.sleep(0.2)\n"
        "    asking.cancel()\n"
        "    await asyncio.wait([asking])\n"
        "asyncio.run(main())\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        assert child.wait(120) == 0
        assert child.stdout.read() == "asked\n\n"
        assert child.stderr.read() == ""


@pytest.mark.parametrize("answer", [True, "y", "yes", " YES "])
def test_a_yes(answer):
    assert said_yes(answer)


@pytest.mark.parametrize("answer", [False, None, 1, "", "no", "yess", "ja", b"yes"])
def test_everything_else_is_a_no(answer):
    assert not said_yes(answer)


ON_TERMINAL = partial(ask_terminal, show=print)


def asks(what):
    """Coroutine functions of the three who ask, each with the given way of asking."""
    file = load_instrument(shipped_instrument("laue_soft_ioc")).model_copy(update={"simulation": False})
    bound = subject(content_digest("a policy"), {}, file)
    return {
        "confirmation": Confirmation(bound, "every", file, None, what).start,
        "questions": Questions(what, ConfirmEntry()).start,
        "operator": lambda: Operator(what).ask("? ", 600.0),
    }


@pytest.mark.parametrize("who", ["confirmation", "questions", "operator"])
def test_whoever_asks_can_be_cancelled_and_ask_again(typed, capsys, who):
    ask = asks(ON_TERMINAL)[who]

    async def twice():
        threads = threading.active_count()
        asking = asyncio.ensure_future(ask())
        await asyncio.sleep(2.0 * terminal.POLL_S)
        assert threading.active_count() == threads
        asking.cancel()
        await asyncio.wait([asking], timeout=30.0)
        assert asking.cancelled()
        os.write(typed, b"yes\n")
        return await asyncio.wait_for(ask(), 30.0)

    answer = asyncio.run(twice())
    assert answer == "yes" if who == "operator" else answer[1] is True
    os.close(typed)


@pytest.mark.parametrize("who", ["confirmation", "questions"])
def test_nobody_to_ask_is_a_no(typed, capsys, who):
    os.close(typed)
    assert asyncio.run(asks(ON_TERMINAL)[who]())[1] is False


@pytest.mark.parametrize("who", ["confirmation", "questions"])
def test_whom_nobody_was_named_for_gets_a_no(who):
    assert asyncio.run(asks(ask_nobody)[who]())[1] is False


def test_axes_turned_by_hand_say_that_nobody_can_be_asked():
    with pytest.raises(DeviceError, match="there is nobody to ask"):
        asyncio.run(Operator().ask("? ", 30.0))

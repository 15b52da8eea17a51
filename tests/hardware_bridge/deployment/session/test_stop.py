"""One orderly stop, by Ctrl-C or a program: it calls what stops a plan, raises elsewhere, interrupts no stopping."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from beamgym.hardware_bridge.deployment.session.stop import SIGNALS, StopButton, Stopped
from beamgym.scripts.deploying.terminal import say_from_handler


def press(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", SIGNALS)
def test_it_raises_where_no_plan_runs(number):
    def wait():
        press(number)
        threading.Event().wait(5)

    with StopButton() as button, pytest.raises(Stopped, match=f"stopped by {number.name}"):
        wait()
    assert button.reason == f"stopped by {number.name}"


def test_it_calls_the_stop_while_a_plan_runs_and_raises_when_the_plan_has_ended():
    reasons, ended = [], threading.Event()

    def stop(reason):
        reasons.append((reason, threading.current_thread() is threading.main_thread()))
        ended.set()

    def plan(button):
        with button.stopping(stop):
            press()
            assert ended.wait(20)
            reasons.append("the body went on")

    with StopButton() as button, pytest.raises(Stopped):
        plan(button)
    assert reasons == [("stopped by SIGINT", False), "the body went on"]


def test_a_second_signal_changes_nothing(capfd):
    calls, ended = [], threading.Event()

    def stop(reason):
        calls.append(reason)
        press(signal.SIGTERM)
        press()
        ended.set()

    def plan(button):
        with button.stopping(stop):
            press()
            assert ended.wait(20)

    with StopButton(say_from_handler) as button, pytest.raises(Stopped):
        plan(button)
    assert calls == ["stopped by SIGINT"]
    assert button.reason == "stopped by SIGINT"
    assert "already stopping" in capfd.readouterr().err


def test_making_safe_is_not_interrupted():
    with StopButton() as button:
        done = []
        with button.closing():
            press()
            done.append("safe")
        assert done == ["safe"]
        assert button.reason == "stopped by SIGINT"
        with pytest.raises(Stopped), button.stopping(done.append):
            done.append("a new plan")
    assert done == ["safe"]


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in SIGNALS]
    with StopButton():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_a_program_presses_it_from_any_thread_and_the_next_check_says_so():
    button = StopButton()
    presser = threading.Thread(target=button.press, args=("stopped by the page",))
    presser.start()
    presser.join()
    button.press("a second time")
    with pytest.raises(Stopped, match="stopped by the page"):
        button.check()


def test_a_press_by_a_program_while_a_plan_runs_calls_the_stop_once():
    button, reasons, ended = StopButton(), [], threading.Event()

    def stop(reason):
        reasons.append(reason)
        ended.set()

    def plan():
        with button.stopping(stop):
            for _ in range(2):
                threading.Thread(target=button.press, args=("stopped by the page",)).start()
            assert ended.wait(20)

    with pytest.raises(Stopped, match="stopped by the page"):
        plan()
    assert reasons == ["stopped by the page"]


def run(script, **streams):
    """Run a script in a process of its own, with the button at hand."""
    head = "import atexit, os, signal, sys\nfrom beamgym.hardware_bridge.deployment import StopButton\n"
    head += "from beamgym.scripts.deploying.terminal import say_from_handler\n"
    return subprocess.run([sys.executable, "-c", head + script], timeout=300, check=False, text=True, **streams)


def test_a_terminal_that_is_gone_does_not_disturb_an_abort():
    reading, writing = os.pipe()
    os.close(reading)
    script = (
        "with StopButton(say_from_handler) as button, button.closing():\n"
        "    for _ in range(5):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    print('made safe', flush=True)\n"
    )
    done = run(script, stdout=subprocess.PIPE, stderr=writing)
    os.close(writing)
    assert (done.returncode, done.stdout) == (0, "made safe\n")


def test_without_a_terminal_nothing_is_written_into_another_file(tmp_path):
    script = (
        f"log = os.open({str(tmp_path / 'log')!r}, os.O_WRONLY | os.O_CREAT)\n"
        "assert log == 2, log\n"
        "with StopButton(say_from_handler) as button, button.closing():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    signal.raise_signal(signal.SIGINT)\n"
    )
    run(script, preexec_fn=lambda: os.close(2))
    assert (tmp_path / "log").read_text() == ""


def test_ctrl_c_while_the_program_is_taken_down_changes_nothing():
    script = (
        "def take_down():\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "    print('taken down')\n"
        "atexit.register(take_down)\n"
        "with StopButton():\n"
        "    pass\n"
    )
    done = run(script, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "taken down\n", "")

"""Ctrl-C is one orderly stop: it calls what stops a plan, raises elsewhere, and interrupts no stopping."""

import os
import signal
import threading

import pytest

from beamgym.scripts.deploy_stop import SIGNALS, StopButton, Stopped


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

    with StopButton() as button, pytest.raises(Stopped):
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

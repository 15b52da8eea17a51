"""The guard's decisions about the run as a whole: latch, time limits, signs of life, suspenders, answers, identity."""

import math
from collections.abc import Mapping, Sequence

from beamgym.hardware_bridge.guard.rules.decision import Decision, Number, refused, shown


def armed(state: str, reason: str) -> Decision:
    """Item 11: only an armed guard lets commands pass; ``state`` is "new", "armed", "latched" or "closed"."""
    if state == "armed":
        return Decision(11, True)
    if state == "latched":
        return refused(11, f"the guard is latched: {reason}; look at the instrument, then re-arm it by hand")
    return refused(11, f"the guard is {state}; arm it first")


def in_time(what: str, limit_s: Number, done: bool, stands: bool | None = None) -> Decision:
    """Item 5: what was waited for came within its time; what did not is told to stop.

    Parameters
    ----------
    what : was waited for
    limit_s : for so long, seconds
    done : it came
    stands : it was told to stop, and seen to stand or not; None where nothing was to be stopped
    """
    if done:
        return Decision(5, True)
    late = f"{what} took longer than {shown(limit_s)} s"
    if stands is None:
        return refused(5, f"{late}; look at the device and its server")
    seen = "was seen to stand" if stands else "was NOT seen to stand: look at it now, and stop it by hand"
    return refused(5, f"{late}; it was told to stop and {seen}")


def heartbeat(name: str, missed: int, allowed: int) -> Decision:
    """Item 7: a server's heartbeat has changed within the last ``allowed`` periods."""
    # Fewer than allowed: with 3, the third reading in a row without a change refuses.
    if missed < allowed:
        return Decision(7, True)
    return refused(7, f"heartbeat {name!r} missed {missed} beats; its server hangs or is gone")


def deadman(silent_s: Number, lapse_s: Number) -> Decision:
    """Item 8: the policy or the operator has given a sign of life within ``lapse_s`` seconds."""
    # A silence of infinity or nan, such as a token that is not there, is refused.
    if float(silent_s) <= float(lapse_s):
        return Decision(8, True)
    return refused(8, f"no sign of life of policy or operator for {shown(silent_s)} s, allowed {shown(lapse_s)} s")


def suspender(name: str, value: Number | None, low: Number | None, high: Number | None) -> Decision:
    """Item 9: what a suspender watches is connected, finite and within its range."""
    # Nothing is known of beam or vacuum then, which is no better than a bad reading.
    if value is None or not math.isfinite(float(value)):
        return refused(9, f"suspender {name!r} is not connected or reads {value}; nothing starts without it")
    if (low is None or float(low) <= float(value)) and (high is None or float(value) <= float(high)):
        return Decision(9, True)
    return refused(9, f"suspender {name!r} reads {shown(value)}, outside {shown(low)} to {shown(high)}")


def flapping(last_minute: int, per_minute: int, suspensions: int, per_run: int) -> Decision:
    """Item 9: a run is suspended no more often than the file allows; what comes and goes is not there.

    Parameters
    ----------
    last_minute, suspensions : how often it was within 60 s, and since the guard was armed, this time included
    per_minute, per_run : how often it may be
    """
    if last_minute > per_minute:
        return refused(
            9, f"suspended {last_minute} times within a minute, {per_minute} are allowed; see why it comes and goes"
        )
    if suspensions > per_run:
        return refused(9, f"suspended {suspensions} times in a run, {per_run} are allowed; see why it comes and goes")
    return Decision(9, True)


def confirmed(question: str, answer: bool) -> Decision:
    """Item 13: a human who was asked has said yes."""
    # The first line says what it was; what follows are the facts that were shown.
    first = question.partition("\n")[0]
    return Decision(13, True) if answer else refused(13, f"nobody confirmed: {first}")


def connection(what: str, lost: bool) -> Decision:
    """Item 16: no connection was lost since the guard was armed; a run never goes on by itself after one."""
    # Also where it is back: the server may have restarted, with other limits and another zero.
    if not lost:
        return Decision(16, True)
    # What is known is a connection that was down, or an answer that did not come; not which of a server's ends it was.
    return refused(16, f"lost, or without an answer: {what}; look at the instrument, then re-arm")


def identity(simulation: bool, expected: str | None, found: str | None) -> Decision:
    """Item 19: a file that says simulation meets that very simulation, and one that says hardware meets none.

    Parameters
    ----------
    simulation : what the file says
    expected : what the file says that the server calls itself; None where it does not say
    found : what the server calls itself; None where it says nothing
    """
    # A practice instrument says so itself, whatever name it was given; real ones do not.
    if found is not None and not simulation and "simulation" in found.lower():
        return refused(
            19,
            f"the server calls itself {found!r}, the file says hardware; to practise set simulation: true, identity",
        )
    # Silence is not enough: an EPICS record that does not exist looks the same as one that is slow.
    if simulation and (found is None or found != expected):
        return refused(19, f"the file says simulation {expected!r}, the server {found!r}: this may be real hardware")
    if expected is not None and found != expected:
        return refused(19, f"the file expects {expected!r}, the server calls itself {found!r}; correct the address")
    return Decision(19, True)


def one_server(servers: Mapping[str, Sequence[str]]) -> Decision:
    """Item 19: every PV has one server; two that serve one name are two instruments, and chance says which one answers.

    Parameters
    ----------
    servers : every server that answers a search for a PV, as "address:port"; none says nothing
    """
    twice = [(pv, found) for pv, found in servers.items() if len(found) > 1]
    if not twice:
        return Decision(19, True)
    pv, found = twice[0]
    more = f" (and {len(twice) - 1} more PVs)" if len(twice) > 1 else ""
    return refused(
        19, f"{pv}{more} is served by {' and '.join(found)}; end one of them, or name one server in EPICS_CA_ADDR_LIST"
    )

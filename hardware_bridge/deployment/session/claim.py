"""One process at a time commands a device, as far as one computer can see: two would each take the other for nobody.

Two runs that are asked at the same moment may even send the same, so that neither notices the other by its moves.
"""

import errno
import hashlib
import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from beamgym.hardware_bridge.devices import DeviceError

_PLACE = ("EPICS_CA_ADDR_LIST", "EPICS_CA_SERVER_PORT", "EPICS_CA_NAME_SERVERS")
"""Where PVs are looked for: the same names elsewhere are other devices."""

_turn = threading.Lock()
_held: dict[str, tuple[socket.socket, int]] = {}


@contextmanager
def claimed(outputs: Iterable[str]) -> Iterator[None]:
    """Let no other process claim one of these PVs meanwhile; the system lets go of them when this process ends.

    Within one process any number of sessions may claim the same. Only Linux has names for it that no crash leaves
    behind; elsewhere nothing is claimed.

    Raises
    ------
    DeviceError : another process on this computer has claimed one
    """
    taken: list[str] = []
    try:
        for pv in outputs if sys.platform == "linux" else ():
            _take(pv)
            taken.append(pv)
        yield
    finally:
        for pv in taken:
            _let_go(pv)


def _take(pv: str) -> None:
    with _turn:
        held, times = _held.get(pv, (None, 0))
        _held[pv] = (held or _bound(pv), times + 1)


def _let_go(pv: str) -> None:
    with _turn:
        held, times = _held.pop(pv)
        if times > 1:
            _held[pv] = (held, times - 1)
        else:
            held.close()


def _bound(pv: str) -> socket.socket:
    """Return a socket that is bound to a name made of the PV, in Linux's own space of names, where no file remains."""
    place = "\n".join([pv, *(os.environ.get(name, "") for name in _PLACE)])
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        claim.bind(f"\0beamgym {hashlib.sha256(place.encode()).hexdigest()}")
    except OSError as error:
        # A system that does not let us claim anything is no reason to refuse.
        if error.errno == errno.EADDRINUSE:
            claim.close()
            raise DeviceError(
                f"{pv} is commanded by another program of this computer that uses beamgym; wait for its end, or end it"
            ) from None
    return claim

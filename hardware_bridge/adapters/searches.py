"""Which servers answer for a PV's name over Channel Access: a search of one's own, of which every answer is kept.

libca takes the first server that answers, and only prints that there was a second one. Two with the same names, such as
a copy of an IOC that somebody started to try something, or a gateway beside the IOC, are two instruments.
Message layouts: Channel Access Protocol Specification (Hill et al., EPICS documentation), CA_PROTO_VERSION and
CA_PROTO_SEARCH.
"""

import fcntl
import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping

SEARCH_S = 0.5
"""A server answers a search within this time, seconds; a later answer is found by the next search."""

_AGAIN_S = 0.1  # a datagram may be lost: everything is asked twice
_HEADER = struct.Struct(">HHHHII")
_VERSION, _SEARCH, _MINOR, _NO_REPLY_IF_ABSENT = 0, 6, 13, 5
_SENDER = 0xFFFFFFFF
_LARGEST = 1400  # bytes of a datagram that no network cuts
_PORT = 5064
_BROADCAST_REQUEST = 0x8919  # SIOCGIFBRDADDR of Linux


def search_servers(
    pvs: Iterable[str], wait_s: float = SEARCH_S, environment: Mapping[str, str] = os.environ
) -> dict[str, list[str]]:
    """Return every server that answers for each PV, as "address:port"; blocks for ``wait_s``.

    Parameters
    ----------
    pvs : their names; one whose name alone is longer than a datagram is left out
    wait_s : answers are waited for so long, seconds
    environment : EPICS_CA_ADDR_LIST, EPICS_CA_AUTO_ADDR_LIST and EPICS_CA_SERVER_PORT, as libca reads them

    Returns
    -------
    The servers by PV, sorted; none where nobody answers a search by UDP, as behind EPICS_CA_NAME_SERVERS. One server
    that answers from several addresses of this computer is one
    """
    names = list(dict.fromkeys(pvs))
    found: dict[str, dict[str, str]] = {name: {} for name in names}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        asking.bind(("", 0))
        begun, asked = time.monotonic(), 0
        while (spent := time.monotonic() - begun) < wait_s:
            if spent >= asked * _AGAIN_S and asked < 2:
                _ask(asking, names, _places(environment))
                asked += 1
            if select.select([asking], [], [], 0.02)[0]:
                datagram, sender = asking.recvfrom(65536)
                for number, host, port in _answers(datagram, sender[0]):
                    if number < len(names):
                        found[names[number]].setdefault(_server(host, port), f"{host}:{port}")
    return {name: sorted(servers.values()) for name, servers in found.items()}


def _ask(asking: socket.socket, names: list[str], places: list[tuple[str, int]]) -> None:
    version = _HEADER.pack(_VERSION, 0, 0, _MINOR, 0, 0)
    datagrams, content = [], version
    for number, name in enumerate(names):
        text = name.encode() + b"\0"
        text += b"\0" * (-len(text) % 8)
        message = _HEADER.pack(_SEARCH, len(text), _NO_REPLY_IF_ABSENT, _MINOR, number, number) + text
        if len(content) + len(message) > _LARGEST:
            datagrams.append(content)
            content = version
        content += message
    for datagram in (*datagrams, content):
        for place in places:
            try:
                asking.sendto(datagram, place)
            except OSError:
                # A network that is away has no server either.
                continue


def _answers(datagram: bytes, sender: str) -> Iterator[tuple[int, str, int]]:
    """Yield the number of the PV, host and port of every answer in a datagram."""
    while len(datagram) >= _HEADER.size:
        command, size, port, _, address, number = _HEADER.unpack_from(datagram)
        datagram = datagram[_HEADER.size + size :]
        if command == _SEARCH:
            host = sender if address == _SENDER else socket.inet_ntoa(struct.pack(">I", address))
            yield number, host, port


def _server(host: str, port: int) -> str:
    """Return what tells a server from another: on this computer the port alone, whichever address it answers from."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.bind((host, 0))
        except OSError:
            return f"{host}:{port}"
    return f"here:{port}"


def _places(environment: Mapping[str, str]) -> list[tuple[str, int]]:
    """Return where libca searches: the listed addresses, and every broadcast where that is not switched off."""
    port = _number(environment.get("EPICS_CA_SERVER_PORT", ""), _PORT)
    listed = [_place(word, port) for word in environment.get("EPICS_CA_ADDR_LIST", "").split()]
    automatic = environment.get("EPICS_CA_AUTO_ADDR_LIST", "YES").strip().upper() != "NO"
    return list(dict.fromkeys([*listed, *(((host, port) for host in _broadcasts()) if automatic else ())]))


def _place(word: str, port: int) -> tuple[str, int]:
    host, _, own = word.partition(":")
    return host, _number(own, port)


def _number(text: str, default: int) -> int:
    return int(text) if text.strip().isdigit() else default


def _broadcasts() -> list[str]:
    """Return the broadcast address of every interface; where the system does not say, that of all."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            found = [_broadcast(asking, name) for _, name in socket.if_nameindex()]
        return [address for address in found if address not in ("", "0.0.0.0")] or ["255.255.255.255"]
    except OSError:
        return ["255.255.255.255"]


def _broadcast(asking: socket.socket, interface: str) -> str:
    try:
        answer = fcntl.ioctl(asking.fileno(), _BROADCAST_REQUEST, struct.pack("256s", interface.encode()[:15]))
    except OSError:
        return ""
    return socket.inet_ntoa(answer[20:24])

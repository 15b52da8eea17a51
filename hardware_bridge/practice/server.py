"""caproto's asyncio server as the practice instrument needs it: one port, loopback, no delay on small packets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Mapping
from typing import Any

from beamgym.hardware_bridge.practice.channels import ChannelData

try:
    from caproto.asyncio.server import Context

    # Private, and needed: the public accept loop leaves sockets open and sets no TCP_NODELAY.
    from caproto.asyncio.utils import _TransportWrapper
except ImportError as missing:
    raise ImportError("the practice instrument needs caproto: pip install 'beamgym[ioc]'") from missing


class LoopbackServer(Context):
    """Serves channels on one address and exactly one port.

    Parameters
    ----------
    channels : by their full names
    address : where to listen
    port : TCP for circuits and UDP for searches
    beacon_port : where beacons are sent on the same address, the clients' EPICS_CA_REPEATER_PORT

    Raises
    ------
    ValueError : the port is taken
    """

    def __init__(self, channels: Mapping[str, ChannelData], address: str, port: int, beacon_port: int) -> None:
        # caproto reads these when it is made; beacons to the whole network would make other clients search for us.
        os.environ["EPICS_CAS_AUTO_BEACON_ADDR_LIST"] = "NO"
        os.environ["EPICS_CAS_BEACON_ADDR_LIST"] = "127.0.0.1" if address == "0.0.0.0" else address
        os.environ["EPICS_CAS_BEACON_PORT"] = str(beacon_port)
        super().__init__(dict(channels), [address])
        self.ca_server_port = port
        self._clients: set[asyncio.StreamWriter] = set()

    async def close_sockets(self) -> None:
        """Close every socket: caproto leaves its clients' open, and more where its start or end is broken off."""
        beacons = [sock for _, sock in self.beacon_socks.values()]
        for sock in (*self._clients, *self.tcp_sockets.values(), *self.udp_socks.values(), *beacons):
            # Some were closed before, by a client or by caproto itself.
            with contextlib.suppress(OSError, RuntimeError):
                sock.close()
        await asyncio.sleep(0)  # the loop closes a client's socket in its next round

    async def server_accept_loop(self, sock: socket.socket) -> None:
        """Accept clients until cancelled, and close the socket then; caproto leaves it to the event loop."""
        server = await asyncio.start_server(self._welcome, sock=sock)
        async with server:
            await server.serve_forever()

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client; without TCP_NODELAY every small answer would wait for the last one's acknowledgement."""
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Ended clients are let go here, so that the set does not grow with every connection.
        self._clients = {each for each in self._clients if not each.is_closing()} | {writer}
        client = _TransportWrapper(reader, writer)
        self.server_tasks.create(self.tcp_handler(client, client.getpeername()))

    async def _bind_tcp_sockets_with_consistent_port_number(self, make_socket: Any) -> tuple[int, dict[str, Any]]:
        """Bind the port that was asked for: clients would not find another one."""
        port, (address,) = self.ca_server_port, self.interfaces
        bound = socket.socket()
        # A server that is restarted after a kill finds its old connections still waiting for their end.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setblocking(False)
        try:
            bound.bind((address, port))
            bound.listen()
        except OSError as error:
            bound.close()
            raise ValueError(
                f"port {port} on {address} cannot be used ({error.strerror}); choose another, such as --port 5066"
            ) from None
        return port, {address: bound}


async def cancelled(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

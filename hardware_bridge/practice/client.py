"""A small Channel Access client that talks to one known port: no search, no environment variables, one put or get.

It is what starts and inspects a practice instrument from outside the control system under test.
"""

import socket
import time
from typing import Any

try:
    import caproto
except ImportError as missing:
    raise ImportError("the practice instrument needs caproto: pip install 'beamgym[ioc]'") from missing


class DirectClient:
    """A connection to one server, to be closed.

    Parameters
    ----------
    port : on loopback
    timeout_s : for connecting, and for every answer

    Raises
    ------
    OSError : nobody listens there, or no answer came in time
    """

    def __init__(self, port: int, timeout_s: float = 60.0) -> None:
        self._timeout_s = timeout_s
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        # Requests are small: without it each would wait for the acknowledgement of the last.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._circuit = caproto.VirtualCircuit(caproto.CLIENT, ("127.0.0.1", port), priority=0)
        self._circuit.our_address = self._socket.getsockname()
        self._channels: dict[str, Any] = {}
        self._send(caproto.VersionRequest(priority=0, version=caproto.DEFAULT_PROTOCOL_VERSION))
        self._send(caproto.HostNameRequest("localhost"), caproto.ClientNameRequest("console"))

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def put(self, pv: str, value: Any) -> None:
        """Put a number or a text and wait for completion; raises ValueError where the server refuses it."""
        channel = self._channel(pv)
        values = [value.encode("latin-1")] if isinstance(value, str) else [value]
        kind = caproto.ChannelType.STRING if isinstance(value, str) else None
        # With a notification, so that the put has had its effect when this returns.
        request = channel.write(values, data_type=kind, notify=True)
        self._send(request)
        answer = self._await(caproto.WriteNotifyResponse, request.ioid)
        if not answer.status.success:
            raise ValueError(f"{pv} does not take {value!r}")

    def get(self, pv: str) -> Any:
        """Return a number, a text or an array."""
        channel = self._channel(pv)
        request = channel.read()
        self._send(request)
        data = self._await(caproto.ReadNotifyResponse, request.ioid).data
        # Long texts travel as arrays of characters: a Channel Access string ends after 39.
        if channel.native_data_type == caproto.ChannelType.CHAR:
            return bytes(data).decode("latin-1")
        if channel.native_data_type == caproto.ChannelType.STRING:
            return data[0].decode("latin-1")
        return data[0].item() if len(data) == 1 else data

    def _channel(self, pv: str) -> Any:
        if pv not in self._channels:
            channel = caproto.ClientChannel(pv, self._circuit)
            self._send(channel.create())
            self._await(caproto.CreateChanResponse, channel.cid)
            self._channels[pv] = channel
        return self._channels[pv]

    def _send(self, *commands: Any) -> None:
        for command in commands:
            self._socket.sendall(b"".join(self._circuit.send(command)))

    def _await(self, kind: type[Any], number: int) -> Any:
        give_up = time.monotonic() + self._timeout_s
        while time.monotonic() < give_up:
            # All of a packet is taken in before one of them is answered: the circuit's state must be whole.
            commands, _ = self._circuit.recv(self._socket.recv(1 << 20))
            found = None
            for command in commands:
                if command is caproto.DISCONNECTED:
                    raise ConnectionError("the practice instrument has closed the connection")
                self._circuit.process_command(command)
                if isinstance(command, caproto.CreateChFailResponse | caproto.ErrorResponse):
                    raise ValueError(f"the practice instrument refuses: {command}")
                if isinstance(command, kind) and number in (getattr(command, "ioid", None), getattr(command, "cid", 0)):
                    found = command
            if found is not None:
                return found
        raise TimeoutError("the practice instrument does not answer")

"""Serves the page on loopback: the present as a stream, the last frame as a picture, and the few things it may do."""

import io
import json
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from beamgym.hardware_bridge.operator_page.access import PAGE, TOKEN, Refused, refuse_others
from beamgym.hardware_bridge.operator_page.picture import jpeg
from beamgym.hardware_bridge.operator_page.shows import Shows

LOOPBACK, PORT = "127.0.0.1", 8765

CONNECTIONS, STREAMS = 64, 24
"""Connections at once, and how many of them may be streams; more are turned away, so that no number of pages can slow
a guard down, and open pages always leave room for a stop."""

BODY_BYTES = 4096
REQUEST_S, SEND_S = 5.0, 10.0
"""A request must have come as a whole within the first, a piece of an answer be taken within the second, seconds."""

FAREWELL_S = 1.0  # open pages are given so long to take the end of a run
LINGER_S, LINGER_BYTES = 1.0, 1 << 20  # of what a refused request still sends, so that its sender reads why

PULSE_S = 2.0
"""An open page hears at least so often, seconds, that the run's process lives."""

SETTLE_S = 0.02  # changes that come within this go out as one

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    **{f"/{name}": (name, "text/javascript") for name in ("words.js", "picture.js", "page.js")},
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FRAME, _DIGITS = re.compile(r"/frame/(\d{1,9})\.jpg", re.ASCII), re.compile(r"\d{1,9}", re.ASCII)

Body = dict[str, Any]


class OperatorPage:
    """Serves a page on loopback until it is closed; in threads that keep no process alive.

    Parameters
    ----------
    shows : what is shown, and done
    port : on which; 0 takes a free one

    Attributes
    ----------
    port : on which it is served

    Raises
    ------
    ValueError : the port is in use
    """

    def __init__(self, shows: Shows, port: int = PORT) -> None:
        self.shows = shows
        handler = type("PageHandler", (_Handler,), {"shows": shows, "pictures": _Pictures(shows)})
        try:
            self._server = _Server((LOOPBACK, port), handler)
        except OSError as error:
            raise ValueError(
                f"the page cannot be served on port {port}: {error.strerror}; give another one with --page-port, or 0 "
                "for a free one"
            ) from None
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.2,), name="operator page", daemon=True).start()

    def __enter__(self) -> "OperatorPage":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the page is, for who only looks."""
        return f"http://{LOOPBACK}:{self.port}/"

    @property
    def link(self) -> str:
        """Where the page is, for who may act: behind the # stands the token, which a browser sends to nobody."""
        access = self.shows.access
        return self.address if access is None else f"{self.address}#{access.token}"

    def close(self) -> None:
        """Serve nothing any more; open pages are told the end first, where they take it within a second."""
        self._server.end_streams(lambda: self.shows.wake())
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads, block_on_close, allow_reuse_address = True, False, True
    serving = True

    def __init__(self, *arguments: Any) -> None:
        self._room, self._streams, self._turn = threading.BoundedSemaphore(CONNECTIONS), 0, threading.Condition()
        super().__init__(*arguments)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Hold one of the streams; raises Refused where none is left."""
        with self._turn:
            if self._streams >= STREAMS:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{STREAMS} pages have a stream; close one")
            self._streams += 1
        try:
            yield
        finally:
            with self._turn:
                self._streams -= 1
                self._turn.notify_all()

    def end_streams(self, wake: Callable[[], object]) -> None:
        """End the streams after their last piece; returns when they have ended, or after a second."""
        self.serving = False
        wake()
        with self._turn:
            self._turn.wait_for(lambda: not self._streams, FAREWELL_S)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a page that was closed is no error."""


class _Pictures:
    """The pictures of the last frames, each made when the first page asks for it, and once."""

    def __init__(self, shows: Shows) -> None:
        self._shows, self._turn = shows, threading.Lock()
        self._made: tuple[int, bytes] = (-1, b"")

    def picture(self, number: int) -> bytes | None:
        with self._turn:
            if self._made[0] != number:
                image = self._shows.image(number)
                if image is None:
                    return None
                self._made = number, jpeg(image)
            return self._made[1]


class _Incoming(io.RawIOBase):
    """What comes on a connection, until a moment at which a request must have come as a whole."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self.until = connection, 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        # of every piece anew: a byte now and then must not keep a connection
        self._connection.settimeout(max(self.until - time.monotonic(), 1e-3))
        try:
            return self._connection.recv_into(room)
        finally:
            self._connection.settimeout(SEND_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version, timeout = "HTTP/1.1", "beamgym", "", SEND_S
    shows: Shows
    pictures: _Pictures

    def setup(self) -> None:
        super().setup()
        self._incoming = _Incoming(self.connection)
        self.rfile = io.BufferedReader(self._incoming)

    def handle_one_request(self) -> None:
        self._incoming.until = time.monotonic() + REQUEST_S
        super().handle_one_request()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse what is no request, and every verb but GET and POST, as everything else is refused."""
        self.close_connection = True
        verb = code == HTTPStatus.NOT_IMPLEMENTED
        status = HTTPStatus.METHOD_NOT_ALLOWED if verb else HTTPStatus(code)
        self._send_json({"refused": "the page answers GET and POST" if verb else status.phrase.lower()}, status)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the terminal is the operator's."""

    def do_GET(self) -> None:
        self._answered(self._get, does=False)

    def do_POST(self) -> None:
        self._answered(self._post, does=True)

    def _answered(self, answer: Callable[[], None], does: bool) -> None:
        try:
            refuse_others(self.headers, self.connection.getsockname()[1], does)
            answer()
        except Refused as refused:
            # what is left of the request is not read as another one
            self.close_connection = True
            with suppress(OSError):
                self._send_json({"refused": refused.line}, refused.status)
                self._linger()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception:
            # a page that shows nothing must not look like one to which nothing happens
            self.close_connection = True
            logging.getLogger("beamgym.hardware_bridge").warning("the page failed", exc_info=True)
            self._send_json({"refused": "the page failed; the run goes on"}, HTTPStatus.INTERNAL_SERVER_ERROR)

    def _get(self) -> None:
        url = urlsplit(self.path)
        if url.path in _FILES:
            name, kind = _FILES[url.path]
            return self._send(files(__package__).joinpath("web", name).read_bytes(), f"{kind}; charset=utf-8")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/state":
            self.shows.seen(query.get("page", ""))
            return self._send_json(self.shows.shown(query))
        if url.path == "/preview":
            return self._send_json(self.shows.preview(query))
        if url.path == "/events":
            return self._stream(query)
        wanted = _FRAME.fullmatch(url.path)
        picture = self.pictures.picture(int(wanted[1])) if wanted else None
        if picture is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {url.path[:60]} now")
        self._send(picture, "image/jpeg")

    def _post(self) -> None:
        body = self._body()
        token, page = self.headers.get(TOKEN, ""), self.headers.get(PAGE, "")[:64]
        self._send_json(self.shows.do(urlsplit(self.path).path, token, page, body))

    def _linger(self) -> None:
        """Read what a refused request still sends: a connection that is closed before loses the answer."""
        self.connection.shutdown(socket.SHUT_WR)
        self._incoming.until, left = time.monotonic() + LINGER_S, LINGER_BYTES
        while left > 0 and (piece := self.rfile.read1(left)):
            left -= len(piece)

    def _body(self) -> Body:
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not _DIGITS.fullmatch(lengths[0]) or "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "say once how long the request is, and send it as a whole")
        size = int(lengths[0])
        if size > BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {BODY_BYTES} bytes are read")
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the request is no JSON object")
        return body

    def _stream(self, query: dict[str, str]) -> None:
        """Send the present at once, and again whenever it changes, until the page is gone."""
        server = self.server
        assert isinstance(server, _Server)
        with server.stream():
            self.close_connection = True
            self._head(HTTPStatus.OK, "text/event-stream")
            self.end_headers()
            version, last = -1, False
            while not last:
                # once more after the server was told to end: with what came just before
                last = not server.serving
                self.shows.seen(query.get("page", ""))
                if self.shows.version == version:
                    self.wfile.write(f"event: pulse\ndata: {time.time()}\n\n".encode())
                else:
                    shown = self.shows.shown(query)
                    version = shown["version"]
                    self.wfile.write(f"data: {json.dumps(shown, allow_nan=False)}\n\n".encode())
                if server.serving:
                    self.shows.wait(version, PULSE_S)
                    time.sleep(SETTLE_S)
            self.wfile.write(b"event: over\ndata:\n\n")

    def _send_json(self, content: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(content, allow_nan=False).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._head(status, kind)
        self.send_header("Content-Length", str(len(content)))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, POST")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")

"""Serves the page on loopback: the present as a stream, the last frame as a picture, and the few things it may do."""

import json
import logging
import re
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from beamgym.hardware_bridge.operator_page.access import PAGE, TOKEN, Refused, refuse_others
from beamgym.hardware_bridge.operator_page.picture import jpeg
from beamgym.hardware_bridge.operator_page.shows import Shows

LOOPBACK, PORT = "127.0.0.1", 8765

CONNECTIONS = 32
"""Requests answered at once; more are turned away, so that no number of pages can slow a guard down."""

BODY_BYTES = 4096
PULSE_S = 2.0
"""An open page hears at least so often, seconds, that the run's process lives."""

SETTLE_S = 0.02  # changes that come within this go out as one

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.js": ("page.js", "text/javascript"),
    "/page.css": ("page.css", "text/css"),
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
_FRAME = re.compile(r"/frame/(\d{1,9})\.jpg")

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
        """Serve nothing any more; streams that are open end within seconds."""
        self._server.serving = False
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads, block_on_close, allow_reuse_address = True, False, True
    serving = True

    def __init__(self, *arguments: Any) -> None:
        self._room = threading.BoundedSemaphore(CONNECTIONS)
        super().__init__(*arguments)

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


class _Handler(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version, timeout = "HTTP/1.1", "beamgym", "", 10.0
    shows: Shows
    pictures: _Pictures

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
            self._send_json({"refused": refused.line}, refused.status)
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
        if url.path == "/events":
            return self._stream(query.get("page", ""))
        wanted = _FRAME.fullmatch(url.path)
        picture = self.pictures.picture(int(wanted[1])) if wanted else None
        if picture is None:
            raise Refused(HTTPStatus.NOT_FOUND, f"there is no {url.path[:60]} now")
        self._send(picture, "image/jpeg")

    def _post(self) -> None:
        body = self._body()
        token, page = self.headers.get(TOKEN, ""), self.headers.get(PAGE, "")[:64]
        self._send_json(self.shows.do(urlsplit(self.path).path, token, page, body))

    def _body(self) -> Body:
        try:
            size = int(self.headers.get("Content-Length", ""))
        except ValueError:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "say how long the request is") from None
        if not 0 <= size <= BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {BODY_BYTES} bytes are read")
        try:
            body = json.loads(self.rfile.read(size) or b"{}")
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise Refused(HTTPStatus.BAD_REQUEST, "the request is no JSON object")
        return body

    def _stream(self, page: str) -> None:
        """Send the present at once, and again whenever it changes, until the page is gone."""
        self.close_connection = True
        self._head(HTTPStatus.OK, "text/event-stream")
        self.end_headers()
        version, server = -1, self.server
        while isinstance(server, _Server) and server.serving:
            self.shows.seen(page)
            if self.shows.version == version:
                self.wfile.write(f"event: pulse\ndata: {time.time()}\n\n".encode())
            else:
                shown = self.shows.shown({})
                version = shown["version"]
                self.wfile.write(f"data: {json.dumps({**shown, 'now_s': time.time()}, allow_nan=False)}\n\n".encode())
            self.wfile.flush()
            self.shows.wait(version, PULSE_S)
            time.sleep(SETTLE_S)

    def _send_json(self, content: Any, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._send(json.dumps(content, allow_nan=False).encode(), "application/json", status)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self._head(status, kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _head(self, status: HTTPStatus, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")

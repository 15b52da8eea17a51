"""Who may do what on the page: where a request comes from, whether it has the run's token, and which page holds it."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus

TOKEN, PAGE = "X-Beamgym-Token", "X-Beamgym-Page"
"""Headers of a request that does something: the run's token, and the page's own name.

Headers, and no cookie: a browser adds a cookie by itself, also for other servers on this computer, and no header.
"""

SILENT_S = 10.0
"""A page that holds the run and is away for so long, seconds, holds it no more."""

_OWN_SITE = ("same-origin", "none")  # "none" is an address that was typed, or opened from a terminal


class Refused(Exception):
    """A request that is not granted: an HTTP status, and why in one line."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status, self.line = status, line


def refuse_others(headers: Message, port: int, does: bool) -> None:
    """Refuse what another site, another address or another program's form has sent.

    Parameters
    ----------
    headers : of the request
    port : on which the page is served
    does : it does something, rather than only look

    Raises
    ------
    Refused : Host, Origin or Sec-Fetch-Site is another than this page's own, or the request has no Origin and does
        something
    """
    # By name as well: a site whose name was made to point here still says its own.
    hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
    host = headers.get("Host", "")
    if host not in hosts:
        raise Refused(HTTPStatus.FORBIDDEN, f"the page is at http://{hosts[0]}, and at no other address")
    origin = headers.get("Origin")
    if (origin is None and does) or origin not in (None, f"http://{host}"):
        raise Refused(HTTPStatus.FORBIDDEN, "the request comes from another site")
    if headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
        raise Refused(HTTPStatus.FORBIDDEN, "the request comes from another site")
    if does and headers.get("Content-Type", "").partition(";")[0].strip() != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")


@dataclass
class Holder:
    """The page that holds a run: its own name, what its operator is called, and when it was last there."""

    page: str
    operator: str
    seen: float


class Access:
    """The token of one run, and which of the pages that have it may act.

    Parameters
    ----------
    run : name of the run, which the token begins with: a token of another run is told from a wrong one
    clock : seconds that only grow

    Attributes
    ----------
    token : to be given to who may act
    """

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.run, self.token = run, f"{run}.{secrets.token_urlsafe(24)}"
        self._clock, self._turn = clock, threading.Lock()
        self._holder: Holder | None = None

    def has_token(self, given: str) -> bool:
        """Whether this is the run's token."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def require_token(self, given: str) -> None:
        """Raise Refused unless this is the run's token."""
        if self.has_token(given):
            return
        other = given.rpartition(".")[0]
        if other and other != self.run:
            raise Refused(HTTPStatus.FORBIDDEN, f"this token is of {other}; this run is {self.run}: take its own link")
        raise Refused(
            HTTPStatus.FORBIDDEN, "without the run's token this page only looks; open the link with the token"
        )

    def take(self, given: str, page: str, operator: str, over: bool = False) -> None:
        """Let a page hold the run.

        Parameters
        ----------
        given : the token
        page, operator : the page's own name, and what its operator is called
        over : also where another page holds it

        Raises
        ------
        Refused : another page holds it, a wrong token, or a page without a name, for which any other would be taken
        """
        self.require_token(given)
        if not page:
            raise Refused(HTTPStatus.BAD_REQUEST, f"a page that holds the run needs a name; send it as {PAGE}")
        with self._turn:
            held = self._present()
            if held is not None and held.page != page and not over:
                raise Refused(HTTPStatus.CONFLICT, f"{held.operator} holds this run on another page")
            self._holder = Holder(page, operator[:40] or "an operator", self._clock())

    def release(self, given: str, page: str) -> None:
        """Let go of the run, where this page holds it; raises Refused for a wrong token."""
        self.require_token(given)
        with self._turn:
            if self._holder is not None and self._holder.page == page:
                self._holder = None

    def require_holder(self, given: str, page: str) -> str:
        """Return what the operator of a page is called that has the token and holds the run; raises Refused."""
        self.require_token(given)
        with self._turn:
            held = self._present()
            if held is None or held.page != page:
                by = "no page" if held is None else f"{held.operator}, on another page,"
                raise Refused(HTTPStatus.CONFLICT, f"{by} holds this run; take it before you act")
            held.seen = self._clock()
            return held.operator

    def seen(self, page: str) -> None:
        """Note that a page is there."""
        with self._turn:
            if self._holder is not None and self._holder.page == page:
                self._holder.seen = self._clock()

    def holder(self) -> tuple[str, str] | None:
        """Return the name of the page that holds the run and of its operator; None where none does."""
        with self._turn:
            held = self._present()
            return None if held is None else (held.page, held.operator)

    def _present(self) -> Holder | None:
        if self._holder is not None and self._clock() - self._holder.seen > SILENT_S:
            self._holder = None
        return self._holder

"""The two things that a page can show: a run as it is now, with what may be done to it, and one that is over."""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from numpy.typing import NDArray

from beamgym.hardware_bridge.operator_page.access import Access, Refused
from beamgym.hardware_bridge.operator_page.hold import Hold
from beamgym.hardware_bridge.operator_page.person import Person
from beamgym.hardware_bridge.operator_page.view import PageView

Body = Mapping[str, Any]


class Shows(Protocol):
    """What a page is served from."""

    @property
    def access(self) -> Access | None:
        """Who may act; None where nobody can."""
        ...

    @property
    def version(self) -> int:
        """Grows with every change."""
        ...

    def wait(self, version: int, seconds: float) -> None:
        """Return when the version is another one, or after so many seconds."""
        ...

    def wake(self) -> None:
        """Let those that wait look again."""
        ...

    def shown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what is shown to a page, as JSON has it."""
        ...

    def preview(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what a frame would show with axes elsewhere, as JSON has it; raises Refused where nobody knows."""
        ...

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of a frame (rows, columns), where there is one now."""
        ...

    def seen(self, page: str) -> None:
        """Note that a page is there."""
        ...

    def do(self, path: str, token: str, page: str, body: Body) -> dict[str, Any]:
        """Do what a page asks; raises Refused."""
        ...


class LiveShow:
    """A run as it is now.

    Parameters
    ----------
    view : its present, and its questions
    access : who may act
    stop : stops it in good order, called with the reason; from any thread
    hold : makes it wait before its next command
    person : takes the decisions of a person at the page; None where a policy decides
    """

    def __init__(
        self,
        view: PageView,
        access: Access,
        stop: Callable[[str], object],
        hold: Hold | None = None,
        person: Person | None = None,
    ) -> None:
        self.view, self.access, self.hold = view, access, hold or Hold()
        self._stop, self._person = stop, person
        self._stopped_by = ""
        self._held: tuple[str, str] | None = None
        # Everything but the stop: only the page that holds the run.
        self._acts: dict[str, Callable[[Body, str], None]] = {
            "/answer": self._answer,
            "/turn": self._take_turn,
            "/pause": lambda body, operator: self.hold.hold(operator),
            "/go-on": lambda body, operator: self.hold.go_on(),
        }

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self.view.version

    def wait(self, version: int, seconds: float) -> None:
        """Return when something has changed, or after so many seconds."""
        with self.view.changed:
            self.view.changed.wait_for(lambda: self.view.version != version, seconds)

    def wake(self) -> None:
        """Let those that wait look again."""
        self.view.change()

    def shown(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return the present, as a page with the name ``page`` sees it.

        No page is told the name of another: by its name a page says that its operator is there.
        """
        held = self.access.holder()
        holder = None if held is None else {"operator": held[1], "mine": held[0] == query.get("page")}
        now = {"live": True, "holder": holder, "paused_by": self.hold.by, "stopped_by": self._stopped_by}
        return {**self.view.shown(), **now, "now_s": time.time()}

    def preview(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what the next frame would show with axes elsewhere; those that are not named stay.

        Raises
        ------
        Refused : no frame has told yet how the sample stands, or a place that is no number
        """
        return self.view.preview(query)

    def image(self, number: int) -> NDArray[Any] | None:
        """Return the image of a frame, where it is the last one."""
        return self.view.image(number)

    def seen(self, page: str) -> None:
        """Note that a page is there; who holds the run may be another one since the last look."""
        self.access.seen(page)
        held = self.access.holder()
        if held != self._held:
            self._held = held
            self.view.change()

    def do(self, path: str, token: str, page: str, body: Body) -> dict[str, Any]:
        """Do what a page asks.

        Whoever sees the page may stop the run, as whoever stands before an instrument may: it leads to where nothing
        moves and the shutter is closed. Everything else needs the token, and is for the page that holds the run.

        Raises
        ------
        Refused : it may not, or it is too late
        """
        if path == "/stop":
            by = _operator(body) + ("" if self.access.has_token(token) else ", whose page has no token")
            self._stopped_by = self._stopped_by or by
            self._stop(f"stopped on the page by {by}")
        elif path == "/take":
            self.access.take(token, page, _operator(body), body.get("over") is True)
        elif path == "/release":
            self.access.release(token, page)
        elif path in self._acts:
            operator = self.access.require_holder(token, page)
            self._acts[path](body, operator)
        else:
            raise Refused(HTTPStatus.NOT_FOUND, "the page can answer, pause, and stop, and do nothing else")
        self.view.change()
        return {}

    def _take_turn(self, body: Body, operator: str) -> None:
        if self._person is None:
            raise Refused(HTTPStatus.CONFLICT, "a policy decides in this run; a person can answer, pause and stop")
        if self.view.ended:
            raise Refused(HTTPStatus.CONFLICT, "the run has ended; nothing is sent")
        self._person.take(body)

    def _answer(self, body: Body, operator: str) -> None:
        number, sha256, answer = (str(body.get(name, "")) for name in ("number", "sha256", "answer"))
        self.view.answer(number, sha256, answer, operator)


def _operator(body: Body) -> str:
    # a name is shown on every page and in a line of the log
    name = "".join(each for each in str(body.get("operator", "")) if each.isprintable())[:40].strip()
    return name or "an operator"
